package dbwarden_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/plan"
)

// dropAllPostgres takes away whatever stands in the schema public but our own
// tables.
const dropAllPostgres = `
DO $$
DECLARE r record;
BEGIN
    FOR r IN SELECT c.relname, c.relkind FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('v', 'm', 'r', 'p') AND c.relname !~ '^dbwarden_'
    LOOP
        EXECUTE format('DROP %s IF EXISTS public.%I CASCADE',
            CASE r.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, r.relname);
    END LOOP;
    FOR r IN SELECT c.relname FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' AND c.relname !~ '^dbwarden_'
    LOOP
        EXECUTE format('DROP SEQUENCE IF EXISTS public.%I CASCADE', r.relname);
    END LOOP;
    FOR r IN SELECT p.oid::regprocedure::text AS name, p.prokind FROM pg_proc p
             WHERE p.pronamespace = 'public'::regnamespace ORDER BY p.oid DESC
    LOOP
        EXECUTE format('DROP %s IF EXISTS %s CASCADE', CASE r.prokind WHEN 'a' THEN 'AGGREGATE' ELSE 'FUNCTION' END, r.name);
    END LOOP;
    FOR r IN SELECT t.typname, t.typtype FROM pg_type t
             WHERE t.typnamespace = 'public'::regnamespace AND t.typtype IN ('e', 'd')
    LOOP
        EXECUTE format('DROP TYPE IF EXISTS public.%I CASCADE', r.typname);
    END LOOP;
END
$$;
`

var (
	created    = regexp.MustCompile("(?im)^CREATE (?:DEFINER=\\S+ )?(?:SQL SECURITY INVOKER )?(TABLE|VIEW|TRIGGER|PROCEDURE|FUNCTION)\\s+([`\\[\"]?\\w+[`\\]\"]?)")
	definer    = regexp.MustCompile(`(?i)DEFINER\s*=\s*\S+`)
	forAClient = regexp.MustCompile(`(?im)^(DROP DATABASE|CREATE DATABASE|DROP SCHEMA|CREATE SCHEMA|USE |\\c ).*$`)
)

// dropAll is the way back of a script: what it creates is dropped, last one
// first.
func dropAll(script string, mysql bool) string {
	var b strings.Builder
	if mysql {
		b.WriteString("SET FOREIGN_KEY_CHECKS = 0;\n")
	}
	all := created.FindAllStringSubmatch(script, -1)
	for i := len(all) - 1; i >= 0; i-- {
		b.WriteString("DROP " + strings.ToUpper(all[i][1]) + " IF EXISTS " + all[i][2] + ";\n")
	}
	return b.String()
}

func script(t *testing.T, elem ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{dbtest.DataDir(t)}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return forAClient.ReplaceAllString(string(text), "")
}

func file(up, down string) string { return "-- upgrade\n" + up + "\n-- rollback\n" + down }

// TestRealDatabases applies whole public databases, as they are, counts their
// rows, and takes them back.
func TestRealDatabases(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		t.Run("Chinook", func(t *testing.T) {
			t.Parallel()
			name := map[string]string{"sqlite": "sqlite.sql", "postgres": "postgres.sql", "mysql": "mysql.sql"}[p.engine.Name]
			up := script(t, "chinook", name)
			down := dropAll(up, p.engine.Name == "mysql")
			tracks, lines := "Track", "PlaylistTrack"
			if p.engine.Name == "postgres" {
				down, tracks, lines = dropAllPostgres, "track", "playlist_track"
			}
			b := newBench(t, p, map[string]string{"0001_chinook.sql": file(up, down)})
			b.migrate()
			if got := b.value("SELECT COUNT(*) FROM " + tracks); got != "3503" {
				t.Errorf("%s tracks, want 3503", got)
			}
			if got := b.value("SELECT COUNT(*) FROM " + lines); got != "8715" {
				t.Errorf("%s playlist lines, want 8715", got)
			}
			b.gone(tracks)
		})
		t.Run("Sakila", func(t *testing.T) {
			t.Parallel()
			files := map[string]string{}
			switch p.engine.Name {
			case "postgres":
				files["0001_schema.sql"] = file(script(t, "sakila", "postgres-schema.sql"), dropAllPostgres)
				files["0002_rows.sql"] = file(script(t, "sakila", "postgres-data-copy.sql"), "TRUNCATE actor, film, customer, rental, payment CASCADE;")
			case "mysql":
				up := strings.ReplaceAll(script(t, "sakila", "mysql-schema.sql"), "sakila.", "")
				up = definer.ReplaceAllString(up, "")
				files["0001_schema.sql"] = file(up, dropAll(up, true))
			case "sqlite":
				up := script(t, "sakila", "sqlite-schema.sql")
				files["0001_schema.sql"] = file(up, dropAll(up, false))
			}
			b := newBench(t, p, files)
			b.migrate()
			want := map[string]string{"actor": "0", "rental": "0", "payment": "0"}
			if p.engine.Name == "postgres" {
				want = map[string]string{"actor": "200", "rental": "16044", "payment": "16049"}
			}
			for table, n := range want {
				if got := b.value("SELECT COUNT(*) FROM " + table); got != n {
					t.Errorf("%s has %s rows, want %s", table, got, n)
				}
			}
			b.gone("actor")
		})
	})
}

// gone rolls everything back and looks for what is left.
func (b *bench) gone(table string) {
	b.t.Helper()
	b.rollback(plan.Target{Empty: true})
	if _, err := b.tryValue("SELECT COUNT(*) FROM " + table); err == nil {
		b.t.Errorf("%s is still there after the rollback", table)
	}
	if got := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); got != "0" {
		b.t.Errorf("%s rows in the history after the rollback, want 0", got)
	}
	if b.locked() {
		b.t.Error("the lock is held")
	}
}
