package dbwarden_test

import (
	"errors"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// The folder is read beside the first look at the database; which of two
// errors is told does not depend on which comes first.
func TestWhatIsWrongWithTheFolderIsToldBeforeWhatIsWrongWithTheServer(t *testing.T) {
	t.Parallel()
	nobody := product{postgres.Engine(), func(*testing.T) string { return "postgres://nobody@127.0.0.1:1/nothing?sslmode=disable" }}
	b := newBench(t, nobody, map[string]string{"0001_a.sql": "-- upgrade\nSELECT 'a"})
	for name, ask := range map[string]func() error{
		"migrate": func() error { _, err := b.warden().Migrate(t.Context(), plan.Target{}); return err },
		"status":  func() error { _, err := b.warden().Status(t.Context()); return err },
	} {
		if err := ask(); !errors.As(err, new(migration.Problems)) {
			t.Errorf("%s: %v, want the unfinished string in the folder", name, err)
		}
	}
}
