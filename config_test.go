package dbwarden_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestAFolderWhoseMigrationsStandBelowIsRefused: an embedded folder without its
// fs.Sub. One that is empty is no error, nor what has other things below it.
func TestAFolderWhoseMigrationsStandBelowIsRefused(t *testing.T) {
	t.Parallel()
	file := &fstest.MapFile{Data: []byte("-- upgrade\nCREATE TABLE a (n INTEGER);\n")}
	for name, want := range map[string]string{
		"migrations/0001_a.sql":      "migrations",
		"db/migrations/0001_a.sql":   "db/migrations",
		"migrations/ROC__a.sql":      "migrations",
		"migrations/notes.sql":       "",
		"migrations/.old/0001_a.sql": "",
		"README.md":                  "",
	} {
		b := newBench(t, sqliteProduct(), nil)
		b.files = fstest.MapFS{name: file}
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		bad, ok := errors.AsType[migration.Problems](err)
		if want == "" && err != nil || want != "" && (!ok || len(bad) != 1 || bad[0].File != want) {
			t.Errorf("%s: %v", name, err)
		}
		b.files["0001_a.sql"] = file
		b.migrate()
	}
}

// TestAFolderWithoutMigrationsIsWarnedOf, where nothing was ever applied either:
// an image without its files is not up to date in silence. It says where it
// looked. A folder with files has none to warn of, nor has a way back.
func TestAFolderWithoutMigrationsIsWarnedOf(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, nil)
		dir := t.TempDir()
		for folder, where := range map[fs.FS]string{os.DirFS(dir): dir, emptyFS{}: "the folder of migrations"} {
			var told []event.Event
			w, err := dbwarden.New(dbwarden.Config{Engine: p.engine, Database: b.db, Migrations: folder, Observe: func(e event.Event) { told = append(told, e) }})
			if err != nil {
				t.Fatal(err)
			}
			res, err := w.Migrate(t.Context(), plan.Target{})
			// Whoever logs events, and looks at no Result, has it too.
			warned := slices.DeleteFunc(slices.Clone(told), func(e event.Event) bool { return e.Kind != event.Warning })
			if !slices.EqualFunc(warned, res.Warnings, func(e event.Event, text string) bool { return e.Detail == text && e.Run == res.Run }) || told[len(told)-1].Kind != event.RunEnded {
				t.Errorf("told %v; want the warnings %q, ahead of the end", told, res.Warnings)
			}
			if err != nil || len(res.Warnings) != 1 || !strings.HasPrefix(res.Warnings[0], "there is no migration in "+where+",") {
				t.Errorf("%q, %v; want a warning that names %s", res.Warnings, err, where)
			}
			if res, err := w.Rollback(t.Context(), plan.Target{}); err != nil || len(res.Warnings) > 0 {
				t.Errorf("the way back: %q, %v", res.Warnings, err)
			}
		}
		b.put("1_t.sql", table)
		for range 2 {
			if res, err := b.warden().Migrate(t.Context(), plan.Target{}); err != nil || len(res.Warnings) > 0 {
				t.Errorf("with a file: %q, %v", res.Warnings, err)
			}
		}
		c := newBench(t, p, map[string]string{"1_t.sql": "-- env: other\n" + table})
		if res, err := c.warden().Migrate(t.Context(), plan.Target{}); err != nil || len(res.Warnings) > 0 {
			t.Errorf("with a file for elsewhere: %q, %v", res.Warnings, err)
		}
	})
}

// emptyFS is a folder of no disk.
type emptyFS struct{}

func (emptyFS) Open(name string) (fs.File, error) { return fstest.MapFS{}.Open(name) }

// TestAVerbWithoutMigrationsSaysSo, where it reads them.
func TestAVerbWithoutMigrationsSaysSo(t *testing.T) {
	t.Parallel()
	p := sqliteProduct()
	w, err := dbwarden.Open(p.url(t), dbwarden.Config{Engine: p.engine})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Migrate(t.Context(), plan.Target{}); err == nil {
		t.Error("nothing is wrong")
	}
	if _, err := w.Lock(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAHookThatCannotBeCalledIsRefused, before anybody has the lock.
func TestAHookThatCannotBeCalledIsRefused(t *testing.T) {
	t.Parallel()
	call := func(context.Context, dbwarden.Facts, func(string)) error { return nil }
	p := sqliteProduct()
	for name, h := range map[string]dbwarden.Hook{
		"neither":   {At: dbwarden.HookBeforeRun},
		"both":      {At: dbwarden.HookAfterRun, SQL: "SELECT 1", Call: call},
		"no moment": {At: "after_all", Call: call},
		"zero":      {},
	} {
		if _, err := dbwarden.Open(p.url(t), dbwarden.Config{Engine: p.engine, Hooks: []dbwarden.Hook{h}}); err == nil {
			t.Errorf("%s: nothing is wrong", name)
		}
	}
}
