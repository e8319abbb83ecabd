package desired_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/desired"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
)

func open(t *testing.T, e *engine.Engine, url string) engine.Database {
	t.Helper()
	d, err := e.Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// run runs models on a scratch database.
func run(t *testing.T, e *engine.Engine, main engine.Database, models ...desired.Model) (*scratch.Scratch, []desired.Made, error) {
	t.Helper()
	s, err := scratch.Open(t.Context(), e, main, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	made, err := desired.Run(t.Context(), e, s, models)
	return s, made, err
}

func ask(t *testing.T, d engine.Database, query string) string {
	t.Helper()
	s, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var rows []string
	err = s.Query(t.Context(), func(scan func(...any) error) error {
		var v sql.NullString
		err := scan(&v)
		rows = append(rows, v.String)
		return err
	}, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return strings.Join(rows, " ")
}

// shop is a schema with everything written before what it needs.
var shop = map[string]string{
	"sqlite": `CREATE TRIGGER tr AFTER INSERT ON items BEGIN UPDATE items SET n = 1; END;
		CREATE INDEX items_n ON items (n);
		CREATE VIEW v AS SELECT id FROM items;
		CREATE TABLE items (id INTEGER PRIMARY KEY, n INT, owner INT REFERENCES people (id));
		CREATE TABLE people (id INTEGER PRIMARY KEY, item INT REFERENCES items (id));`,
	"postgres": `COMMENT ON VIEW v2 IS 'two up';
		CREATE VIEW v2 AS SELECT * FROM v;
		CREATE VIEW v AS SELECT id, mood FROM items;
		CREATE INDEX CONCURRENTLY items_n ON items (half(n));
		ALTER TABLE people ADD FOREIGN KEY (item) REFERENCES items (id);
		CREATE TABLE items (id int PRIMARY KEY, n int, mood mood, owner int REFERENCES people (id));
		CREATE FUNCTION half(x int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT x / 2; $$;
		CREATE TYPE mood AS ENUM ('ok', 'bad');
		CREATE TABLE people (id int PRIMARY KEY, item int);
		DO $$ BEGIN CREATE TYPE late AS ENUM ('x'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;`,
	// Two tables that refer to one another: one of them must be first.
	"mysql": `CREATE VIEW v2 AS SELECT * FROM v;
		CREATE VIEW v AS SELECT id FROM items;
		CREATE TRIGGER tr BEFORE INSERT ON items FOR EACH ROW BEGIN SET NEW.n = 1; END;
		CREATE INDEX items_n ON items (n);
		CREATE TABLE items (id INT PRIMARY KEY, n INT, owner INT, FOREIGN KEY (owner) REFERENCES people (id));
		CREATE TABLE people (id INT PRIMARY KEY, item INT, FOREIGN KEY (item) REFERENCES items (id));`,
}

func TestDefinitionsMayStandInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		e    *engine.Engine
		main func(t *testing.T) string
		look string
		want string
	}{
		{sqlite.Engine(), func(*testing.T) string { return "sqlite:///:memory:" }, "SELECT name FROM sqlite_schema ORDER BY 1", "items items_n people tr v"},
		{postgres.Engine(), func(t *testing.T) string { return dbtest.Postgres(t).NewDatabase(t) },
			"SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i' UNION ALL SELECT conname FROM pg_constraint WHERE contype = 'f' ORDER BY 1",
			"items items_owner_fkey people people_item_fkey v v2"},
		{mysql.Engine(), func(t *testing.T) string { return dbtest.MariaDB(t).NewDatabase(t) },
			"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME <> 'dbwarden_scratch' UNION ALL SELECT CONCAT(TABLE_NAME, '_fk') FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE() ORDER BY 1",
			"items items_fk people people_fk v v2"},
	} {
		t.Run(c.e.Title, func(t *testing.T) {
			t.Parallel()
			main := open(t, c.e, c.main(t))
			s, made, err := run(t, c.e, main, desired.Model{Name: "shop.sql", Text: shop[c.e.Name]})
			if err != nil {
				t.Fatal(err)
			}
			if got := ask(t, s, c.look); got != c.want {
				t.Errorf("it has %q and not %q", got, c.want)
			}
			if c.e.Name == "mysql" {
				return // the circle needs what Loosen does
			}
			// The order that was found works at the first try.
			_, again, err := run(t, c.e, main, desired.Model{Name: "again.sql", Text: text(made)})
			if err != nil || text(again) != text(made) {
				t.Errorf("in the order found, the definitions end as\n%s%v", text(again), err)
			}
		})
	}
}

func text(made []desired.Made) string {
	var b strings.Builder
	for _, m := range made {
		b.WriteString(m.Statement.Text + ";\n")
	}
	return b.String()
}

// Each file's settings hold for that file, also when its statements must be
// tried again.
func TestSettingsHoldForTheirFile(t *testing.T) {
	t.Parallel()
	e := postgres.Engine()
	s, made, err := run(t, e, open(t, e, dbtest.Postgres(t).NewDatabase(t)),
		desired.Model{Name: "a.sql", Text: "SET search_path = billing; CREATE TABLE bills (id int PRIMARY KEY, shop int REFERENCES public.shops (id));"},
		desired.Model{Name: "b.sql", Text: "CREATE TABLE shops (id int PRIMARY KEY); CREATE SCHEMA billing;"})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s, "SELECT oid::regclass::text FROM pg_class WHERE relname IN ('bills', 'shops') ORDER BY 1"); got != "billing.bills shops" {
		t.Errorf("there are %q", got)
	}
	if got := desired.Schemas(made); !slices.Equal(got, []string{"billing"}) {
		t.Errorf("schemas %q", got)
	}
}

func TestDumpsAreModels(t *testing.T) {
	t.Parallel()
	lite := sqlite.Engine()
	s, _, err := run(t, lite, open(t, lite, "sqlite:///:memory:"), desired.Model{Name: "dump.sql",
		Text: "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nDROP TABLE IF EXISTS t;\nCREATE TABLE t (a);\nCOMMIT;\n"})
	if err != nil || ask(t, s, "SELECT name FROM sqlite_schema") != "t" {
		t.Errorf("a dump of SQLite: %v", err)
	}
	// mysqldump makes a view twice.
	my := mysql.Engine()
	s, _, err = run(t, my, open(t, my, dbtest.MariaDB(t).NewDatabase(t)), desired.Model{Name: "dump.sql", Text: `
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
DROP TABLE IF EXISTS ` + "`t`;\n" + `
CREATE TABLE t (a INT);
/*!50001 DROP VIEW IF EXISTS v*/;
/*!50001 CREATE VIEW v AS SELECT 1 AS a */;
/*!50001 DROP VIEW IF EXISTS v*/;
/*!50001 CREATE ALGORITHM=UNDEFINED VIEW v AS SELECT a FROM t */;`})
	if err != nil || ask(t, s, "SELECT VIEW_DEFINITION LIKE '%from%' FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()") != "1" {
		t.Errorf("a dump of MySQL: %v", err)
	}
}

func TestWhatIsNoDefinitionIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		e          *engine.Engine
		text, want string
	}{
		{sqlite.Engine(), "CREATE TABLE t (a);\n  INSERT INTO t VALUES (1);", "m.sql:2:3: INSERT is about rows"},
		{sqlite.Engine(), "-- upgrade\nCREATE TABLE t (a);", "m.sql:1:1: this is a migration"},
		{sqlite.Engine(), "CREATE TABLE t (a);\n-- Rollback:\n", "m.sql:2:1: this is a migration"},
		{sqlite.Engine(), "DROP TABLE t;", "m.sql:1:1: DROP is a step"},
		{sqlite.Engine(), "SELECT 1;", "m.sql:1:1: SELECT makes nothing"},
		{sqlite.Engine(), "CREATE TEMP TABLE t (a);", "m.sql:1:1: a temporary table"},
		{sqlite.Engine(), "ATTACH 'shop.db' AS shop;", "m.sql:1:1: ATTACH reaches another file"},
		{sqlite.Engine(), "VACUUM INTO 'shop.db';", "m.sql:1:1: VACUUM INTO writes"},
		{sqlite.Engine(), "CREATE TABLE t (a,);", `m.sql:1:19: near ")"`},
		{sqlite.Engine(), "CREATE TABLE t ('a);", "m.sql:1:17: "},
		{sqlite.Engine(), "CREATE INDEX i ON t (a);\nCREATE TABLE u (a INT CHECK (nosuch(a)));\nCREATE INDEX k ON u (a);", "m.sql:1:19: no such table: main.t"},
		{postgres.Engine(), "CREATE VIEW v AS SELECT * FROM t;\nCREATE TABLE t (a int, b nosuch);", `m.sql:2:26: type "nosuch" does not exist`},
		{postgres.Engine(), "CREATE DATABASE other;", "m.sql:1:1: CREATE DATABASE reaches beyond"},
		{postgres.Engine(), "ALTER SYSTEM SET fsync = off;", "m.sql:1:1: ALTER SYSTEM reaches beyond"},
		{postgres.Engine(), "CREATE ROLE boss;", "m.sql:1:1: CREATE ROLE reaches beyond"},
		{postgres.Engine(), "COMMENT ON DATABASE postgres IS 'x';", "m.sql:1:1: COMMENT ON DATABASE reaches beyond"},
		{postgres.Engine(), "GRANT pg_monitor TO postgres;", "m.sql:1:1: GRANT of a role reaches beyond"},
		{postgres.Engine(), "COPY t FROM stdin;\n1\n\\.\n", "m.sql:1:1: COPY is about rows"},
		{mysql.Engine(), "CREATE TABLE %s.t (a INT);", "m.sql:1:1: it is made in the database "},
		{mysql.Engine(), "CREATE OR REPLACE VIEW %s.v AS SELECT 1;", "m.sql:1:1: it is made in the database "},
		{mysql.Engine(), "CREATE TABLE t (a INT); ALTER TABLE t RENAME TO %s.t;", "m.sql:1:25: it is made in the database "},
		{mysql.Engine(), "CREATE TRIGGER tr BEFORE INSERT ON `%s`.t FOR EACH ROW SET @a = 1;", "m.sql:1:1: it is made in the database "},
		{mysql.Engine(), "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM %s.t;", "m.sql:1:1: an event that names other databases"},
		{mysql.Engine(), "USE %s;", "m.sql:1:1: USE leads to another"},
		{mysql.Engine(), "GRANT ALL ON *.* TO root@localhost;", "m.sql:1:1: GRANT reaches beyond"},
		{mysql.Engine(), "SET GLOBAL max_connections = 5;", "m.sql:1:1: SET GLOBAL reaches beyond"},
		{mysql.Engine(), "CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES nosuch (id));", "the models: foreign key t_ibfk_1 of table t refers to nosuch, which is not there"},
	} {
		t.Run(c.e.Title+"/"+c.text, func(t *testing.T) {
			t.Parallel()
			url := "sqlite:///:memory:"
			switch c.e.Name {
			case "postgres":
				url = dbtest.Postgres(t).URL()
			case "mysql":
				url = dbtest.MariaDB(t).NewDatabase(t)
			}
			text := c.text
			if strings.Contains(text, "%s") {
				text = fmt.Sprintf(text, dbtest.DatabaseName(url))
			}
			_, _, err := run(t, c.e, open(t, c.e, url), desired.Model{Name: "m.sql", Text: text})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// Only what one database holds belongs to a model, and the names in it may be
// qualified.
func TestNamesOfTheModelsOwnAreNotStrange(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"CREATE TABLE t (a DECIMAL(5, 2) DEFAULT 1.5); ALTER TABLE t ADD CONSTRAINT c CHECK (t.a > 0);",
		"CREATE VIEW v AS SELECT t.TABLE_NAME FROM information_schema.TABLES t;",
		"CREATE DEFINER=CURRENT_USER PROCEDURE p() BEGIN DECLARE n INT; SELECT t.TABLE_NAME FROM information_schema.TABLES t; END;",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE l FROM logs l WHERE l.a < 3;",
	} {
		e := mysql.Engine()
		if _, _, err := run(t, e, open(t, e, dbtest.MariaDB(t).NewDatabase(t)), desired.Model{Name: "m.sql", Text: text}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestModelsAreFoundInFoldersBelow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"b.sql", "sub/a.SQL", ".git/x.sql", "node_modules/y.sql", "readme.md", "sub/m.go", "sub/n.go", "only/m_test.go"} {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := desired.Find([]string{dir, filepath.Join(dir, "b.sql")})
	if want := []string{filepath.Join(dir, "b.sql"), filepath.Join(dir, "sub", "a.SQL")}; err != nil || !slices.Equal(files.SQL, want) || !slices.Equal(files.Go, []string{filepath.Join(dir, "sub")}) {
		t.Errorf("found %q, %v", files, err)
	}
	for _, path := range []string{filepath.Join(dir, "nosuch"), filepath.Join(dir, "readme.md"), t.TempDir()} {
		if _, err := desired.Find([]string{path}); err == nil {
			t.Errorf("%s is a model path", path)
		}
	}
}

// A file that is none would be waited for, and endless output kept.
func TestNoModelIsWaitedForOrKeptWithoutEnd(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe.sql")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Skipf("mkfifo: %v", err) // no such thing on Windows
	}
	_, err := desired.Read([]string{pipe}, filepath.Base)
	if path, ok := errors.AsType[*desired.PathError](err); !ok || !strings.Contains(path.Error(), "pipe.sql") {
		t.Errorf("%v", err)
	}
	_, err = desired.Command(t.Context(), []string{"yes", "CREATE TABLE a (n INTEGER);"}, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "more than 65536 KiB") {
		t.Errorf("%v", err)
	}
}
