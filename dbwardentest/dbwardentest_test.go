package dbwardentest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/dbwardentest"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestEachTestHasADatabaseOfItsOwn: two of one folder are two, migrated, with a
// history that finds nothing to do and a lock that nobody holds; and what is
// written into one is not in the other, nor in the next. They go with their test,
// also where somebody is still in one.
func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	onEvery(t, func(t *testing.T, p product) {
		c := dbwarden.Config{Engine: p.engine, Migrations: folder(fresh("own"))}
		var urls []string
		var left engine.Session
		t.Run("user", func(t *testing.T) {
			for range 3 {
				url := dbwardentest.New(t, p.url, c)
				urls = append(urls, url)
				if got := p.value(t, url, "SELECT body FROM notes"); got != "first" {
					t.Errorf("%s: the note is %q", url, got)
				}
				p.exec(t, url, "INSERT INTO notes VALUES (2, 'second')")
				w, err := dbwarden.Open(url, c)
				if err != nil {
					t.Fatal(err)
				}
				res, err := w.Migrate(t.Context(), plan.Target{})
				if err != nil || len(res.Planned) != 0 {
					t.Errorf("migrated again: %v, %v", res, err)
				}
				if r, err := w.Lock(t.Context()); err != nil || r.Active {
					t.Errorf("the lock: %+v, %v", r, err)
				}
				if res, err := w.Rollback(t.Context(), plan.Target{}); err != nil || len(res.Completed) != 1 {
					t.Errorf("rolled back: %v, %v", res, err)
				}
			}
			if p.server != nil { // not every system takes away a file that is open
				left = p.session(t, urls[0])
			}
		})
		if left != nil {
			left.Close()
		}
		for i, url := range urls {
			if !p.gone(url) {
				t.Errorf("%s is still there", url)
			}
			if i > 0 && url == urls[i-1] {
				t.Errorf("two tests have %s", url)
			}
		}
	})
}

// TestOneOfManyMakesTheTemplate: 52 databases in four processes at once, and one
// of these migrates. Where databases cannot be copied each migrates, and a dozen
// show it.
func TestOneOfManyMakesTheTemplate(t *testing.T) {
	t.Parallel()
	onEvery(t, func(t *testing.T, p product) {
		var all sync.WaitGroup
		each, want := "13", 1
		if !p.copies() {
			each, want = "3", 12
		}
		said, mark := make([][]string, 4), fresh("many")
		for i := range said {
			c := p.child(t, mark, each)
			all.Go(func() { said[i] = c.lines(t) })
		}
		all.Wait()
		migrated := 0
		for _, line := range strings.Split(fmt.Sprint(said), " ") {
			if strings.Contains(line, "migrated") {
				migrated++
			}
		}
		if migrated != want {
			t.Errorf("%d runs, want %d", migrated, want)
		}
		if p.engine.Fresh.Copy != nil {
			open := "SELECT count(*) FILTER (WHERE datallowconn), count(*) > 0 FROM pg_database WHERE datname ~ '^dbwarden_template_'"
			if got := dbtest.Dial(t, p.server.URL()).Rows(t, open)[0]; got[0] != "0" || got[1] != "t" {
				t.Errorf("somebody may connect to %s templates; there are some: %s", got[0], got[1])
			}
		}
	})
}

// TestACopyHasWhatBelongsToItsDatabase: settings that a migration gives to the
// current database, and rights in it, which CREATE DATABASE copies from no
// template.
func TestACopyHasWhatBelongsToItsDatabase(t *testing.T) {
	t.Parallel()
	p := products()["postgres"](t)
	files := folder(fresh("database"))
	files["0003_database.sql"] = &fstest.MapFile{Data: []byte(`-- upgrade
DO $$ BEGIN
	EXECUTE format('ALTER DATABASE %I SET search_path = "$user", public, "Odd, one"', current_database());
	EXECUTE format('ALTER DATABASE %I SET app.mode = %L', current_database(), 'it''s, = so');
	EXECUTE format('ALTER ROLE %I IN DATABASE %I SET work_mem = %L', current_user, current_database(), '7MB');
	EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
	EXECUTE format('GRANT CONNECT ON DATABASE %I TO pg_monitor WITH GRANT OPTION', current_database());
	EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
END $$;
`)}
	const look = `SELECT concat_ws(E'\n', current_setting('search_path'), current_setting('app.mode', true), current_setting('work_mem'),
		(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) AS a)) FROM pg_database WHERE datname = current_database()`
	c := dbwarden.Config{Engine: p.engine, Migrations: files}
	made := p.server.NewDatabase(t)
	w, err := dbwarden.Open(made, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Migrate(t.Context(), plan.Target{}); err != nil {
		t.Fatal(err)
	}
	want := dbtest.Dial(t, made).Rows(t, look)[0][0]
	for range 2 { // the second one is a copy of a template that is there
		if got := dbtest.Dial(t, dbwardentest.New(t, p.url, c)).Rows(t, look)[0][0]; got != want {
			t.Errorf("a copy has\n%s\nand a database that was migrated\n%s", got, want)
		}
	}
}

// TestAKilledMakerLeavesNoTemplate: a process is killed between two migrations of
// the template. The next one makes it anew, without a wait for the lock.
func TestAKilledMakerLeavesNoTemplate(t *testing.T) {
	t.Parallel()
	onEvery(t, func(t *testing.T, p product) {
		mark := fresh("killed")
		c := p.child(t, mark, "stop half-way")
		if !c.said.Scan() || c.said.Text() != "half" {
			t.Fatalf("the child said %q", c.said.Text())
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		url := dbwardentest.New(t, p.url, dbwarden.Config{Engine: p.engine, Migrations: folder(mark)})
		if got := p.value(t, url, "SELECT body FROM notes"); got != "first" {
			t.Errorf("the note is %q", got)
		}
	})
}

// TestAnotherFolderHasAnotherTemplate: a changed file is seen at once, and so is
// its way back to what it was; so is whatever else decides what is migrated.
func TestAnotherFolderHasAnotherTemplate(t *testing.T) {
	t.Parallel()
	onEvery(t, func(t *testing.T, p product) {
		runs, mark := 0, fresh("changes")
		c := dbwarden.Config{Engine: p.engine, Observe: func(e event.Event) {
			if e.Kind == event.RunStarted {
				runs++
			}
		}}
		note := func(text string, more func(*dbwarden.Config)) string {
			c := c
			files := folder(mark)
			files["0002_first.sql"] = &fstest.MapFile{Data: []byte("-- vars: on\n-- upgrade\nINSERT INTO notes VALUES (1, " + text + ");\n-- rollback\nDELETE FROM notes;\n")}
			files["0003_second.sql"] = &fstest.MapFile{Data: []byte("-- env: production\n-- upgrade\nINSERT INTO notes VALUES (2, 'production');\n-- rollback\nDELETE FROM notes WHERE id = 2;\n")}
			c.Migrations = files
			if more != nil {
				more(&c)
			}
			return p.value(t, dbwardentest.New(t, p.url, c), "SELECT body FROM notes ORDER BY id DESC LIMIT 1")
		}
		who := func(name string) func(*dbwarden.Config) {
			return func(c *dbwarden.Config) { c.Vars = map[string]migration.Value{"who": {Text: name}} }
		}
		hook := func(sql string) func(*dbwarden.Config) {
			return func(c *dbwarden.Config) { c.Hooks = []dbwarden.Hook{{At: dbwarden.HookAfterRun, SQL: sql}} }
		}
		inGo := func(body, checksum string) func(*dbwarden.Config) {
			return func(c *dbwarden.Config) {
				c.Go = []migration.Go{{Version: "4", Checksum: checksum, Up: func(ctx context.Context, tx migration.Tx) error {
					_, err := tx.ExecContext(ctx, "INSERT INTO notes VALUES (4, '"+body+"')")
					return err
				}}}
			}
		}
		same := inGo("go", "")
		otherInGo := func(c *dbwarden.Config) {
			c.Go = []migration.Go{{Version: "4", Up: func(ctx context.Context, tx migration.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO notes VALUES (4, 'go')")
				return err
			}}}
		}
		for _, step := range []struct {
			text, want string
			more       func(*dbwarden.Config)
			again      bool
		}{
			{"'one'", "one", nil, false},
			{"'two'", "two", nil, false},
			{"'one'", "one", nil, true},
			{"${'who'}", "ada", who("ada"), false},
			{"${'who'}", "bob", who("bob"), false},
			{"${'who'}", "ada", who("ada"), true},
			{"'one'", "hook", hook("INSERT INTO notes VALUES (2, 'hook')"), false},
			{"'one'", "another hook", hook("INSERT INTO notes VALUES (2, 'another hook')"), false},
			{"'one'", "production", func(c *dbwarden.Config) { c.Env = "production" }, false},
			{"'one'", "go", same, false},
			{"'one'", "go", same, true}, // of the same binary
			{"'one'", "go", otherInGo, false},
			{"'one'", "v1", inGo("v1", "v1"), false},
			{"'one'", "v2", inGo("v2", "v2"), false},
		} {
			before := runs
			if got := note(step.text, step.more); got != step.want {
				t.Errorf("the note is %q, want %q", got, step.want)
			}
			if again := runs == before; again != (step.again && p.copies()) {
				t.Errorf("%s: %d runs", step.text, runs-before)
			}
		}
	})
}

// TestWhatWasLeftIsSweptAway: databases of killed tests a day after, and
// templates a week after their last use; not before, and none that somebody is
// in. It is alone: the other tests sweep, too.
func TestWhatWasLeftIsSweptAway(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Caps.File {
			sweepsFiles(t, p)
			return
		}
		old := engine.NewTestName(time.Now().Add(-engine.TestAge - time.Minute))
		busy := engine.NewTestName(time.Now().Add(-engine.TestAge - time.Minute))
		young := engine.NewTestName(time.Now().Add(-engine.TestAge + time.Hour))
		others := "dbwarden_test_00000001_other_" + p.engine.Name
		url := func(name string) string { return dbtest.WithDatabase(p.server.URL(), name) }
		for _, name := range []string{old, busy, young, others} {
			p.exec(t, p.server.URL(), "CREATE DATABASE "+name)
			t.Cleanup(func() { p.server.Exec(t, "DROP DATABASE IF EXISTS "+name) })
		}
		gone := []string{old}
		if p.engine.Fresh.Copy != nil {
			used := func(age time.Duration) string {
				name := engine.TemplateName(strings.Repeat(fmt.Sprintf("%08x", int(age.Hours())), 4))
				p.exec(t, p.server.URL(), "CREATE DATABASE "+name)
				p.exec(t, p.server.URL(), "COMMENT ON DATABASE "+name+" IS 'dbwarden: a template of tests'' databases, last used "+
					time.Now().Add(-age).UTC().Format(time.DateOnly)+"'")
				t.Cleanup(func() { p.server.Exec(t, "DROP DATABASE IF EXISTS "+name) })
				return name
			}
			gone = append(gone, used(engine.TemplateAge+48*time.Hour))
			defer func(name string) {
				if p.gone(url(name)) {
					t.Error("a template is gone that was in use")
				}
			}(used(engine.TemplateAge - 48*time.Hour))
		}
		s := p.session(t, url(busy))
		defer s.Close()
		dbwardentest.New(t, p.url, dbwarden.Config{Engine: p.engine, Migrations: folder("sweeps " + old)})
		for _, name := range gone {
			if !p.gone(url(name)) {
				t.Errorf("%s is still there", name)
			}
		}
		for _, name := range []string{busy, young, others} {
			if p.gone(url(name)) {
				t.Errorf("%s is gone", name)
			}
		}
	})
}

func sweepsFiles(t *testing.T, p product) {
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(dir, "dbwarden", "test-templates")
	file := func(name string, age time.Duration) string {
		name = filepath.Join(dir, name)
		at := time.Now().Add(-age)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
		return name
	}
	gone := []string{file("old.db", engine.TemplateAge+time.Hour), file("old.lock", engine.TemplateAge+time.Hour), file("1.making", engine.TestAge+time.Hour)}
	stay := []string{file("young.db", engine.TemplateAge-time.Hour), file("2.making", engine.TestAge-time.Hour), file("other", 1000*time.Hour)}
	dbwardentest.New(t, p.url, dbwarden.Config{Engine: p.engine, Migrations: folder(fresh("sweeps"))})
	for _, name := range gone {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range stay {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("%s is gone", name)
		}
	}
}

// failing is a test whose end is asked for, and which goes on as a test does not.
type failing struct {
	testing.TB
	ctx  context.Context
	said string
	logs []string
	last []func()
	bad  bool
}

func (f *failing) Helper()                        {}
func (f *failing) Context() context.Context       { return f.ctx }
func (f *failing) Cleanup(do func())              { f.last = append(f.last, do) }
func (f *failing) Failed() bool                   { return f.bad }
func (f *failing) Logf(format string, a ...any)   { f.logs = append(f.logs, fmt.Sprintf(format, a...)) }
func (f *failing) Errorf(format string, a ...any) { f.said += fmt.Sprintf(format, a...) }
func (f *failing) Fatalf(format string, a ...any) {
	f.said += fmt.Sprintf(format, a...)
	panic(f)
}

// run has New called, and says what it said.
func (f *failing) run(url string, c dbwarden.Config) (made, said string) {
	defer func() {
		if r := recover(); r != nil && r != any(f) {
			panic(r)
		}
		said = f.said
	}()
	return dbwardentest.New(f, url, c), f.said
}

func (f *failing) end() {
	for i := len(f.last) - 1; i >= 0; i-- {
		f.last[i]()
	}
}

// TestWhatCannotBeDoneIsSaid: a missing right with the SQL that gives it, a
// migration that fails, a Config that a template cannot keep; never the password,
// and nothing is left.
func TestWhatCannotBeDoneIsSaid(t *testing.T) {
	t.Parallel()
	onEvery(t, func(t *testing.T, p product) {
		says := func(url string, c dbwarden.Config, want string) {
			t.Helper()
			f := &failing{TB: t, ctx: t.Context()}
			made, said := f.run(url, c)
			if made != "" || !strings.Contains(said, want) {
				t.Errorf("said %q and made %q; want %q", said, made, want)
			}
			f.end()
			if f.said != said {
				t.Errorf("at the end it said %q", f.said)
			}
		}
		c := dbwarden.Config{Engine: p.engine, Migrations: folder(fresh("refused"))}
		says(p.url, dbwarden.Config{Engine: p.engine}, "needs an Engine and Migrations")
		says("", c, "the URL of a database is empty")
		bad := c
		bad.BeforeRun = func(context.Context, dbwarden.Before) error { return nil }
		says(p.url, bad, "BeforeRun is not called")
		bad = c
		bad.Hooks = []dbwarden.Hook{{At: dbwarden.HookAfterRun, Call: func(context.Context, dbwarden.Facts, func(string)) error { return nil }}}
		says(p.url, bad, "a hook after_run that calls a function")
		bad = c
		files := folder(fresh("refused"))
		files["0003_bad.sql"] = &fstest.MapFile{Data: []byte("-- upgrade\nINSERT INTO nowhere VALUES (1);\n-- rollback\nDELETE FROM notes;\n")}
		bad.Migrations = files
		says(p.url, bad, "migrate a new database: ")
		if p.server == nil {
			return
		}
		user, password := p.server.NewRole(t)
		url := p.server.WithUser(p.url, user, password)
		says(url, c, p.engine.Fresh.Right(engine.Server{User: user})[:5]) // its first word is enough: how users are spelt is the engine's
		f := &failing{TB: t, ctx: t.Context()}
		if _, said := f.run(url, c); !strings.Contains(said, "may not make a database") || strings.Contains(said, password) {
			t.Errorf("said %q", said)
		}
		f.end()

		d, err := p.engine.Open(p.url, engine.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		clerk, err := p.engine.Fresh.Clerk(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		defer clerk.Close()
		mine := dbtest.DatabaseName(p.server.NewDatabase(t))
		if err := p.engine.Fresh.Drop(t.Context(), clerk, mine); err == nil || !strings.Contains(err.Error(), "was not made for a test") {
			t.Errorf("another's database: %v", err)
		}
	})
}

// TestADatabaseCanBeKept: it is there behind the test, and its name is said, as
// it is of a test that fails.
func TestADatabaseCanBeKept(t *testing.T) {
	for name, of := range products() {
		t.Run(name, func(t *testing.T) {
			p := of(t)
			c := dbwarden.Config{Engine: p.engine, Migrations: folder(fresh("kept"))}
			t.Setenv(dbwardentest.Keep, "")
			f := &failing{TB: t, ctx: t.Context(), bad: true}
			url, _ := f.run(p.url, c)
			f.end()
			if !p.engine.Caps.File && (!p.gone(url) || len(f.logs) != 1 || !strings.Contains(f.logs[0], dbtest.DatabaseName(url)) || !strings.Contains(f.logs[0], dbwardentest.Keep)) {
				t.Errorf("of a failed test it said %q", f.logs)
			}
			t.Setenv(dbwardentest.Keep, "1")
			f = &failing{TB: t, ctx: t.Context()}
			url, _ = f.run(p.url, c)
			f.end()
			if p.gone(url) || len(f.logs) != 1 || !strings.Contains(f.logs[0], "kept ") {
				t.Errorf("%s is gone: %q", url, f.logs)
			}
			if p.server != nil {
				p.server.Exec(t, "DROP DATABASE "+dbtest.DatabaseName(url))
			}
		})
	}
}
