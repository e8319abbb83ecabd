package sqltext

import "bytes"

// quoted passes over a string or a quoted name: q ends it unless doubled or,
// with backslash, behind a backslash. in.pos is at the opening quote.
func (s *Scanner) quoted(q byte, backslash bool) error {
	in := &s.in
	at := in.pos
	in.pos++
	for {
		rest := in.data[in.pos:]
		i := quoteIndex(rest, q, backslash)
		if i < 0 {
			in.pos = len(in.data)
			if !in.fill() {
				return s.unfinished(at, quoteNoun(q))
			}
			continue
		}
		in.pos += i + 1
		isQuote := rest[i] == q // rest is gone when peek moves the window
		next := in.peek(0)
		switch {
		case !isQuote: // a backslash
			if next < 0 {
				return s.unfinished(at, quoteNoun(q))
			}
			in.pos++
		case next == int(q):
			in.pos++
		default:
			return nil
		}
	}
}

// quoteIndex finds the next byte that may end a quote.
func quoteIndex(b []byte, q byte, backslash bool) int {
	if !backslash {
		return bytes.IndexByte(b, q)
	}
	for i, c := range b {
		if c == q || c == '\\' {
			return i
		}
	}
	return -1
}

func quoteNoun(q byte) string {
	switch q {
	case '"':
		return "text in double quotes"
	case '`':
		return "name in backticks"
	}
	return "string"
}

// bracketed passes over a [name]. There is no way to write ] in it.
func (s *Scanner) bracketed() error {
	if at := s.in.pos; !s.find("]", 1) {
		return s.unfinished(at, "name in brackets")
	}
	return nil
}

// dollar reads what begins with a dollar sign: $1, $$...$$ or $tag$...$tag$.
func (s *Scanner) dollar() (kind, error) {
	in := &s.in
	at := in.pos
	in.pos++
	if isDigit(in.peek(0)) {
		for isDigit(in.peek(0)) {
			in.pos++
		}
		return tokNumber, nil
	}
	if c := in.peek(0); c >= 0 && s.class[c] == clsWord {
		for c >= 0 && (s.class[c] == clsWord || s.class[c] == clsDigit) {
			in.pos++
			c = in.peek(0)
		}
	}
	if in.peek(0) != '$' {
		in.pos = at + 1
		return tokPunct, nil
	}
	in.pos++
	tag := string(in.data[at:in.pos])
	if !s.find(tag, 0) {
		return tokString, s.unfinished(at, "text quoted with "+shorten(tag))
	}
	return tokString, nil
}

// find moves behind the next occurrence of want that begins at least skip
// bytes from here, and reports whether there is one; without one it moves to
// the end. Bytes are looked at once, however often the buffer is refilled.
func (s *Scanner) find(want string, skip int) bool {
	in := &s.in
	in.pos += skip
	target := []byte(want)
	for {
		from := min(in.pos, len(in.data))
		if i := bytes.Index(in.data[from:], target); i >= 0 {
			in.pos = from + i + len(want)
			return true
		}
		in.pos = max(in.pos, len(in.data)-len(want)+1)
		if !in.fill() {
			in.pos = len(in.data)
			return false
		}
	}
}

// readsBackslash reports whether a backslash means something inside the quote
// that begins with q here.
func (s *Scanner) readsBackslash(q byte) bool {
	switch {
	case q == '`':
		return false
	case q == '"':
		return !s.mode.ansiQuotes && s.mode.backslash
	case s.continues():
		return true
	}
	s.escaped = false
	return s.mode.backslash
}

// continues reports whether the string here goes on with an E'...' string:
// PostgreSQL joins strings with nothing but blanks and line comments between
// them when a line ends there, and reads them all as it read the first.
func (s *Scanner) continues() bool {
	return s.escaped && bytes.ContainsAny(s.in.data[s.last:s.tok], "\n\r")
}
