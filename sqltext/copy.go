package sqltext

import (
	"bytes"
	"fmt"
	"io"
)

const msgNoRows = `rows of COPY at line %d are not ended by \.`

// restOfLine passes over what may follow COPY ... FROM stdin; on its line:
// blanks and a comment. psql would run a statement there behind the rows,
// where nobody looks for it.
func (s *Scanner) restOfLine() error {
	in := &s.in
	for {
		switch c := in.peek(0); {
		case c == '\n':
			in.pos++
			return nil
		case c < 0:
			if err := in.fault(); err != nil {
				return err
			}
			return s.errorAt(s.first, msgNoRows, s.place(s.first).Line)
		case s.class[c] == clsBlank:
			in.pos++
		case c == '-' && in.peek(1) == '-':
			in.pos = in.lineEnd()
		default:
			return s.errorAt(in.pos, "the rows of COPY begin on the next line: nothing else may follow it on its own")
		}
	}
}

// copyRows reads the rows of a COPY from the scanner's input, as they are.
type copyRows struct {
	s         *Scanner
	at        Pos  // of the COPY
	lineStart bool // the next byte begins a line
	swallowed string
	err       error // what Read returns from now on
	end       int   // length of the \. that ended them
}

func (r *copyRows) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && r.err == nil {
		line, err := r.chunk()
		if err != nil {
			r.err = err
			break
		}
		k := copy(p[n:], line)
		r.take(k)
		n += k
	}
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	return 0, r.err
}

// chunk returns the next bytes of rows, to the end of their line at most.
func (r *copyRows) chunk() ([]byte, error) {
	in := &r.s.in
	if in.peek(0) < 0 {
		return nil, r.missingEnd()
	}
	if r.lineStart {
		if r.atEnd() {
			r.end = len(`\.`)
			return nil, io.EOF
		}
		r.look()
	}
	if i := bytes.IndexByte(in.data, '\n'); i >= 0 {
		return in.data[:i+1], nil
	}
	return in.data, nil
}

// atEnd reports whether this line is the one that ends the rows.
func (r *copyRows) atEnd() bool {
	in := &r.s.in
	if in.peek(0) != '\\' || in.peek(1) != '.' {
		return false
	}
	c := in.peek(2)
	if c == '\r' {
		c = in.peek(3)
	}
	return c < 0 && in.fault() == nil || c == '\n'
}

// look remembers the first row that looks like the end of the section, for
// the error if the rows turn out to have no end.
func (r *copyRows) look() {
	s := r.s
	if s.opt.Marker == nil || r.swallowed != "" || s.in.peek(0) != '-' || s.in.peek(1) != '-' {
		return
	}
	end := s.in.lineEnd()
	if line := markerLine(s.in.data[:end]); s.opt.Marker(line) {
		r.swallowed = fmt.Sprintf("; line %d (%s) was taken for a row", s.cur.Line, shorten(line))
	}
}

func (r *copyRows) missingEnd() error {
	if err := r.s.in.fault(); err != nil {
		return err
	}
	return &Error{Pos: r.at, Msg: fmt.Sprintf(msgNoRows, r.at.Line) + r.swallowed}
}

// take moves behind n bytes of one line.
func (r *copyRows) take(n int) {
	s := r.s
	r.lineStart = s.in.data[n-1] == '\n'
	s.cur.Offset += int64(n)
	if r.lineStart {
		s.cur.Line++
	}
	s.in.take(n)
}

// discard passes over the rows that nobody read and returns the length of the
// line that ends them.
func (r *copyRows) discard() (int, error) {
	for r.err == nil {
		line, err := r.chunk()
		if err != nil {
			r.err = err
			break
		}
		r.take(len(line))
	}
	if r.err != io.EOF {
		return 0, r.err
	}
	return r.end, nil
}
