package dbwarden_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestWhoHasLockedOurTablesIsNamed, by whoever only looks, and by a run.
func TestWhoHasLockedOurTablesIsNamed(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Activity == nil {
			t.Skip("SQLite cannot tell")
		}
		b := newBench(t, p, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		other := b.session()
		take := []string{"BEGIN", "LOCK TABLE dbwarden_migrations IN ACCESS EXCLUSIVE MODE"}
		if p.engine.Name == "mysql" {
			take = []string{"START TRANSACTION", "UPDATE dbwarden_migrations SET description = description"}
		}
		for _, q := range take {
			if _, err := other.Exec(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		if p.engine.Name == "mysql" {
			// Who only reads waits behind somebody who waits to alter it.
			behind, ended := b.session(), make(chan error, 1)
			go func() {
				_, err := behind.Exec(context.Background(), "ALTER TABLE dbwarden_migrations WAIT 60 COMMENT 'x'")
				ended <- err
			}()
			defer func() {
				if _, err := other.Exec(t.Context(), "COMMIT"); err != nil {
					t.Error(err)
				}
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}()
			for b.value("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for%lock' AND ID = "+behind.ID()) == "0" {
				if len(ended) > 0 {
					t.Fatal(<-ended)
				}
			}
		}
		b.limits.Lock = 4 * time.Second // half of it is for whoever looks
		for what, do := range map[string]func() error{
			"status":  func() error { _, err := b.warden().Status(t.Context()); return err },
			"migrate": func() error { _, err := b.warden().Migrate(t.Context(), plan.Target{}); return err },
		} {
			err := do()
			id, _, _ := strings.Cut(other.ID(), "/")
			var busy *dbwarden.BusyError
			if !errors.As(err, &busy) || !strings.Contains(engine.Blockers(busy.Blockers), "session "+id+" ") || p.engine.Name == "postgres" && busy.Table != "dbwarden_migrations" {
				t.Errorf("%s gave %#v, want session %s", what, err, id)
			}
		}
	})
}
