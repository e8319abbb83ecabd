package sqltext

// Starts reports whether the statement's first words are these, given in
// upper case. "*" stands for any one word.
func (s Statement) Starts(words ...string) bool {
	if len(words) > len(s.Words) {
		return false
	}
	for i, w := range words {
		if w != "*" && w != s.Words[i] {
			return false
		}
	}
	return true
}

// Word returns the n-th leading word, from 0, or "" where there is none.
func (s Statement) Word(n int) string {
	if n < 0 || n >= len(s.Words) {
		return ""
	}
	return s.Words[n]
}

// words returns the leading words of the statement's text. Bare words get
// their ASCII letters in upper case. Other letters stay: no keyword has one,
// and products disagree about them.
func (s *Scanner) words(text string) []string {
	words := make([]string, len(s.spans))
	s.upper = s.upper[:0]
	for i, w := range s.spans {
		words[i] = text[w.from-s.first : w.to-s.first]
		if w.bare && hasLower(words[i]) {
			s.upper = appendUpper(s.upper, words[i])
		} else {
			s.spans[i].bare = false
		}
	}
	// One string for all of them costs less than one for each.
	all := string(s.upper)
	for i, w := range s.spans {
		if w.bare {
			n := w.to - w.from
			words[i], all = all[:n], all[n:]
		}
	}
	return words
}

func hasLower(word string) bool {
	for i := range len(word) {
		if isLower(word[i]) {
			return true
		}
	}
	return false
}

func appendUpper(b []byte, word string) []byte {
	for i := range len(word) {
		c := word[i]
		if isLower(c) {
			c -= 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
