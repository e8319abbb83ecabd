package cli_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/mysql/myschema"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/cli"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func products() []cli.Product {
	return []cli.Product{
		{Engine: sqlite.Engine(), Inspect: liteschema.Inspect},
		{Engine: postgres.Engine(), Inspect: pgschema.Inspect},
		{Engine: mysql.Engine(), Inspect: myschema.Inspect},
	}
}

// TestMain makes this test binary the program itself when a script calls it:
// the scripts run real processes.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"dbwarden": func() { os.Exit(cli.Process(products(), cli.Build{Version: "1.2.3"})) },
	})
}

// The scripts in testdata/script run once on every engine, each on a fresh
// database whose URL is in DBWARDEN_DATABASE_URL; $ENGINE names the engine.
// A script that is about one engine says so in its first lines.
func TestScriptsOnSQLite(t *testing.T) {
	scripts(t, "sqlite", sqlite.Engine(), nil)
}

func TestScriptsOnPostgres(t *testing.T) {
	scripts(t, "postgres", postgres.Engine(), dbtest.Postgres(t))
}

func TestScriptsOnMariaDB(t *testing.T) {
	scripts(t, "mysql", mysql.Engine(), dbtest.MariaDB(t))
}

func scripts(t *testing.T, name string, e *engine.Engine, server *dbtest.Server) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			url := "sqlite:///test.db"
			if server != nil {
				url = server.NewDatabase(t)
				env.Setenv("ADMIN_URL", server.URL())
			}
			env.Setenv("DBWARDEN_DATABASE_URL", url)
			env.Setenv("ENGINE", name)
			env.Setenv("USER", "alice")
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "sqlite", "postgres", "mysql":
				return cond == name, nil
			}
			return false, fmt.Errorf("unknown condition %s", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sql": func(ts *testscript.TestScript, neg bool, args []string) { sqlCommand(ts, e, neg, args) },
		},
	})
}

// sqlCommand is "sql QUERY": it runs a query as another program would, and
// prints the rows. On SQLite the database is the file of the URL.
func sqlCommand(ts *testscript.TestScript, e *engine.Engine, neg bool, args []string) {
	err := query(ts, e, strings.Join(args, " "))
	if neg && err == nil {
		ts.Fatalf("the query succeeded")
	}
	if neg {
		fmt.Fprintln(ts.Stderr(), err)
	} else {
		ts.Check(err)
	}
}

func query(ts *testscript.TestScript, e *engine.Engine, q string) error {
	ctx := context.Background()
	db, err := e.Open(ts.Getenv("DBWARDEN_DATABASE_URL"), engine.OpenOptions{Dir: ts.Getenv("WORK")})
	if err != nil {
		return err
	}
	s, err := db.Connect(ctx, engine.ConnectOptions{App: "test"})
	if err != nil {
		return err
	}
	defer s.Close()
	if !strings.HasPrefix(strings.ToUpper(q), "SELECT") {
		_, err := s.Exec(ctx, q)
		return err
	}
	columns := strings.Count(q[:strings.Index(strings.ToUpper(q)+" FROM ", " FROM ")], ",") + 1
	return s.Query(ctx, func(scan func(...any) error) error {
		values, into := make([]sql.NullString, columns), make([]any, columns)
		for i := range values {
			into[i] = &values[i]
		}
		if err := scan(into...); err != nil {
			return err
		}
		texts := make([]string, columns)
		for i, v := range values {
			texts[i] = v.String
		}
		fmt.Fprintln(ts.Stdout(), strings.Join(texts, "|"))
		return nil
	}, q)
}

