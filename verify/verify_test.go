package verify_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/mysql/myschema"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/verify"
)

// product is an engine with what reads its schemas, and a server.
type product struct {
	engine  *engine.Engine
	inspect func(context.Context, engine.Session, schema.Options) (*schema.State, error)
	url     func(*testing.T) string
}

func onEvery(t *testing.T, test func(t *testing.T, p product)) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, product{sqlite.Engine(), liteschema.Inspect, func(t *testing.T) string { return dbtest.SQLite(t) }})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		s := dbtest.Postgres(t)
		test(t, product{postgres.Engine(), pgschema.Inspect, func(t *testing.T) string { return s.NewDatabase(t) }})
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		s := dbtest.MariaDB(t)
		test(t, product{mysql.Engine(), myschema.Inspect, func(t *testing.T) string { return s.NewDatabase(t) }})
	})
}

func open(t *testing.T, e *engine.Engine, url string) engine.Database {
	t.Helper()
	d, err := e.Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func folder(files ...string) fstest.MapFS {
	f := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		f[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return f
}

const (
	good   = "-- upgrade\nCREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER);\n-- rollback\nDROP TABLE a;\n"
	leaves = "-- upgrade\nCREATE TABLE b (id INTEGER PRIMARY KEY);\nCREATE TABLE IF NOT EXISTS forgotten (id INTEGER PRIMARY KEY);\n-- rollback\nDROP TABLE b;\n"
	oneWay = "-- upgrade\nCREATE TABLE c (id INTEGER PRIMARY KEY);\n"
	fails  = "-- upgrade\nINSERT INTO nowhere VALUES (1);\n-- rollback\nDELETE FROM nowhere;\n"
)

// TestEachRollbackIsProven: what leads back is proven, what does not is named
// with its differences, and the database itself stays empty.
func TestEachRollbackIsProven(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		main := open(t, p.engine, p.url(t))
		c := dbwarden.Config{Engine: p.engine, Database: main, Migrations: folder("0001_a.sql", good, "0002_b.sql", leaves, "0003_c.sql", oneWay, "0004_d.sql", fails, "0005_e.sql", oneWay)}
		var told []string
		res, err := verify.Run(t.Context(), c, verify.Options{Inspect: p.inspect, Told: func(_, of int, m *migration.Migration) {
			if of != 5 {
				t.Errorf("%d to prove, want 5", of)
			}
			told = append(told, m.File)
		}})
		if err != nil {
			t.Fatal(err)
		}
		want := []verify.Verdict{verify.Proven, verify.Differs, verify.Irreversible, verify.Failed, verify.Unreached}
		for i, p := range res.Each {
			if p.Verdict != want[i] {
				t.Errorf("%s is %s, want %s", p.Migration.File, p.Verdict, want[i])
			}
		}
		if len(res.Each) != len(want) || len(told) != 4 {
			t.Errorf("%d proofs, told of %v", len(res.Each), told)
		}
		bad, ok := errors.AsType[*verify.Error](res.Err())
		if !ok || !strings.Contains(bad.Error(), "0002_b.sql: its rollback does not lead back:\n  - table forgotten") || !strings.Contains(bad.Error(), "0004_d.sql fails on the way there: ") {
			t.Errorf("the error is %v", res.Err())
		}
		if _, ok := errors.AsType[*dbwarden.MigrationError](bad); !ok {
			t.Error("the error of what failed cannot be asked for")
		}
		s, err := main.Connect(t.Context(), engine.ConnectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got, err := p.inspect(t.Context(), s, schema.Options{}); err != nil || len(got.Tables) != 0 {
			t.Errorf("the database that was planned for has %d tables, %v", len(got.Tables), err)
		}

		c.Migrations = folder("0001_a.sql", good, "0002_c.sql", oneWay)
		res, err = verify.Run(t.Context(), c, verify.Options{Inspect: p.inspect})
		if err != nil || res.Err() != nil {
			t.Errorf("a good folder: %v, %v", err, res.Err())
		}
		only := verify.Options{Inspect: p.inspect, Only: func(m *migration.Migration) bool { return m.File == "0001_a.sql" }}
		if res, err = verify.Run(t.Context(), c, only); err != nil || len(res.Each) != 1 || res.Whole != nil {
			t.Errorf("one of two: %+v, %v", res, err)
		}
	})
}

// TestADatabaseToDoItIn: a Dev is used and left empty; one that holds something
// is not touched; without the right to make one, the error says what is missing.
func TestADatabaseToDoItIn(t *testing.T) {
	t.Parallel()
	server := dbtest.Postgres(t)
	url, dev := server.NewDatabase(t), server.NewDatabase(t)
	user, password := server.NewRole(t)
	e := postgres.Engine()
	c := dbwarden.Config{Engine: e, Database: open(t, e, server.WithUser(url, user, password)), Migrations: folder("0001_a.sql", good)}
	_, err := verify.Run(t.Context(), c, verify.Options{Inspect: pgschema.Inspect})
	if denied, ok := errors.AsType[*verify.DeniedError](err); !ok || !strings.Contains(denied.Grant, "CREATEDB") {
		t.Errorf("without the right: %v", err)
	}
	o := verify.Options{Inspect: pgschema.Inspect, Dev: open(t, e, dev)}
	if res, err := verify.Run(t.Context(), c, o); err != nil || res.Err() != nil {
		t.Errorf("with a Dev: %v", err)
	}
	look := dbtest.Dial(t, dev)
	if rows := look.Rows(t, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"); len(rows) != 0 {
		t.Errorf("Dev is left with %v", rows)
	}
	look.Exec(t, "CREATE TABLE mine (id int)")
	_, err = verify.Run(t.Context(), c, o)
	if _, ok := errors.AsType[*verify.UnfitError](err); !ok {
		t.Errorf("with a Dev that holds something: %v", err)
	}
	if rows := look.Rows(t, "SELECT count(*) FROM mine"); len(rows) != 1 {
		t.Error("what Dev held is gone")
	}
	c.Migrations = folder("0001_a.sql", "-- upgrade\nCREATE ROLE intruder;\n")
	look.Exec(t, "DROP TABLE mine")
	if _, err := verify.Run(t.Context(), c, o); err == nil || !strings.Contains(err.Error(), "cannot be replayed") {
		t.Errorf("a migration that reaches beyond: %v", err)
	}
}

// TestWhatVerifyNeeds: what is missing is said, and a folder that cannot be read
// is migration.Problems.
func TestWhatVerifyNeeds(t *testing.T) {
	t.Parallel()
	e := sqlite.Engine()
	d := open(t, e, dbtest.SQLite(t))
	o := verify.Options{Inspect: liteschema.Inspect}
	for name, c := range map[string]dbwarden.Config{
		"no engine":   {Database: d, Migrations: folder()},
		"no database": {Engine: e, Migrations: folder()},
		"no folder":   {Engine: e, Database: d},
	} {
		if _, err := verify.Run(t.Context(), c, o); err == nil {
			t.Error(name)
		}
	}
	c := dbwarden.Config{Engine: e, Database: d, Migrations: folder("0001_a.sql", "-- upgrade\nCREATE TABLE 'a\n")}
	if _, err := verify.Run(t.Context(), c, verify.Options{}); err == nil {
		t.Error("no Inspect")
	}
	_, err := verify.Run(t.Context(), c, o)
	if _, ok := errors.AsType[migration.Problems](err); !ok {
		t.Errorf("a folder that cannot be read: %v", err)
	}
	c.Migrations = folder("0001_a.sql", good)
	loaded, err := c.Load(c.Migrations)
	if err != nil {
		t.Fatal(err)
	}
	c.Loaded = loaded
	if res, err := verify.Run(t.Context(), c, o); err != nil || res.Err() != nil || len(res.Each) != 1 {
		t.Errorf("a folder that is loaded: %v", err)
	}
	c.Migrations = nil
	if res, err := verify.Run(t.Context(), c, o); err != nil || res.Err() != nil || len(res.Each) != 1 {
		t.Errorf("a folder that is loaded, alone: %v", err)
	}
}

// TestFunctionsAreProven: migrations in Go are called there, back and there
// again, among the files and without any.
func TestFunctionsAreProven(t *testing.T) {
	t.Parallel()
	e := sqlite.Engine()
	calls := ""
	ways := func(query, way string) func(context.Context, migration.Tx) error {
		return func(ctx context.Context, tx migration.Tx) error {
			calls += way
			_, err := tx.ExecContext(ctx, query)
			return err
		}
	}
	c := dbwarden.Config{Engine: e, Database: open(t, e, dbtest.SQLite(t)), Migrations: folder("0001_a.sql", good), Go: []migration.Go{
		{Version: "0002", Description: "in go", Up: ways("CREATE TABLE IF NOT EXISTS g (id INT)", "u"), Down: ways("DELETE FROM g", "d")},
	}}
	res, err := verify.Run(t.Context(), c, verify.Options{Inspect: liteschema.Inspect})
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Err(); err == nil || !strings.Contains(err.Error(), "0002_in_go.go: its rollback does not lead back:\n  - table g") || !strings.HasPrefix(calls, "udu") {
		t.Errorf("called %s, the error is %v", calls, err)
	}
	c.Migrations = nil
	if res, err := verify.Run(t.Context(), c, verify.Options{Inspect: liteschema.Inspect}); err != nil || len(res.Each) != 1 || res.Each[0].Verdict != verify.Differs {
		t.Errorf("without a folder: %+v, %v", res, err)
	}
}
