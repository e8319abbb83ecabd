package dbwarden_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestAnInTxLeftOpenIsRolledBack: of a goroutine that the function did not wait
// for. It commits nothing, and ends no transaction of what comes behind it.
func TestAnInTxLeftOpenIsRolledBack(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, people)
		inside, goOn, end := make(chan bool), make(chan bool), make(chan error, 1)
		leaves := onConn(func(ctx context.Context, conn migration.Conn) error {
			go func() {
				end <- conn.InTx(context.Background(), func(ctx context.Context, tx migration.Tx) error {
					_, err := tx.ExecContext(ctx, "UPDATE people SET first = 'x'")
					close(inside)
					<-goOn
					return err
				})
			}()
			<-inside
			return nil
		})
		behind := migration.Go{Version: "4", Up: func(ctx context.Context, tx migration.Tx) error {
			if _, err := tx.ExecContext(ctx, "INSERT INTO later VALUES (10)"); err != nil {
				return err
			}
			close(goOn)
			end <- <-end // the other one is over
			_, err := tx.ExecContext(ctx, "INSERT INTO later VALUES (11)")
			return err
		}}
		b.code = []migration.Go{leaves, behind}
		var failed *dbwarden.MigrationError
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &failed) || failed.State != dbwarden.Partial || !failed.LockKept ||
			!strings.Contains(err.Error(), "an InTx of another goroutine") {
			t.Errorf("left open: %v, %+v", err, failed)
		}
		if got := b.split(); got != "0" {
			t.Errorf("%s rows of what was left open are there", got)
		}
		// The one behind it runs, and has all of its rows.
		b.code[0] = onConn(func(context.Context, migration.Conn) error { return nil })
		if failed != nil {
			if _, err := b.warden().Unlock(t.Context(), false, ""); err != nil {
				t.Fatal(err)
			}
			b.migrate()
		}
		if err := <-end; err == nil {
			t.Error("its InTx says that it was committed")
		}
		if got := b.value("SELECT COUNT(*) FROM later WHERE n >= 10"); got != "2" {
			t.Errorf("%s rows of the migration behind it are there, want 2", got)
		}
	})
}

// TestAValueThatCannotBeSentFailsTheTransaction: like any statement that failed,
// also where the function passes over it.
func TestAValueThatCannotBeSentFailsTheTransaction(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		for name, value := range map[string]any{"a slice": []string{"x"}, "a name": sql.Named("first", "x")} {
			b := newBench(t, p, people)
			b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
				_, _ = tx.ExecContext(ctx, places(p, "UPDATE people SET first = ?"), value)
				return nil
			})}
			var failed *dbwarden.MigrationError
			if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &failed) || failed.State != dbwarden.Untouched || !strings.Contains(err.Error(), "went on though") {
				t.Errorf("%s: %v", name, err)
			}
			b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
				for _, query := range []string{"SAVEPOINT here", places(p, "UPDATE people SET first = ?"), "ROLLBACK TO here"} {
					var args []any
					if strings.HasPrefix(query, "UPDATE") {
						args = []any{value}
					}
					_, _ = tx.ExecContext(ctx, query, args...)
				}
				return nil
			})}
			b.migrate() // mended by a savepoint, as others are
		}
	})
}

// TestAMigrationInGoAttachesNoFileInItsTransaction: files commit one after
// another, and a history in one of them would not tell of the other. Outside of a
// transaction it may, as it is written ahead.
func TestAMigrationInGoAttachesNoFileInItsTransaction(t *testing.T) {
	t.Parallel()
	attach := "ATTACH '" + strings.ReplaceAll(filepath.Join(t.TempDir(), "other.db"), "'", "''") + "' AS other"
	b := newBench(t, sqliteProduct(), people)
	b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
		_, err := tx.ExecContext(ctx, attach)
		return err
	})}
	if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil || !strings.Contains(err.Error(), "takes no part in transactions: give the migration an UpConn") {
		t.Errorf("in its transaction: %v", err)
	}
	b.code = []migration.Go{onConn(func(ctx context.Context, conn migration.Conn) error {
		if _, err := conn.ExecContext(ctx, attach); err != nil {
			return err
		}
		return conn.InTx(ctx, func(ctx context.Context, tx migration.Tx) error {
			_, err := tx.ExecContext(ctx, "CREATE TABLE other.x (n INTEGER)")
			return err
		})
	})}
	b.migrate()
}
