package dbwarden_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// onConn is a migration 2 outside of a transaction.
func onConn(up func(ctx context.Context, conn migration.Conn) error) migration.Go {
	return migration.Go{Version: "2", Description: "in go", UpConn: up}
}

// each is what a Conn is there for: it cannot be inside of a transaction.
var each = map[string]string{
	"sqlite":   "VACUUM",
	"postgres": "CREATE INDEX CONCURRENTLY people_name ON people (name)",
	"mysql":    "CREATE INDEX people_name ON people (name)",
}

// TestAConnWorksOutsideOfTransactions: in small transactions, and with what
// cannot be in one; there and back.
func TestAConnWorksOutsideOfTransactions(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, people)
		seen := ""
		code := onConn(func(ctx context.Context, conn migration.Conn) error {
			if _, err := conn.ExecContext(ctx, each[p.engine.Name]); err != nil {
				return err
			}
			for id := 1; id <= 2; id++ {
				if err := conn.InTx(ctx, func(ctx context.Context, tx migration.Tx) error {
					if _, err := conn.ExecContext(ctx, "DELETE FROM people"); err == nil || !strings.Contains(err.Error(), "InTx") {
						return fmt.Errorf("the Conn inside of its transaction: %v", err)
					}
					_, err := tx.ExecContext(ctx, places(p, "UPDATE people SET first = 'x' WHERE id = ?"), id)
					return err
				}); err != nil {
					return err
				}
				seen += b.split()
			}
			undone := errors.New("not this one")
			err := conn.InTx(ctx, func(ctx context.Context, tx migration.Tx) error {
				if _, err := tx.ExecContext(ctx, "DELETE FROM people"); err != nil {
					return err
				}
				return undone
			})
			if !errors.Is(err, undone) {
				return fmt.Errorf("the error of InTx is %v", err)
			}
			var old migration.Tx
			func() {
				defer func() { _ = recover() }()
				_ = conn.InTx(ctx, func(ctx context.Context, tx migration.Tx) error {
					old = tx
					_, _ = tx.ExecContext(ctx, "DELETE FROM people")
					panic("not that one either")
				})
			}()
			if _, err := old.ExecContext(ctx, "DELETE FROM people"); err == nil || !strings.Contains(err.Error(), "has ended") {
				return fmt.Errorf("a transaction that has ended: %v", err)
			}
			if _, err := conn.ExecContext(ctx, "BEGIN"); err == nil || !strings.Contains(err.Error(), "InTx") {
				return fmt.Errorf("BEGIN: %v", err)
			}
			_, err = conn.ExecContext(ctx, "UPDATE people SET last = 'y'")
			return err
		})
		code.DownConn = func(ctx context.Context, conn migration.Conn) error {
			_, err := conn.ExecContext(ctx, "UPDATE people SET first = NULL, last = NULL")
			return err
		}
		b.code = []migration.Go{code}
		b.migrate()
		if got := b.value("SELECT n FROM later"); got != "2" || seen != "12" {
			t.Errorf("others saw %q, and 3 saw %s", seen, got)
		}
		b.rollback(plan.Target{Count: 2})
		if got := b.split(); got != "0" {
			t.Errorf("%s names are split behind the rollback", got)
		}
	})
}

// TestAConnThatFailsKeepsTheLock: what it committed stays, and so does the lock;
// unlocked, it is called again. One that fails before it has sent anything left
// nothing.
func TestAConnThatFailsKeepsTheLock(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, people)
		calls := 0
		b.code = []migration.Go{onConn(func(ctx context.Context, conn migration.Conn) error {
			if calls++; calls == 1 {
				return errors.New("too early")
			}
			if _, err := conn.ExecContext(ctx, "UPDATE people SET first = 'x' WHERE first IS NULL"); err != nil {
				return err
			}
			if calls == 2 {
				_, err := conn.ExecContext(ctx, "UPDATE nowhere SET n = 1")
				return err
			}
			return nil
		})}
		var failed *dbwarden.MigrationError
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &failed) || failed.State != dbwarden.Untouched || b.locked() {
			t.Errorf("nothing sent: %v, locked %v", err, b.locked())
		}
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		if !errors.As(err, &failed) || failed.State != dbwarden.Partial || !failed.LockKept || failed.Statement != "UPDATE nowhere SET n = 1" || !b.locked() {
			t.Fatalf("half-way: %v, %+v", err, failed)
		}
		report, err := b.warden().Unlock(t.Context(), false, "")
		if err != nil || !strings.Contains(report.Row.Detail, "2_in_go.go failed: ") || !strings.Contains(report.Row.Detail, "function_conn_test.go:") {
			t.Fatalf("the lock says %q, %v", report.Row.Detail, err)
		}
		b.migrate()
		if got := b.split(); got != "2" || calls != 3 {
			t.Errorf("%s names are split after %d calls", got, calls)
		}
	})
}

// TestAReleasedConnCommitsNothingMore: released by hand inside of InTx, that is
// not committed though its function returns nil; and released between two
// statements, the next one is not run. Nothing can tell how far it came.
func TestAReleasedConnCommitsNothingMore(t *testing.T) {
	release := "UPDATE dbwarden_lock SET locked = FALSE, release_at = CURRENT_TIMESTAMP WHERE id = 1"
	onEvery(t, func(t *testing.T, p product) {
		for _, within := range []bool{true, false} {
			if within && p.engine.Caps.SingleWriter {
				continue // nobody can release it there
			}
			b := newBench(t, p, people)
			b.code = []migration.Go{onConn(func(ctx context.Context, conn migration.Conn) error {
				if _, err := conn.ExecContext(ctx, "UPDATE people SET first = 'x' WHERE id = 1"); err != nil {
					return err
				}
				if !within {
					b.exec(release)
					_, _ = conn.ExecContext(ctx, "UPDATE people SET first = 'x' WHERE id = 2")
					return nil
				}
				_ = conn.InTx(ctx, func(ctx context.Context, tx migration.Tx) error {
					_, err := tx.ExecContext(ctx, "UPDATE people SET first = 'x' WHERE id = 2")
					b.exec(release)
					return err
				})
				return nil
			})}
			_, err := b.warden().Migrate(t.Context(), plan.Target{})
			if !errors.Is(err, lock.ErrLost) {
				t.Errorf("within %v: %v", within, err)
			}
			if got := b.split(); got != "1" {
				t.Errorf("within %v: %s rows, want the one from before", within, got)
			}
			var refused *plan.Refusal
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.InDoubt {
				t.Errorf("within %v: the next run: %v", within, err)
			}
		}
	})
}

const childInGo = "DBWARDEN_TEST_CHILD_IN_GO"

// TestTheChildInGo is not a test, but the process that is killed in one.
func TestTheChildInGo(t *testing.T) {
	name, url, _ := strings.Cut(os.Getenv(childInGo), " ")
	name, way, _ := strings.Cut(name, "/")
	if url == "" {
		t.Skip("it is for another test")
	}
	for _, e := range []*engine.Engine{sqlite.Engine(), postgres.Engine(), mysql.Engine()} {
		if e.Name != name {
			continue
		}
		b := newBench(t, product{e, func(*testing.T) string { return url }}, people)
		b.code = childCode(way, func() {
			fmt.Println("inside")
			_, _ = io.Copy(io.Discard, os.Stdin)
		})
		var err error
		if way == "down" {
			_, err = b.warden().Rollback(t.Context(), plan.Target{Count: 2})
		} else {
			_, err = b.warden().Migrate(t.Context(), plan.Target{})
		}
		t.Fatalf("it has come to its end: %v", err)
	}
}

// childCode is migration 2, which waits when it has written a row.
func childCode(way string, wait func()) []migration.Go {
	write := func(ctx context.Context, tx migration.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO people (id, name, first) VALUES (3, 'Alan Turing', 'Alan')")
		return err
	}
	g := migration.Go{Version: "2", Description: "in go"}
	switch way {
	case "tx":
		g.Up = func(ctx context.Context, tx migration.Tx) error {
			err := write(ctx, tx)
			wait()
			return err
		}
	case "conn":
		g.UpConn = func(ctx context.Context, conn migration.Conn) error {
			err := write(ctx, conn)
			wait()
			return err
		}
	case "down":
		g.Up = write
		g.DownConn = func(ctx context.Context, conn migration.Conn) error {
			_, err := conn.ExecContext(ctx, "DELETE FROM people WHERE id = 3")
			wait()
			return err
		}
	}
	return []migration.Go{g}
}

// killedInside has another process killed inside of migration 2.
func (b *bench) killedInside(way string) {
	b.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	c := exec.Command(exe, "-test.run=^TestTheChildInGo$")
	c.Env = append(os.Environ(), childInGo+"="+b.engine.Name+"/"+way+" "+b.url)
	in, err := c.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	defer in.Close()
	out, err := c.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = c.Process.Kill()
	_ = c.Wait()
	if line != "inside\n" {
		b.t.Fatalf("the child says %q, %v", line, err)
	}
}

// TestKilledInsideAMigrationInGo: in its transaction nothing has stayed, and the
// next run calls it again. Outside of one it is in doubt, up or down: until
// somebody says how it ended, with the function or without.
func TestKilledInsideAMigrationInGo(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		for _, way := range []string{"tx", "conn", "down"} {
			t.Run(way, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p, people)
				b.recover = true
				b.code = childCode(way, func() {})
				run := func() error {
					_, err := b.warden().Migrate(t.Context(), plan.Target{})
					return err
				}
				if way == "down" {
					b.migrate()
					run = func() error {
						_, err := b.warden().Rollback(t.Context(), plan.Target{})
						return err
					}
				}
				b.killedInside(way)
				err := run()
				if way != "tx" {
					var refused *plan.Refusal
					if !errors.As(err, &refused) || refused.Code != plan.InDoubt {
						t.Fatalf("the next run: %v", err)
					}
					st, err := b.warden().Status(t.Context())
					if err != nil || st.Migrations[1].State != dbwarden.InDoubt || st.Migrations[1].Kind != migration.InGo {
						t.Errorf("status %+v, %v", st, err)
					}
					w := b.warden()
					if way == "conn" { // as the command, which has no functions
						code := b.code
						b.code = nil
						if err := run(); !errors.As(err, &refused) || refused.Code != plan.FileGone || !strings.Contains(err.Error(), "in Go") {
							t.Errorf("without its function: %v", err)
						}
						w, b.code = b.warden(), code
					}
					if _, err := w.Resolve(t.Context(), "2", true, 0); err != nil {
						t.Fatal(err)
					}
					err = run()
					if err != nil {
						t.Fatalf("when it is resolved: %v", err)
					}
				} else if err != nil {
					t.Fatal(err)
				}
				want := "1"
				if way == "down" {
					want = "0"
				}
				if got := b.value("SELECT COUNT(*) FROM people WHERE id = 3"); got != want || b.locked() {
					t.Errorf("%s rows, want %s; locked %v", got, want, b.locked())
				}
			})
		}
	})
}

// TestAMigrationInGoIsStoppedAsAnyOther: its context ends with the run's.
func TestAMigrationInGoIsStoppedAsAnyOther(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, people)
		ctx, stop := context.WithCancelCause(t.Context())
		b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE people SET first = 'x'")
			stop(errors.New("enough"))
			select {
			case <-ctx.Done():
			case <-time.After(time.Minute):
				return errors.New("nobody has told the function")
			}
			return errors.Join(err, ctx.Err())
		})}
		if _, err := b.warden().Migrate(ctx, plan.Target{}); !errors.Is(err, dbwarden.ErrInterrupted) {
			t.Errorf("it says %v", err)
		}
		if got := b.split(); got != "0" || b.locked() {
			t.Errorf("%s rows have stayed, locked %v", got, b.locked())
		}
	})
}

// TestAMigrationInGoHasTheLimitsOfARun: each of its statements.
func TestAMigrationInGoHasTheLimitsOfARun(t *testing.T) {
	long := map[string]string{
		"postgres": "SELECT pg_sleep(600)",
		"mysql":    "SELECT COUNT(*) FROM information_schema.COLUMNS a, information_schema.COLUMNS b, information_schema.COLUMNS c",
		"sqlite":   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000000000) SELECT MAX(i) FROM n",
	}
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, people)
		b.limits.Statement = 2 * time.Second // which is one of our own statements, too
		if p.engine.Caps.File {
			b.limits.Statement = 100 * time.Millisecond
		}
		b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
			if _, err := tx.ExecContext(ctx, "UPDATE people SET first = 'x'"); err != nil {
				return err
			}
			var n any
			return tx.QueryRowContext(ctx, long[p.engine.Name]).Scan(&n)
		})}
		var failed *dbwarden.MigrationError
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &failed) || failed.State != dbwarden.Untouched || failed.Statement != long[p.engine.Name] {
			t.Errorf("it says %v, %+v", err, failed)
		}
		if got := b.split(); got != "0" || b.locked() {
			t.Errorf("%s rows have stayed, locked %v", got, b.locked())
		}
	})
}

// TestAMigrationInGoThroughAPooler: in its transaction it is as safe as a file;
// outside of one it is refused before anything runs.
func TestAMigrationInGoThroughAPooler(t *testing.T) {
	t.Parallel()
	p := product{postgres.Engine(), nil}
	through, direct := newPooled(t, pgbouncer(t), people)
	through.code = []migration.Go{onConn(func(context.Context, migration.Conn) error { return errors.New("it was called") })}
	var refused *plan.Refusal
	if _, err := through.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &refused) || refused.Code != plan.BehindPooler {
		t.Errorf("outside of a transaction: %v", err)
	}
	through.code = []migration.Go{splitNames(p)}
	through.migrate()
	if got := direct.value("SELECT n FROM later"); got != "2" {
		t.Errorf("3 saw %s names", got)
	}
	direct.noLocks()
}

// TestAMigrationInGoBesideTablesWithoutTransactions: where the database has one,
// what is begun is written ahead, and what cannot be rolled back is told.
func TestAMigrationInGoBesideTablesWithoutTransactions(t *testing.T) {
	t.Parallel()
	s := dbtest.MariaDB(t)
	b := newBench(t, product{mysql.Engine(), func(t *testing.T) string { return s.NewDatabase(t) }}, people)
	b.exec("CREATE TABLE old (n INTEGER) ENGINE = MyISAM")
	b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
		if got := b.value("SELECT event FROM dbwarden_journal ORDER BY id DESC LIMIT 1"); got != "started" {
			return fmt.Errorf("the journal ends with %q", got)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO old VALUES (1)"); err != nil {
			return err
		}
		return errors.New("no")
	})}
	var failed *dbwarden.MigrationError
	if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &failed) || failed.State != dbwarden.Partial || !b.locked() {
		t.Errorf("%v, %+v, locked %v", err, failed, b.locked())
	}
}

// TestAMigrationInGoThatReturnsTooEarlyLeavesNothing: a statement of another
// goroutine of its own is still at work. It is ended, and what it would have been
// a part of is rolled back.
func TestAMigrationInGoThatReturnsTooEarlyLeavesNothing(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		working := map[string]string{
			"postgres": "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep%'",
			"mysql":    "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND INFO LIKE 'DO SLEEP%'",
		}[p.engine.Name]
		if working == "" {
			t.Skip("nobody sees there that a statement is at work")
		}
		b := newBench(t, p, people)
		b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE people SET first = 'x'")
			go func() { _, _ = tx.ExecContext(context.Background(), strings.TrimSuffix(sleeping(p), ";\n")) }()
			b.until("1", working)
			return err
		})}
		var failed *dbwarden.MigrationError
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &failed) || failed.State != dbwarden.Untouched || !strings.Contains(err.Error(), "went on though") {
			t.Errorf("it says %v", err)
		}
		if got := b.split(); got != "0" || b.locked() {
			t.Errorf("%s rows have stayed, locked %v", got, b.locked())
		}
	})
}
