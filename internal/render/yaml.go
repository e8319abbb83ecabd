package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
)

// YAML writes the document that JSON would, in its order. Texts of several
// lines stand as lines; whatever a reader could take for something else than
// a text is quoted, as JSON quotes it, which YAML understands.
func YAML(w io.Writer, doc any) error {
	var text bytes.Buffer
	if err := JSON(&text, doc, true); err != nil {
		return err
	}
	d := json.NewDecoder(&text)
	d.UseNumber()
	y := yaml{tokens: d}
	y.value("")
	if y.err != nil {
		return y.err
	}
	_, err := fmt.Fprintf(w, "---\n%s", strings.TrimLeft(y.out.String(), "\n"))
	return err
}

type yaml struct {
	tokens *json.Decoder
	out    strings.Builder
	err    error
}

func (y *yaml) next() json.Token {
	t, err := y.tokens.Token()
	if err != nil && y.err == nil {
		y.err = err
	}
	return t
}

// value writes what comes next behind a key or a dash, with the end of the
// line; what belongs to it is on lines of their own, behind indent.
func (y *yaml) value(indent string) {
	switch t := y.next().(type) {
	case json.Delim:
		if !y.tokens.More() {
			y.next()
			y.out.WriteString(map[json.Delim]string{'{': " {}\n", '[': " []\n"}[t])
			return
		}
		if !strings.HasSuffix(y.out.String(), "-") {
			y.out.WriteString("\n")
		}
		y.entries(t, indent)
		y.next()
	case string:
		y.out.WriteString(" " + scalar(t, indent) + "\n")
	case nil:
		y.out.WriteString(" null\n")
	default:
		fmt.Fprintf(&y.out, " %v\n", t)
	}
}

// entries writes those of a list or a map. The first key of a map in a list
// stands behind the dash.
func (y *yaml) entries(open json.Delim, indent string) {
	for y.tokens.More() && y.err == nil {
		if strings.HasSuffix(y.out.String(), "-") {
			y.out.WriteString(" ")
		} else {
			y.out.WriteString(indent)
		}
		if open == '[' {
			y.out.WriteString("-")
			y.value(indent + "  ")
			continue
		}
		key, _ := y.next().(string)
		y.out.WriteString(scalar(key, "") + ":")
		y.value(indent + "  ")
	}
}

// patterns are compiled when somebody wants YAML.
var patterns = sync.OnceValue(func() (p struct{ plain, word, lines, odd *regexp.Regexp }) {
	p.plain = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_/.()-]*( [A-Za-z0-9_/.()-]+)*$`)
	p.word = regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off|y|n)$`)
	p.lines = regexp.MustCompile(`^[\x21-\x7e` + beyond + `][\t\n\x20-\x7e` + beyond + `]*[\x21-\x7e` + beyond + `]$`)
	// Characters that JSON takes as they are and YAML does not.
	p.odd = regexp.MustCompile(`[\x{7f}-\x{a0}\x{feff}]`)
	return p
})

// beyond are the characters beyond ASCII that YAML takes as they are.
const beyond = `\x{a1}-\x{2027}\x{202a}-\x{d7ff}\x{e000}-\x{fefe}\x{ff00}-\x{fffd}`

func scalar(text, indent string) string {
	p := patterns()
	if p.plain.MatchString(text) && !p.word.MatchString(text) {
		return text
	}
	if indent != "" && strings.Contains(text, "\n") && p.lines.MatchString(text) {
		// A line without anything has no blanks before its end either.
		return "|-\n" + indent + strings.ReplaceAll(strings.ReplaceAll(text, "\n", "\n"+indent), "\n"+indent+"\n", "\n\n")
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string always can be
	return p.odd.ReplaceAllStringFunc(strings.TrimSuffix(b.String(), "\n"), func(s string) string {
		return fmt.Sprintf("\\u%04x", []rune(s)[0])
	})
}
