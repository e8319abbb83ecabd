package sqltext

import "io"

// atMarker reports whether the line comment just read ends a section, and
// passes over the end of its line if so.
func (s *Scanner) atMarker() bool {
	if s.opt.Marker == nil || !s.alone() {
		return false
	}
	s.asked = markerLine(s.in.data[s.tok:s.in.pos])
	return s.opt.Marker(s.asked)
}

// alone reports whether only blanks stand before the newest token on its line.
func (s *Scanner) alone() bool {
	for i := s.tok - 1; i >= s.bom; i-- {
		switch s.in.data[i] {
		case '\n':
			return true
		case '\r':
			if s.lex.BareReturn {
				return true
			}
		case ' ', '\t', '\v', '\f':
		default:
			return false
		}
	}
	return s.atLineStart
}

// endSection ends what was begun: at the end of the input or, from 0 on, at
// the marker line that begins there.
func (s *Scanner) endSection(marker int) (Statement, error) {
	if s.versions > 0 {
		return Statement{}, s.unfinished(s.versionAt, "comment")
	}
	if s.tokens > 0 {
		if s.body.unfinished() {
			return Statement{}, s.unfinishedBody(marker)
		}
		if s.body.copies {
			return Statement{}, s.errorAt(s.first, msgNoRows, s.place(s.first).Line)
		}
		// What follows the statement is read once more, as the gap that it is.
		return s.cutOpen()
	}
	if marker < 0 {
		return Statement{}, s.finish(io.EOF)
	}
	s.marker, s.markerAt = s.asked, s.place(marker)
	if s.in.peek(0) == '\r' {
		s.in.pos++
	}
	if s.in.peek(0) == '\n' {
		s.in.pos++
	}
	err := s.finish(ErrMarker)
	s.resetSection()
	return Statement{}, err
}

// finish makes all that was passed over the last gap.
func (s *Scanner) finish(with error) error {
	if err := s.checkNUL(); err != nil {
		return err
	}
	s.gap = s.in.data[:s.in.pos]
	s.advance(s.in.pos)
	s.piece.atLineStart = true
	return with
}

// resetSection forgets what the statements of a section have set.
func (s *Scanner) resetSection() {
	s.delim = ""
	s.class[';'] = clsSemicolon
	s.mode = newMode(&s.lex)
}
