package postgres

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// libpq is an address in the words of libpq, by which pg_dump connects, parted
// into what every user of the machine may see and what not.
type libpq struct {
	url     string // without a secret
	secrets string // lines of a service file
	options string // settings, as PGOPTIONS has them
}

// unknownToLibpq are parameters that this driver alone reads.
const unknownToLibpq = `min_protocol_version max_protocol_version krbspn password passfile`

// forLibpq takes a URL without password: the password that was found for it,
// wherever it stood, is handed over by itself. database takes the place of the
// URL's, "" of none.
func forLibpq(clean, database string) libpq {
	place, query, _ := strings.Cut(clean, "?")
	var l libpq
	var kept, options []string
	for pair := range strings.SplitSeq(query, "&") {
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, _ := decode(rawKey) // they have been read before
		value, _ := decode(rawValue)
		lower := strings.ToLower(key)
		switch {
		case key == "" || listed(unknownToLibpq, key):
		case key == "sslpassword":
			l.secrets += "sslpassword=" + value + "\n"
		case database != "" && (key == "database" || key == "dbname"):
		case key == "database":
			kept = append(kept, "dbname="+rawValue)
		case lower == "options":
			options = append(options, value)
		case listed(connectionParams, key), lower == "application_name":
			kept = append(kept, pair)
		case lower == "client_encoding":
		default:
			options = append(options, "-c "+lower+"="+strings.NewReplacer(`\`, `\\`, " ", `\ `).Replace(value))
		}
	}
	if database != "" { // a parameter beats the path
		kept = append(kept, "dbname="+strings.ReplaceAll(url.QueryEscape(database), "+", "%20"))
	}
	l.options = strings.Join(options, " ")
	if l.secrets != "" && !slices.ContainsFunc(kept, func(p string) bool { return strings.HasPrefix(p, "service=") }) {
		kept = append(kept, "service=dbwarden")
	}
	if l.url = place; len(kept) > 0 {
		l.url += "?" + strings.Join(kept, "&")
	}
	return l
}

// program fills in how a program gets to this database. What the process has
// in its own environment stays, as it was read for our own sessions, but for
// what would beat what the URL says.
func (d *database) program(p engine.Program, password string) engine.Program {
	p.Args = append(p.Args, "--no-password", "--dbname="+d.libpq.url)
	env, files := maps.Clone(p.Env), maps.Clone(p.Files)
	if env == nil {
		env = map[string]string{}
	}
	if files == nil {
		files = map[string]string{}
	}
	if password != "" {
		env["PGPASSWORD"] = ""
		if strings.ContainsAny(password, "\r\n") {
			env["PGPASSWORD"] = password // no line of a file can hold it
		} else {
			files["pgpass"] = "*:*:*:*:" + strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(password) + "\n"
			env["PGPASSFILE"] = "{pgpass}"
		}
	}
	if d.libpq.secrets != "" {
		files["service"] = "[dbwarden]\n" + d.libpq.secrets
		env["PGSERVICEFILE"] = "{service}"
	}
	if d.libpq.options != "" {
		env["PGOPTIONS"] = d.libpq.options
	}
	p.Env, p.Files = env, files
	return p
}

// plainName is a name as pg_dump's --schema and --exclude-table take it to the
// letter: unquoted it would be a pattern.
func plainName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
