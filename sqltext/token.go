package sqltext

// A kind is what a token is.
type kind byte

const (
	tokEnd          kind = iota // the end of the input
	tokLineComment              // -- to the end of the line
	tokComment                  // any other comment
	tokTerminator               // ; or what DELIMITER put in its place
	tokWord                     // a bare word
	tokNumber                   // a number or parameter
	tokString                   // any quoted thing: string, name, dollar quote
	tokVersion                  // the opening of a version comment, /*!40101
	tokVersionClose             // its closing
	tokPunct                    // any other character
)

// A class is what a token that begins with some byte may be.
type class byte

const (
	clsPunct class = iota
	clsBlank
	clsWord
	clsDigit
	clsQuote // ' " `
	clsBracket
	clsDash
	clsSlash
	clsStar
	clsHash
	clsDollar
	clsSemicolon
	clsBackslash
	clsNUL
)

// classes returns the class of each byte.
func (l *Lexis) classes() (t [256]class) {
	for c := range t {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c >= 0x80:
			t[c] = clsWord
		case '0' <= c && c <= '9':
			t[c] = clsDigit
		case c == ' ', '\t' <= c && c <= '\r':
			t[c] = clsBlank
		}
	}
	t['\''], t['"'] = clsQuote, clsQuote
	t['-'], t['/'], t['*'], t[';'], t[0] = clsDash, clsSlash, clsStar, clsSemicolon, clsNUL
	t['$'] = clsWord
	for _, special := range []struct {
		has bool
		c   byte
		as  class
	}{
		{l.DollarQuotes, '$', clsDollar},
		{l.Backticks, '`', clsQuote},
		{l.Brackets, '[', clsBracket},
		{l.HashComments, '#', clsHash},
		{true, '\\', clsBackslash},
	} {
		if special.has {
			t[special.c] = special.as
		}
	}
	return t
}

// token reads the next token: it lies between s.tok and s.in.pos then. Blanks
// before it are passed over.
func (s *Scanner) token() (kind, error) {
	in := &s.in
	from := in.pos
	s.blanks()
	s.tok = in.pos
	if in.peek(0) < 0 {
		s.work += int64(in.pos - from)
		return tokEnd, in.fault()
	}
	k, err := s.read()
	s.work += int64(in.pos - from)
	return k, err
}

func (s *Scanner) blanks() {
	in := &s.in
	for {
		data, i := in.data, in.pos
		for i < len(data) && s.class[data[i]] == clsBlank {
			i++
		}
		in.pos = i
		if i < len(data) || !in.fill() {
			return
		}
	}
}

// read reads the token that begins here.
func (s *Scanner) read() (kind, error) {
	in := &s.in
	c := in.data[in.pos]
	if s.delim != "" && c == s.delim[0] && s.versions == 0 && s.atDelimiter() {
		in.pos += len(s.delim)
		return tokTerminator, nil
	}
	switch s.class[c] {
	case clsWord:
		s.word()
		if s.lex.EscapeStrings && in.pos == s.tok+1 && in.peek(0) == '\'' {
			switch c {
			case 'e', 'E':
				s.escaped = true
				return tokString, s.quoted('\'', true)
			case 'b', 'B', 'x', 'X':
				return tokString, s.quoted('\'', false)
			}
		}
		s.clip()
		return tokWord, nil
	case clsDigit:
		k := s.number()
		s.clip()
		return k, nil
	case clsQuote:
		return tokString, s.quoted(c, s.readsBackslash(c))
	case clsBracket:
		return tokString, s.bracketed()
	case clsDollar:
		return s.dollar()
	case clsDash:
		if in.peek(1) == '-' && s.dashes() {
			s.toLineEnd()
			return tokLineComment, nil
		}
	case clsHash:
		s.toLineEnd()
		return tokComment, nil
	case clsSlash:
		if in.peek(1) == '*' {
			return s.commentOrVersion()
		}
	case clsStar:
		if s.versions > 0 && in.peek(1) == '/' {
			in.pos += 2
			s.versions--
			return tokVersionClose, nil
		}
	case clsSemicolon:
		if s.delim == "" && s.versions == 0 {
			in.pos++
			return tokTerminator, nil
		}
	case clsNUL:
		return tokPunct, s.errorAt(s.tok, msgNUL)
	}
	in.pos++
	return tokPunct, nil
}

// word passes over the rest of a word.
func (s *Scanner) word() {
	in := &s.in
	for {
		data, i := in.data, in.pos
		for i < len(data) && s.wordByte[data[i]] {
			i++
		}
		in.pos = i
		if i < len(data) || !in.fill() {
			return
		}
	}
}

// number passes over a number, or over a word that begins with digits.
func (s *Scanner) number() kind {
	in := &s.in
	for {
		c := in.peek(0)
		switch {
		case c < 0:
			return tokNumber
		case s.class[c] == clsDigit:
			in.pos++
		case s.class[c] == clsWord:
			s.word()
			return tokNumber
		case c == '.' && isDigit(in.peek(1)):
			in.pos += 2
		default:
			return tokNumber
		}
	}
}

func isDigit(c int) bool { return '0' <= c && c <= '9' }

// dashes reports whether the two dashes here begin a comment. MySQL wants
// white space behind them, since 5--1 is a sum there; but where a statement
// begins no sum can stand, and its client takes --x for a comment as well.
func (s *Scanner) dashes() bool {
	if !s.lex.DashNeedsSpace || s.first < 0 {
		return true
	}
	c := s.in.peek(2)
	return c <= ' ' || c == 0x7f
}
