package scratch_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
)

// product is a server that planning needs databases of.
type product struct {
	e      *engine.Engine
	server func(testing.TB) *dbtest.Server

	like      string // makes a database (%s) unlike the server's usual one
	isLike    string // tells what that was
	want      string
	databases string // lists the names of databases (like %s)
}

var products = map[string]product{
	"PostgreSQL": {
		e: postgres.Engine(), server: dbtest.Postgres,
		like:      "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'",
		isLike:    "SELECT current_setting('server_encoding')||' '||datcollate||' '||datctype FROM pg_database WHERE datname = current_database()",
		want:      "UTF8 C C.UTF-8",
		databases: "SELECT count(*)::text FROM pg_database WHERE datname LIKE '%s'",
	},
	"MariaDB": {
		e: mysql.Engine(), server: dbtest.MariaDB,
		like:      "CREATE DATABASE %s CHARACTER SET latin1 COLLATE latin1_general_cs",
		isLike:    "SELECT CONCAT(@@character_set_database, ' ', @@collation_database)",
		want:      "latin1 latin1_general_cs",
		databases: "SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '%s'",
	},
}

func each(t *testing.T, test func(t *testing.T, p product, server *dbtest.Server)) {
	t.Parallel()
	for name, p := range products {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, p, p.server(t))
		})
	}
}

func open(t *testing.T, e *engine.Engine, url string) engine.Database {
	t.Helper()
	d, err := e.Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func connect(t *testing.T, d engine.Database) engine.Session {
	t.Helper()
	s, err := d.Connect(t.Context(), engine.ConnectOptions{App: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func exec(t *testing.T, d engine.Database, queries ...string) {
	t.Helper()
	s := connect(t, d)
	defer s.Close()
	for _, q := range queries {
		if _, err := s.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func ask(t *testing.T, d engine.Database, query string) (answer string) {
	t.Helper()
	s := connect(t, d)
	defer s.Close()
	err := s.Query(t.Context(), func(scan func(...any) error) error {
		var v sql.NullString
		err := scan(&v)
		answer = v.String
		return err
	}, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

// nameOf finds the database's name in its label.
func nameOf(d engine.Database) string {
	label, _, _ := strings.Cut(d.Label(), "?")
	return label[strings.LastIndexByte(label, '/')+1:]
}

func there(t *testing.T, p product, server *dbtest.Server, name string) bool {
	t.Helper()
	return ask(t, open(t, p.e, server.URL()), fmt.Sprintf(p.databases, name)) != "0"
}

func TestATemporaryDatabaseIsLikeTheOneThatIsPlannedForAndGoesAway(t *testing.T) {
	each(t, func(t *testing.T, p product, server *dbtest.Server) {
		main := open(t, p.e, server.NewDatabase(t)) // dropped and made anew
		admin := open(t, p.e, server.URL())
		exec(t, admin, "DROP DATABASE "+nameOf(main), fmt.Sprintf(p.like, nameOf(main)))

		ctx, cancel := context.WithCancel(t.Context())
		s, err := scratch.Open(ctx, p.e, main, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, s, p.isLike); got != p.want {
			t.Errorf("the database is %q and not %q", got, p.want)
		}
		exec(t, s, "CREATE TABLE users (id INT)")
		left := connect(t, s) // somebody forgot to close it
		cancel()              // as a signal does
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		left.Close()
		if there(t, p, server, nameOf(s)) {
			t.Errorf("%s is still there", s.Label())
		}
	})
}

// The rights of those who plan: to look at the database, and to make others.
func TestPlanningNeedsNoRightToWrite(t *testing.T) {
	each(t, func(t *testing.T, p product, server *dbtest.Server) {
		url := server.NewDatabase(t)
		user, password := server.NewRole(t)
		as := open(t, p.e, server.WithUser(url, user, password))
		if p.e.Name == "mysql" {
			exec(t, open(t, p.e, server.URL()), "GRANT SELECT ON "+nameOf(as)+".* TO '"+user+"'")
		}
		_, err := scratch.Open(t.Context(), p.e, as, nil, "")
		denied, ok := errors.AsType[*scratch.DeniedError](err)
		if !ok {
			t.Fatalf("without the right: %v", err)
		}
		exec(t, open(t, p.e, server.URL()), denied.Grant)
		s, err := scratch.Open(t.Context(), p.e, as, nil, "")
		if err != nil {
			t.Fatalf("with %s: %v", denied.Grant, err)
		}
		exec(t, s, "CREATE TABLE users (id INT)")
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if there(t, p, server, nameOf(s)) {
			t.Errorf("%s is still there", s.Label())
		}
	})
}

func TestWhatAKilledRunLeftIsDroppedADayLater(t *testing.T) {
	each(t, func(t *testing.T, p product, server *dbtest.Server) {
		main, admin := open(t, p.e, server.NewDatabase(t)), open(t, p.e, server.URL())
		plan := func() *scratch.Scratch {
			s, err := scratch.Open(t.Context(), p.e, main, nil, "")
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		// As old as they say, with a mark or without. Other tests that plan on
		// this server drop what is old and not in use.
		leave := func(age time.Duration, marked, inUse bool) string {
			s := plan()
			name := nameOf(s)
			if inUse {
				connect(t, open(t, p.e, dbtest.WithDatabase(server.URL(), name)))
			}
			at := time.Now().UTC().Add(-age)
			switch {
			case p.e.Name == "postgres" && !marked:
				exec(t, admin, "COMMENT ON DATABASE "+name+" IS 'mine'")
			case p.e.Name == "postgres":
				exec(t, admin, "COMMENT ON DATABASE "+name+" IS 'dbwarden: made for planning, to be dropped; "+at.Format(time.RFC3339Nano)+"'")
			case !marked:
				exec(t, s, "DROP TABLE dbwarden_scratch")
			default:
				exec(t, s, "UPDATE dbwarden_scratch SET made_at = '"+at.Format(time.DateTime)+"'")
			}
			t.Cleanup(func() { s.Close(context.Background()) })
			return name
		}
		old, young, strange, used := leave(25*time.Hour, true, false), leave(23*time.Hour, true, false), leave(0, false, false), leave(48*time.Hour, true, true)
		if err := plan().Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		// Whoever sees no sessions but their own does not know of that one.
		url := server.NewDatabase(t)
		user, password := server.NewRole(t)
		as := open(t, p.e, server.WithUser(url, user, password))
		if p.e.Name == "mysql" {
			exec(t, admin, "GRANT SELECT ON "+nameOf(as)+".* TO '"+user+"'")
		}
		_, err := scratch.Open(t.Context(), p.e, as, nil, "")
		denied, ok := errors.AsType[*scratch.DeniedError](err)
		if !ok {
			t.Fatalf("without the right: %v", err)
		}
		exec(t, admin, denied.Grant)
		theirs, err := scratch.Open(t.Context(), p.e, as, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := theirs.Close(t.Context()); err != nil {
			t.Error(err)
		}
		for name, want := range map[string]bool{old: false, young: true, strange: true, used: true} {
			if got := there(t, p, server, name); got != want {
				t.Errorf("of the old, the young, the unmarked and the used one (%s, %s, %s, %s), %s is there: %t", old, young, strange, used, name, got)
			}
		}
	})
}

func TestADevDatabaseMustBeEmpty(t *testing.T) {
	each(t, func(t *testing.T, p product, server *dbtest.Server) {
		main, dev := open(t, p.e, server.NewDatabase(t)), open(t, p.e, server.NewDatabase(t))
		exec(t, dev, "CREATE TABLE precious (id INT)", "INSERT INTO precious VALUES (7)")
		_, err := scratch.Open(t.Context(), p.e, main, dev, "")
		if unfit, ok := errors.AsType[*scratch.UnfitError](err); !ok || !strings.Contains(unfit.Why, "precious") {
			t.Errorf("with a table in it: %v", err)
		}
		if got := ask(t, dev, "SELECT id FROM precious"); got != "7" {
			t.Errorf("the table now holds %q", got)
		}
		_, err = scratch.Open(t.Context(), p.e, main, main, "")
		if _, ok := errors.AsType[*scratch.UnfitError](err); !ok {
			t.Errorf("the database itself: %v", err)
		}
	})
}

// Whatever a plan makes is gone after it, and what a killed one left does not
// keep the next one.
// The names of a host are not compared: what one session locks, the other sees.
func TestADevDatabaseIsNotTheOneThatIsPlannedForByAnotherName(t *testing.T) {
	each(t, func(t *testing.T, p product, server *dbtest.Server) {
		url := server.NewDatabase(t)
		other := strings.Replace(url, "127.0.0.1", "localhost", 1)
		if other == url {
			other = strings.Replace(url, "localhost", "127.0.0.1", 1)
		}
		if other == url {
			t.Fatalf("%s has one name", url)
		}
		main, dev := open(t, p.e, url), open(t, p.e, other)
		var unfit *scratch.UnfitError
		if s, err := scratch.Open(t.Context(), p.e, main, dev, ""); !errors.As(err, &unfit) || !strings.Contains(err.Error(), "by another name of its server") {
			t.Errorf("got %v, %v", s, err)
		}
		// Its neighbour on the same server is another one.
		s, err := scratch.Open(t.Context(), p.e, main, open(t, p.e, server.NewDatabase(t)), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestADevDatabaseIsEmptiedByThoseWhoFoundItEmpty(t *testing.T) {
	each(t, func(t *testing.T, p product, server *dbtest.Server) {
		main, dev := open(t, p.e, server.NewDatabase(t)), open(t, p.e, server.NewDatabase(t))
		make := []string{"CREATE TABLE a (id INT PRIMARY KEY)", "CREATE TABLE b (id INT, a INT, FOREIGN KEY (a) REFERENCES a (id))", "CREATE VIEW v AS SELECT id FROM a"}
		if p.e.Name == "postgres" {
			make = append(make, "CREATE TYPE mood AS ENUM ('ok')", "CREATE DOMAIN d AS mood", "CREATE TYPE pair AS (a INT, b d)", "CREATE SCHEMA other", "CREATE TABLE other.t (m mood)",
				"CREATE MATERIALIZED VIEW mv AS SELECT 1 AS one", "CREATE SEQUENCE s", "CREATE FUNCTION f(x INT) RETURNS INT LANGUAGE SQL AS 'SELECT 1'",
				"CREATE PROCEDURE p() LANGUAGE SQL AS 'SELECT 1'", "CREATE AGGREGATE total(INT) (SFUNC = int4pl, STYPE = INT)", "CREATE STATISTICS st ON id, a FROM b",
				"CREATE OPERATOR === (LEFTARG = INT, RIGHTARG = INT, FUNCTION = int4eq)", "CREATE EXTENSION citext", "CREATE TABLE parts (id INT) PARTITION BY LIST (id)",
				"CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1)", "CREATE COLLATION co FROM \"C\"", "CREATE TEXT SEARCH CONFIGURATION tsc (COPY = simple)")
		} else {
			make = append(make, "CREATE SEQUENCE s", "CREATE PROCEDURE p() SELECT 1", "CREATE FUNCTION f() RETURNS INT RETURN 1", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
				"CREATE TRIGGER tr BEFORE INSERT ON a FOR EACH ROW SET NEW.id = 1", "CREATE TABLE versioned (id INT) WITH SYSTEM VERSIONING")
		}
		for _, killed := range []bool{true, false} {
			s, err := scratch.Open(t.Context(), p.e, main, dev, "")
			if err != nil {
				t.Fatal(err)
			}
			exec(t, s, make...)
			if killed { // its sessions end, and nothing is cleaned up
				scratch.Abandon(s)
			} else if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		found, marked, err := p.e.Scratch.Look(t.Context(), connect(t, dev))
		if err != nil || len(found) > 0 || marked {
			t.Errorf("afterwards there is %q, the mark is there: %t, %v", found, marked, err)
		}
	})
}

func TestTwoPlansTakeTurnsInOneDevDatabase(t *testing.T) {
	each(t, func(t *testing.T, p product, server *dbtest.Server) {
		main, dev := open(t, p.e, server.NewDatabase(t)), open(t, p.e, server.NewDatabase(t))
		first, err := scratch.Open(t.Context(), p.e, main, dev, "")
		if err != nil {
			t.Fatal(err)
		}
		exec(t, first, "CREATE TABLE mine (id INT)")
		opened := make(chan error, 1)
		go func() {
			second, err := scratch.Open(t.Context(), p.e, main, dev, "")
			if err == nil {
				err = second.Close(t.Context())
			}
			opened <- err
		}()
		// It would empty the database, or refuse it.
		select {
		case err := <-opened:
			t.Errorf("the second did not wait: %v", err)
		case <-time.After(time.Second):
		}
		exec(t, first, "INSERT INTO mine VALUES (1)")
		if err := first.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-opened; err != nil {
			t.Error(err)
		}
	})
}

func TestSQLitePlansInMemory(t *testing.T) {
	t.Parallel()
	e := sqlite.Engine()
	main := open(t, e, "sqlite:///"+t.TempDir()+"/shop.db?foreign_keys=1&_pragma=query_only(1)")
	s, err := scratch.Open(t.Context(), e, main, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	exec(t, s, "CREATE TABLE users (id INT)")
	if got := ask(t, s, "SELECT (SELECT foreign_keys FROM pragma_foreign_keys)||(SELECT name FROM sqlite_schema)"); got != "1users" {
		t.Errorf("the memory holds %q", got)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := main.Connect(t.Context(), engine.ConnectOptions{ReadOnly: true}); !errors.Is(err, engine.ErrNoDatabase) {
		t.Errorf("the file: %v", err)
	}
}
