package sqltext

import (
	"bytes"
	"fmt"
	"io"
)

const (
	msgNUL   = "NUL byte: this is not SQL text"
	msgUTF16 = "this file is UTF-16: save it as UTF-8"
)

// errorAt makes an Error for place i of the current piece.
func (s *Scanner) errorAt(i int, format string, args ...any) error {
	if nul := bytes.IndexByte(s.in.data[:s.in.pos], 0); nul >= 0 && nul < i {
		i, format, args = nul, msgNUL, nil
	}
	return &Error{Pos: s.place(i), Msg: fmt.Sprintf(format, args...)}
}

// place returns the place in the input of place i of the current piece.
func (s *Scanner) place(i int) Pos {
	p := s.cur
	if i >= s.bom {
		p = p.advance(s.in.data[s.bom:i])
		p.Offset += int64(s.bom)
	}
	return p
}

// unfinished makes the Error for what begins at i and has no end. Mostly its
// quote is missing long before the end of the input, so the first section
// that it swallowed is named.
func (s *Scanner) unfinished(i int, what string) error {
	if err := s.in.fault(); err != nil {
		return err
	}
	if err := s.checkNUL(); err != nil {
		return err
	}
	msg := "the " + what + " that begins here is not finished"
	if at, line, ok := s.swallowed(max(s.first, 0)); ok {
		where := "is inside it"
		if at < i {
			where = "was taken for a part of an earlier one: look for the quote before it"
		}
		msg += fmt.Sprintf("; line %d (%s) %s", s.place(at).Line, shorten(line), where)
	}
	return &Error{Pos: s.place(i), Msg: msg}
}

// swallowed finds the first line at or behind place i that Marker would have
// taken for the end of a section, had it been looked at.
func (s *Scanner) swallowed(i int) (at int, line string, ok bool) {
	if s.opt.Marker == nil {
		return 0, "", false
	}
	for data := s.in.data[:s.in.pos]; ; {
		n := bytes.IndexByte(data[i:], '\n')
		if n < 0 {
			return 0, "", false
		}
		i += n + 1
		for i < len(data) && (data[i] == ' ' || data[i] == '\t') {
			i++
		}
		if !bytes.HasPrefix(data[i:], []byte("--")) {
			continue
		}
		end := bytes.IndexByte(data[i:], '\n')
		if end < 0 {
			end = len(data) - i
		}
		if line := markerLine(data[i : i+end]); s.opt.Marker(line) {
			return i, line, true
		}
	}
}

// markerLine is a line as Marker wants it: without its end.
func markerLine(b []byte) string { return string(bytes.TrimSuffix(b, []byte("\r"))) }

// shorten keeps a piece of the input that goes into a message short.
func shorten(text string) string {
	const most = 40
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "..."
	}
	return text
}

// fault is the reader's own error, nil at the regular end.
func (in *input) fault() error {
	if in.err == nil || in.err == io.EOF {
		return nil
	}
	return fmt.Errorf("read SQL text: %w", in.err)
}
