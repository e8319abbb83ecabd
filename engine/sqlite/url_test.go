package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestURLNamesThePlaceOfTheDatabase(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"sqlite:///shop.db":                        "shop.db",
		"sqlite:///data/shop.db":                   "data/shop.db",
		"sqlite:////var/lib/shop.db":               "/var/lib/shop.db",
		"sqlite3:///shop.db":                       "shop.db",
		"sqlite+pysqlite:///shop.db":               "shop.db",
		"SQLite+aiosqlite:///shop.db":              "shop.db",
		"sqlite:///my%20shop%25.db":                "my shop%.db",
		"sqlite:///a#b.db":                         "a#b.db",
		"sqlite:///C:\\x.db":                       "C:\\x.db",
		"sqlite:///file:x.db?mode=ro&uri=true":     "x.db",
		"sqlite:///file:/tmp/x.db?uri=true":        "/tmp/x.db",
		"sqlite:///file:///tmp/x.db?uri=true":      "/tmp/x.db",
		"sqlite:///file://localhost/tmp/x.db":      "/tmp/x.db",
		"sqlite://":                                ":memory:",
		"sqlite:///:memory:":                       ":memory:",
		"sqlite:///file::memory:?uri=true":         ":memory:",
		"sqlite:///file:m?mode=memory&uri=true":    ":memory:",
		"sqlite+pysqlite:///:memory:?cache=shared": ":memory:",
	} {
		got, err := parse(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		place := got.path
		if got.memory {
			place = ":memory:"
		}
		if place != want {
			t.Errorf("%s: got %s, want %s", url, place, want)
		}
	}
}

func TestURLParametersAreReadAsTheirUsersKnowThem(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]target{
		"":                        {},
		"mode=ro":                 {mode: "ro"},
		"busy_timeout=250":        {busy: 250 * time.Millisecond, hasBusy: true},
		"_busy_timeout=250":       {busy: 250 * time.Millisecond, hasBusy: true},
		"timeout=0.5":             {busy: 500 * time.Millisecond, hasBusy: true},
		"timeout=0":               {hasBusy: true},
		"check_same_thread=false": {},
		"foreign_keys=on":         {pragmas: []setting{{"foreign_keys", "on"}}},
		"_fk=1":                   {pragmas: []setting{{"foreign_keys", "1"}}},
		"journal_mode=wal":        {pragmas: []setting{{"journal_mode", "wal"}}},
		"_pragma=foreign_keys(1)&_pragma=cache_size%3D-4000": {pragmas: []setting{{"foreign_keys", "1"}, {"cache_size", "-4000"}}},
		"_pragma=busy_timeout(70)":                           {busy: 70 * time.Millisecond, hasBusy: true},
	} {
		got, err := parse("sqlite:///x.db?" + query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		same := got.mode == want.mode && got.busy == want.busy && got.hasBusy == want.hasBusy && len(got.pragmas) == len(want.pragmas)
		for i := range want.pragmas {
			same = same && got.pragmas[i] == want.pragmas[i]
		}
		if !same {
			t.Errorf("%s: got %+v, want %+v", query, got, want)
		}
	}
}

func TestURLErrorsSayWhatToWrite(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://db/shop":                                  "not a SQLite URL",
		"sqlite":                                              "not a SQLite URL",
		"sqlite:shop.db":                                      "sqlite:///relative.db",
		"sqlite://shop.db":                                    "three slashes",
		"sqlite:///":                                          "without a file",
		"sqlite:///100%.db":                                   "%25",
		"sqlite:///a%00b":                                     "NUL",
		"sqlite:///file://host/x.db":                          "host",
		"sqlite:///x.db?busy_timout=1":                        "did you mean busy_timeout?",
		"sqlite:///x.db?mod=ro":                               "did you mean mode?",
		"sqlite:///x.db?mode=readonly":                        "ro, rw, rwc",
		"sqlite:///x.db?mode=ro&mode=rw":                      "twice",
		"sqlite:///x.db?timeout=soon":                         "seconds",
		"sqlite:///x.db?timeout=-1":                           "seconds",
		"sqlite:///x.db?timeout=NaN":                          "seconds",
		"sqlite:///x.db?busy_timeout=5s":                      "milliseconds",
		"sqlite:///x.db?_pragma=foreign_key(1)":               "did you mean foreign_keys?",
		"sqlite:///x.db?_pragma=foreign_keys":                 "name(value)",
		"sqlite:///x.db?_pragma=table_info(t)":                "sets nothing",
		"sqlite:///x.db?_pragma=cache_size(1)%3BDROP+TABLE+t": "name(value)",
		"sqlite:///x.db?_pragma=cache_size(1%3B2)":            "plain word",
		"sqlite:///x.db?journal_mode=off":                     "refused",
		"sqlite:///x.db?_pragma=locking_mode(exclusive)":      "refused",
		"sqlite:///x.db?a=%zz":                                "unreadable",
		"sqlite:///x.db?_fk=1&foreign_keys=off":               "set twice",
	} {
		_, err := parse(url)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", url, err, want)
		}
	}
}

func TestURLErrorsNeverHoldAValueThatMayBeASecret(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"sqlite://app:hunter2@db/shop", "hunter2://x", "sqlite:hunter2@x", "sqlite:///x.db?key=hunter2",
		"sqlite:///x.db?_pragma=key('hunter2')", "sqlite:///x.db?_pragma=cache_size('hunter2')",
		"sqlite:///x.db?mode=hunter2", "sqlite:///x.db?_pragma=hunter2", "sqlite:///x.db?%zzhunter2",
	} {
		_, err := parse(url)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

func TestLabelIsTheURLWithoutParameters(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"sqlite+pysqlite:///shop.db?_pragma=cache_size(3)": "sqlite:///shop.db",
		"sqlite:////srv/shop.db":                           "sqlite:////srv/shop.db",
		"sqlite://":                                        "sqlite:///:memory:",
	} {
		if got := openAt(t, url).Label(); got != want {
			t.Errorf("%s: got %s, want %s", url, got, want)
		}
	}
}

func TestRelativePathsBeginAtTheGivenFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := Engine().Open("sqlite:///shop.db", engine.OpenOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s := connect(t, d, engine.ConnectOptions{})
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Server().Database, filepath.Join(real, "shop.db"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSchemasOtherThanMainAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := Engine().Open("sqlite://", engine.OpenOptions{Schema: "app"}); err == nil {
		t.Error("a schema was accepted")
	}
}
