package main

import (
	"html"
	"regexp"
	"strings"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// blocks writes blocks of code, coloured when the site is made.
type blocks struct{}

func (blocks) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			b := n.(*ast.FencedCodeBlock)
			_, _ = w.WriteString(block(string(b.Language(source)), string(b.Lines().Value(source)))) // it is a buffer, whose Flush has the error
		}
		return ast.WalkSkipChildren, nil
	})
	r.Register(ast.KindCodeBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			_, _ = w.WriteString(block("text", string(n.Lines().Value(source))))
		}
		return ast.WalkSkipChildren, nil
	})
}

// named are languages as somebody who hears the page should hear them.
var named = map[string]string{"bash": "Shell", "go": "Go", "json": "JSON", "python": "Python", "sql": "SQL", "toml": "TOML", "yaml": "YAML"}

// block is a block of code. It can be scrolled by keyboard, as wide lines want
// it on a narrow screen.
func block(language, code string) string {
	label := named[language]
	if label == "" {
		label = "Text"
	}
	return `<pre tabindex="0" role="group" aria-label="` + label + `"><code class="language-` + html.EscapeString(language) + `">` + coloured(language, code) + "</code></pre>\n"
}

// here is a text within a script, which ends with the word that it begins with.
var here = regexp.MustCompile(`(?m)<<'?(SQL|TOML|GO|YAML|JSON)'?$`)

// coloured marks the words of code in the languages that have a lexer. What a
// script writes into a file is code of the file's own language.
func coloured(language, code string) string {
	if language == "bash" {
		if at := here.FindStringSubmatchIndex(code); at != nil {
			word, rest := code[at[2]:at[3]], code[at[1]:]
			if end := strings.Index(rest, "\n"+word+"\n"); end >= 0 {
				return marked("bash", code[:at[1]]) + marked(strings.ToLower(word), rest[:end+1]) + word + "\n" + coloured("bash", rest[end+len(word)+2:])
			}
		}
	}
	return marked(language, code)
}

// marked is coloured for code of one language.
func marked(language, code string) string {
	lexer := lexers.Get(language)
	if lexer == nil || named[language] == "" {
		return html.EscapeString(code)
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, code)
	if err != nil {
		return html.EscapeString(code)
	}
	var b strings.Builder
	for t := range tokens.Stdlib() {
		text := html.EscapeString(t.Value)
		if c := colourOf(t.Type); c != "" && strings.TrimSpace(t.Value) != "" {
			text = `<span class="` + c + `">` + text + "</span>"
		}
		b.WriteString(text)
	}
	return b.String()
}

// colourOf is the class of a kind of word; few colours tell more than many.
func colourOf(t chroma.TokenType) string {
	switch {
	case t.InCategory(chroma.Comment):
		return "c"
	case t.InCategory(chroma.Keyword):
		return "k"
	case t.InSubCategory(chroma.LiteralString):
		return "s"
	case t.InSubCategory(chroma.LiteralNumber):
		return "n"
	case t == chroma.NameTag, t == chroma.NameAttribute, t == chroma.NameVariable, t == chroma.NameBuiltin, t == chroma.NameFunction:
		return "f"
	}
	return ""
}
