package migration

import (
	"fmt"
	"strings"
)

// A Problem is one thing that is wrong with one file.
type Problem struct {
	File   string
	Line   int // 0 where the whole file is meant
	Column int
	Msg    string
}

func (p Problem) Error() string {
	switch {
	case p.Line == 0:
		return fmt.Sprintf("%s: %s", p.File, p.Msg)
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Msg)
}

// Problems is everything that is wrong with a folder, in the order of its
// files. It is what Load returns, so that one look mends them all.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, q := range p {
		lines[i] = q.Error()
	}
	return strings.Join(lines, "\n")
}
