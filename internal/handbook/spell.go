package handbook

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/dbwarden-go/dbwarden/schema"
)

// text is any text within a line or a cell: no sign in it means anything to
// Markdown or HTML.
func text(s string) string {
	var b strings.Builder
	for _, r := range oneLine(s) {
		switch r {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '\\', '`', '*', '_', '{', '}', '[', ']', '(', ')', '#', '+', '!', '|', '~', '$', '@', ':':
			// An underscore within a word means nothing, and is in many names.
			if r == '_' || r == '(' || r == ')' || r == ':' {
				b.WriteRune(r)
				continue
			}
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	out := b.String()
	if strings.HasPrefix(out, "_") || strings.HasSuffix(out, "_") || strings.Contains(out, " _") || strings.Contains(out, "_ ") {
		out = strings.ReplaceAll(out, "_", `\_`)
	}
	return strings.ReplaceAll(out, "://", "&#58;//") // no link of its own
}

// code is a piece of SQL within a line or a cell.
func code(s string) string {
	s = strings.ReplaceAll(oneLine(s), "|", `\|`)
	if strings.TrimSpace(s) == "" {
		return ""
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// codes are several of them.
func codes(all []string) string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = code(s)
	}
	return strings.Join(out, ", ")
}

// oneLine has no sign that ends a line, or hides or reorders what stands
// beside it.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\v' || r == '\f' || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
			return ' '
		case r == 0x200C, r == 0x200D: // joiners, without which some scripts are misspelled
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// anchor is where the part of an object is. Two objects never share one.
func anchor(kind schema.Kind, space, name string) string {
	var b strings.Builder
	b.WriteString(string(kind))
	for _, s := range []string{space, name} {
		if s == "" {
			continue
		}
		b.WriteByte('-')
		for _, r := range s {
			if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_') {
				b.WriteRune(r)
			} else {
				fmt.Fprintf(&b, ".%x.", r)
			}
		}
	}
	return b.String()
}
