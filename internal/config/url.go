package config

import (
	"fmt"
	"strings"
	"unicode"
)

// knownSchemes is what the product speaks, where the caller names nothing
// else.
var knownSchemes = []string{"sqlite", "sqlite3", "postgres", "postgresql", "mysql", "mariadb"}

const encodeHint = "percent-encode special characters in user and password: " +
	"@ is %40, : is %3A, / is %2F, ? is %3F, # is %23, % is %25, a space is %20"

// Scheme is the URL's scheme in lower case, without a driver suffix:
// "postgresql" for postgresql+psycopg://. It is "" where there is no URL.
func (d Database) Scheme() string {
	scheme, _, ok := strings.Cut(d.URL.Reveal(), "://")
	if !ok {
		return ""
	}
	return baseScheme(scheme)
}

func baseScheme(scheme string) string {
	base, _, _ := strings.Cut(scheme, "+")
	return strings.ToLower(base)
}

// checkURL says what is wrong with a URL without showing any of it but the
// scheme. It looks for the mistakes that people make; what a product wants
// beyond that is for its engine to say. A password that was not encoded is
// found here, because parsers behind this point quote pieces of it.
func checkURL(raw string, schemes []string) (msg, hint string) {
	if schemes == nil {
		schemes = knownSchemes
	}
	if strings.IndexFunc(raw, unicode.IsControl) >= 0 {
		return "the URL holds a control character, such as a line break", encodeHint
	}
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || !schemeLike().MatchString(scheme) {
		return noScheme(raw, schemes)
	}
	if len(scheme) > len("jdbc:") && strings.EqualFold(scheme[:len("jdbc:")], "jdbc:") {
		return "this is a JDBC URL", `leave "jdbc:" out and write user and password as user:password@ before the host`
	}
	base := baseScheme(scheme)
	if !contains(schemes, base) {
		return named("unknown URL scheme", base) + didYouMean(base, schemes), "known schemes: " + strings.Join(schemes, ", ")
	}
	return checkAuthority(rest)
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}

func noScheme(raw string, schemes []string) (msg, hint string) {
	known := "known schemes: " + strings.Join(schemes, ", ")
	if prefix, _, ok := strings.Cut(raw, ":"); ok && contains(schemes, baseScheme(prefix)) {
		return fmt.Sprintf("the URL has no // behind %q", baseScheme(prefix)+":"),
			"postgresql://user:password@host:5432/name, sqlite:///relative.db, sqlite:////absolute.db"
	}
	if strings.Contains(raw, "=") && !strings.Contains(raw, "://") {
		return "the URL is a list of key=value pairs", "write postgresql://user:password@host:5432/name; " + known
	}
	return "the URL has no scheme", "it begins with one, as in postgresql://user:password@host:5432/name; " + known
}

func checkAuthority(rest string) (msg, hint string) {
	end := authorityEnd(rest)
	authority, tail := rest[:end], rest[end:]
	if authority == "" {
		return "", "" // a file, or a server that the parameters name
	}
	const unencoded = "the URL cannot be read: user or password seem to hold a character that must be percent-encoded"
	at := strings.LastIndexByte(authority, '@')
	if at >= 0 && strings.IndexFunc(authority[:at], notInUserinfo) >= 0 || strayAt(tail) {
		return unencoded, encodeHint
	}
	hosts := authority[at+1:]
	// mysql's tcp(host:port) is the engine's to understand or to refuse.
	if colon := badPort(hosts); colon >= 0 && !strings.Contains(hosts, "(") {
		if strings.Trim(hosts[:colon], "[]") == "" {
			return "the URL cannot be read: no host stands before the colon", "a file takes three slashes: sqlite:///relative.db"
		}
		return unencoded + ", or the port is not a number", encodeHint
	}
	for i := range len(rest) {
		if rest[i] == '%' {
			if _, _, ok := escape(rest[i:]); !ok {
				return "the URL cannot be read: a % in it does not begin a percent-encoded character", "a % itself is written %25; " + encodeHint
			}
		}
	}
	return "", ""
}

// notInUserinfo holds for characters that a URL's user and password cannot
// have as they are. An @ or a colon too many is understood.
func notInUserinfo(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("-._~:@%!$&'()*+,;=", r)
}

// strayAt finds an @ in path, parameter name or fragment: what stands before
// it was meant as a password with / ? or # in it.
func strayAt(tail string) bool {
	path, rest, _ := strings.Cut(tail, "?")
	query, fragment, _ := strings.Cut(rest, "#")
	if strings.Contains(path, "@") || strings.Contains(fragment, "@") {
		return true
	}
	for piece := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(piece, "="); strings.Contains(name, "@") {
			return true
		}
	}
	return false
}
