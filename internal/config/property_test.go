package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// password draws something that no message of ours contains by itself: it has
// a piece of random letters and digits, and nasty characters around.
func password(t *rapid.T) string {
	nasty := rapid.StringOfN(rapid.RuneFrom([]rune(`@:/#?%"'\=&;,[]{}()<>|$+ .!~^äß€日`)), 0, 5, -1)
	core := rapid.StringMatching(`[A-Za-z0-9]{7,12}`).Draw(t, "core")
	cut := rapid.IntRange(0, len(core)).Draw(t, "cut")
	pw := nasty.Draw(t, "before") + core[:cut] + nasty.Draw(t, "middle") + core[cut:] + nasty.Draw(t, "after")
	if strings.Contains(pw, "${") {
		t.Skip("a reference to a variable may be named")
	}
	return pw
}

// pieces are what must not be seen: the password, and every part of it that a
// parser could have cut out and that is no ordinary word.
func pieces(pw string) []string {
	ps := []string{pw}
	for _, p := range strings.FieldsFunc(pw, func(r rune) bool { return strings.ContainsRune(`@:/#?%"'\=&;,[]{}()<>|$+ .!~^`, r) }) {
		if len(p) >= 6 {
			ps = append(ps, p)
		}
	}
	return ps
}

// connection draws a way to write a password into a URL or something alike.
func connection(t *rapid.T, pw string) string {
	scheme := rapid.SampledFrom([]string{"postgres", "postgresql+psycopg", "mysql", "mariadb", "sqlite", "postgre", "http", "jdbc:postgresql"}).Draw(t, "scheme")
	switch rapid.IntRange(0, 6).Draw(t, "shape") {
	case 0:
		u := url.URL{Scheme: scheme, User: url.UserPassword("app", pw), Host: "db:5432", Path: "/shop"}
		return u.String()
	case 1:
		return scheme + "://db/shop?user=app&password=" + url.QueryEscape(pw)
	case 2:
		return scheme + "://app:" + pw + "@db/shop?application_name=me@corp"
	case 3:
		return scheme + ":///app:" + pw + "@db"
	case 4:
		return scheme + "://app:" + url.PathEscape(pw) + "@db:port/shop?x=%zz"
	case 5:
		return scheme + "//app:" + pw + "@db"
	}
	return scheme + "://app:" + pw + "@db:5432/shop?sslmode=disable"
}

// quoted draws a way to write a text into TOML, right ones and wrong ones.
func quoted(t *rapid.T, s string) string {
	switch rapid.IntRange(0, 5).Draw(t, "quotes") {
	case 0:
		return `"` + s + `"`
	case 1:
		return "'" + s + "'"
	case 2:
		return `"""` + s + `"""`
	case 3:
		return s
	case 4:
		return `"` + s
	}
	j, _ := json.Marshal(s) // nearly TOML's own spelling; a string has no error
	return string(j)
}

func TestNoErrorTellsAPassword(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		pw := password(t)
		conn := connection(t, pw)
		q := quoted(t, conn)
		toml := rapid.SampledFrom([]string{"", oneFile, twoFile, "model_paths = [\n'a',\n", "[lock]\n", "[databases.a]\n", "x = \"\"\"\n"}).Draw(t, "beginning")
		toml += rapid.SampledFrom([]string{
			"", "database_url = %s", "sqlalchemy_url = %s", "direct_url = %s", "dev_url = %s", "migrations_dir = %s", "model_paths = %s",
			"model_paths = [\n  'a',\n  %s,\n]", "postgres_schema = %s", "lock = %s", "lock.wait = %s", "wait = %s", "lock.recover = %s",
			"[lock]\nrecover = %s", "run.lock_timeout = %s", "databases = %s", "databases.x = %s", "databases.x.database_url = %s",
			"[databases.%s]", "[databases.%s]\ndefault = true", "[%s]", "[[%s]]", "%s", "%s = 1", "%s = 1\n%[1]s = 2", "# %s\nbad", "x = { a = %s }",
			"lock = { wait = %s, wait = %[1]s }", "default = %s", "[warden]\ndatabase_url = %s", "colour = %s", "lock.wait = %s x",
		}).Draw(t, "place")
		if strings.Contains(toml, "%") {
			toml = fmt.Sprintf(toml, q)
		}
		n++
		dir := filepath.Join(root, strconv.Itoa(n))
		in := Input{Dir: dir}
		env := map[string]string{"V": conn}
		switch rapid.IntRange(0, 9).Draw(t, "input") {
		case 0:
			in.URL = conn
		case 1:
			in.Database = conn
		case 2:
			in.File = conn
		case 3:
			in.MigrationsDir = conn
		case 4:
			env[rapid.SampledFrom([]string{"DATABASE_URL", "DBWARDEN_DATABASE_URL", "DBWARDEN_SQLALCHEMY_URL", "DBWARDEN_DIRECT_URL",
				"DBWARDEN_DEV_URL", "DBWARDEN_MIGRATIONS_DIR", "DBWARDEN_POSTGRES_SCHEMA"}).Draw(t, "variable")] = conn
		case 5:
			toml += "\n" + rapid.SampledFrom([]string{"dev_url", "migrations_dir", "lock.wait", "lock.recover", "postgres_schema", "model_paths"}).Draw(t, "key") + " = '${V}'"
		case 6:
			in.All = true
		}
		in.Getenv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
		write(t, filepath.Join(dir, FileName), toml)

		c, err := Load(in)
		var seen string
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%T is no *Error", err)
			}
			seen = fmt.Sprintf("%v %+v %q %s %s", err, err, err, e.Hint, e.Text)
		} else {
			j, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range c.Databases {
				seen += fmt.Sprintf("%v %+v %+v %v\n", d.URL, d.DirectURL, d.Sources, d.Problem)
			}
			seen += string(j) + fmt.Sprintf("%v %+v %#v", c, c, c)
		}
		for _, p := range pieces(pw) {
			if at := strings.Index(seen, p); at >= 0 {
				t.Fatalf("%q is seen in\n... %s ...\n\nthe file was\n%s", p, seen[max(0, at-200):min(len(seen), at+200)], toml)
			}
		}
	})
}

func TestMaskFindsAPasswordAnywhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pw := password(t)
		u := url.URL{Scheme: "postgres", User: url.UserPassword("app", pw), Host: "db", Path: "/shop"}
		form := rapid.SampledFrom([]string{pw, u.String(), url.QueryEscape(pw), url.PathEscape(pw), percentAll(pw), strconv.Quote(pw), strconv.QuoteToASCII(pw)}).Draw(t, "form")
		text := rapid.String().Draw(t, "left") + form + rapid.String().Draw(t, "right") + form
		got := Mask(text, NewSecret(u.String()))
		if strings.Contains(got, pw) || strings.Contains(unescape(got), pw) {
			t.Fatalf("Mask(%q) = %q", text, got)
		}
	})
}
