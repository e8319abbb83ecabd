package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// fresh: a database is a file, and a copy of it is another one.
func fresh() engine.Fresh { return engine.Fresh{URL: withFile, Kin: kin} }

// withFile names a file by its absolute path. Parameters stay, but for those
// that say of the other file how it is to be opened.
func withFile(raw, path string) (string, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		//lint:ignore ST1005 the URL ends so
		return "", errors.New("SQLite URL without //: write sqlite:///relative.db, sqlite:////absolute.db or sqlite:///:memory:")
	}
	_, query, _ := strings.Cut(rest, "?")
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		switch key, _, _ := strings.Cut(pair, "="); key {
		case "", "mode", "immutable", "uri", "cache":
		default:
			kept = append(kept, pair)
		}
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/shop.db
	}
	u := url.URL{Path: path}
	out := scheme + ":///" + u.EscapedPath()
	if len(kept) > 0 {
		out += "?" + strings.Join(kept, "&")
	}
	return out, nil
}

// kin are the settings, of which some stand in the file's header and others
// decide what a migration does.
func kin(_ context.Context, _ engine.Session, like engine.Database) (string, error) {
	d, ok := like.(*database)
	if !ok {
		return "", fmt.Errorf("a database like %T", like)
	}
	var b strings.Builder
	for _, p := range d.target.pragmas {
		b.WriteString(p.name + "=" + p.value + "\x00")
	}
	return b.String(), nil
}
