package dbwarden_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// people is a table with a name that a migration in Go splits in two.
var people = map[string]string{
	"1_people.sql": "-- upgrade\nCREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL, first VARCHAR(50), last VARCHAR(50));\n" +
		"INSERT INTO people (id, name) VALUES (1, 'Ada Lovelace'), (2, 'Grace Hopper');\n-- rollback\nDROP TABLE people;\n",
	"3_later.sql": "-- upgrade\nCREATE TABLE later (n INTEGER);\nINSERT INTO later SELECT COUNT(*) FROM people WHERE first IS NOT NULL;\n-- rollback\nDROP TABLE later;\n",
}

// places are the product's placeholders in a query written with question marks.
func places(p product, query string) string {
	if p.engine.Name != "postgres" {
		return query
	}
	for n := 1; strings.Contains(query, "?"); n++ {
		query = strings.Replace(query, "?", fmt.Sprintf("$%d", n), 1)
	}
	return query
}

// splitNames is migration 2.
func splitNames(p product) migration.Go {
	return migration.Go{Version: "2", Description: "split names",
		Up: func(ctx context.Context, tx migration.Tx) error {
			rows, err := tx.QueryContext(ctx, "SELECT id, name FROM people ORDER BY id")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id int
				var name string
				if err := rows.Scan(&id, &name); err != nil {
					return err
				}
				first, last, _ := strings.Cut(name, " ")
				if _, err := tx.ExecContext(ctx, places(p, "UPDATE people SET first = ?, last = ? WHERE id = ?"), first, last, id); err != nil {
					return err
				}
			}
			return rows.Err()
		},
		Down: func(ctx context.Context, tx migration.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE people SET first = NULL, last = NULL")
			return err
		},
	}
}

// inGo is a migration 2 of one function.
func inGo(up func(ctx context.Context, tx migration.Tx) error) migration.Go {
	return migration.Go{Version: "2", Description: "in go", Up: up}
}

func (b *bench) split() string {
	b.t.Helper()
	return b.value("SELECT COUNT(*) FROM people WHERE first IS NOT NULL")
}

// TestMigrationsInGoStandAmongTheFiles: they are run in their order, are in the
// history with their kind, and go back as files do.
func TestMigrationsInGoStandAmongTheFiles(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, people)
		code := splitNames(p)
		up := code.Up
		var kept migration.Tx
		code.Up = func(ctx context.Context, tx migration.Tx) error {
			kept = tx
			return up(ctx, tx)
		}
		b.code = []migration.Go{code}
		b.migrate()
		if _, err := kept.ExecContext(t.Context(), "DELETE FROM people"); err == nil || !strings.Contains(err.Error(), "has returned") {
			t.Errorf("behind its end: %v", err)
		}
		if got := b.value("SELECT n FROM later"); got != "2" {
			t.Errorf("3 saw %s names split by 2, want 2", got)
		}
		if got := b.value("SELECT last FROM people WHERE id = 2"); got != "Hopper" {
			t.Errorf("the last name is %q", got)
		}
		applied, err := b.warden().History(t.Context())
		if err != nil || len(applied) != 3 {
			t.Fatalf("history %v, %v", applied, err)
		}
		if r := applied[1]; r.Kind != migration.InGo || r.File != "2_split_names.go" || r.Description != "split names" || r.Statements != 1 {
			t.Errorf("the history has %+v", r)
		}
		st, err := b.warden().Status(t.Context())
		if err != nil || !st.Clean() || st.Migrations[1].State != dbwarden.Applied || st.Migrations[1].Kind != migration.InGo {
			t.Errorf("status %+v, %v", st, err)
		}
		b.migrate() // nothing to do
		b.rollback(plan.Target{Count: 2})
		if got := b.split(); got != "0" {
			t.Errorf("%s names are split behind the rollback", got)
		}
		b.migrate()
		if got := b.split(); got != "2" {
			t.Errorf("%s names are split when it was run again", got)
		}
	})
}

// TestAMigrationInGoThatFailsLeavesNothing: an error, a panic, an exit of the
// goroutine, and a statement that failed and was passed over. The lock is free
// afterwards, and told is what happened, of which function.
func TestAMigrationInGoThatFailsLeavesNothing(t *testing.T) {
	boom := errors.New("no such luck")
	work := func(ctx context.Context, tx migration.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE people SET first = 'x'")
		return err
	}
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, people)
		for name, c := range map[string]struct {
			up   func(context.Context, migration.Tx) error
			says string
		}{
			"error": {func(context.Context, migration.Tx) error { return boom }, boom.Error()},
			"panic": {func(context.Context, migration.Tx) error { panic("oh dear") }, "panic: oh dear"},
			"exit":  {func(context.Context, migration.Tx) error { runtime.Goexit(); return nil }, "runtime.Goexit"},
			"passed over": {func(ctx context.Context, tx migration.Tx) error {
				_, _ = tx.ExecContext(ctx, "UPDATE nowhere SET n = 1")
				_, _ = tx.ExecContext(ctx, "UPDATE people SET last = 'y'")
				return nil
			}, "went on though a statement had failed"},
			"commit":   {func(ctx context.Context, tx migration.Tx) error { _, err := tx.ExecContext(ctx, "COMMIT"); return err }, "neither begins nor ends"},
			"rollback": {func(ctx context.Context, tx migration.Tx) error { _, _ = tx.ExecContext(ctx, "rollback"); return nil }, "neither begins nor ends"},
			"begin": {func(ctx context.Context, tx migration.Tx) error {
				_, err := tx.QueryContext(ctx, "/* x */ BEGIN")
				return err
			}, "neither begins nor ends"},
			"two": {func(ctx context.Context, tx migration.Tx) error {
				_, err := tx.ExecContext(ctx, "DELETE FROM people; COMMIT")
				return err
			}, "has 2"},
		} {
			b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
				if err := work(ctx, tx); err != nil {
					return err
				}
				return c.up(ctx, tx)
			})}
			res, err := b.warden().Migrate(t.Context(), plan.Target{})
			var failed *dbwarden.MigrationError
			var function *dbwarden.FunctionError
			if !errors.As(err, &failed) || !errors.As(err, &function) || failed.State != dbwarden.Untouched {
				t.Errorf("%s: %v, %+v", name, err, failed)
				continue
			}
			if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "2_in_go.go") || !strings.Contains(err.Error(), "function_test.go:") {
				t.Errorf("%s: it says %v", name, err)
			}
			if name == "error" && !errors.Is(err, boom) {
				t.Errorf("its own error is not in %v", err)
			}
			if name == "panic" && (function.Panic != "oh dear" || !strings.Contains(string(function.Stack), "function_test.go")) {
				t.Errorf("of the panic it has %v, %s", function.Panic, function.Stack)
			}
			if got := b.split(); got != "0" || b.locked() {
				t.Errorf("%s: %s rows have stayed, locked %v", name, got, b.locked())
			}
			if len(res.Completed) > 1 {
				t.Errorf("%s: %d are completed", name, len(res.Completed))
			}
		}
		b.code = []migration.Go{splitNames(p)}
		b.migrate()
		if got := b.split(); got != "2" {
			t.Errorf("%s names are split in the end", got)
		}
	})
}

// TestASavepointMendsAMigrationInGo: what failed behind it is forgiven.
func TestASavepointMendsAMigrationInGo(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, people)
		b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
			for _, q := range []string{"UPDATE people SET first = 'a' WHERE id = 1", "SAVEPOINT here"} {
				if _, err := tx.ExecContext(ctx, q); err != nil {
					return err
				}
			}
			if _, err := tx.ExecContext(ctx, "UPDATE nowhere SET n = 1"); err == nil {
				return errors.New("there is such a table")
			}
			_, err := tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT here")
			return err
		})}
		b.migrate()
		if got := b.split(); got != "1" {
			t.Errorf("%s rows have stayed, want 1", got)
		}
	})
}

// TestMigrationsInGoRefuseWhatCommitsByItself: on MySQL and MariaDB, DDL.
func TestMigrationsInGoRefuseWhatCommitsByItself(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, people)
		b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
			if _, err := tx.ExecContext(ctx, "UPDATE people SET first = 'x'"); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, "CREATE TABLE made (n INTEGER)")
			return err
		})}
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		if p.engine.Caps.TransactionalDDL {
			if err != nil || b.value("SELECT COUNT(*) FROM made") != "0" {
				t.Errorf("with its own table: %v", err)
			}
			return
		}
		if err == nil || !strings.Contains(err.Error(), "UpConn") || b.split() != "0" || b.locked() {
			t.Errorf("%v, %s rows have stayed", err, b.split())
		}
		if got := b.value("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'made'"); got != "0" {
			t.Error("the table was made")
		}
	})
}

// TestTenReplicasRunAMigrationInGoOnce: one of them.
func TestTenReplicasRunAMigrationInGoOnce(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		address := p.url(t)
		fresh := product{p.engine, func(*testing.T) string { return address }}
		var mu sync.Mutex
		calls := 0
		code := splitNames(p)
		up := code.Up
		code.Up = func(ctx context.Context, tx migration.Tx) error {
			mu.Lock()
			calls++
			mu.Unlock()
			return up(ctx, tx)
		}
		var all sync.WaitGroup
		for range 10 {
			b := newBench(t, fresh, people)
			b.code = []migration.Go{code}
			w := b.warden()
			all.Go(func() {
				if _, err := w.Migrate(t.Context(), plan.Target{}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if calls != 1 {
			t.Errorf("it was called %d times", calls)
		}
	})
}

// TestAReleasedMigrationInGoChangesNothing: released by hand while its function
// waits for the end of its context, the run ends, and nothing of it stays; also
// where the function does not look, and returns nil.
func TestAReleasedMigrationInGoChangesNothing(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Caps.SingleWriter {
			t.Skip("while its transaction is open nobody else can release the lock")
		}
		for _, heedless := range []bool{false, true} {
			b := newBench(t, p, people)
			release := func() {
				b.exec("UPDATE dbwarden_lock SET locked = FALSE, release_at = CURRENT_TIMESTAMP WHERE id = 1")
			}
			b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
				if _, err := tx.ExecContext(ctx, "UPDATE people SET first = 'x'"); err != nil {
					return err
				}
				release()
				if heedless {
					return nil // before anybody has seen it
				}
				select {
				case <-ctx.Done():
				case <-time.After(time.Minute):
					return errors.New("nobody has told the function")
				}
				if _, err := tx.ExecContext(context.Background(), "UPDATE people SET last = 'x'"); err == nil {
					return errors.New("a statement was run behind the end")
				}
				return context.Cause(ctx)
			})}
			_, err := b.warden().Migrate(t.Context(), plan.Target{})
			if !errors.Is(err, lock.ErrLost) {
				t.Errorf("heedless %v: %v", heedless, err)
			}
			if got := b.split(); got != "0" {
				t.Errorf("heedless %v: %s rows have stayed", heedless, got)
			}
			if got := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); got != "1" {
				t.Errorf("heedless %v: the history has %s rows", heedless, got)
			}
		}
	})
}

// TestALongMigrationInGoKeepsItsSession: the server ends a session that is
// silent for so long, and this one is not while its function computes.
func TestALongMigrationInGoKeepsItsSession(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Caps.File {
			t.Skip("nobody ends it")
		}
		b := newBench(t, p, people)
		b.limits.Idle = 2 * time.Second
		b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE people SET first = 'x'")
			time.Sleep(4500 * time.Millisecond)
			return err
		})}
		b.migrate()
		if got := b.split(); got != "2" {
			t.Errorf("%s rows", got)
		}
	})
}

// TestAMigrationInGoThatWaitedInVainIsCalledAgain: what it waited for is told,
// in words of its own even, its transaction is rolled back, and it is called again.
func TestAMigrationInGoThatWaitedInVainIsCalledAgain(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Caps.SingleWriter {
			t.Skip("nobody else can write there meanwhile")
		}
		b := newBench(t, p, map[string]string{"1_people.sql": people["1_people.sql"]})
		b.migrate()
		b.limits.Lock = time.Second
		other := b.session()
		for _, q := range []string{"BEGIN", "UPDATE people SET last = 'z' WHERE id = 1"} {
			if _, err := other.Exec(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		calls := 0
		b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
			if calls++; calls == 2 {
				if _, err := other.Exec(ctx, "ROLLBACK"); err != nil {
					return err
				}
			}
			if _, err := tx.ExecContext(ctx, "INSERT INTO people (id, name) VALUES (3, 'new')"); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "UPDATE people SET first = 'x'"); err != nil {
				return fmt.Errorf("the names cannot be set: %v", err)
			}
			return nil
		})}
		b.migrate()
		if got := b.split(); got != "3" || calls != 2 {
			t.Errorf("%s rows after %d calls, want 3 after 2", got, calls)
		}
	})
}

// TestValuesGoToTheServerAndComeBack: in the types that database/sql has.
func TestValuesGoToTheServerAndComeBack(t *testing.T) {
	types := map[string]string{"sqlite": "b BLOB, w TIMESTAMP, f REAL, y BOOLEAN", "postgres": "b BYTEA, w TIMESTAMP, f DOUBLE PRECISION, y BOOLEAN", "mysql": "b BLOB, w DATETIME(6), f DOUBLE, y BOOLEAN"}
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_kinds.sql": "-- upgrade\nCREATE TABLE kinds (id INTEGER PRIMARY KEY, s VARCHAR(99), " + types[p.engine.Name] + ");\n"})
		at := time.Date(2026, 11, 23, 2, 0, 11, 500_000_000, time.UTC)
		text, raw := "it's \\ \"ä\" ? $1 🙂", []byte{0, 1, 0xff, '\''}
		b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
			insert, err := tx.PrepareContext(ctx, places(p, "INSERT INTO kinds (id, s, b, w, f, y) VALUES (?, ?, ?, ?, ?, ?)"))
			if err != nil {
				return err
			}
			res, err := insert.ExecContext(ctx, 7, text, raw, at, 0.1, true)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); n != 1 || err != nil {
				return fmt.Errorf("changed %d rows, %v", n, err)
			}
			if _, err := insert.ExecContext(ctx, 8, nil, nil, nil, nil, nil); err != nil {
				return err
			}
			var s string
			var w time.Time
			var f float64
			var y bool
			var got []byte
			if err := tx.QueryRowContext(ctx, places(p, "SELECT s, b, w, f, y FROM kinds WHERE id = ?"), 7).Scan(&s, &got, &w, &f, &y); err != nil {
				return err
			}
			if s != text || !slices.Equal(got, raw) || !w.Equal(at) || f != 0.1 || !y {
				return fmt.Errorf("came back as %q, %v, %v, %v, %v", s, got, w, f, y)
			}
			var none *string
			if err := tx.QueryRowContext(ctx, "SELECT s FROM kinds WHERE id = 8").Scan(&none); err != nil || none != nil {
				return fmt.Errorf("NULL came back as %v, %v", none, err)
			}
			rows, err := tx.QueryContext(ctx, "SELECT id FROM kinds ORDER BY id")
			if err != nil {
				return err
			}
			for rows.Next() { // and the session is free meanwhile
				var n int
				if err := errors.Join(rows.Scan(&n), tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM kinds").Scan(&n)); err != nil || n != 2 {
					return fmt.Errorf("inside of a query: %d, %v", n, err)
				}
			}
			return rows.Err()
		})}
		b.migrate()
	})
}

// TestMigrationsInGoAreChecked: what cannot be is refused before anything runs.
func TestMigrationsInGoAreChecked(t *testing.T) {
	t.Parallel()
	p := sqliteProduct()
	up := func(context.Context, migration.Tx) error { return nil }
	conn := func(context.Context, migration.Conn) error { return nil }
	b := newBench(t, p, people)
	for says, code := range map[string]migration.Go{
		"one of Up and UpConn":   {Version: "2"},
		"needs one of":           {Version: "2", Up: up, UpConn: conn},
		"both Down and DownConn": {Version: "2", Up: up, Down: up, DownConn: conn},
		"a version is a number":  {Up: up},
		`"two" is not a number`:  {Version: "two", Up: up},
		"taken by 3_later.sql":   {Version: "0003", Up: up},
	} {
		w, err := dbwarden.New(dbwarden.Config{Engine: p.engine, Database: b.db, Migrations: b.files, Go: []migration.Go{code}})
		if err == nil {
			_, err = w.Migrate(t.Context(), plan.Target{})
		}
		var bad migration.Problems
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), says) {
			t.Errorf("want %q, have %v", says, err)
		}
	}
	if _, err := dbwarden.New(dbwarden.Config{Engine: p.engine, Database: b.db, Go: []migration.Go{{Version: "7", Up: up}, {Version: "07", Up: up}}}); err == nil {
		t.Error("two of one version are taken")
	}
}

// TestWhatIsKnownOfAMigrationInGo: plans say that it is one, no script has it,
// and without its function it is missing; its Checksum tells that it has changed.
func TestWhatIsKnownOfAMigrationInGo(t *testing.T) {
	t.Parallel()
	p := sqliteProduct()
	b := newBench(t, p, people)
	code := splitNames(p)
	code.Checksum = "v1"
	b.code = []migration.Go{code}
	preview, err := b.warden().Preview(t.Context(), migration.Up, plan.Target{})
	if err != nil {
		t.Fatal(err)
	}
	for text, err := range preview.Steps[1].SQL(0, 1) {
		if err != nil || !strings.Contains(text, "in Go: ") || !strings.Contains(text, "function_test.go:") {
			t.Errorf("the preview says %q, %v", text, err)
		}
	}
	saved, err := b.warden().Plan(t.Context(), plan.Target{})
	if err != nil || saved.Steps[1].Kind != "go" || saved.World.Files["2_split_names.go"] == "" {
		t.Errorf("the plan is %+v, %v", saved, err)
	}
	var refused *plan.Refusal
	if _, err := b.warden().Script(t.Context(), plan.Target{}, new(strings.Builder)); !errors.As(err, &refused) || refused.Code != plan.NotScripted || !strings.Contains(err.Error(), "in Go") {
		t.Errorf("a script: %v", err)
	}
	if _, err := b.warden().MigrateSaved(t.Context(), saved); err != nil {
		t.Fatal(err)
	}
	if got := b.split(); got != "2" {
		t.Errorf("%s names are split by the saved plan", got)
	}

	b.code[0].Checksum = "v2"
	if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.ChangedFile || refused.Items[0].File != "2_split_names.go" {
		t.Errorf("with another checksum: %v", err)
	}
	b.code = nil
	if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.Missing || !strings.Contains(err.Error(), "in Go") {
		t.Errorf("without its function: %v", err)
	}
	st, err := b.warden().Status(t.Context())
	if err != nil || st.Migrations[1].State != dbwarden.Missing || st.Migrations[1].Kind != migration.InGo || !strings.Contains(st.Migrations[1].Detail, "in Go") {
		t.Errorf("without its function: %+v, %v", st, err)
	}
}

// TestAtomicRunsTakeMigrationsInGo: all of them, or none.
func TestAtomicRunsTakeMigrationsInGo(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		files := map[string]string{"3_more.sql": "-- upgrade\nINSERT INTO people (id, name) VALUES (3, 'new');\n"}
		b := newBench(t, p, map[string]string{"1_people.sql": people["1_people.sql"]})
		b.migrate()
		b.put("3_more.sql", files["3_more.sql"])
		b.put("4_bad.sql", "-- upgrade\nUPDATE nowhere SET n = 1;\n")
		b.code = []migration.Go{splitNames(p)}
		var started []string
		b.watch = func(e event.Event) {
			if e.Kind == event.MigrationStarted {
				started = append(started, e.Version)
			}
		}
		if _, err := b.warden().Migrate(t.Context(), plan.Target{Atomic: true}); err == nil || b.split() != "0" {
			t.Errorf("%v, %s names are split", err, b.split())
		}
		delete(b.files, "4_bad.sql")
		if _, err := b.warden().Migrate(t.Context(), plan.Target{Atomic: true}); err != nil || b.split() != "2" {
			t.Errorf("%v, %s names are split", err, b.split())
		}
		if want := []string{"2", "3", "4", "2", "3"}; !slices.Equal(started, want) {
			t.Errorf("begun were %v, want %v", started, want)
		}
	})
}

// TestMigrationsInGoAreWrittenWithoutBeingRun: by a baseline, and a changed one by
// a repair. One whose version a squashed file stands for counts as run there; one
// that lies between those that it replaces is refused.
func TestMigrationsInGoAreWrittenWithoutBeingRun(t *testing.T) {
	t.Parallel()
	p := sqliteProduct()
	b := newBench(t, p, people)
	never := inGo(func(context.Context, migration.Tx) error { return errors.New("it was called") })
	never.Checksum = "v1"
	b.code = []migration.Go{never}
	to, err := migration.ParseVersion("2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.warden().Baseline(t.Context(), plan.Target{To: to}); err != nil {
		t.Fatal(err)
	}
	applied, err := b.warden().History(t.Context())
	if err != nil || len(applied) != 2 || applied[1].Kind != migration.InGo || applied[1].Duration >= 0 {
		t.Errorf("the history has %+v, %v", applied, err)
	}
	b.code[0].Checksum = "v2"
	changed, err := b.warden().Differences(t.Context())
	if err != nil || len(changed) != 1 || changed[0].File != "2_in_go.go" {
		t.Fatalf("changed are %+v, %v", changed, err)
	}
	if _, err := b.warden().Repair(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if changed, err = b.warden().Differences(t.Context()); err != nil || len(changed) != 0 {
		t.Errorf("changed are still %+v, %v", changed, err)
	}

	b = newBench(t, p, map[string]string{"4_squashed.sql": "-- replaces: 1, 2\n-- upgrade\nCREATE TABLE squashed (n INTEGER);\n"})
	b.code = []migration.Go{never}
	b.migrate()
	st, err := b.warden().Status(t.Context())
	if err != nil || !st.Clean() || b.value("SELECT COUNT(*) FROM squashed") != "0" {
		t.Errorf("beside a squashed one: %+v, %v", st, err)
	}
	b.put("4_squashed.sql", "-- replaces: 1, 3\n-- upgrade\nCREATE TABLE squashed (n INTEGER);\n")
	var bad migration.Problems
	if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &bad) || !strings.Contains(err.Error(), "lies among those that 4_squashed.sql replaces") {
		t.Errorf("between: %v", err)
	}
}
