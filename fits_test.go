package dbwarden_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestTextsFromOutsideFit: however long the names of a user and a host are, and
// whatever bytes are in them, in a reason, in a function's error or in what
// another tool wrote down, no statement of ours fails for it; what is too long is
// cut by characters.
func TestTextsFromOutsideFit(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"0001_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);\n", "0002_b.sql": "-- upgrade\nCREATE TABLE b (id INTEGER);\n"})
		// Beyond the columns in characters, and in bytes within that already.
		user, host := "\x00\xff"+strings.Repeat("ж", 300), strings.Repeat("猫", 300)
		fails := errors.New("\x00of a function \xfe" + strings.Repeat("é", 3000))
		good := false
		c := dbwarden.Config{
			Engine: p.engine, Database: b.db, Migrations: b.files, Wait: time.Minute,
			Holder: lock.Holder{User: user, Host: host, Pid: 1, Program: strings.Repeat("ü\x00", 300), Command: strings.Repeat("\xff", 300)},
			Go: []migration.Go{{Version: "0003", Description: "of many dots" + strings.Repeat(".", 600), UpConn: func(ctx context.Context, conn migration.Conn) error {
				if good {
					return nil
				}
				if _, err := conn.ExecContext(ctx, "CREATE TABLE c (id INTEGER)"); err != nil {
					return err
				}
				return fails
			}}},
		}
		w, err := dbwarden.New(c)
		if err != nil {
			t.Fatal(err)
		}
		by := strings.Repeat("é", 300)
		res, err := w.Adopt(t.Context(), func(context.Context, engine.Session) ([]dbwarden.Adopted, error) {
			return []dbwarden.Adopted{{File: "0001_a.sql", Elsewhere: journal.Elsewhere{Tool: "goose", By: by, Duration: -1}}}, nil
		})
		if err != nil || len(res.Completed) != 1 {
			t.Fatalf("adopt: %v", err)
		}
		_, err = w.Migrate(t.Context(), plan.Target{})
		if failed, ok := errors.AsType[*dbwarden.MigrationError](err); !ok || !errors.Is(err, fails) || failed.State != dbwarden.Partial || !failed.LockKept {
			t.Fatalf("the function that fails: %v", err)
		}
		length := "CHAR_LENGTH"
		if p.engine.Name == "sqlite" {
			length = "LENGTH"
		}
		cut := func(column, from string, want int) {
			t.Helper()
			if got := b.value("SELECT MAX(" + length + "(" + column + ")) FROM " + from); got != strconv.Itoa(want) {
				t.Errorf("%s of %s has %s characters, want %d", column, from, got, want)
			}
			if got := b.value("SELECT MAX(" + column + ") FROM " + from); !utf8.ValidString(got) || strings.Contains(got, "\x00") {
				t.Errorf("%s of %s is %q", column, from, got)
			}
		}
		cut("holder", "dbwarden_lock", 500)
		cut("detail", "dbwarden_lock", 2000)
		r, err := w.Unlock(t.Context(), false, "\xff\x00"+strings.Repeat("ö", 3000))
		if err != nil || r.Unfinished == nil {
			t.Fatalf("unlock: %v", err)
		}
		good = true
		if _, err := w.Migrate(t.Context(), plan.Target{}); err != nil {
			t.Fatal(err)
		}
		cut("applied_by", "dbwarden_migrations", 255)
		cut("program", "dbwarden_migrations", 100)
		cut("created_by", "dbwarden_journal", 255)
		if got := b.value("SELECT applied_by FROM dbwarden_migrations WHERE version = '0001'"); got != by[:2*255] {
			t.Errorf("whom the other tool names is %q", got)
		}
		if got := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); got != "3" || b.locked() {
			t.Errorf("%s migrations are in the history", got)
		}
	})
}

// TestAVersionThatIsTooLong is refused, and not cut: it would be another one.
func TestAVersionThatIsTooLong(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteProduct(), map[string]string{strings.Repeat("1", 256) + "_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);\n"})
	_, err := b.warden().Migrate(t.Context(), plan.Target{})
	if _, ok := errors.AsType[migration.Problems](err); !ok {
		t.Errorf("256 digits: %v", err)
	}
	up := func(context.Context, migration.Tx) error { return nil }
	for name, g := range map[string]migration.Go{
		"256 digits": {Version: strings.Repeat("1", 256), Up: up},
		"no UTF-8":   {Version: "1", Description: "a\xff", Up: up},
		"two lines":  {Version: "1", Description: "a\nb", Up: up},
		"NUL":        {Version: "1", Description: "a\x00", Up: up},
	} {
		if _, err := dbwarden.New(dbwarden.Config{Engine: b.engine, Database: b.db, Go: []migration.Go{g}}); err == nil {
			t.Errorf("%s in Go was taken", name)
		}
	}
}
