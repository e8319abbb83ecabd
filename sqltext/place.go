package sqltext

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// advance returns the place behind text, when text begins at p. Columns count
// characters, and each byte that is no part of one.
func (p Pos) advance(text []byte) Pos {
	p.Offset += int64(len(text))
	if n := bytes.Count(text, newline); n > 0 {
		p.Line += n
		p.Column = 1
		text = text[bytes.LastIndexByte(text, '\n')+1:]
	}
	p.Column += utf8.RuneCount(text)
	return p
}

var newline = []byte("\n")

// At returns the place in the input of the char-th character of the text,
// from 1, as servers count them in their errors. What lies outside the text
// is moved to its nearest end.
func (s Statement) At(char int) Pos {
	i := 0
	for ; char > 1 && i < len(s.Text); char-- {
		_, n := utf8.DecodeRuneInString(s.Text[i:])
		i += n
	}
	return s.at(i)
}

// Line returns the place in the input where the n-th line of the text begins,
// from 1. The first begins at Start; what lies outside is moved to the
// nearest end.
func (s Statement) Line(n int) Pos {
	return s.at(s.line(n))
}

// Near returns the place of the first occurrence of quote at or behind the
// n-th line of the text: where a server says "near '...' at line n" and not
// which character it means.
func (s Statement) Near(quote string, n int) (Pos, bool) {
	from := s.line(n)
	i := strings.Index(s.Text[from:], quote)
	if i < 0 {
		return s.at(from), false
	}
	return s.at(from + i), true
}

// Once returns the place where a word stands in the text, if it stands there
// once: not as a part of another word, and in upper or lower case.
func (s Statement) Once(word string) (Pos, bool) {
	if word == "" {
		return s.Start, false
	}
	text, at := lowerASCII(s.Text), -1
	word = lowerASCII(word)
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			break
		}
		i += from
		from = i + 1
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		behind, _ := utf8.DecodeRuneInString(text[i+len(word):])
		if inWord(before) || inWord(behind) {
			continue
		}
		if at >= 0 {
			return s.Start, false
		}
		at = i
	}
	if at < 0 {
		return s.Start, false
	}
	return s.at(at), true
}

func inWord(r rune) bool { return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// lowerASCII keeps every byte at its place.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// line returns the offset in the text where its n-th line begins.
func (s Statement) line(n int) int {
	i := 0
	for ; n > 1; n-- {
		k := strings.IndexByte(s.Text[i:], '\n')
		if k < 0 {
			return len(s.Text)
		}
		i += k + 1
	}
	return i
}

func (s Statement) at(offset int) Pos {
	if offset >= len(s.Text) && s.End != (Pos{}) {
		return s.End
	}
	if s.Filled != nil {
		return s.Start.advance([]byte(s.Filled.Written[:s.Filled.origin(offset)]))
	}
	return s.Start.advance([]byte(s.Text[:offset]))
}

// Offset returns the place in the input of the byte of the text with that
// number, from 0.
func (s Statement) Offset(n int) Pos { return s.at(min(max(n, 0), len(s.Text))) }
