package sqltext

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// Filled is what is known of a statement in which values stand in the place of
// variables.
type Filled struct {
	Written string // the text as it stands in the input
	Shown   string // the text with the values that anybody may see; of the others what is written

	// Secrets are values in the text that are not to be shown, as they are
	// and as they are spelled there.
	Secrets []string

	Variables []string // whose values they are, in lower case, each as often as it stands there

	marks []Mark
}

// A Mark is one value in a filled text, in bytes.
type Mark struct {
	At, Len       int // in the filled text
	From, Written int // what stands there in the text as written: where, and how long
}

// NewFilled makes one of marks in the order of the text.
func NewFilled(written, shown string, secrets []string, marks []Mark) *Filled {
	return &Filled{Written: written, Shown: shown, Secrets: secrets, marks: marks}
}

// Variables are the variables whose values are in the text.
func (s Statement) Variables() []string {
	if s.Filled == nil {
		return nil
	}
	return s.Filled.Variables
}

// AsWritten is the text as it stands in the input.
func (s Statement) AsWritten() string {
	if s.Filled != nil {
		return s.Filled.Written
	}
	return s.Text
}

// Shown is the text for people: no secret value is in it.
func (s Statement) Shown() string {
	if s.Filled != nil {
		return s.Filled.Shown
	}
	return s.Text
}

// origin is where a byte of the filled text comes from in what is written: of
// one in a value, where its variable begins.
func (f *Filled) origin(offset int) int {
	moved := 0
	for _, m := range f.marks {
		if offset < m.At {
			break
		}
		if offset < m.At+m.Len {
			return m.From
		}
		moved = m.From + m.Written - (m.At + m.Len)
	}
	return min(offset+moved, len(f.Written))
}

// Reading is how a scanner reads at some place of its input, which what stands
// before it may have changed (DELIMITER, sql_mode).
type Reading struct {
	lex   Lexis
	mode  mode
	delim string
}

// Reading is how the next statement will be read.
func (s *Scanner) Reading() Reading { return Reading{s.lex, s.mode, s.delim} }

// A Stretch is a piece of a statement that is no plain code: a string, a name
// in quotes, or a comment.
type Stretch struct {
	From, To int // in bytes
	Comment  bool
}

// Stretches finds them in a text, in order. An error says that one of them has
// no end.
func (r Reading) Stretches(text string) ([]Stretch, error) {
	s := NewScanner(bytes.NewReader(nil), r.lex, Options{})
	s.mode = r.mode
	s.in.data = []byte(text)
	s.piece = piece{first: -1}
	var all []Stretch
	for {
		k, err := s.token()
		switch {
		case err != nil:
			return nil, err
		case k == tokEnd:
			return all, nil
		case k == tokString, k == tokComment, k == tokLineComment:
			all = append(all, Stretch{s.tok, s.in.pos, k != tokString})
		}
		s.first = 0
	}
}

// ErrNotOne says that a text is not exactly one statement.
var ErrNotOne = errors.New("not exactly one statement")

// Words are the leading words of a text, which must be one statement; with
// rows, one that rows follow.
func (r Reading) Words(text string, rows bool) ([]string, error) {
	input := text
	if rows {
		input += ";\n\\.\n"
	}
	s := NewScanner(strings.NewReader(input), r.lex, Options{})
	s.mode, s.delim = r.mode, r.delim
	st, err := s.Next()
	if err != nil {
		return nil, err
	}
	if st.Text != text || rows != (st.Copy != nil) {
		return nil, ErrNotOne
	}
	if _, err := s.Next(); err != io.EOF {
		return nil, ErrNotOne
	}
	return st.Words, nil
}
