package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden/engine"
)

// database is a URL that has been read.
type database struct {
	config *pgconn.Config
	schema string // OpenOptions.Schema

	password engine.Password // OpenOptions.Password

	// before completes the configuration of each connection; nil: it is whole.
	before func(context.Context, *pgconn.Config) error

	label string
	libpq libpq // how the product's own programs get there

	keepEvery time.Duration // see pooledlock.go
}

func (d *database) Label() string { return d.label }

// connectTime bounds each attempt to connect where the URL says nothing.
const connectTime = 15 * time.Second

// open reads a URL as libpq does. The password is taken out before anybody
// else sees the text, so that no error of theirs can hold it.
func open(raw string, o engine.OpenOptions) (engine.Database, error) {
	clean, password, err := split(raw)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	clean = besideFile(clean, o.Dir)
	config, err := pgconn.ParseConfig(clean)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", errors.New(reason(err)))
	}
	if password != "" {
		if o.Password != nil {
			return nil, fmt.Errorf("database URL: %w", engine.ErrTwoPasswords)
		}
		config.Password = password
	}
	if o.Database != "" {
		config.Database = o.Database
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTime
	}
	config.DialFunc = engine.Dialer(config.ConnectTimeout).DialContext
	config.BuildContextWatcherHandler = newCanceller
	if config.RuntimeParams, err = runtimeParams(config.RuntimeParams); err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	return &database{config: config, schema: o.Schema, password: o.Password, label: label(config), libpq: forLibpq(clean, o.Database), keepEvery: keepEvery}, nil
}

// split returns the URL without driver suffix, password and parameters that
// mean nothing to us, and the password.
//
// It follows libpq, not RFC 3986: hosts come in lists, and a user is whatever
// stands before the first "@". A password with a bare "@", "/" or "?" in it
// would be read as host, database or parameters and shown as such; where that
// may have happened the URL is refused.
func split(raw string) (clean, password string, err error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	base, _, _ := strings.Cut(scheme, "+")
	if base = strings.ToLower(base); !ok || base != "postgres" && base != "postgresql" {
		return "", "", errors.New("it does not begin with postgres:// or postgresql://")
	}
	var user string
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		var secret string
		user, secret, _ = strings.Cut(rest[:i], ":")
		rest = rest[i:]
		if strings.ContainsAny(user, "?&#") {
			return "", "", errBareAt
		}
		if password, err = decode(secret); err != nil {
			return "", "", errors.New("the password holds a % that is not followed by two hexadecimal digits; a bare % is written %25")
		}
	}
	place, query, _ := strings.Cut(rest, "?")
	if strings.Contains(strings.TrimPrefix(place, "@"), "@") {
		return "", "", errBareAt
	}

	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		rawKey, rawValue, ok := strings.Cut(pair, "=")
		key, err := decode(rawKey)
		if err != nil || !ok || strings.Contains(rawValue, "=") {
			// The pair itself may be a piece of a password.
			return "", "", errors.New("its parameters are not of the form name=value&name=value")
		}
		if err := checkParam(key); err != nil {
			return "", "", err
		}
		value, err := decode(rawValue)
		switch {
		case err != nil:
			return "", "", fmt.Errorf("parameter %q holds a %% that is not followed by two hexadecimal digits", key)
		case key == "password":
			password = value
		case key == "sslmode" && !slices.Contains(sslModes, value):
			return "", "", fmt.Errorf("parameter sslmode: the value is none of %s", strings.Join(sslModes, ", "))
		case key == "gssencmode" && value == "require":
			return "", "", errors.New("gssencmode=require is not supported")
		case !listed(ignoredParams, key):
			kept = append(kept, pair)
		}
	}
	clean = base + "://" + user + place
	if len(kept) > 0 {
		clean += "?" + strings.Join(kept, "&")
	}
	return clean, password, nil
}

var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

var errBareAt = errors.New(`it cannot be told where the password ends: in user and password, "@" is written %40, "/" %2F, "?" %3F and ":" %3A`)

func decode(s string) (string, error) {
	s, err := url.PathUnescape(s)
	if err == nil && strings.Contains(s, "\x00") {
		err = errors.New("a NUL byte")
	}
	return s, err
}

// reason drops the URL from pgx's message.
func reason(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, "`: "); i >= 0 {
		text = text[i+len("`: "):]
	}
	return strings.TrimPrefix(text, "failed to ")
}

// runtimeParams folds names to lower case, as the server compares them, and
// sees to it that text arrives as the files hold it.
func runtimeParams(given map[string]string) (map[string]string, error) {
	params := map[string]string{}
	for k, v := range given {
		params[strings.ToLower(k)] = v
	}
	switch strings.ToLower(strings.ReplaceAll(params["client_encoding"], "-", "")) {
	case "", "utf8", "unicode", "auto":
		params["client_encoding"] = "UTF8"
	default:
		return nil, errors.New("client_encoding can only be UTF8: migration files are UTF-8")
	}
	return params, nil
}

// label names the database without its password.
func label(c *pgconn.Config) string {
	var hosts []string
	socket := ""
	add := func(host string, port uint16) {
		at := net.JoinHostPort(host, strconv.Itoa(int(port)))
		if network, _ := pgconn.NetworkAddress(host, port); network == "unix" {
			socket, at = host, ""
			if port != 5432 {
				at = ":" + strconv.Itoa(int(port))
			}
		}
		// TLS with plain text to fall back on is two attempts at one place.
		if !slices.Contains(hosts, at) {
			hosts = append(hosts, at)
		}
	}
	add(c.Host, c.Port)
	for _, f := range c.Fallbacks {
		add(f.Host, f.Port)
	}
	u := url.URL{Scheme: "postgres", Host: strings.Join(hosts, ","), Path: "/" + databaseName(c)}
	if c.User != "" {
		u.User = url.User(c.User)
	}
	if socket != "" {
		u.RawQuery = "host=" + socket
	}
	return u.String()
}

// databaseName is the server's own default where none is given.
func databaseName(c *pgconn.Config) string {
	if c.Database == "" {
		return c.User
	}
	return c.Database
}
