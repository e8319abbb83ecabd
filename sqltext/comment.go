package sqltext

import "bytes"

// toLineEnd moves to the end of the line, before the line feed.
func (s *Scanner) toLineEnd() {
	in := &s.in
	for {
		rest := in.data[in.pos:]
		i := bytes.IndexByte(rest, '\n')
		if i >= 0 {
			rest = rest[:i]
		}
		if s.lex.BareReturn {
			if k := bytes.IndexByte(rest, '\r'); k >= 0 {
				in.pos += k
				return
			}
		}
		in.pos += len(rest)
		if i >= 0 || !in.fill() {
			return
		}
	}
}

// commentOrVersion reads a /* comment, or just the opening of a version
// comment, whose inside is code.
func (s *Scanner) commentOrVersion() (kind, error) {
	if s.lex.VersionComments {
		if n := s.version(); n > 0 {
			s.in.pos += n
			s.versions++
			s.versionAt = s.tok
			return tokVersion, nil
		}
	}
	s.escaped = false
	done := false
	at := s.in.pos
	if s.lex.NestedComments {
		done = s.nested()
	} else {
		done = s.find("*/", 2)
	}
	if done {
		return tokComment, nil
	}
	if s.lex.OpenComments && s.in.fault() == nil {
		if _, _, swallowed := s.swallowed(at); !swallowed {
			return tokComment, nil
		}
	}
	return tokComment, s.unfinished(at, "comment")
}

// version returns the length of the opening of a version comment here:
// /*!, /*!40101, /*M!100100. It is 0 for an ordinary comment, and for the
// comment that mariadb-dump writes to its client: /*M!999999\- enable ...
func (s *Scanner) version() int {
	in := &s.in
	n := 2
	if in.peek(n) == 'M' {
		n++
	}
	if in.peek(n) != '!' {
		return 0
	}
	n++
	for isDigit(in.peek(n)) {
		n++
	}
	if in.peek(n) == '\\' && in.peek(n+1) == '-' {
		return 0
	}
	return n
}

// nested passes over a comment that may hold comments.
func (s *Scanner) nested() bool {
	in := &s.in
	in.pos += 2
	for depth := 1; depth > 0; {
		rest := in.data[in.pos:]
		i := 0
		for i < len(rest) && rest[i] != '*' && rest[i] != '/' {
			i++
		}
		in.pos += i
		if i == len(rest) {
			if !in.fill() {
				return false
			}
			continue
		}
		switch c, next := in.peek(0), in.peek(1); {
		case c == '*' && next == '/':
			depth--
			in.pos += 2
		case c == '/' && next == '*':
			depth++
			in.pos += 2
		default:
			in.pos++
		}
	}
	return true
}
