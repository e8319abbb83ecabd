package ui

import (
	"html"
	"strings"
)

// A page is a tree of nodes. Whatever is in it is text until it is written,
// and text is escaped where it is written: nothing else can come out of a
// database's name. (The standard library's templates would link
// reflection that keeps every method of every type: two megabytes.)
type node interface{ write(b *strings.Builder) }

// words are a text.
type words string

func (w words) write(b *strings.Builder) { b.WriteString(html.EscapeString(visible(string(w)))) }

// visible has marks that change what stands around them, such as those of
// right-to-left text, in plain sight.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f:
			return '\uFFFD'
		}
		return r
	}, s)
}

// element is one element; the tag and the names of attributes are this
// package's own.
type element struct {
	tag   string
	attrs []attr
	inner []node
}

// attr is an attribute; one whose value is on stands without a value.
type attr struct{ name, value string }

// on is the value of an attribute that is just there.
const on = "\x00"

// void elements have no end.
var void = map[string]bool{"meta": true, "link": true, "img": true, "br": true, "col": true}

func (e element) write(b *strings.Builder) {
	b.WriteString("<" + e.tag)
	for _, a := range e.attrs {
		b.WriteString(" " + a.name)
		if a.value != on {
			b.WriteString(`="` + html.EscapeString(visible(a.value)) + `"`)
		}
	}
	b.WriteString(">")
	if void[e.tag] {
		return
	}
	for _, n := range e.inner {
		n.write(b)
	}
	b.WriteString("</" + e.tag + ">")
}

// many are nodes in a row.
type many []node

func (m many) write(b *strings.Builder) {
	for _, n := range m {
		n.write(b)
	}
}

// el makes an element of attributes (attr), texts (string), nodes and nil,
// which is nothing.
func el(tag string, parts ...any) node {
	e := element{tag: tag}
	for _, p := range parts {
		switch p := p.(type) {
		case nil:
		case attr:
			e.attrs = append(e.attrs, p)
		case string:
			e.inner = append(e.inner, words(p))
		case node:
			e.inner = append(e.inner, p)
		default:
			panic("ui: no part of an element")
		}
	}
	return e
}

func class(names string) attr   { return attr{"class", names} }
func id(name string) attr       { return attr{"id", name} }
func labelled(text string) attr { return attr{"aria-label", text} }

// link leads to an address of ours.
func link(to, text string, parts ...any) node {
	return el("a", append([]any{attr{"href", to}, text}, parts...)...)
}
