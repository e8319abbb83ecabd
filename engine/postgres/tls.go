package postgres

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

var tlsWords = engine.TLSWords{Authority: "sslrootcert", Nameless: "sslmode=verify-ca", Own: "sslcert and sslkey name it"}

// untrusted is what to look at where TLS, or that there is none, ended a
// connection; "" where something else did. The server's own refusals have the
// code of any login that is refused, and are known by their words.
func untrusted(err error, f engine.Fault) string {
	switch {
	case f.Code == "28000" && strings.Contains(f.Message, "client certificate"):
		// One that none of the authorities has signed that it names is not even sent.
		return "the server wants a certificate of this client, signed by an authority that it trusts: " + tlsWords.Own
	case f.Code == "28000" && (strings.HasSuffix(f.Message, ", no encryption") || strings.HasSuffix(f.Message, ", SSL off")):
		return "the connection was made without TLS, and the server's rules (pg_hba.conf) have nobody like this come in without: ask for it with sslmode=verify-full"
	case f.Code != "":
		return ""
	}
	return tlsWords.Refused(err)
}

// besideFile has the files of certificates that a URL names start at dir, as
// other files do that stand in a configuration. That goes for pg_dump as well.
func besideFile(clean, dir string) string {
	place, query, ok := strings.Cut(clean, "?")
	if dir == "" || !ok {
		return clean
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, _ := decode(rawKey) // they have been read before
		file, _ := decode(rawValue)
		if !slices.Contains([]string{"sslrootcert", "sslcert", "sslkey"}, key) || file == "" || filepath.IsAbs(file) || key == "sslrootcert" && file == "system" {
			continue
		}
		pairs[i] = key + "=" + strings.ReplaceAll(url.QueryEscape(filepath.Join(dir, file)), "+", "%20")
	}
	return place + "?" + strings.Join(pairs, "&")
}
