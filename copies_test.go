package dbwarden_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
)

// TestACopyOfALockedFileIsNotCalledAlive: a database of one file is copied
// between two statements of a run that has its lock. In the copy nobody is
// alive; it is unlocked and goes on, and the run in the original does not
// notice.
func TestACopyOfALockedFileIsNotCalledAlive(t *testing.T) {
	t.Parallel()
	address := dbtest.SQLite(t)
	at := func(url string) *bench {
		return newBench(t, product{sqlite.Engine(), func(*testing.T) string { return url }}, map[string]string{
			"1_t.sql": table, "2_rows.sql": outside + twoRows,
		})
	}
	b := at(address)
	b.behind("2", 1, func() {
		file := filepath.Join(t.TempDir(), "copy.db")
		// VACUUM INTO is SQLite's own way to a copy of what is in use.
		b.exec("VACUUM INTO '" + file + "'")
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
		c := at("sqlite:///" + file)
		c.isUnlockedAndGoesOn()
		if r, err := b.warden().Lock(t.Context()); err != nil || r.Verdict != lock.Alive {
			t.Errorf("the original's lock: %s, %v; want alive", r.Verdict, err)
		}
	})
	b.migrate()
	if got := b.value("SELECT COUNT(*) FROM t"); got != "2" {
		t.Errorf("%s rows in the original, want 2", got)
	}
}

// TestADatabaseMadeFromALockedTemplateIsFreed: CREATE DATABASE ... TEMPLATE
// takes the row of a dead run along.
func TestADatabaseMadeFromALockedTemplateIsFreed(t *testing.T) {
	t.Parallel()
	server := dbtest.Postgres(t)
	original := server.NewDatabase(t)
	name := dbtest.DatabaseName(original) + "_copy"
	files := map[string]string{"1_t.sql": table}
	b := newBench(t, product{postgres.Engine(), func(*testing.T) string { return original }}, files)
	b.migrate()
	b.put("2_rows.sql", twoRows)
	b.crashAt("2", 1)
	within30(t, "nobody is connected to the template", func() bool {
		return dbtest.Dial(t, server.URL()).Try(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+dbtest.DatabaseName(original)) == nil
	})
	t.Cleanup(func() { server.Exec(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	c := newBench(t, product{postgres.Engine(), func(*testing.T) string { return dbtest.WithDatabase(server.URL(), name) }}, files)
	c.put("2_rows.sql", twoRows)
	c.isUnlockedAndGoesOn()
	if r, err := b.warden().Lock(t.Context()); err != nil || r.Verdict != lock.Gone {
		t.Errorf("the original's lock: %s, %v; want gone, as before", r.Verdict, err)
	}
}

// isUnlockedAndGoesOn is for a copy with the row of a run that is not there.
func (b *bench) isUnlockedAndGoesOn() {
	b.t.Helper()
	if r, err := b.warden().Lock(b.t.Context()); err != nil || !r.Active || r.Verdict != lock.Gone {
		b.t.Errorf("the copy's lock: %s, %v; want gone", r.Verdict, err)
	}
	if _, err := b.warden().Unlock(b.t.Context(), false, "a copy"); err != nil {
		b.t.Errorf("unlock the copy: %v", err)
	}
	b.recover = true
	b.migrate()
	if got := b.value("SELECT COUNT(*) FROM t"); got != "2" {
		b.t.Errorf("%s rows in the copy, want 2", got)
	}
}
