package dbwarden_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestAMigrationInGoOnPostgres is what is PostgreSQL's own: rows of COPY have
// nowhere to go or to come from, a RESET ALL keeps the limits, and bytes are
// bytes however the server spells them.
func TestAMigrationInGoOnPostgres(t *testing.T) {
	t.Parallel()
	s := dbtest.Postgres(t)
	p := product{postgres.Engine(), func(t *testing.T) string { return s.NewDatabase(t) }}
	for query, want := range map[string]string{
		"COPY people TO STDOUT":                              "nowhere to send its rows",
		"COPY (SELECT 1) TO STDOUT":                          "nowhere to send its rows",
		"COPY people (id, name) FROM STDIN":                  "rows of COPY",
		"COPY people (id, name) FROM STDIN;\n3\tAlan\n\\.\n": "rows of COPY cannot be given",
	} {
		b := newBench(t, p, people)
		b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
			_, err := tx.ExecContext(ctx, query)
			return err
		})}
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil || !strings.Contains(err.Error(), want) || b.locked() {
			t.Errorf("%s: %v", query, err)
		}
	}

	b := newBench(t, p, people)
	b.code = []migration.Go{onConn(func(ctx context.Context, conn migration.Conn) error {
		const limits = "SELECT current_setting('lock_timeout') || current_setting('idle_session_timeout') || current_setting('application_name')"
		var before, behind string
		if err := conn.QueryRowContext(ctx, limits).Scan(&before); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, "RESET ALL"); err != nil {
			return err
		}
		if err := conn.QueryRowContext(ctx, limits).Scan(&behind); err != nil || before != behind {
			return fmt.Errorf("the limits were %s and are %s: %w", before, behind, err)
		}
		return nil
	})}
	b.migrate()

	all := make([]byte, 0, 300)
	for i := range 256 {
		all = append(all, byte(i))
	}
	all = append(all, `\\x41 \x41 \101`...)
	b = newBench(t, p, people)
	b.code = []migration.Go{inGo(func(ctx context.Context, tx migration.Tx) error {
		for _, spelled := range []string{"escape", "hex"} {
			if _, err := tx.ExecContext(ctx, "SET LOCAL bytea_output = "+spelled); err != nil {
				return err
			}
			var got []byte
			if err := tx.QueryRowContext(ctx, "SELECT $1::bytea", all).Scan(&got); err != nil || !bytes.Equal(got, all) {
				t.Errorf("as %s: %x, %v", spelled, got, err)
			}
		}
		return nil
	})}
	b.migrate()
}
