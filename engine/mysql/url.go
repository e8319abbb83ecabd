package mysql

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
)

const (
	defaultPort    = "3306"
	defaultTimeout = 10 * time.Second
	defaultCharset = "utf8mb4"
)

// address is a URL, read.
type address struct {
	scheme, user, password string
	host, port             string // host without brackets
	database               string
	params                 map[string]string // by their names in parameters
}

// open reads a URL such as mysql://app:secret@db:3306/shop?tls=true.
func open(text string, o engine.OpenOptions) (engine.Database, error) {
	a, err := readURL(text)
	if err != nil {
		return nil, err
	}
	if o.Database != "" {
		a.database = o.Database
	}
	if o.Schema != "" && o.Schema != a.database {
		return nil, fmt.Errorf("schema %q cannot be chosen on %s: there a schema is a database, and the URL names %q",
			o.Schema, a.scheme, a.database)
	}
	config := driver.NewConfig()
	config.User, config.Passwd = a.user, a.password
	if o.Password != nil {
		if a.password != "" {
			return nil, fmt.Errorf("database URL: %w", engine.ErrTwoPasswords)
		}
		if err := config.Apply(asking(o.Password)); err != nil {
			return nil, err
		}
	}
	config.Net, config.Addr = "tcp", net.JoinHostPort(a.host, a.port)
	if socket := a.params["socket"]; socket != "" {
		config.Net, config.Addr = "unix", socket
	}
	config.DBName = a.database
	ours(config)

	d := &database{label: a.label(), address: a, password: o.Password, dir: o.Dir, config: config, timeout: defaultTimeout}
	if v, ok := a.params["connect_timeout"]; ok {
		if d.timeout, err = readTimeout(v); err != nil {
			return nil, fmt.Errorf("parameter connect_timeout: %w", err)
		}
	}
	if d.names, err = readNames(a.params); err != nil {
		return nil, err
	}
	if err := a.secure(config, o.Dir); err != nil {
		return nil, err
	}
	return d, nil
}

// parameters are the known ones, by every spelling that users of other
// drivers know, with the name they have here; "" is known and without a
// meaning for us.
var parameters = map[string]string{
	"socket": "socket", "unix_socket": "socket",
	"charset": "charset", "collation": "collation",
	"connect_timeout": "connect_timeout", "timeout": "connect_timeout",
	"tls": "tls", "ssl": "tls",
	"ssl_mode": "ssl_mode", "ssl-mode": "ssl_mode", "sslmode": "ssl_mode",
	"ssl_ca": "ssl_ca", "ssl-ca": "ssl_ca",
	"ssl_cert": "ssl_cert", "ssl-cert": "ssl_cert",
	"ssl_key": "ssl_key", "ssl-key": "ssl_key",
	"ssl_verify_cert": "ssl_verify_cert", "ssl_verify_identity": "ssl_verify_identity",
	"ssl_check_hostname":        "ssl_verify_identity",
	"allow_cleartext_passwords": "allow_cleartext_passwords", "allowCleartextPasswords": "allow_cleartext_passwords",
	"use_unicode": "", "binary_prefix": "",
}

// readURL takes a URL apart by hand: net/url quotes the whole of it, with
// the password, in its errors.
func readURL(text string) (*address, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return nil, errors.New("database URL: no scheme, as in mysql://user:password@host:3306/database")
	}
	if scheme, _, _ = strings.Cut(strings.ToLower(scheme), "+"); scheme != "mysql" && scheme != "mariadb" {
		return nil, errors.New("database URL: it does not begin with mysql:// or mariadb://")
	}
	a := &address{scheme: scheme, params: map[string]string{}}

	rest, _, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if !strings.Contains(authority, "@") && strings.Contains(path+query, "@") {
		return nil, errors.New("database URL: user or password hold a character that must be percent-encoded (/ is %2F, ? is %3F, # is %23)")
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		user, password, _ := strings.Cut(authority[:i], ":")
		var err1, err2 error
		a.user, err1 = url.PathUnescape(user)
		a.password, err2 = url.PathUnescape(password)
		if err1 != nil || err2 != nil {
			return nil, errors.New("database URL: user or password hold a broken percent-encoding (% itself is %25)")
		}
		authority = authority[i+1:]
	}
	if err := a.readHost(authority); err != nil {
		return nil, err
	}
	var err error
	if a.database, err = url.PathUnescape(path); err != nil {
		return nil, errors.New("database URL: the database's name holds a broken percent-encoding")
	}
	if a.database == "" {
		return nil, fmt.Errorf("database URL: no database is named; add it behind the host: %s/NAME", a.label())
	}
	if strings.Contains(path, "/") {
		return nil, errors.New("database URL: the path must be one database name")
	}
	return a, a.readParams(query)
}

func (a *address) readHost(authority string) error {
	if strings.Contains(authority, "(") {
		return errors.New("database URL: write the host as in mysql://user:password@host:3306/database, without tcp(...)")
	}
	a.host, a.port = authority, defaultPort
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		a.host = authority[:i]
		if port := authority[i+1:]; port != "" {
			n, err := strconv.ParseUint(port, 10, 16)
			if err != nil || n == 0 {
				// What stands there may be a password with a / in it.
				return errors.New("database URL: the port is not a number from 1 to 65535")
			}
			a.port = strconv.FormatUint(n, 10)
		}
	}
	a.host = strings.TrimSuffix(strings.TrimPrefix(a.host, "["), "]")
	if a.host == "" {
		a.host = "localhost"
	}
	return nil
}

func (a *address) readParams(query string) error {
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key, err1 := url.QueryUnescape(key)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return errors.New("database URL: a parameter holds a broken percent-encoding")
		}
		name, known := parameters[key]
		if !known {
			return fmt.Errorf("database URL: unknown parameter %q%s", key, didYouMean(key))
		}
		if name == "" {
			continue
		}
		if _, twice := a.params[name]; twice {
			return fmt.Errorf("database URL: parameter %s is given twice", name)
		}
		a.params[name] = value
	}
	return nil
}

// label spells the address without its password.
func (a *address) label() string {
	var b strings.Builder
	b.WriteString(a.scheme + "://")
	if a.user != "" {
		b.WriteString(url.PathEscape(a.user) + "@")
	}
	if socket := a.params["socket"]; socket != "" {
		b.WriteString("localhost")
	} else {
		b.WriteString(net.JoinHostPort(a.host, a.port))
	}
	if a.database != "" {
		b.WriteString("/" + url.PathEscape(a.database))
	}
	if socket := a.params["socket"]; socket != "" {
		b.WriteString("?socket=" + socket)
	}
	return b.String()
}

// readTimeout reads seconds, as most drivers do, or a duration with a unit.
func readTimeout(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if seconds, err2 := strconv.ParseFloat(text, 64); err2 == nil {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is not a time, such as 10 or 10s", text)
	}
	return d, nil
}

// readNames returns what follows SET NAMES.
func readNames(params map[string]string) (string, error) {
	charset := defaultCharset
	if v := params["charset"]; v != "" {
		charset, _, _ = strings.Cut(v, ",")
	}
	names := charset
	if v := params["collation"]; v != "" {
		names += " COLLATE " + v
	}
	for _, r := range strings.ReplaceAll(names, " ", "") {
		if r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return "", errors.New("parameters charset and collation: only letters, digits and _ are allowed")
		}
	}
	return names, nil
}

// didYouMean is a suffix that names the parameter nearest to key, "" where
// none is near.
func didYouMean(key string) string {
	near := engine.Nearest(key, slices.Collect(maps.Keys(parameters)))
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; the nearest known one is %q", near)
}
