package config

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
)

// This file finds the secret parts of a URL or connection string. It has to
// work on text that no parser accepts, since that is what ends up in error
// messages, so it takes too much rather than too little wherever there is
// doubt.

const stars = "***"

// span is a half-open range of bytes.
type span struct{ from, to int }

// replaceSpans writes *** for every span; overlapping and touching ones share
// one.
func replaceSpans(text string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	slices.SortFunc(spans, func(a, b span) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.to - a.to
	})
	var b strings.Builder
	at := 0
	for i := 0; i < len(spans); {
		merged := spans[i]
		for i++; i < len(spans) && spans[i].from <= merged.to; i++ {
			merged.to = max(merged.to, spans[i].to)
		}
		b.WriteString(text[at:merged.from])
		b.WriteString(stars)
		at = merged.to
	}
	b.WriteString(text[at:])
	return b.String()
}

// secretSpans are the parts of a URL or connection string that must not be
// seen.
func secretSpans(text string) []span {
	if text == "" {
		return nil
	}
	if i := strings.Index(text, "://"); i >= 0 && schemeLike().MatchString(text[:i]) {
		at := i + len("://")
		return append(userinfoSpans(text, at), querySpans(text, at)...)
	}
	spans := pairSpans(text)
	if at := strings.LastIndexByte(text, '@'); at >= 0 { // user:password@host without a scheme
		if colon := strings.IndexByte(text[:at], ':'); colon >= 0 {
			spans = addSpan(spans, colon+1, at)
		}
	}
	if len(spans) == 0 {
		return []span{{0, len(text)}}
	}
	return spans
}

// schemeLike is what may stand before "://". A user name with a colon behind
// it must not pass for one, Java's double scheme must.
var schemeLike = lazy.Regexp(`^(?i:jdbc:)?[A-Za-z][A-Za-z0-9+.-]*$`)

func addSpan(spans []span, from, to int) []span {
	if from >= to {
		return spans
	}
	return append(spans, span{from, to})
}

// userinfoSpans finds the password before the host of a URL whose scheme ends
// at start. An @ behind the authority means that the password may have held a
// / ? or # as it is; then all from the first colon to the last @ is taken as
// well.
func userinfoSpans(text string, start int) []span {
	rest := text[start:]
	authority := rest[:authorityEnd(rest)]
	last := strings.LastIndexByte(rest, '@')
	if last < 0 {
		if at := badPort(authority); at >= 0 {
			// No host follows, and no port either: a URL cut short, or one
			// whose password swallowed the rest.
			return addSpan(nil, start+at+1, len(text))
		}
		if at := colonInPath(rest); at >= 0 {
			return addSpan(nil, start+at+1, len(text)) // the same, with a slash too many
		}
		return nil
	}
	colon := strings.IndexByte(rest[:last], ':')
	if colon < 0 {
		return nil
	}
	spans := addSpan(nil, start+colon+1, start+last)
	if at := strings.LastIndexByte(authority, '@'); at > colon {
		spans = addSpan(spans, start+colon+1, start+at)
	}
	return spans
}

// colonInPath is the place of a colon in the path of a URL without a host, or
// -1. A drive letter's and those of :memory: do not count.
func colonInPath(rest string) int {
	if !strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "/:memory:") {
		return -1
	}
	path := rest
	if end := strings.IndexAny(path, "?#"); end >= 0 {
		path = path[:end]
	}
	colon := strings.IndexByte(path, ':')
	if colon == len("/C") {
		return -1
	}
	return colon
}

// authorityEnd is where user, password, host and port end and path, query or
// fragment begin.
func authorityEnd(rest string) int {
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		return i
	}
	return len(rest)
}

// badPort is the place of a colon in a list of hosts that no port follows, or
// -1.
func badPort(hosts string) int {
	at := 0
	for host := range strings.SplitSeq(hosts, ",") {
		from := strings.LastIndexByte(host, ']') + 1 // past an IPv6 address
		if colon := strings.IndexByte(host[from:], ':'); colon >= 0 {
			port := host[from+colon+1:]
			if strings.Trim(port, "0123456789") != "" {
				return at + from + colon
			}
		}
		at += len(host) + 1
	}
	return -1
}

// querySpans finds the values of parameters whose names sound secret. Behind
// such a value, pieces without a = are taken for the rest of it.
func querySpans(text string, start int) []span {
	question := strings.IndexByte(text[start:], '?')
	if question < 0 {
		return nil
	}
	var spans []span
	at := start + question + 1
	inSecret := false
	for piece := range strings.SplitSeq(text[at:], "&") {
		name, _, ok := strings.Cut(piece, "=")
		if ok {
			// A stray ? begins a query too, where the first one was part of
			// a password.
			name = name[strings.LastIndexAny(name, "?;#")+1:]
			inSecret = soundsSecret(unescape(name))
		}
		if inSecret {
			from := at
			if ok {
				from += strings.IndexByte(piece, '=') + 1
			}
			spans = addSpan(spans, from, at+len(piece))
		}
		at += len(piece) + 1
	}
	return spans
}

// soundsSecret tells by its name whether a parameter holds a secret.
func soundsSecret(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "passfile", "sslkey": // names of files
		return false
	}
	for _, word := range []string{"pass", "pwd", "secret", "token", "key", "credential"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

var (
	pairKey  = lazy.Regexp(`([A-Za-z_][A-Za-z0-9_]*)\s*=\s*`)
	nextPair = lazy.Regexp(`[\s;]+[A-Za-z_][A-Za-z0-9_]*\s*=`)
)

// pairSpans finds secret values in "host=db user=app password='a b'".
func pairSpans(text string) []span {
	var spans []span
	for _, m := range pairKey().FindAllStringSubmatchIndex(text, -1) {
		if !soundsSecret(text[m[2]:m[3]]) {
			continue
		}
		from := m[1]
		spans = addSpan(spans, from, from+pairValueEnd(text[from:]))
	}
	return spans
}

// pairValueEnd is where a value ends: at its closing quote if nothing but
// another pair follows that, else before the next pair.
func pairValueEnd(value string) int {
	if value != "" && (value[0] == '\'' || value[0] == '"') {
		for i := 1; i < len(value); i++ {
			switch {
			case value[i] == '\\':
				i++
			case value[i] == value[0]:
				after := value[i+1:]
				if m := nextPair().FindStringIndex(after); strings.TrimSpace(after) == "" || m != nil && m[0] == 0 {
					return i + 1
				}
			}
		}
		return len(value)
	}
	if m := nextPair().FindStringIndex(value); m != nil {
		return m[0]
	}
	return len(value)
}

// connects reports whether a text that should be a path or a name is a URL or
// a connection string, so that it is not shown as it is. A folder with a colon
// and an @ behind it is a price worth paying, and so is one with a colon behind
// two slashes: that is a URL that lost its first colon and, where a password
// ended the quotes too early, its host.
func connects(text string) bool {
	if strings.Contains(text, "://") || len(pairSpans(text)) > 0 {
		return true
	}
	text = text[len(filepath.VolumeName(text)):]
	if _, rest, ok := strings.Cut(text, "//"); ok && strings.Contains(rest, ":") {
		return true
	}
	colon := strings.IndexByte(text, ':')
	return colon >= 0 && strings.Contains(text[colon:], "@")
}

// unescape undoes percent-encoding as far as it is one.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	d, _ := unescapeMap(s)
	return string(d)
}

// unescapeMap undoes percent-encoding and says for every byte of the result,
// and for its end, where in s it began.
func unescapeMap(s string) ([]byte, []int) {
	out := make([]byte, 0, len(s))
	at := make([]int, 0, len(s)+1)
	for i := 0; i < len(s); {
		at = append(at, i)
		if hi, lo, ok := escape(s[i:]); ok {
			out = append(out, hi<<4|lo)
			i += 3
			continue
		}
		out = append(out, s[i])
		i++
	}
	return out, append(at, len(s))
}

// escape reads the %XX that s begins with.
func escape(s string) (hi, lo byte, ok bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, 0, false
	}
	hi, ok1 := hexDigit(s[1])
	lo, ok2 := hexDigit(s[2])
	return hi, lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
