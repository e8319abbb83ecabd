package foreign

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
)

var contextWord = lazy.Regexp(`[(),!]|[^\s(),!]+`)

// holds says whether an expression over contexts is true where these hold: a
// comma is or, and the loosest; then or, and, not.
func holds(expression string, contexts []string) bool {
	p := contextReader{words: contextWord().FindAllString(strings.ToLower(expression), -1), contexts: contexts}
	return p.any()
}

type contextReader struct {
	words    []string
	contexts []string
}

// take passes over a word, if it is one of these.
func (p *contextReader) take(words ...string) bool {
	if len(p.words) == 0 || !slices.Contains(words, p.words[0]) {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *contextReader) any() bool {
	out := p.all()
	for p.take(",", "or") {
		out = p.all() || out
	}
	return out
}

func (p *contextReader) all() bool {
	out := p.one()
	for p.take("and") {
		out = p.one() && out
	}
	return out
}

func (p *contextReader) one() bool {
	switch {
	case p.take("!", "not"):
		return !p.one()
	case p.take("("):
		out := p.any()
		p.take(")")
		return out
	case len(p.words) == 0:
		return true
	}
	word := p.words[0]
	p.words = p.words[1:]
	return slices.ContainsFunc(p.contexts, func(c string) bool { return strings.EqualFold(c, word) })
}
