package schema

import "strings"

// squeeze takes what means nothing out of a text: the blanks at its ends, and
// all but one of those between its words. What is quoted stays as it is, and
// so do comments: words behind one that ends with its line would be code on
// the next. Where a backslash may hide the end of a quote, nothing is taken.
func squeeze(text string) string {
	if strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	blank := false
	for at := 0; at < len(text); {
		c := text[at]
		if strings.IndexByte(" \t\r\n\f", c) >= 0 {
			blank = b.Len() > 0
			at++
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		end := at + opaque(text[at:])
		b.WriteString(text[at:end])
		at = end
	}
	return b.String()
}

// opaque is the length of what begins here and must not be looked into.
func opaque(text string) int {
	switch c := text[0]; {
	case c == '\'' || c == '"' || c == '`':
		for i := 1; i < len(text); i++ {
			if text[i] == c {
				return i + 1
			}
		}
		return len(text)
	case strings.HasPrefix(text, "--"), c == '#':
		if i := strings.IndexByte(text, '\n'); i >= 0 {
			return i + 1
		}
		return len(text)
	case strings.HasPrefix(text, "/*"):
		if i := strings.Index(text, "*/"); i >= 0 {
			return i + 2
		}
		return len(text)
	case c == '$':
		tag := strings.IndexByte(text[1:], '$') + 2
		if tag < 2 || strings.ContainsAny(text[:tag], " \t\r\n'\";()") {
			return 1
		}
		if i := strings.Index(text[tag:], text[:tag]); i >= 0 {
			return tag + i + tag
		}
		return len(text)
	}
	return 1
}
