package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	driversqlite "modernc.org/sqlite"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestFaultsSayWhatSQLiteMeant(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	do(t, s, "CREATE TABLE t (a INTEGER PRIMARY KEY, b NOT NULL, c UNIQUE, d CHECK (d > 0))", "CREATE TABLE m (x, y, UNIQUE (x, y))", "INSERT INTO m VALUES (1, 2)",
		"CREATE VIEW v AS SELECT 1", "CREATE INDEX i ON t (b)", "CREATE UNIQUE INDEX e ON t (lower(c))",
		"CREATE TABLE w (a PRIMARY KEY, f REFERENCES t) WITHOUT ROWID", "INSERT INTO t VALUES (1, 2, 'x', 4)", "INSERT INTO w VALUES (1, 1)",
		"CREATE TRIGGER g BEFORE DELETE ON w BEGIN SELECT RAISE(ABORT, 'not (allowed): 50% off (19)'); END", "PRAGMA foreign_keys = 1")
	for query, want := range map[string]engine.Fault{
		"INSERT INTO t (b) VALUES (NULL)":      {Kind: engine.NotNull, Code: "SQLITE_CONSTRAINT_NOTNULL", Message: "NOT NULL constraint failed: t.b", Table: "t", Column: "b"},
		"INSERT INTO t VALUES (1, 1, 1, 1)":    {Kind: engine.Duplicate, Code: "SQLITE_CONSTRAINT_PRIMARYKEY", Message: "UNIQUE constraint failed: t.a", Table: "t", Column: "a"},
		"INSERT INTO w VALUES (1, 1)":          {Kind: engine.Duplicate, Code: "SQLITE_CONSTRAINT_PRIMARYKEY", Message: "UNIQUE constraint failed: w.a", Table: "w", Column: "a"},
		"INSERT INTO m VALUES (1, 2)":          {Kind: engine.Duplicate, Code: "SQLITE_CONSTRAINT_UNIQUE", Message: "UNIQUE constraint failed: m.x, m.y", Table: "m"},
		"INSERT INTO t VALUES (3, 3, 'X', 4)":  {Kind: engine.Duplicate, Code: "SQLITE_CONSTRAINT_UNIQUE", Message: "UNIQUE constraint failed: index 'e'"},
		"INSERT INTO t VALUES (3, 3, 'y', 0)":  {Code: "SQLITE_CONSTRAINT_CHECK", Message: "CHECK constraint failed: d > 0"},
		"UPDATE w SET f = 9":                   {Code: "SQLITE_CONSTRAINT_FOREIGNKEY", Message: "FOREIGN KEY constraint failed"},
		"DELETE FROM w":                        {Code: "SQLITE_CONSTRAINT_TRIGGER", Message: "not (allowed): 50% off (19)"},
		"SELECT * FROM absent":                 {Kind: engine.Missing, Code: "SQLITE_ERROR", Message: "no such table: absent", Table: "absent"},
		"DROP TABLE absent":                    {Kind: engine.Missing, Code: "SQLITE_ERROR", Message: "no such table: absent", Table: "absent"},
		"DROP VIEW absent":                     {Kind: engine.Missing, Code: "SQLITE_ERROR", Message: "no such view: absent", Table: "absent"},
		"DROP INDEX absent":                    {Kind: engine.Missing, Code: "SQLITE_ERROR", Message: "no such index: absent"},
		"SELECT t.z FROM t":                    {Kind: engine.Missing, Code: "SQLITE_ERROR", Message: "no such column: t.z", Table: "t", Column: "z"},
		"INSERT INTO t (z) VALUES (1)":         {Kind: engine.Missing, Code: "SQLITE_ERROR", Message: "table t has no column named z", Table: "t", Column: "z"},
		"CREATE TABLE t (a)":                   {Kind: engine.Duplicate, Code: "SQLITE_ERROR", Message: "table t already exists"},
		"CREATE VIEW t AS SELECT 1":            {Kind: engine.Duplicate, Code: "SQLITE_ERROR", Message: "table t already exists"},
		"CREATE INDEX i ON t (b)":              {Kind: engine.Duplicate, Code: "SQLITE_ERROR", Message: "index i already exists"},
		"CREATE INDEX t ON t (b)":              {Kind: engine.Duplicate, Code: "SQLITE_ERROR", Message: "there is already a table named t"},
		"ALTER TABLE t ADD b":                  {Kind: engine.Duplicate, Code: "SQLITE_ERROR", Message: "duplicate column name: b", Column: "b"},
		"ALTER TABLE t RENAME TO i":            {Kind: engine.Duplicate, Code: "SQLITE_ERROR", Message: "there is already another table or index with this name: i"},
		"SELEC 1":                              {Kind: engine.Syntax, Code: "SQLITE_ERROR", Message: `near "SELEC": syntax error`, Near: "SELEC"},
		"SELECT 'a":                            {Kind: engine.Syntax, Code: "SQLITE_ERROR", Message: `unrecognized token: "'a"`, Near: "'a"},
		"CREATE TABLE":                         {Kind: engine.Syntax, Code: "SQLITE_ERROR", Message: "incomplete input"},
		"INSERT INTO t (a, b) VALUES ('x', 1)": {Code: "SQLITE_MISMATCH", Message: "datatype mismatch"},
		"ATTACH '/no/such/folder/x' AS x":      {Kind: engine.Unreachable, Code: "SQLITE_CANTOPEN", Message: "unable to open database: /no/such/folder/x"},
	} {
		_, err := s.Exec(t.Context(), query)
		got := fault(err)
		got.Names = [2]string{} // they are in golden files of the command line
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %v\n%s", query, err, diff)
		}
		if err != nil && err.Error() != want.Message {
			t.Errorf("%s: the error says %q", query, err)
		}
		if _, ok := errors.AsType[*driversqlite.Error](err); !ok {
			t.Errorf("%s: the driver's error is lost", query)
		}
	}
}

func TestFaultsThatAreNotSQLites(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want engine.FaultKind
	}{
		{nil, engine.Unknown},
		{errors.New("something else"), engine.Unknown},
		{fmt.Errorf("x: %w", sql.ErrConnDone), engine.Lost},
		{context.Canceled, engine.Canceled},
		{fmt.Errorf("x: %w", engine.ErrNoDatabase), engine.NoSuchDatabase},
		{&engine.UnitError{Err: &interrupted{errors.New("the lock is lost")}}, engine.Canceled},
	} {
		if got := fault(c.err); got.Kind != c.want || (c.want != engine.Unknown) != (got.Message != "") {
			t.Errorf("%v: got %+v", c.err, got)
		}
	}
}

// Every code that SQLite documents has its name.
func TestCodesHaveTheirNames(t *testing.T) {
	t.Parallel()
	for code, text := range driversqlite.ErrorCodeString {
		_, name, ok := strings.Cut(text, "(SQLITE_")
		if !ok || code >= 27 && code < 256 {
			continue // ROW, DONE, NOTICE, WARNING are no errors
		}
		if got := codeName(code); got != "SQLITE_"+strings.TrimSuffix(name, ")") {
			t.Errorf("%d: got %s, want %s", code, got, text)
		}
	}
}

func TestColumnsAreTheTablesOwn(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	do(t, s, "CREATE TABLE t (a, \"odd \"\" name\", g AS (a + 1))", "CREATE TEMP TABLE t (other)", "CREATE TEMP TABLE only_here (x)",
		"ATTACH ':memory:' AS extra", "CREATE TABLE extra.e (x)", "CREATE VIRTUAL TABLE f USING fts5(body)")
	for _, c := range []struct {
		schema, table string
		want          []string
	}{
		{"", "t", []string{"a", `odd " name`, "g"}},
		{"main", "T", []string{"a", `odd " name`, "g"}},
		{"temp", "t", []string{"other"}},
		{"", "only_here", nil},
		{"extra", "e", []string{"x"}},
		{"", "f", []string{"body"}},
		{"", "'; DROP TABLE t", nil},
	} {
		got, err := columns(t.Context(), s, c.schema, c.table)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s.%s: %v %s", c.schema, c.table, err, diff)
		}
	}
}

func TestDialectIsWhatSQLiteReads(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	d := Engine().Dialect
	table := d.Qualify("", `odd " name`)
	do(t, s, fmt.Sprintf("CREATE TABLE %s (id %s, n %s, b %s, at %s, x %s, v %s)", table, d.Types.ID, d.Types.BigInt, d.Types.Boolean, d.Types.Timestamp, d.Types.Text, d.Types.Varchar(20)))
	if _, err := s.Exec(t.Context(), fmt.Sprintf("INSERT INTO %s (n, b, at, x, v) VALUES (%s, %s, %s, %s, %s)", table, d.Bind(1), d.Bind(2), d.Now, d.Bind(3), d.Bind(4)), int64(1)<<62, true, "text", nil); err != nil {
		t.Fatal(err)
	}
	var n int64
	var b bool
	var at, x string
	var v sql.NullString
	if err := s.Query(t.Context(), func(scan func(...any) error) error { return scan(&n, &b, &at, &x, &v) },
		fmt.Sprintf("SELECT n, b, %s, x, v FROM %s", d.UTC("at"), table)); err != nil {
		t.Fatal(err)
	}
	if n != 1<<62 || !b || x != "text" || v.Valid || len(at) != len("2026-11-23T14:02:11.123Z") || at[10] != 'T' || at[23] != 'Z' {
		t.Errorf("got %d %v %s %s %v", n, b, at, x, v)
	}
	if got := value(t, s, "SELECT "+d.UTC("'2026-11-23 14:02:11'")); got != "2026-11-23T14:02:11.000Z" {
		t.Errorf("got %s", got)
	}
	// Two rows of one table get rising numbers, also when the last was deleted.
	do(t, s, "DELETE FROM "+table, fmt.Sprintf("INSERT INTO %s (n) VALUES (1)", table))
	if got := value(t, s, "SELECT id FROM "+table); got != "2" {
		t.Errorf("got id %s", got)
	}
}
