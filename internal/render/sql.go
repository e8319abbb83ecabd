package render

import (
	"strings"
	"unicode"
)

// SQL marks the words of a statement: keywords, strings, comments. It is for
// looking at only, so it is content with what all dialects share.
func (s Style) SQL(text string) string {
	if !s.Color {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		rest := text[i:]
		switch {
		case strings.HasPrefix(rest, "--"):
			n := until(rest, "\n", 0)
			b.WriteString(s.Dim(rest[:n]))
			i += n
		case strings.HasPrefix(rest, "/*"):
			n := until(rest, "*/", 2)
			b.WriteString(s.Dim(rest[:n]))
			i += n
		case rest[0] == '\'':
			n := until(rest[1:], "'", 1) + 1
			b.WriteString(s.Good(rest[:n]))
			i += n
		case rest[0] == '"' || rest[0] == '`':
			n := until(rest[1:], rest[:1], 1) + 1
			b.WriteString(rest[:n])
			i += n
		case wordRune(rune(rest[0])):
			n := strings.IndexFunc(rest, func(r rune) bool { return !wordRune(r) })
			if n < 0 {
				n = len(rest)
			}
			if keywords[strings.ToUpper(rest[:n])] {
				b.WriteString(s.Accent(rest[:n]))
			} else {
				b.WriteString(rest[:n])
			}
			i += n
		default:
			b.WriteByte(rest[0])
			i++
		}
	}
	return b.String()
}

// until is where end stands in text, and extra bytes more.
func until(text, end string, extra int) int {
	if n := strings.Index(text, end); n >= 0 {
		return n + extra
	}
	return len(text)
}

func wordRune(r rune) bool { return r == '_' || r > 0x7f || unicode.IsLetter(r) || unicode.IsDigit(r) }

var keywords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`ADD ALTER ALL AND ANY AS ASC BEGIN BETWEEN BY CASCADE CASE CHECK COLUMN COMMENT COMMIT CONCURRENTLY
		CONSTRAINT COPY CREATE DATABASE DEFAULT DELETE DESC DISTINCT DO DROP ELSE END EXECUTE EXISTS FALSE FOR FOREIGN FROM FUNCTION GRANT GROUP
		HAVING IF IN INDEX INNER INSERT INTO IS JOIN KEY LANGUAGE LEFT LIKE LIMIT MATERIALIZED NOT NULL OF OFFSET ON OR ORDER OUTER PRIMARY
		PROCEDURE REFERENCES RENAME REPLACE RESTRICT RETURN RETURNS REVOKE RIGHT ROLLBACK SCHEMA SELECT SEQUENCE SET TABLE TEMPORARY THEN TO
		TRIGGER TRUE TRUNCATE TYPE UNION UNIQUE UPDATE USING VACUUM VALUES VIEW WHEN WHERE WITH`) {
		m[w] = true
	}
	return m
}()
