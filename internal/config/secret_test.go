package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func TestSecretStringHidesThePassword(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                    "",
		"sqlite:///shop.db":                   "sqlite:///shop.db",
		"sqlite:///:memory:":                  "sqlite:///:memory:",
		"sqlite:////var/lib/shop.db?key=abcd": "sqlite:////var/lib/shop.db?key=***",
		"postgres://db:5432/shop":             "postgres://db:5432/shop",
		"postgres://[::1]:5432/shop":          "postgres://[::1]:5432/shop",
		"postgres://app@db/shop":              "postgres://app@db/shop",
		"postgres://app:@db/shop":             "postgres://app:@db/shop",
		"postgres://app:pw@db:5432/shop?sslmode=require":              "postgres://app:***@db:5432/shop?sslmode=require",
		"postgres://app:pw@a:1,b:2/shop":                              "postgres://app:***@a:1,b:2/shop",
		"postgresql+psycopg://app:p%40w@db/shop":                      "postgresql+psycopg://app:***@db/shop",
		"postgres://app:p@ss:w/o#rd?%@db/shop":                        "postgres://app:***@db/shop",
		"postgres:///app:pw":                                          "postgres:///app:***",
		"sqlite:///C:/data/shop.db":                                   "sqlite:///C:/data/shop.db",
		"postgres:///d?host=/run/a:b":                                 "postgres:///d?host=/run/a:b",
		"postgres://app:pa/ss":                                        "postgres://app:***",
		"postgres://db/shop?user=app&password=p&sslmode=x":            "postgres://db/shop?user=app&password=***&sslmode=x",
		"postgres://db/shop?password=p&q&sslmode=x":                   "postgres://db/shop?password=***&***&sslmode=x",
		"postgres://db/shop?pass%77ord=p#frag":                        "postgres://db/shop?pass%77ord=***",
		"postgres://db/s?passfile=/h/.pgpass&sslkey=/k&sslpassword=p": "postgres://db/s?passfile=/h/.pgpass&sslkey=/k&sslpassword=***",
		"jdbc:postgresql://db/s?user=u&password=p":                    "jdbc:postgresql://db/s?user=u&password=***",
		"host=db user=app password=pw dbname=x":                       "host=db user=app password=*** dbname=x",
		"host=db password = 'p w\\'=x' dbname=x":                      "host=db password = *** dbname=x",
		"host=db password=p w x=1":                                    "host=db password=*** x=1",
		"host=db password='p'w' dbname=x":                             "host=db password=*** dbname=x",
		"password='open":                                              "password=***",
		"app:pw@tcp(db:3306)/shop":                                    "app:***@tcp(db:3306)/shop",
		"app:p://w@db/shop":                                           "app:***@db/shop",
		"hunter2":                                                     "***",
	} {
		if got := NewSecret(in).String(); got != want {
			t.Errorf("String of %q\ngot  %q\nwant %q", in, got, want)
		}
	}
}

func TestSecretIsMaskedHoweverItIsPrinted(t *testing.T) {
	t.Parallel()
	const raw = "postgres://app:hunter2@db/shop"
	s := NewSecret(raw)
	type inside struct {
		Exported Secret
		hidden   Secret
	}
	var out strings.Builder
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%d", "%t", "%60s"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", inside{s, s})
		fmt.Fprintf(&out, verb+"\n", []Secret{s})
		fmt.Fprintf(&out, verb+"\n", Database{URL: s})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "s", s)
	j, err := json.Marshal(map[string]any{"url": s, "in": inside{s, s}})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	fmt.Fprint(&out, errors.New(s.String()))
	for _, piece := range []string{"hunter2", fmt.Sprintf("%x", "hunter2")} {
		if strings.Contains(out.String(), piece) {
			t.Errorf("the password is in\n%s", out.String())
		}
	}
	if s.Reveal() != raw || s.IsZero() || !s.Equal(NewSecret(raw)) || s.Equal(Secret{}) || !(Secret{}).IsZero() || !NewSecret("").IsZero() {
		t.Error("Reveal, IsZero or Equal is wrong")
	}
}

var nastyPasswords = []string{
	"hunter2", "p@ss:w/o#rd?%", "pässwörd€", `it's "quoted"`, "back\\slash\\", "a b c", "postgres", "error",
	"100%25", "a&b=c;d", "<script>", "日本語", "p+q r", "${HOME}", "tab\there", "line\nbreak", "***x", "..%2F..",
}

func TestMaskHidesEverySpelling(t *testing.T) {
	t.Parallel()
	for _, pw := range nastyPasswords {
		u := url.URL{Scheme: "postgresql", User: url.UserPassword("app", pw), Host: "db:5432", Path: "/shop"}
		secrets := []Secret{
			NewSecret(u.String()),
			NewSecret("postgresql://app:" + url.QueryEscape(pw) + "@db/shop"),
			NewSecret("postgresql://app:" + url.PathEscape(pw) + "@db/shop"),
			NewSecret("postgresql://db/shop?user=app&password=" + url.QueryEscape(pw)),
		}
		lower := strings.NewReplacer("%2F", "%2f", "%3A", "%3a", "%3F", "%3f").Replace(url.QueryEscape(pw))
		j, err := json.Marshal(pw)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			for _, spelled := range []string{
				pw, url.QueryEscape(pw), url.PathEscape(pw), lower, percentAll(pw),
				strconv.Quote(pw), strconv.QuoteToASCII(pw), string(j), strings.ReplaceAll(pw, "'", "''"),
				u.String(), s.Reveal(), "password=" + pw, "'" + pw + "'", "x" + pw + "y",
			} {
				text := "before " + spelled + " after " + spelled
				got := Mask(text, s)
				if strings.Contains(got, pw) || strings.Contains(unescape(got), pw) || !strings.Contains(got, stars) {
					t.Errorf("password %q, Mask(%q) = %q", pw, text, got)
				}
				if !strings.HasPrefix(got, "before ") {
					t.Errorf("Mask(%q) = %q lost its beginning", text, got)
				}
			}
		}
	}
}

func percentAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02x", s[i])
	}
	return b.String()
}

func TestMaskLeavesTheRest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, secret, text, want string }{
		{"a driver's error", "postgres://app:hunter2@db/shop",
			`cannot parse "postgres://app:hunter2@db/shop": hunter2`, `cannot parse "postgres://app:***@db/shop": ***`},
		{"one letter", "postgres://app:a@db/shop",
			`bad data at postgres://app:a@db/shop, password=a user "a" name='a'`, `bad data at postgres://app:***@db/shop, password=*** user "***" name='***'`},
		{"two letters", "postgres://app:sa@db/shop", "a message sa said", "a message sa said"},
		{"the user's name", "postgres://postgres:postgres@db/shop",
			`password authentication failed for user "postgres" at postgres://postgres:postgres@db/shop (password=postgres)`,
			`password authentication failed for user "postgres" at postgres://postgres:***@db/shop (password=***)`},
		{"a word in a message", "postgres://app:authentication@db/shop", "password authentication failed", "password *** failed"},
		{"no password", "postgres://app@db/shop", "app@db shop", "app@db shop"},
		{"empty secret", "", "anything", "anything"},
		{"not a URL", "hunter2", "is hunter2 here", "is *** here"},
		{"overlapping", "postgres://app:abab@db/x", "xababab.", "x***."},
		{"a quoted value", `host=db password='p\'w x' dbname=x`, "it said p'w x and p\\'w x", "it said *** and ***"},
		{"an @ in the query", "postgres://app:hunter2@db/shop?application_name=me@corp", "hunter2 refused", "*** refused"},
	} {
		if got := Mask(tt.text, NewSecret(tt.secret)); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.name, got, tt.want)
		}
	}
	got := Mask("abcdef", NewSecret("x://u:abcd@h"), NewSecret("x://u:cdef@h"), Secret{})
	if got != stars {
		t.Errorf("overlapping secrets: %q", got)
	}
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"sqlite:///a.db", "sqlite:////a/b@c:d.db", "sqlite:///:memory:", "sqlite3:///a b%.db", "SQLITE:///a.db", "sqlite+aiosqlite:///a.db",
		"postgres://h", "postgres:///d?host=/run", "postgresql://u:p%40%3A%2F%23%3F%25@h:5432/d?sslmode=disable",
		"postgres://u:p@ss:w@h/d", "postgres://u:p@[::1]:5432/d", "postgres://u:p@a:1,b:2,c/d", "postgres://h/d?user=me@corp",
		"mysql+pymysql://u:p@h:3306/d", "mariadb://u:p!$&'()*+,;=-._~@h/d", "mysql://u:p@tcp(h:3306)/d", "postgres://u:p@h:/d",
	} {
		if msg, _ := checkURL(good, nil); msg != "" {
			t.Errorf("checkURL(%q) = %q", good, msg)
		}
	}
	for bad, want := range map[string]string{
		"shop.db":                      "no scheme",
		"://h/d":                       "no scheme",
		"sqlite::memory:":              "no //",
		"sqlite:/shop.db":              "no //",
		"postgres:u:p@h":               "no //",
		"host=h password=hunter2":      "key=value",
		"jdbc:postgresql://h/d":        "JDBC",
		"postgress://h/d":              `did you mean "postgres"`,
		"postgres://u:hun#ter2@h/d":    "percent-encoded",
		"postgres://u:hun/ter2@h/d":    "percent-encoded",
		"postgres://u:hun?ter2@h/d":    "percent-encoded",
		"postgres://u:123/ter2@h/d":    "percent-encoded",
		"postgres://u:123?ter2@h/d":    "percent-encoded",
		"postgres://u:p@x/ter2@h/d":    "percent-encoded",
		"postgres://u:hun ter2@h/d":    "percent-encoded",
		"postgres://u:pässword@h/d":    "percent-encoded",
		"postgres://u:hun[ter2@h/d":    "percent-encoded",
		"postgres://u:hunter2%@h/d":    "a % in it",
		"postgres://u:hunter2%zz@h/d":  "a % in it",
		"postgres://h:port/d":          "port is not a number",
		"sqlite://:memory:":            "no host",
		"postgres://u:hun\nter2@h/d":   "control character",
		"sqlserver://u:hunter2@h:1433": "unknown URL scheme",
	} {
		msg, hint := checkURL(bad, nil)
		if !strings.Contains(msg, want) {
			t.Errorf("checkURL(%q) = %q, want %q in it", bad, msg, want)
		}
		if strings.Contains(msg+hint, "ter2") {
			t.Errorf("checkURL(%q) tells the password: %q, %q", bad, msg, hint)
		}
		if hint == "" {
			t.Errorf("checkURL(%q) says nothing of what to do", bad)
		}
	}
}

func TestScheme(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "PostgreSQL+psycopg://h": "postgresql", "sqlite:///x": "sqlite", "mysql+pymysql://h/d": "mysql"} {
		if got := (Database{URL: NewSecret(in)}).Scheme(); got != want {
			t.Errorf("Scheme of %q = %q, want %q", in, got, want)
		}
	}
}
