package eventlog_test

import (
	"context"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/event/eventlog"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// A service that logs what its migrations do at start-up.
func ExampleObserver() {
	dir, err := os.MkdirTemp("", "eventlog")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	files := fstest.MapFS{"0001_create_users.sql": &fstest.MapFile{Data: []byte("-- upgrade\nCREATE TABLE users (id INTEGER PRIMARY KEY);\n")}}

	e := sqlite.Engine()
	db, err := e.Open("sqlite:///"+filepath.Join(dir, "app.db"), engine.OpenOptions{})
	if err != nil {
		log.Fatal(err)
	}
	w, err := dbwarden.New(dbwarden.Config{
		Engine: e, Database: db, Migrations: files, Holder: lock.Holder{Program: "shop"},
		Observe: eventlog.Observer(slog.New(slog.NewTextHandler(os.Stdout, forPrint))),
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := w.Migrate(context.Background(), plan.Target{}); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=INFO msg="run started" event=run_started direction=upgrade
	// level=INFO msg="lock acquired" event=lock_acquired
	// level=INFO msg="plan ready" event=plan_ready direction=upgrade total=1 versions=[0001]
	// level=INFO msg="migration started" event=migration_started direction=upgrade version=0001 file=0001_create_users.sql number=1 total=1 statements=1
	// level=INFO msg="migration completed" event=migration_completed direction=upgrade version=0001 file=0001_create_users.sql number=1 total=1 statements=1
	// level=INFO msg="run completed" event=run_completed direction=upgrade total=1
	// level=INFO msg="lock released" event=lock_released
	// level=INFO msg="run ended" event=run_ended direction=upgrade pending=0
}

// forPrint leaves out what is another one each time.
var forPrint = &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.TimeKey, "run", "elapsed_ms":
		return slog.Attr{}
	}
	return a
}}
