package sqlite

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// target is what a URL asks for.
type target struct {
	memory    bool
	path      string // as written, decoded
	mode      string // "", "ro", "rw" or "rwc"
	immutable bool
	busy      time.Duration // with hasBusy
	hasBusy   bool
	pragmas   []setting // in the order of the URL, each name once
}

// setting is PRAGMA name = value.
type setting struct{ name, value string }

// parse reads a URL. Its errors name parameters but never the values of
// those it does not know: they may be secrets.
func parse(raw string) (target, error) {
	scheme, rest, ok := strings.Cut(raw, ":")
	product, _, _ := strings.Cut(strings.ToLower(scheme), "+")
	if !ok || product != "sqlite" && product != "sqlite3" {
		return target{}, errors.New("not a SQLite URL: it does not begin with sqlite://")
	}
	rest, ok = strings.CutPrefix(rest, "//")
	if !ok {
		//lint:ignore ST1005 the URL ends so
		return target{}, errors.New("SQLite URL without //: write sqlite:///relative.db, sqlite:////absolute.db or sqlite:///:memory:")
	}
	name, query, _ := strings.Cut(rest, "?")
	t := target{}
	switch {
	case name == "":
		t.memory = true
	case name[0] != '/':
		return target{}, errors.New("SQLite URL with a host: write three slashes before a relative path " +
			"(sqlite:///relative.db) and four before an absolute one (sqlite:////absolute.db)")
	default:
		if err := t.place(name[1:]); err != nil {
			return target{}, err
		}
	}
	if err := t.parameters(query); err != nil {
		return target{}, err
	}
	return t, nil
}

// place reads what stands behind the third slash.
func (t *target) place(written string) error {
	name, err := url.PathUnescape(written)
	if err != nil {
		return errors.New("SQLite URL with a broken percent escape: a percent sign itself is written %25")
	}
	if strings.IndexByte(name, 0) >= 0 {
		return errors.New("SQLite URL with a NUL byte in its path")
	}
	// SQLite's own form, sqlite:///file:shop.db?mode=ro&uri=true.
	if inner, ok := strings.CutPrefix(name, "file:"); ok {
		if after, ok := strings.CutPrefix(inner, "//"); ok {
			host, path, _ := strings.Cut(after, "/")
			if host != "" && host != "localhost" {
				return errors.New("SQLite URL with a host in file://: write file:relative.db or file:///absolute.db")
			}
			inner = "/" + path
		}
		name = inner
	}
	if runtime.GOOS == "windows" && len(name) > 2 && name[0] == '/' && name[2] == ':' {
		name = name[1:] // /C:/shop.db
	}
	switch name {
	case "", "/":
		return errors.New("SQLite URL without a file: sqlite:///:memory: is the database in memory")
	case ":memory:":
		t.memory = true
	default:
		t.path = name
	}
	return nil
}

// parameter reads one query parameter.
type parameter func(t *target, name, value string) error

// parameters that are known, by name. Names with an underscore are those of
// Go's drivers, the others those of SQLAlchemy, Python and SQLite.
func parameters() map[string]parameter {
	known := map[string]parameter{
		"mode": func(t *target, _, v string) error {
			switch v {
			case "memory":
				t.memory = true
			case "ro", "rw", "rwc":
				t.mode = v
			default:
				return errors.New("mode is one of ro, rw, rwc, memory")
			}
			return nil
		},
		"immutable": func(t *target, name, v string) (err error) {
			t.immutable, err = readBool(name, v)
			return err
		},
		"timeout": func(t *target, name, v string) error {
			s, err := strconv.ParseFloat(v, 64)
			if err != nil || !(s >= 0 && s <= maxBusy.Seconds()) {
				return fmt.Errorf("%s is a number of seconds, like 5 or 0.5", name)
			}
			t.busy, t.hasBusy = time.Duration(s*float64(time.Second)), true
			return nil
		},
		"busy_timeout": readBusy, "_busy_timeout": readBusy, "_timeout": readBusy,
		"_pragma": readPragma,
	}
	for _, name := range []string{"foreign_keys", "journal_mode", "synchronous"} {
		known[name] = (*target).set
		known["_"+name] = readAs(name)
	}
	known["_fk"], known["_journal"], known["_sync"] = readAs("foreign_keys"), readAs("journal_mode"), readAs("synchronous")

	// What tells an application's driver how to hand over values, threads and
	// transactions has no meaning here; each of our sessions is alone and
	// begins its transactions itself.
	for _, name := range []string{
		"uri", "cache", "check_same_thread", "isolation_level", "detect_types", "cached_statements",
		"_txlock", "_time_format", "_time_integer_format", "_inttotime", "_texttotime", "_timezone", "_loc",
	} {
		known[name] = func(*target, string, string) error { return nil }
	}
	return known
}

func (t *target) parameters(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("SQLite URL with unreadable parameters: name=value, joined by &, special characters percent-encoded")
	}
	known := parameters()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		read, ok := known[name]
		if !ok {
			return fmt.Errorf("unknown parameter %q in the SQLite URL%s", name, didYouMean(name, maps.Keys(known)))
		}
		if len(values[name]) > 1 && name != "_pragma" {
			return fmt.Errorf("parameter %s stands in the SQLite URL twice", name)
		}
		for _, v := range values[name] {
			if err := read(t, name, v); err != nil {
				return fmt.Errorf("SQLite URL: %w", err)
			}
		}
	}
	return nil
}

// maxBusy is the longest wait that SQLite can count, in milliseconds in 31
// bits.
const maxBusy = (1<<31 - 1) * time.Millisecond

func readBusy(t *target, name, v string) error {
	ms, err := strconv.ParseInt(v, 10, 64)
	if err != nil || ms < 0 || ms > maxBusy.Milliseconds() {
		return fmt.Errorf("%s is a number of milliseconds, like 5000", name)
	}
	t.busy, t.hasBusy = time.Duration(ms)*time.Millisecond, true
	return nil
}

func readBool(name, v string) (bool, error) {
	switch strings.ToLower(v) {
	case "1", "true", "on", "yes":
		return true, nil
	case "0", "false", "off", "no":
		return false, nil
	}
	return false, fmt.Errorf("%s is on or off", name)
}

func readAs(pragma string) parameter {
	return func(t *target, _, v string) error { return t.set(pragma, v) }
}

// readPragma reads name(value) or name=value.
func readPragma(t *target, _, v string) error {
	name, value, ok := strings.Cut(v, "=")
	if !ok {
		name, value, ok = strings.Cut(v, "(")
		if ok {
			value, ok = strings.CutSuffix(strings.TrimSpace(value), ")")
		}
	}
	name = strings.ToLower(strings.TrimSpace(name))
	if !ok || !plainWord(name) {
		return errors.New("_pragma is name(value), like _pragma=foreign_keys(1)")
	}
	return t.set(name, strings.TrimSpace(value))
}

// set notes a pragma for the connection. Only what sets something on a
// connection or in the file's header is let through, and only plain values:
// the text becomes part of a statement.
func (t *target) set(name, value string) error {
	switch kind := pragmas[name]; {
	case kind == "":
		return fmt.Errorf("unknown pragma %q%s", name, didYouMean(name, maps.Keys(pragmas)))
	case kind == pragmaRead || kind == pragmaAction || kind == pragmaInside:
		return fmt.Errorf("pragma %s sets nothing on a connection", name)
	case !plainWord(strings.TrimLeft(value, "+-")):
		return fmt.Errorf("the value of pragma %s is a plain word or number", name)
	case name == "busy_timeout":
		return readBusy(t, name, value)
	case name == "journal_mode" && strings.EqualFold(value, "off"):
		// Without a journal nothing can be rolled back, and a crash ruins
		// the file.
		return errors.New("journal_mode off is refused: a failed migration could not be rolled back")
	case name == "locking_mode" && strings.EqualFold(value, "exclusive"):
		return errors.New("locking_mode exclusive is refused: nobody else could see who is migrating")
	case name == "query_only":
		on, err := readBool(name, value)
		if on {
			t.mode = "ro"
		}
		return err
	}
	for i, p := range t.pragmas {
		if p.name == name {
			if !strings.EqualFold(p.value, value) {
				return fmt.Errorf("pragma %s is set twice", name)
			}
			t.pragmas = slices.Delete(t.pragmas, i, i+1)
			break
		}
	}
	t.pragmas = append(t.pragmas, setting{name, value})
	return nil
}

func plainWord(s string) bool {
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.':
		default:
			return false
		}
	}
	return s != ""
}
