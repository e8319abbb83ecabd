package diagram

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Mermaid writes the picture as an erDiagram. What Mermaid's grammar has no
// spelling for is replaced by something near it, and a column's own spelling
// is in its comment then.
func (p *Picture) Mermaid() string {
	var b strings.Builder
	b.WriteString("%% " + Maker + "\nerDiagram\n")
	names := p.mermaidNames()
	for i, box := range p.Boxes {
		fmt.Fprintf(&b, "    %s {\n", names[i])
		for _, r := range box.Rows {
			kind, name := mermaidWord(r.Type), mermaidWord(r.Name)
			fmt.Fprintf(&b, "        %s %s", kind, name)
			var keys []string
			for _, k := range []struct {
				has  bool
				word string
			}{{r.Primary, "PK"}, {r.Foreign, "FK"}, {r.Unique, "UK"}} {
				if k.has {
					keys = append(keys, k.word)
				}
			}
			if len(keys) > 0 {
				b.WriteString(" " + strings.Join(keys, ", "))
			}
			var say []string
			if r.Mark != "" {
				say = append(say, word(r.Mark))
			}
			if name != r.Name {
				say = append(say, r.Name)
			}
			if kind != r.Type && r.Type != "" {
				say = append(say, r.Type)
			}
			if r.Nullable && !box.View() {
				say = append(say, "null")
			}
			if len(say) > 0 {
				fmt.Fprintf(&b, " %s", mermaidText(strings.Join(say, ", ")))
			}
			b.WriteString("\n")
		}
		b.WriteString("    }\n")
	}
	for _, l := range p.Lines {
		one, many := "||", "o{"
		if l.Optional {
			one = "|o"
		}
		if l.One {
			many = "o|"
		}
		label := strings.Join(l.Columns, ", ")
		if l.Mark != "" {
			label = sign(l.Mark) + " " + label
		}
		fmt.Fprintf(&b, "    %s %s--%s %s : %s\n", names[l.To], one, many, names[l.From], mermaidText(label))
	}
	if p.Changed {
		b.WriteString("    classDef added stroke:#1a7f37,stroke-width:3px\n    classDef changed stroke:#9a6700,stroke-width:3px\n    classDef dropped stroke:#cf222e,stroke-width:3px,stroke-dasharray:6\n")
		for i, box := range p.Boxes {
			if box.Mark != "" {
				fmt.Fprintf(&b, "    %s:::%s\n", names[i], word(box.Mark))
			}
		}
	}
	return b.String()
}

// mermaidNames are the names of the entities, each there once.
func (p *Picture) mermaidNames() []string {
	names, seen := make([]string, len(p.Boxes)), map[string]bool{}
	for i, box := range p.Boxes {
		name := box.Label
		if box.View() {
			name += " (" + box.Kind + ")"
		}
		if box.Mark != "" {
			name = sign(box.Mark) + " " + name
		}
		name = mermaidText(name)
		for n := 2; seen[name]; n++ {
			name = fmt.Sprintf("%s (%d)\"", strings.TrimSuffix(mermaidText(box.Label), `"`), n)
		}
		names[i], seen[name] = name, true
	}
	return names
}

// mermaidText is a text in quotes. Mermaid knows no escape in them, and reads
// a few signs in them as its own; what looks like them says the same.
func mermaidText(text string) string {
	text = strings.NewReplacer(`"`, "'", `\`, "∖", "%", "٪", "<", "‹", ">", "›", "#", "＃", ";", "；", "`", "'").Replace(plain(text))
	if strings.TrimSpace(text) == "" {
		text = "_"
	}
	return `"` + text + `"`
}

// lexer is what Mermaid reads as a word, made when somebody draws: no other
// command's start pays for it.
var lexer struct {
	once          sync.Once
	not, key, top *regexp.Regexp
}

func mermaidLexer() (not, key, top *regexp.Regexp) {
	lexer.once.Do(func() {
		lexer.not = regexp.MustCompile(`[^\p{L}\p{N}_()\[\]-]+`)
		lexer.key = regexp.MustCompile(`(?i)^(pk|fk|uk)\b`) // the words for keys, which it finds wherever they stand alone
		lexer.top = regexp.MustCompile(`^[A-Za-z_]`)
	})
	return lexer.not, lexer.key, lexer.top
}

// mermaidWord is a type or the name of a column, which Mermaid takes without
// quotes alone.
func mermaidWord(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < 0x80, r >= 0xC0 && r <= 0xFFFF:
			b.WriteRune(r)
		default:
			b.WriteByte('_') // beyond what its lexer takes
		}
	}
	not, key, top := mermaidLexer()
	word := strings.TrimRight(not.ReplaceAllString(b.String(), "_"), "_")
	if word == strings.TrimRight(text, "_") {
		word = text
	}
	if !top.MatchString(word) || key.MatchString(word) {
		word = "_" + word
	}
	return word
}
