package sqltext

import (
	"bytes"
	"strings"
)

// A Token is one piece of a statement, as written.
type Token struct {
	Text string
	Bare bool // a word without quotes
	At   int  // where it begins in the statement, in bytes
}

// Is reports whether the token is this keyword, given in upper case.
func (t Token) Is(word string) bool { return t.Bare && strings.EqualFold(t.Text, word) }

// Tokens returns the tokens of one statement without its comments. They end
// before the first one whose reading depends on what the text does not tell:
// a string with a backslash, which a setting of the session's may or may not
// make an escape; in MySQL double quotes and version comments, which depend
// on the session and on the server; a quoted name with U& before it. whole
// says that there was none.
func Tokens(text string, l Lexis) (tokens []Token, whole bool) { return lex(text, l, true) }

// Lex returns the tokens of one statement without its comments, as Tokens
// does, but goes on behind strings that may or may not hold an escape and
// behind double quotes that may or may not be a name's: for a reader who asks
// of no string what is in it. It ends before a version comment of MySQL.
func Lex(text string, l Lexis) (tokens []Token, whole bool) { return lex(text, l, false) }

func lex(text string, l Lexis, certain bool) (tokens []Token, whole bool) {
	s := NewScanner(bytes.NewReader(nil), l, Options{})
	s.in.data = []byte(text)
	s.piece = piece{first: -1}
	for {
		k, err := s.token()
		if err != nil {
			return tokens, false
		}
		t := Token{Text: string(s.in.data[s.tok:s.in.pos]), Bare: k == tokWord, At: s.tok}
		switch k {
		case tokEnd:
			return tokens, true
		case tokLineComment, tokComment:
			continue
		case tokVersion, tokVersionClose:
			return tokens, false
		case tokString:
			if n := len(tokens); n > 1 && tokens[n-1].Text == "&" && tokens[n-2].Is("U") {
				return tokens[:n-2], false
			}
			escapes := certain && (l.BackslashEscapes || l.EscapeStrings) && t.Text[0] != '$' && strings.Contains(t.Text, `\`)
			if escapes || certain && l.DoubleQuoteString && t.Text[0] == '"' {
				return tokens, false
			}
		}
		tokens = append(tokens, t)
		s.first = 0
	}
}
