package backup_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

var forAClient = regexp.MustCompile(`(?im)^(DROP DATABASE|CREATE DATABASE|DROP SCHEMA|CREATE SCHEMA|USE |\\c ).*$`)
var definer = regexp.MustCompile(`(?i)DEFINER\s*=\s*\S+`)

func script(t *testing.T, elem ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{dbtest.DataDir(t)}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return forAClient.ReplaceAllString(string(text), "")
}

// ruin drops and changes things, and makes new ones: what a restore must undo.
func ruin(b *bench, table string) string {
	q := map[string]string{"mysql": "`", "postgres": `"`, "sqlite": `"`}[b.p.engine.Name]
	cascade := ""
	if b.p.engine.Name == "postgres" {
		cascade = " CASCADE"
	}
	return "DROP TABLE " + q + table + q + cascade + ";\n" +
		"CREATE TABLE newcomer (id INTEGER PRIMARY KEY, txt VARCHAR(20));\nINSERT INTO newcomer VALUES (1, 'x');\n" +
		"CREATE VIEW newview AS SELECT id FROM newcomer;\n"
}

// TestRoundTrip takes whole public databases into a file and back: every row,
// and whatever check-db sees of the schema.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	onEvery(t, func(t *testing.T, p product) {
		name := p.engine.Name
		for _, sample := range []struct{ name, table string }{
			{"Chinook", "PlaylistTrack"}, {"Sakila", "film_text"},
		} {
			if name == "postgres" && sample.name == "Chinook" {
				continue // there, Sakila has the rows as well
			}
			t.Run(sample.name, func(t *testing.T) {
				t.Parallel()
				b := newBench(t, p, p.url(t))
				table := sample.table
				switch {
				case sample.name == "Chinook":
					b.put("0001_chinook.sql", script(t, "chinook", name+".sql"))
				case name == "postgres":
					b.put("0001_schema.sql", script(t, "sakila", "postgres-schema.sql"))
					b.put("0002_rows.sql", script(t, "sakila", "postgres-data-copy.sql"))
					table = "film_actor"
				case name == "mysql":
					up := definer.ReplaceAllString(strings.ReplaceAll(script(t, "sakila", "mysql-schema.sql"), "sakila.", ""), "")
					b.put("0001_schema.sql", up)
				default:
					b.put("0001_schema.sql", script(t, "sakila", "sqlite-schema.sql"))
				}
				b.migrate()
				rows, state := b.rows(), b.state()

				b.put("0003_ruin.sql", ruin(b, table))
				made := b.mustMigrateWith()
				if made.Version != "0001" && made.Version != "0002" {
					t.Errorf("newest version %q", made.Version)
				}
				if b.rows()["newcomer"] == "" && name != "postgres" {
					t.Fatal("nothing was changed, so that nothing can be shown")
				}
				b.mustRestore(made.Path)
				b.same(rows, state)
				b.free()
				b.migrate() // the history is that of the backup: what came behind it is pending
				b.free()

				// And into an empty database.
				fresh := newBench(t, p, p.url(t))
				fresh.files = b.files
				fresh.mustRestore(made.Path)
				fresh.same(rows, state)
				fresh.free()
				fresh.migrate()
			})
		}
	})
}

// TestTheFile: its mode, its name, its checksum's file, and that the folder
// holds nothing else.
func TestTheFile(t *testing.T) {
	t.Parallel()
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, p.url(t))
		b.put("0001_a.sql", "CREATE TABLE a (n INTEGER);")
		first := b.mustMigrateWith()
		if f, err := b.migrateWith(t.Context()); f != nil || err != nil {
			t.Errorf("with nothing to do there is a backup: %v, %v", f, err)
		}
		b.put("0002_b.sql", "CREATE TABLE b (n INTEGER);")
		second := b.mustMigrateWith()

		scope := dbtest.DatabaseName(b.url)
		if p.server == nil {
			scope = "test"
		}
		shape := regexp.MustCompile(`^\d{8}T\d{6}\.\d{3}Z_` + strings.ReplaceAll(scope, "_", "-") + `_(none|0001)\.(db|dump|sql)$`)
		entries, err := os.ReadDir(b.dir)
		if err != nil || len(entries) != 4 {
			t.Fatalf("%v, %v: want two backups with their checksums", entries, err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
			}
			if name := strings.TrimSuffix(e.Name(), ".sha256"); !shape.MatchString(name) {
				t.Errorf("the name %s", name)
			}
		}
		if info, err := os.Stat(b.dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the folder has mode %v, %v", info.Mode(), err)
		}
		if first.Path >= second.Path {
			t.Errorf("%s does not sort before %s", first.Path, second.Path)
		}
		if first.Version != "" || second.Version != "0001" || second.Scope != scope || second.Engine != p.engine.Name {
			t.Errorf("%+v, %+v", first, second)
		}
	})
}

// TestChangedFiles: what is not what was written is not put back.
func TestChangedFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t, lite(), dbtest.SQLite(t))
	b.put("0001_a.sql", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);")
	b.migrate()
	b.put("0002_b.sql", "CREATE TABLE b (n INTEGER);")
	made := b.mustMigrateWith()
	rows, state := b.rows(), b.state()
	text, err := os.ReadFile(made.Path)
	if err != nil {
		t.Fatal(err)
	}
	for what, changed := range map[string][]byte{"cut short": text[:len(text)-1], "changed": append([]byte("X"), text[1:]...)} {
		if err := os.WriteFile(made.Path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := b.restore(made.Path); err == nil || !strings.Contains(err.Error(), "checksum") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := os.Remove(made.Path + ".sha256"); err != nil {
		t.Fatal(err)
	}
	if err := b.restore(made.Path); err == nil || !strings.Contains(err.Error(), "no checksum stands beside it") {
		t.Errorf("without a checksum: %v", err)
	}
	b.same(rows, state)
}

// TestOneSchema: of a configured schema the backup is of it alone, and so is
// the restore; without one it is of the whole database, which is refused
// where others migrate a schema of it under their own lock.
func TestOneSchema(t *testing.T) {
	t.Parallel()
	p := pg(t)
	whole := newBench(t, p, p.url(t))
	c := dbtest.Dial(t, whole.url)
	c.Exec(t, `CREATE SCHEMA "Ten ant"; CREATE SCHEMA other; CREATE TABLE other.t (n int); INSERT INTO other.t VALUES (1)`)
	b := newBench(t, p, whole.url)
	b.open(engine.OpenOptions{Schema: "Ten ant"})
	b.put("0001_a.sql", "CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY, t text); INSERT INTO a (t) VALUES ('x'), ('y');")
	b.migrate()
	rows, state := b.rows(), b.state()
	b.put("0002_b.sql", `DROP TABLE a; CREATE TABLE b (id bigint GENERATED ALWAYS AS IDENTITY); ALTER SEQUENCE b_id_seq RENAME TO "0seq";`)
	made := b.mustMigrateWith()
	if made.Scope != dbtest.DatabaseName(whole.url)+".Ten ant" {
		t.Errorf("scope %q", made.Scope)
	}
	c.Exec(t, "UPDATE other.t SET n = 2")
	b.mustRestore(made.Path)
	if got := c.Rows(t, "SELECT n FROM other.t")[0][0]; got != "2" {
		t.Errorf("another schema went back, too: %s", got)
	}
	c.Exec(t, "UPDATE other.t SET n = 1")
	b.same(rows, state)
	b.free()

	whole.put("0001_c.sql", "CREATE TABLE public.c (n int);")
	of := whole.mustMigrateWith()
	rows = whole.rows()
	if err := whole.restore(of.Path); err == nil || !strings.Contains(err.Error(), `schema "Ten ant" of this database is migrated under a lock of its own`) {
		t.Errorf("%v", err)
	}
	whole.same(rows, whole.state())
	whole.free()

	// One schema takes no backup of a whole database.
	var unfit *dbwarden.UnfitTargetError
	before := b.rows()
	if err := b.restore(of.Path); !errors.As(err, &unfit) || !unfit.Whole {
		t.Errorf("a whole database into one schema: %v", err)
	}
	b.same(before, b.state())
	b.free()
}

// TestOneSchemaElsewhere: a backup of one schema goes into another database under
// the schema's name, and is refused under any other one before anything is made
// there.
func TestOneSchemaElsewhere(t *testing.T) {
	t.Parallel()
	p := pg(t)
	b := newBench(t, p, p.url(t))
	dbtest.Dial(t, b.url).Exec(t, `CREATE SCHEMA "Ten ant"`)
	b.open(engine.OpenOptions{Schema: "Ten ant"})
	b.put("0001_a.sql", "CREATE TYPE mood AS ENUM ('good'); CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood); INSERT INTO a (m) VALUES ('good'), (NULL);"+
		" CREATE VIEW v AS SELECT id FROM a; CREATE TABLE r (a bigint REFERENCES a);")
	b.migrate()
	rows := b.rows()
	b.put("0002_b.sql", "DROP TABLE r; DROP VIEW v;")
	made := b.mustMigrateWith()
	if made.Schema != "Ten ant" {
		t.Errorf("of the schema %q", made.Schema)
	}

	there := newBench(t, p, p.url(t))
	c := dbtest.Dial(t, there.url)
	c.Exec(t, `CREATE SCHEMA "Ten ant"; CREATE SCHEMA other; CREATE TABLE other.t (n int)`)
	there.files = b.files
	for _, schema := range []string{"", "other"} {
		there.open(engine.OpenOptions{Schema: schema})
		var unfit *dbwarden.UnfitTargetError
		if err := there.restore(made.Path); !errors.As(err, &unfit) || unfit.Schema != "Ten ant" {
			t.Errorf("into schema %q: %v", schema, err)
		}
		if got := c.Rows(t, "SELECT count(*) FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'other'::regnamespace) AND relkind = 'r'")[0][0]; got != "1" {
			t.Errorf("into schema %q: there are %s tables", schema, got)
		}
	}
	there.open(engine.OpenOptions{Schema: "Ten ant"})
	there.mustRestore(made.Path)
	c.Exec(t, "DROP SCHEMA other CASCADE")
	there.same(rows, there.state())
	there.free()
	there.migrate()
	if got := there.strings(`SELECT COUNT(*) FROM "Ten ant".dbwarden_migrations`)[0]; got != "2" {
		t.Errorf("%s migrations", got)
	}

	missing := newBench(t, p, p.url(t))
	missing.open(engine.OpenOptions{Schema: "Ten ant"})
	if err := missing.restore(made.Path); err == nil || !strings.Contains(err.Error(), `create it with CREATE SCHEMA "Ten ant"`) {
		t.Errorf("without the schema: %v", err)
	}
}

// TestOneSchemaAmongOthers: what is outside of the schema and would be dropped
// with what is in it is not in the backup, and so nothing is put back before a
// person has seen to it.
func TestOneSchemaAmongOthers(t *testing.T) {
	t.Parallel()
	p := pg(t)
	b := newBench(t, p, p.url(t))
	c := dbtest.Dial(t, b.url)
	c.Exec(t, `CREATE SCHEMA "Ten ant"; CREATE SCHEMA other`)
	b.open(engine.OpenOptions{Schema: "Ten ant"})
	b.put("0001_a.sql", `CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE a (id int PRIMARY KEY, m mood); INSERT INTO a VALUES (1, 'ok');
CREATE VIEW v AS SELECT id FROM a; CREATE TABLE toasted (t text); CREATE TABLE fk (id int REFERENCES a); CREATE TABLE o (LIKE a INCLUDING ALL) PARTITION BY LIST (id);
CREATE POLICY p ON a USING (id > 0); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; CREATE TRIGGER tr BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
CREATE OPERATOR FAMILY of USING btree; CREATE STATISTICS st ON id, m FROM a; CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE AGGREGATE agg (int) (SFUNC = int4pl, STYPE = int);`)
	b.migrate()
	rows, state := b.rows(), b.state()
	b.put("0002_b.sql", "CREATE TABLE b (id int);")
	made := b.mustMigrateWith()
	for _, o := range []struct{ make, drop, name string }{
		{`CREATE VIEW other.v AS SELECT id FROM "Ten ant".a`, "DROP VIEW other.v", "view other.v"},
		{`CREATE VIEW other.v AS SELECT id FROM "Ten ant".v`, "DROP VIEW other.v", "view other.v"},
		{`CREATE MATERIALIZED VIEW other.m AS SELECT id FROM "Ten ant".a`, "DROP MATERIALIZED VIEW other.m", "materialized view other.m"},
		{`CREATE TABLE other.t (id int REFERENCES "Ten ant".a)`, "DROP TABLE other.t", "table constraint t_id_fkey on other.t"},
		{`CREATE TABLE other.t (keep text, m "Ten ant".mood)`, "DROP TABLE other.t", "table column other.t.m"},
		{`CREATE TABLE other.t (keep text) INHERITS ("Ten ant".toasted)`, "DROP TABLE other.t", "table other.t"},
		{`CREATE TABLE other.t (id int); CREATE TRIGGER x BEFORE INSERT ON other.t FOR EACH ROW EXECUTE FUNCTION "Ten ant".f()`, "DROP TABLE other.t", "trigger x on other.t"},
		{`CREATE FUNCTION other.g("Ten ant".mood) RETURNS int LANGUAGE sql AS 'SELECT 1'`, `DROP FUNCTION other.g`, `function other.g("Ten ant".mood)`},
		{`CREATE PUBLICATION pub FOR TABLE "Ten ant".a`, "DROP PUBLICATION pub", "in publication pub"},
	} {
		c.Exec(t, o.make)
		now, then := b.rows(), b.state()
		var unfit *dbwarden.UnfitTargetError
		err := b.restore(made.Path)
		if !errors.As(err, &unfit) || !strings.Contains(err.Error(), o.name) || !strings.Contains(err.Error(), `outside of the schema "Ten ant"`) {
			t.Errorf("%s: %v", o.make, err)
		}
		b.same(now, then)
		b.free()
		c.Exec(t, o.drop)
	}
	b.mustRestore(made.Path)
	b.same(rows, state)
	b.free()
}

// TestPackages: what MariaDB has in Oracle's mode alone, and drops in no other one.
func TestPackages(t *testing.T) {
	t.Parallel()
	b := newBench(t, maria(t), maria(t).url(t))
	b.put("0001_a.sql", `SET sql_mode = ORACLE;
DELIMITER //
CREATE PACKAGE pk AS FUNCTION f RETURN int; END//
CREATE PACKAGE BODY pk AS FUNCTION f RETURN int AS BEGIN RETURN 41; END; END//
DELIMITER ;
SET sql_mode = DEFAULT;
CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);`)
	b.migrate()
	rows, state := b.rows(), b.state()
	b.put("0002_b.sql", "SET sql_mode = ORACLE; DROP PACKAGE BODY pk; SET sql_mode = DEFAULT; CREATE TABLE z (n INTEGER);")
	b.mustRestore(b.mustMigrateWith().Path)
	b.same(rows, state)
	b.free()
	if got := b.strings("SELECT GROUP_CONCAT(ROUTINE_TYPE ORDER BY ROUTINE_TYPE) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_NAME = 'pk'"); got[0] != "PACKAGE,PACKAGE BODY" {
		t.Errorf("of the package is there: %s", got[0])
	}
}

// TestWholeDatabase: things of PostgreSQL that stand in no schema, or in
// several.
func TestWholeDatabase(t *testing.T) {
	t.Parallel()
	p := pg(t)
	b := newBench(t, p, p.url(t))
	b.put("0001_a.sql", `
CREATE EXTENSION pg_trgm;
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('sad', 'ok');
CREATE TABLE app.a (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, m app.mood, t text COLLATE "C");
CREATE INDEX trgm ON app.a USING gin (t gin_trgm_ops);
CREATE TABLE part (n int) PARTITION BY RANGE (n);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
INSERT INTO app.a (m, t) VALUES ('ok', E'tab\there\nline \\.\n\\\\N'), (NULL, NULL);
INSERT INTO part VALUES (1);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER tr BEFORE INSERT ON app.a FOR EACH ROW EXECUTE FUNCTION f();
CREATE PUBLICATION pub FOR TABLE app.a;
SELECT lo_from_bytea(4711, 'large');
`)
	b.migrate()
	rows, state := b.rows(), b.state()
	b.put("0002_b.sql", `
DROP PUBLICATION pub; DROP SCHEMA app CASCADE; ALTER TABLE part ADD COLUMN m int; SELECT lo_unlink(4711);
CREATE EXTENSION hstore; CREATE SCHEMA newer; CREATE TABLE newer.h (h hstore); CREATE PUBLICATION newpub; SELECT lo_from_bytea(4712, 'newer');
CREATE SEQUENCE s; CREATE DOMAIN d AS int; CREATE AGGREGATE agg (int) (SFUNC = int4pl, STYPE = int);
`)
	made := b.mustMigrateWith()
	b.mustRestore(made.Path)
	b.same(rows, state)
	b.free()
	c := dbtest.Dial(t, b.url)
	for query, want := range map[string]string{
		"SELECT string_agg(extname, ' ' ORDER BY extname) FROM pg_extension": "pg_trgm plpgsql",
		"SELECT string_agg(pubname, ' ') FROM pg_publication":                "pub",
		"SELECT string_agg(oid::text, ' ') FROM pg_largeobject_metadata":     "4711",
		"SELECT convert_from(lo_get(4711), 'UTF8')":                          "large",
		"SELECT count(*) FROM pg_class WHERE relname = 'trgm'":               "1",
		"SELECT count(*) FROM pg_namespace WHERE nspname = 'newer'":          "0",
		"SELECT count(*) FROM pg_type WHERE typname = 'd'":                   "0",
		"SELECT count(*) FROM pg_proc WHERE proname = 'agg'":                 "0",
	} {
		if got := c.Rows(t, query)[0][0]; got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	b.migrate()
}
