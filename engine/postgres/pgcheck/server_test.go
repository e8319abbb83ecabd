package pgcheck_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgcheck"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// everywhere runs a test on the server that is here, and on the oldest and
// the newest version.
func everywhere(t *testing.T, do func(t *testing.T, c *dbtest.Conn)) {
	inNewDatabases(t, func(t *testing.T, url string) { do(t, dbtest.Dial(t, url)) })
}

func inNewDatabases(t *testing.T, do func(t *testing.T, url string)) {
	t.Run("here", func(t *testing.T) {
		t.Parallel()
		do(t, dbtest.Postgres(t).NewDatabase(t))
	})
	for _, version := range dbtest.PostgresVersions(t) {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			do(t, dbtest.PostgresVersion(t, version).NewDatabase(t))
		})
	}
}

var types = []string{"text", "varchar", "varchar(10)", "varchar(20)", "char(5)", "integer", "bigint", "smallint", "numeric", "numeric(10, 2)",
	"numeric(12, 2)", "numeric(12, 4)", "real", "double precision", "timestamp", "timestamp(3)", "timestamptz", "timestamptz(3)", "date", "time", "time(3)", "timetz", "varbit",
	"varbit(8)", "varbit(16)", "bit(8)", "cidr", "inet", "json", "jsonb", "interval", "interval(3)", "boolean", "text[]", "varchar(10)[]", "bytea", "uuid"}

// Every pair of types is changed on a server, and the file of the table tells
// whether it was written anew.
func TestChangesOfTypesAreMeasured(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c *dbtest.Conn) {
		c.Exec(t, "CREATE TABLE t (c integer)")
		tried := 0
		for _, from := range types {
			var script strings.Builder
			c.Exec(t, "DROP TABLE t; CREATE TABLE t (c "+from+"); CREATE TEMP TABLE IF NOT EXISTS seen (target text, moved boolean); TRUNCATE seen")
			for _, to := range types {
				fmt.Fprintf(&script, `DO $$ DECLARE f oid := pg_relation_filenode('t'); moved boolean; BEGIN
	BEGIN
		ALTER TABLE t ALTER COLUMN c TYPE %[2]s;
		moved := pg_relation_filenode('t') <> f;
		RAISE EXCEPTION USING ERRCODE = 'UNDO0', MESSAGE = moved::text;
	EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
		INSERT INTO seen VALUES ('%[2]s', sqlerrm::boolean);
	WHEN datatype_mismatch THEN NULL; END; END $$;`, from, to)
			}
			c.Exec(t, "SET TIME ZONE 'Asia/Kolkata'", script.String())
			for _, row := range c.Rows(t, "SELECT target, moved FROM seen") {
				tried++
				verdict := pgcheck.Change(typeOf(t, from), typeOf(t, row[0]))
				moved := row[1] == "t"
				if moved != (verdict != pgcheck.Stays) {
					t.Errorf("%s to %s: the table is written anew: %v, and Change says %v", from, row[0], moved, verdict)
				}
			}
		}
		if tried < 300 {
			t.Errorf("only %d changes were tried", tried)
		}
		// What depends on the time zone.
		c.Exec(t, "DROP TABLE t; CREATE TABLE t (c timestamp); SET TIME ZONE 'UTC'")
		before := c.Rows(t, "SELECT pg_relation_filenode('t')")[0][0]
		c.Exec(t, "ALTER TABLE t ALTER COLUMN c TYPE timestamptz")
		if after := c.Rows(t, "SELECT pg_relation_filenode('t')")[0][0]; after != before {
			t.Error("in UTC, too, timestamp to timestamptz writes the table anew")
		}
	})
}

func typeOf(t *testing.T, text string) ddl.Type {
	t.Helper()
	s := ddl.Read("ALTER TABLE t ALTER COLUMN c TYPE "+text, ddl.PostgreSQL())
	if !s.Understood {
		t.Fatalf("%s is not understood", text)
	}
	return s.Actions[0].Type
}

// What is said of functions is what pg_proc says.
func TestVolatileFunctionsAreTheServers(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c *dbtest.Conn) {
		compared := 0
		for _, row := range c.Rows(t, "SELECT proname, bool_or(provolatile = 'v'), bool_and(provolatile = 'v') FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' GROUP BY 1") {
			s := ddl.Read("ALTER TABLE t ADD COLUMN c text DEFAULT "+row[0]+"()", ddl.PostgreSQL())
			if !s.Understood || s.Actions[0].Column.Default == nil {
				continue
			}
			yes, unknown := pgcheck.Volatile(s.Actions[0].Column.Default)
			if unknown != "" {
				continue
			}
			compared++
			if yes && row[2] != "t" || !yes && row[1] == "t" {
				t.Errorf("%s: we say volatile: %v; the server says some are: %s, all are: %s", row[0], yes, row[1], row[2])
			}
		}
		if compared < 40 {
			t.Errorf("only %d functions were compared", compared)
		}
	})
}

// A reserved word is one that the server does not take as the name of a table.
func TestReservedNamesAreTheServers(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c *dbtest.Conn) {
		var ours []string
		for _, row := range c.Rows(t, "SELECT word, catcode IN ('R', 'T') FROM pg_get_keywords()") {
			if pgcheck.Reserved(row[0]) != (row[1] == "t") && row[0] != "system_user" { // which came with 16
				t.Errorf("%s: reserved on the server: %s", row[0], row[1])
			}
			ours = append(ours, row[0])
		}
		if !slices.Contains(ours, "select") {
			t.Error("the server names no keywords")
		}
	})
}

// A new value of an enum cannot be used before its transaction is through.
func TestNewValuesAreRefusedInTheirTransaction(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, c *dbtest.Conn) {
		c.Exec(t, "CREATE TYPE mood AS ENUM ('sad')", "BEGIN", "ALTER TYPE mood ADD VALUE 'calm'")
		if err := c.Try(t.Context(), "CREATE TABLE t (m mood DEFAULT 'calm')"); err == nil {
			t.Error("it is not refused")
		}
		c.Exec(t, "ROLLBACK")
	})
}
