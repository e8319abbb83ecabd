package main

import (
	"encoding/json"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// A passage is what the search finds: a heading with what stands below it, up
// to the next one.
type passage struct {
	page, anchor, title, heading string
	text                         strings.Builder
}

// passages cuts a page at its headings. A heading of the fourth level or below
// belongs to the one above it.
func passages(p *page, doc ast.Node, src []byte) (out []*passage) {
	at := &passage{page: p.target}
	out = append(out, at)
	say := func(text string) {
		if text = strings.TrimSpace(text); text != "" {
			at.text.WriteString(" " + text + " ")
		}
	}
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // it returns no error
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			switch text := plain(n, src); {
			case n.Level == 2 || n.Level == 3:
				id, _ := n.AttributeString("id")
				at = &passage{page: p.target, anchor: string(id.([]byte)), heading: text}
				out = append(out, at)
			case n.Level > 3:
				say(text)
			}
			return ast.WalkSkipChildren, nil
		case *ast.FencedCodeBlock:
			say(string(n.Lines().Value(src)))
		case *ast.CodeBlock:
			say(string(n.Lines().Value(src)))
		case *ast.Text:
			at.text.Write(n.Segment.Value(src))
			if n.SoftLineBreak() || n.HardLineBreak() {
				at.text.WriteByte(' ')
			}
		case *ast.AutoLink:
			say(string(n.Label(src)))
		default:
			if n.Type() == ast.TypeBlock {
				at.text.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	for _, x := range out {
		x.title = p.Title
	}
	return out
}

// searchIndex is the index as a script: a page that is opened as a file may
// load one, and nothing else.
func searchIndex(all []*passage) (string, error) {
	list := make([][]string, len(all))
	for i, p := range all {
		list[i] = []string{p.page, p.anchor, p.title, p.heading, strings.Join(strings.Fields(p.text.String()), " ")}
	}
	text, err := json.Marshal(list)
	return "searchIndex(" + string(text) + ");\n", err
}
