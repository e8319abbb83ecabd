package engine

import (
	"strings"
	"unicode/utf8"
)

// Fit makes a text one that a server takes for a column of so many characters,
// 0 for one without end: bytes that are no UTF-8 become U+FFFD, a NUL, which
// PostgreSQL has no place for, is left out, and what is too long is cut behind a
// whole character. Names of users and hosts, reasons and errors come from
// outside: none of them may make a statement of ours fail.
func Fit(text string, most int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
	if most <= 0 || len(text) <= most {
		return text
	}
	for at := range text {
		if most--; most < 0 {
			return text[:at]
		}
	}
	return text
}

// FitBytes is Fit for what is cut at so many bytes.
func FitBytes(text string, most int) string {
	if text = Fit(text, 0); len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
