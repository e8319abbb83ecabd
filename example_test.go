package dbwarden_test

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing/fstest"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

//go:embed examples/service/sqlite/migrations
var embedded embed.FS

// A service that has its migrations embedded, and brings its database up to date
// before it begins. On a server it would say postgres.Engine() or mysql.Engine(),
// with a URL of that product.
func Example() {
	folder, err := fs.Sub(embedded, "examples/service/sqlite/migrations")
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := dbwarden.Open("sqlite:///:memory:", dbwarden.Config{Engine: sqlite.Engine(), Migrations: folder, Wait: time.Minute})
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := w.Migrate(context.Background(), plan.Target{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(res.Completed), "migrations applied")
	// Output: 2 migrations applied
}

// notes is a folder of three migrations, as an embed.FS would have it.
func notes() fstest.MapFS {
	return fstest.MapFS{
		"0001_notes.sql": {Data: []byte("-- upgrade\nCREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);\n\n-- rollback\nDROP TABLE notes;\n")},
		"0002_tags.sql":  {Data: []byte("-- upgrade\nCREATE TABLE tags (note INTEGER REFERENCES notes, tag TEXT);\n\n-- rollback\nDROP TABLE tags;\n")},
		"0003_index.sql": {Data: []byte("-- upgrade\nCREATE INDEX tags_tag ON tags (tag);\n\n-- rollback\nDROP INDEX tags_tag;\n")},
	}
}

// inMemory is a Warden for a database of its own.
func inMemory(files fs.FS) *dbwarden.Warden {
	w, err := dbwarden.Open("sqlite:///:memory:", dbwarden.Config{Engine: sqlite.Engine(), Migrations: files})
	if err != nil {
		panic(err)
	}
	return w
}

// A pool that the program has already: its connections stay as they are.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	pool, err := sql.Open("sqlite", filepath.Join(dir, "notes.db")+"?_pragma=foreign_keys(1)")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	ctx := context.Background()
	db, err := sqlite.FromDB(ctx, pool, engine.OpenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := dbwarden.New(dbwarden.Config{Engine: sqlite.Engine(), Database: db, Migrations: notes()})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := w.Migrate(ctx, plan.Target{}); err != nil {
		fmt.Println(err)
		return
	}
	_, err = pool.ExecContext(ctx, "INSERT INTO notes (text) VALUES ('written through the pool')")
	fmt.Println(err)
	// Output: <nil>
}

// Up to a version, and then the rest.
func ExampleWarden_Migrate() {
	w, ctx := inMemory(notes()), context.Background()
	second, _ := migration.ParseVersion("0002")
	for _, t := range []plan.Target{{To: second}, {}, {}} {
		res, err := w.Migrate(ctx, t)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(res.Completed), "applied,", res.Pending, "pending")
	}
	// Output:
	// 2 applied, 1 pending
	// 1 applied, 0 pending
	// 0 applied, 0 pending
}

// What failed, where, and what is left of it.
func ExampleMigrationError() {
	files := notes()
	files["0004_oops.sql"] = &fstest.MapFile{Data: []byte("-- upgrade\nCREATE TABLE a (id INTEGER);\nALTER TABLE nots ADD COLUMN b TEXT;\n")}
	_, err := inMemory(files).Migrate(context.Background(), plan.Target{})
	if failed, ok := errors.AsType[*dbwarden.MigrationError](err); ok {
		fmt.Printf("%s:%d: statement %d of %d\n", failed.Migration.File, failed.Pos.Line, failed.Number, failed.Total)
		fmt.Println(failed.Fault.Message)
		fmt.Println("the database is", failed.State)
	}
	// Output:
	// 0004_oops.sql:3: statement 2 of 2
	// no such table: nots
	// the database is untouched
}

// Without a target it is the newest one that goes back.
func ExampleWarden_Rollback() {
	w, ctx := inMemory(notes()), context.Background()
	if _, err := w.Migrate(ctx, plan.Target{}); err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range []plan.Target{{}, {Count: 2}} {
		res, err := w.Rollback(ctx, t)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, m := range res.Completed {
			fmt.Println("rolled back", m.File)
		}
	}
	// Output:
	// rolled back 0003_index.sql
	// rolled back 0002_tags.sql
	// rolled back 0001_notes.sql
}

func ExampleWarden_Status() {
	w, ctx := inMemory(notes()), context.Background()
	if _, err := w.Migrate(ctx, plan.Target{Count: 2}); err != nil {
		fmt.Println(err)
		return
	}
	st, err := w.Status(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range st.Migrations {
		fmt.Println(m.Version, m.Description, m.State)
	}
	fmt.Println("up to date:", st.Clean())
	// Output:
	// 0001 notes applied
	// 0002 tags applied
	// 0003 index pending
	// up to date: false
}

func ExampleWarden_History() {
	w, ctx := inMemory(notes()), context.Background()
	if _, err := w.Migrate(ctx, plan.Target{}); err != nil {
		fmt.Println(err)
		return
	}
	revisions, err := w.History(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range revisions {
		fmt.Println(r.File, r.Statements, time.Since(r.AppliedAt) < time.Hour)
	}
	// Output:
	// 0001_notes.sql 1 true
	// 0002_tags.sql 1 true
	// 0003_index.sql 1 true
}

// A plan is data: it can be kept, shown to somebody, and run later. Where files
// or history have moved on meanwhile, it is refused.
func ExampleWarden_Plan() {
	files := notes()
	w, ctx := inMemory(files), context.Background()
	saved, err := w.Plan(ctx, plan.Target{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range saved.Steps {
		fmt.Println("would apply", s.File)
	}
	files["0002_tags.sql"] = &fstest.MapFile{Data: []byte("-- upgrade\nCREATE TABLE labels (note INTEGER);\n")}
	_, err = w.MigrateSaved(ctx, saved)
	if refusal, ok := errors.AsType[*plan.Refusal](err); ok {
		fmt.Println(refusal.Code)
	}
	// Output:
	// would apply 0001_notes.sql
	// would apply 0002_tags.sql
	// would apply 0003_index.sql
	// plan_moved
}

// A database that had these tables before there was a history.
func ExampleWarden_Baseline() {
	w, ctx := inMemory(notes()), context.Background()
	second, _ := migration.ParseVersion("0002")
	res, err := w.Baseline(ctx, plan.Target{To: second})
	if err != nil {
		fmt.Println(err)
		return
	}
	st, err := w.Status(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(res.Completed), "noted without being run,", st.PendingTotal, "pending")
	// Output: 2 noted without being run, 1 pending
}

// The lock of a migration that failed half-way is kept until somebody has
// looked. Then the mended file goes on at the statement that failed.
func ExampleWarden_Unlock() {
	files := notes()
	files["0004_pages.sql"] = &fstest.MapFile{Data: []byte("-- transaction: off\n-- upgrade\nCREATE TABLE pages (id INTEGER);\nINSERT INTO page VALUES (1);\n")}
	w, ctx := inMemory(files), context.Background()
	_, err := w.Migrate(ctx, plan.Target{})
	if failed, ok := errors.AsType[*dbwarden.MigrationError](err); ok {
		fmt.Println(failed.State, "and the lock is kept:", failed.LockKept)
	}
	_, err = w.Migrate(ctx, plan.Target{})
	if held, ok := errors.AsType[*lock.HeldError](err); ok {
		fmt.Println("held:", held.Status.Verdict)
	}

	files["0004_pages.sql"] = &fstest.MapFile{Data: []byte("-- transaction: off\n-- upgrade\nCREATE TABLE pages (id INTEGER);\nINSERT INTO pages VALUES (1);\n")}
	report, err := w.Unlock(ctx, false, "the table's name was mistyped")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("released; half applied:", report.Unfinished.File)
	res, err := w.Migrate(ctx, plan.Target{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("applied", res.Completed[0].File)
	// Output:
	// partial and the lock is kept: true
	// held: kept
	// released; half applied: 0004_pages.sql
	// applied 0004_pages.sql
}

// Who migrates now, and what is half done, for whoever looks.
func ExampleWarden_Lock() {
	files, looked := notes(), false
	db, err := sqlite.Engine().Open("sqlite:///:memory:", engine.OpenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	config := dbwarden.Config{Engine: sqlite.Engine(), Database: db, Migrations: files,
		Holder: lock.Holder{User: "ada", Host: "web-1", Pid: 4242, Program: "shop 1.0", Command: "serve"}}
	config.BeforeRun = func(ctx context.Context, _ dbwarden.Before) error { // called under the lock
		w, err := dbwarden.New(dbwarden.Config{Engine: sqlite.Engine(), Database: db})
		if err != nil {
			return err
		}
		r, err := w.Lock(ctx)
		fmt.Println(r.Verdict, r.Who())
		looked = true
		return err
	}
	w, err := dbwarden.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := w.Migrate(context.Background(), plan.Target{}); err != nil || !looked {
		fmt.Println(err)
		return
	}
	r, err := w.Lock(context.Background())
	fmt.Println(r.Verdict, err)
	// Output:
	// alive ada@web-1 pid 4242 (shop 1.0 serve)
	// free <nil>
}

// A statement whose end nobody knows waits for somebody who has looked.
func ExampleWarden_Resolve() {
	_, err := inMemory(notes()).Resolve(context.Background(), "0001", true, 0)
	fmt.Println(errors.Is(err, dbwarden.ErrNothingInDoubt))
	// Output: true
}
