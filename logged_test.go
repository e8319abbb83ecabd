package dbwarden_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/backup"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/event/eventlog"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// A line is what a test looks at of a record.
type line struct{ event, run string }

// lines are a log.
type lines struct {
	mu  sync.Mutex
	all []line
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }
func (l *lines) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *lines) WithGroup(string) slog.Handler            { return l }

func (l *lines) Handle(_ context.Context, r slog.Record) error {
	var one line
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "event":
			one.event = a.Value.String()
		case "run":
			one.run = a.Value.String()
		}
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, one)
	return nil
}

// take is what came since the last time.
func (l *lines) take() []line {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.all
	l.all = nil
	return all
}

// Every line of the log of whatever takes the lock bears one id, and the session
// that took it has the end of that id in its name. Of the kinds of events
// none is left out, but for those of whole commands and of very long work.
func TestEveryLineOfALogBearsTheRunsId(t *testing.T) {
	t.Parallel()
	b := onPostgres(t, map[string]string{
		"0001_a.sql": "-- require: SELECT 1 = 1\n-- upgrade\nCREATE TABLE a (n INTEGER);\nINSERT INTO a VALUES (1), (1);\nDO 'BEGIN RAISE NOTICE ''hello''; END';\n",
	})
	log, seen := &lines{}, map[string]bool{}
	tell := eventlog.Observer(slog.New(log))
	// verb does something, and looks at what was logged of it.
	verb := func(name string, meanwhile event.Observer, do func(w *dbwarden.Warden) (run string, err error)) error {
		t.Helper()
		b.watch = func(e event.Event) {
			tell(e)
			if e.Kind == event.LockAcquired {
				query := fmt.Sprintf("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'dbwarden %% %s %%'", lock.RunMark(e.Run))
				if n, err := b.tryValue(query); n != "1" || err != nil {
					t.Errorf("%s: %s sessions are named after the run %s: %v", name, n, e.Run, err)
				}
			}
			meanwhile.Emit(e)
		}
		run, err := do(b.warden())
		b.watch = nil
		all := log.take()
		if len(all) == 0 {
			t.Errorf("%s: nothing was logged", name)
		}
		for _, l := range all {
			if run == "" {
				run = l.run
			}
			if l.run == "" || l.run != run {
				t.Errorf("%s: %s of run %q, in run %q", name, l.event, l.run, run)
			}
			seen[l.event] = true
		}
		return err
	}
	migrate := func(w *dbwarden.Warden) (string, error) {
		res, err := w.Migrate(t.Context(), plan.Target{})
		return res.Run, err
	}
	must := func(name string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}

	var made *backup.File
	b.fingerprint = (&prints{}).of(b.engine)
	b.hooks = []dbwarden.Hook{{At: dbwarden.HookBeforeRun, Call: func(_ context.Context, _ dbwarden.Facts, say func(string)) error { say("a line"); return nil }}}
	b.before = func(ctx context.Context, before dbwarden.Before) (err error) {
		made, err = backup.Take(ctx, backup.Options{Engine: b.engine, Database: b.db, Dir: t.TempDir()}, before)
		return err
	}
	must("the first run", verb("the first run", nil, migrate))
	b.hooks, b.before = nil, nil

	b.exec("ALTER TABLE a ADD COLUMN drifted INTEGER")
	b.put("0002_b.sql", "-- upgrade\nALTER TABLE a ADD COLUMN m INTEGER;\n")
	blocker := b.session()
	for _, q := range []string{"BEGIN", "LOCK TABLE a IN ACCESS SHARE MODE"} {
		if _, err := blocker.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	b.limits.Lock = 3 * time.Second
	must("one that waits for a table", verb("one that waits for a table", func(e event.Event) {
		if e.Kind == event.LockTimeout && e.Number == 1 {
			if _, err := blocker.Exec(t.Context(), "COMMIT"); err != nil {
				t.Error(err)
			}
		}
	}, migrate))

	b.put("0003_c.sql", "-- transaction: off\n-- upgrade\nCREATE TEMPORARY TABLE c (n INTEGER);\nINSERT INTO c VALUES (1);\n")
	holder, holds, goOn, ended := *b, make(chan struct{}), make(chan struct{}), make(chan error, 1)
	holder.hooks = []dbwarden.Hook{{At: dbwarden.HookBeforeRun, Call: func(context.Context, dbwarden.Facts, func(string)) error {
		close(holds)
		<-goOn
		return errors.New("enough")
	}}}
	holding := holder.warden()
	go func() {
		_, err := holding.Migrate(t.Context(), plan.Target{})
		ended <- err
	}()
	<-holds
	release := sync.OnceFunc(func() { close(goOn) })
	must("one that waits for the lock", verb("one that waits for the lock", func(e event.Event) {
		if e.Kind == event.LockWaiting {
			release()
		}
	}, migrate))
	if err := <-ended; err == nil {
		t.Error("the holder came to its end")
	}

	b.put("0004_d.sql", "-- lock_timeout: 0\n-- upgrade\nCREATE UNIQUE INDEX CONCURRENTLY a_n ON a (n);\n")
	if err := verb("one that fails half-way", nil, migrate); err == nil {
		t.Fatal("the index was built over two equal rows")
	}
	unlock := func(w *dbwarden.Warden) (string, error) {
		_, err := w.Unlock(t.Context(), false, "")
		return "", err
	}
	must("unlock", verb("unlock", nil, unlock))
	b.exec("DELETE FROM a WHERE ctid = (SELECT MIN(ctid) FROM a)")
	must("one that goes on", verb("one that goes on", nil, migrate))

	b.put("0005_e.sql", "-- transaction: off\n-- upgrade\n"+secretly("postgres", "INSERT INTO a VALUES (5)")+";\nCREATE TABLE e (n INTEGER);\n")
	b.crashAt("0005", 1)
	b.unlock()
	b.doubt()
	log.take()
	must("resolve", verb("resolve", nil, func(w *dbwarden.Warden) (string, error) {
		_, err := w.Resolve(t.Context(), "0005", true, 0)
		return "", err
	}))
	must("one behind it", verb("one behind it", nil, migrate))

	b.put("0006_f.sql", "-- upgrade\nCREATE TABLE f (n INTEGER);\n")
	must("baseline", verb("baseline", nil, func(w *dbwarden.Warden) (string, error) {
		res, err := w.Baseline(t.Context(), upTo("0006"))
		return res.Run, err
	}))
	must("restore", verb("restore", nil, func(w *dbwarden.Warden) (string, error) {
		from, err := os.Open(made.Path)
		if err != nil {
			return "", err
		}
		defer from.Close()
		return "", w.Restore(t.Context(), dbwarden.Restoration{Name: "a copy", From: from, Run: backup.Run})
	}))

	// Who only looks is no run, and says no more than that it is connected.
	b.watch = tell
	if _, err := b.warden().Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := log.take(), (line{event: string(event.Connected)}); !slices.Equal(got, []line{want}) {
		t.Errorf("a look logs %v", got)
	}

	kinds := kindsOfEvents(t)
	for kind := range seen {
		delete(kinds, kind)
	}
	left := slices.Sorted(maps.Keys(kinds))
	if want := []string{"backup_running", "restore_running", "target_completed", "target_failed"}; !slices.Equal(left, want) {
		t.Errorf("of these kinds no line came: %q, want %q", left, want)
	}
}

// kindsOfEvents are the constants of package event.
func kindsOfEvents(t *testing.T) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "event/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Kind" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kinds[strings.TrimSpace(text)] = true
		}
		return true
	})
	return kinds
}
