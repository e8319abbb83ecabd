package dbwarden_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
)

// TestAHolderIsNotGoneWhereItsLockCannotBeSeen: a server with read_only may be
// a replica, where the row arrives and the lock of the server's own does not.
func TestAHolderIsNotGoneWhereItsLockCannotBeSeen(t *testing.T) {
	t.Parallel()
	server := dbtest.OwnMariaDB(t) // the setting is global
	url := server.NewDatabase(t)
	b := newBench(t, product{mysql.Engine(), func(*testing.T) string { return url }}, map[string]string{"1_t.sql": table})
	b.migrate()
	b.put("2_rows.sql", twoRows)
	b.crashAt("2", 1)
	server.Exec(t, "SET GLOBAL read_only = 1")
	defer server.Exec(t, "SET GLOBAL read_only = 0")

	user, password := server.NewRole(t)
	server.Exec(t, fmt.Sprintf("GRANT SELECT ON `%s`.* TO '%s'", dbtest.DatabaseName(url), user))
	reader := *b
	db, err := b.engine.Open(server.WithUser(url, user, password), engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	reader.db = db
	for name, b := range map[string]*bench{"who may write nevertheless": b, "who may read": &reader} {
		r, err := b.warden().Lock(t.Context())
		if err != nil || !r.Active || r.Verdict != lock.Unknown || r.Follows == "" {
			t.Errorf("%s: %+v, %v; want a holder of whom nothing is known, and why", name, r.Status, err)
		}
	}
	var readOnly *lock.ReadOnlyError
	if _, err := reader.warden().Unlock(t.Context(), true, ""); !errors.As(err, &readOnly) {
		t.Errorf("unlock gave %v, want it refused", err)
	}
}

// TestAHiddenLockTableIsNotAFreeLock: information_schema does not show a table
// on which one has no right.
func TestAHiddenLockTableIsNotAFreeLock(t *testing.T) {
	t.Parallel()
	server := dbtest.MariaDB(t)
	url := server.NewDatabase(t)
	b := newBench(t, product{mysql.Engine(), func(*testing.T) string { return url }}, map[string]string{"1_t.sql": table})
	b.migrate()
	user, password := server.NewRole(t)
	server.Exec(t, fmt.Sprintf("GRANT SELECT ON `%s`.t TO '%s'", dbtest.DatabaseName(url), user))
	var err error
	if b.db, err = b.engine.Open(server.WithUser(url, user, password), engine.OpenOptions{}); err != nil {
		t.Fatal(err)
	}
	var denied *dbwarden.DeniedError
	if r, err := b.warden().Lock(t.Context()); !errors.As(err, &denied) || denied.Grant == "" {
		t.Errorf("lock %+v, %v; want an error with the GRANT to ask for", r.Status, err)
	}
}
