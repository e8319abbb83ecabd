package liteschema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/schema"
)

func session(t *testing.T, statements ...string) engine.Session {
	t.Helper()
	d, err := sqlite.Engine().Open("sqlite://", engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, q := range statements {
		if _, err := s.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	return s
}

func inspect(t *testing.T, s engine.Session, o schema.Options) *schema.State {
	t.Helper()
	state, err := liteschema.Inspect(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func table(t *testing.T, name string, statements ...string) schema.Table {
	t.Helper()
	for _, found := range inspect(t, session(t, statements...), schema.Options{}).Tables {
		if found.Name == name {
			return found
		}
	}
	t.Fatalf("no table %s", name)
	return schema.Table{}
}

func text(s string) *string { return &s }

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestColumnsAreSpelledAsTheCatalogueHasThem(t *testing.T) {
	t.Parallel()
	got := table(t, "t", `CREATE TABLE t (
		id INTEGER PRIMARY KEY AUTOINCREMENT, -- the row's number, it's (CHECK
		name VARCHAR(40) NOT NULL DEFAULT 'it''s, (a) COLLATE x' COLLATE NOCASE,
		"odd "" name" DECIMAL(10, 2) DEFAULT (1 + 2), /* ) , */
		[bracketed col] TEXT DEFAULT CURRENT_TIMESTAMP,
		`+"`tick`"+` UNSIGNED BIG INT DEFAULT -1,
		untyped,
		twice INT GENERATED ALWAYS AS (id * 2) VIRTUAL,
		kept TEXT AS (upper(name) || ')') STORED NOT NULL
	)`)
	same(t, "columns", got.Columns, []schema.Column{
		{Name: "id", Type: "INTEGER", Identity: "autoincrement"},
		{Name: "name", Type: "VARCHAR(40)", Default: text("'it''s, (a) COLLATE x'"), Collation: "NOCASE"},
		{Name: `odd " name`, Type: "DECIMAL(10, 2)", Nullable: true, Default: text("1 + 2")},
		{Name: "bracketed col", Type: "TEXT", Nullable: true, Default: text("CURRENT_TIMESTAMP")},
		{Name: "tick", Type: "UNSIGNED BIG INT", Nullable: true, Default: text("-1")},
		{Name: "untyped", Nullable: true},
		{Name: "twice", Type: "INT", Nullable: true, Generated: "id * 2"},
		{Name: "kept", Type: "TEXT", Generated: "upper(name) || ')'", Stored: true},
	})
	same(t, "primary key", got.PrimaryKey, &schema.Key{Columns: []string{"id"}})
	same(t, "checks", got.Checks, []schema.Check{})
	same(t, "indexes", got.Indexes, []schema.Index{})
}

func TestPrimaryKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql      string
		key      *schema.Key
		nullable []bool
	}{
		{"CREATE TABLE t (a, b)", nil, []bool{true, true}},
		{"CREATE TABLE t (a INTEGER PRIMARY KEY, b)", &schema.Key{Columns: []string{"a"}}, []bool{false, true}},
		{"CREATE TABLE t (a INT PRIMARY KEY, b)", &schema.Key{Columns: []string{"a"}}, []bool{true, true}},
		{"CREATE TABLE t (a INTEGER PRIMARY KEY DESC, b)", &schema.Key{Columns: []string{"a"}}, []bool{true, true}},
		{"CREATE TABLE t (a INTEGER, b, CONSTRAINT pk PRIMARY KEY (a))", &schema.Key{Name: "pk", Columns: []string{"a"}}, []bool{false, true}},
		{"CREATE TABLE t (a, b, PRIMARY KEY (b, a)) WITHOUT ROWID", &schema.Key{Columns: []string{"b", "a"}}, []bool{false, false}},
		{"CREATE TABLE t (a CONSTRAINT \"my pk\" PRIMARY KEY ON CONFLICT REPLACE, b)", &schema.Key{Name: "my pk", Columns: []string{"a"}}, []bool{true, true}},
	} {
		got := table(t, "t", c.sql)
		same(t, c.sql, got.PrimaryKey, c.key)
		for i, want := range c.nullable {
			if got.Columns[i].Nullable != want {
				t.Errorf("%s: column %s nullable %v", c.sql, got.Columns[i].Name, !want)
			}
		}
	}
	got := table(t, "t", "CREATE TABLE t (a INTEGER, PRIMARY KEY (a AUTOINCREMENT))")
	same(t, "identity", got.Columns[0].Identity, "autoincrement")
}

func TestIndexes(t *testing.T) {
	t.Parallel()
	const partial = `CREATE UNIQUE INDEX "i partial" ON t (lower(a) COLLATE NOCASE DESC, b, c COLLATE RTRIM DESC, "order", json_extract(c, '$.x, (y')) -- tail
		WHERE a > ')' AND /* WHERE */ b IS NOT NULL`
	got := table(t, "t",
		`CREATE TABLE t (a TEXT UNIQUE, b TEXT COLLATE NOCASE, c, "order",
			CONSTRAINT pair UNIQUE (a, b) ON CONFLICT IGNORE, UNIQUE (c, b))`,
		"CREATE INDEX plain ON t (b)", partial)
	same(t, "indexes", got.Indexes, []schema.Index{
		{Unique: true, Constraint: "unique", Parts: []string{"a"}, Definition: `UNIQUE ("a")`},
		{Unique: true, Constraint: "unique", Parts: []string{"c", "b"}, Definition: "UNIQUE (c, b)"},
		{
			Name: "i partial", Unique: true, Where: "a > ')' AND b IS NOT NULL",
			Parts: []string{"lower(a) COLLATE NOCASE DESC", "b", "c COLLATE RTRIM DESC", `"order"`, "json_extract(c, '$.x, (y')"}, Definition: partial,
		},
		{Name: "pair", Unique: true, Constraint: "unique", Parts: []string{"a", "b"}, Definition: "UNIQUE (a, b)"},
		{Name: "plain", Parts: []string{"b"}, Definition: "CREATE INDEX plain ON t (b)"},
	})
}

func TestForeignKeys(t *testing.T) {
	t.Parallel()
	got := table(t, "c",
		"CREATE TABLE p (x, y, PRIMARY KEY (y, x))", "CREATE TABLE q (id INTEGER PRIMARY KEY)",
		`CREATE TABLE c (
			a REFERENCES q, b CONSTRAINT "to q" REFERENCES q(id) ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED NOT NULL,
			d, e, gone REFERENCES nowhere,
			CONSTRAINT pair FOREIGN KEY (d, e) REFERENCES p ON DELETE NO ACTION
			FOREIGN KEY (e, d) REFERENCES p (y, x) MATCH FULL ON DELETE RESTRICT CHECK (d <> e))`)
	same(t, "foreign keys", got.ForeignKeys, []schema.ForeignKey{
		{Columns: []string{"a"}, RefTable: "q", RefColumns: []string{"id"}, Definition: `FOREIGN KEY ("a") REFERENCES q`},
		{
			Name: "to q", Columns: []string{"b"}, RefTable: "q", RefColumns: []string{"id"}, OnDelete: "SET NULL", OnUpdate: "CASCADE", Deferrable: "initially deferred",
			Definition: `FOREIGN KEY ("b") REFERENCES q(id) ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED`,
		},
		{Columns: []string{"gone"}, RefTable: "nowhere", RefColumns: []string{}, Definition: `FOREIGN KEY ("gone") REFERENCES nowhere`},
		{Name: "pair", Columns: []string{"d", "e"}, RefTable: "p", RefColumns: []string{"y", "x"}, Definition: "FOREIGN KEY (d, e) REFERENCES p ON DELETE NO ACTION"},
		{Columns: []string{"e", "d"}, RefTable: "p", RefColumns: []string{"y", "x"}, OnDelete: "RESTRICT", Definition: "FOREIGN KEY (e, d) REFERENCES p (y, x) MATCH FULL ON DELETE RESTRICT"},
	})
	same(t, "checks", got.Checks, []schema.Check{{Expression: "d <> e"}})
	if got.Columns[1].Nullable {
		t.Error("NOT NULL behind a reference is lost")
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	got := table(t, "t", `CREATE TABLE t (
		a CHECK (a > 0) CONSTRAINT "a's" CHECK (a IN (1, (2), ')')), b,
		CONSTRAINT "CHECK (" CHECK (b = '(' OR "b" = ')' -- ' unfinished
			OR [b] = 1),
		CHECK (json_valid(b))
	)`)
	same(t, "checks", got.Checks, []schema.Check{
		{Expression: "a > 0"},
		{Name: "a's", Expression: "a IN (1, (2), ')')"},
		{Name: "CHECK (", Expression: `b = '(' OR "b" = ')' OR [b] = 1`},
		{Expression: "json_valid(b)"},
	})
}

func TestWhatIsNoTableIsLeftOut(t *testing.T) {
	t.Parallel()
	s := session(t,
		"CREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT)", // makes sqlite_sequence
		"CREATE TABLE A (x)", "CREATE VIEW v AS SELECT 1", "CREATE TEMP TABLE passing (x)",
		"CREATE VIRTUAL TABLE search USING fts5(title, body)", // makes five shadow tables
		"CREATE TABLE dbwarden_lock (id)", "CREATE TABLE sqlitest (x)", "ANALYZE",
	)
	var got []string
	for _, found := range inspect(t, s, schema.Options{Own: []string{"dbwarden_lock"}}).Tables {
		name := found.Name
		if found.Own {
			name += " (own)"
		}
		if found.Kind != "" {
			name += " (" + found.Kind + " " + found.Columns[0].Name + "," + found.Columns[1].Name + ")"
		}
		got = append(got, name)
	}
	same(t, "tables", got, []string{"A", "b", "dbwarden_lock (own)", "search (virtual title,body)", "sqlitest"})
}

func TestOptionsNarrow(t *testing.T) {
	t.Parallel()
	s := session(t, "CREATE TABLE a (x)", "CREATE TABLE b (x)", `ATTACH ':memory:' AS "other db"`, `CREATE TABLE "other db".a (y UNIQUE REFERENCES p)`,
		`CREATE TABLE "other db".p (id INTEGER PRIMARY KEY)`)
	names := func(o schema.Options) string {
		var all []string
		for _, found := range inspect(t, s, o).Tables {
			all = append(all, found.Schema+"."+found.Name+":"+found.Columns[0].Name)
		}
		return strings.Join(all, " ")
	}
	same(t, "default", names(schema.Options{}), ".a:x .b:x")
	same(t, "tables", names(schema.Options{Tables: []string{"B"}}), ".b:x")
	same(t, "schemas", names(schema.Options{Schemas: []string{"main", "other db"}, Tables: []string{"a"}}), ".a:x other db.a:y")
	other := inspect(t, s, schema.Options{Schemas: []string{"other db"}}).Tables[0]
	if len(other.Indexes) != 1 || len(other.ForeignKeys) != 1 || other.ForeignKeys[0].RefColumns[0] != "id" {
		t.Errorf("got %+v", other)
	}
	if _, err := liteschema.Inspect(t.Context(), s, schema.Options{Schemas: []string{"absent"}}); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("got %v", err)
	}
}

func TestATableMadeFromAQueryOrRenamedIsRead(t *testing.T) {
	t.Parallel()
	s := session(t, "CREATE TABLE first (a INT CHECK (a > 1), b TEXT)", "CREATE TABLE copied AS SELECT a, b AS \"b c\" FROM first",
		"ALTER TABLE first RENAME TO \"second (x\"", "ALTER TABLE \"second (x\" ADD COLUMN c TEXT COLLATE NOCASE", "ALTER TABLE \"second (x\" RENAME COLUMN a TO z",
		"ALTER TABLE \"second (x\" DROP COLUMN b")
	state := inspect(t, s, schema.Options{})
	same(t, "copied", state.Tables[0].Columns, []schema.Column{{Name: "a", Type: "INT", Nullable: true}, {Name: "b c", Type: "TEXT", Nullable: true}})
	same(t, "second", state.Tables[1].Columns, []schema.Column{{Name: "z", Type: "INT", Nullable: true}, {Name: "c", Type: "TEXT", Nullable: true, Collation: "NOCASE"}})
	same(t, "checks", state.Tables[1].Checks, []schema.Check{{Expression: "z > 1"}})
}

func TestDefinitionsBuildTheSameAgain(t *testing.T) {
	t.Parallel()
	first := inspect(t, session(t,
		"CREATE TABLE p (id INTEGER PRIMARY KEY, n TEXT NOT NULL UNIQUE COLLATE NOCASE) STRICT",
		"CREATE TABLE c (p REFERENCES p(id) ON DELETE CASCADE, v DEFAULT (abs(-1)), CHECK (v > 0))",
		"CREATE INDEX c_v ON c (v DESC) WHERE v > 3",
	), schema.Options{})
	var again []string
	for _, made := range first.Tables {
		again = append(again, made.Definition)
	}
	for _, made := range first.Tables {
		for _, i := range made.Indexes {
			if strings.HasPrefix(i.Definition, "CREATE") {
				again = append(again, i.Definition)
			}
		}
	}
	second := inspect(t, session(t, again...), schema.Options{})
	same(t, "state", second, first)
}

func TestStateIsAPlainDocument(t *testing.T) {
	t.Parallel()
	s := session(t, "CREATE TABLE t (a)")
	state := inspect(t, s, schema.Options{})
	doc, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"engine":"sqlite","version":"` + s.Server().Version + `","database":":memory:","tables":[{"name":"t","columns":[{"name":"a","type":"","nullable":true}],` +
		`"indexes":[],"foreign_keys":[],"checks":[],"definition":"CREATE TABLE t (a)"}]}`
	same(t, "document", string(doc), want)
	empty, err := json.Marshal(inspect(t, session(t), schema.Options{}).Tables)
	if err != nil || string(empty) != "[]" {
		t.Errorf("an empty database: %s, %v", empty, err)
	}
}

func TestInspectingLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	s := session(t, "CREATE TABLE t (a)")
	inspect(t, s, schema.Options{})
	if _, err := s.Exec(t.Context(), "VACUUM"); err != nil { // refused inside a transaction
		t.Error(err)
	}
	for _, q := range []string{"BEGIN IMMEDIATE", "CREATE TABLE u (a)"} {
		if _, err := s.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if got := inspect(t, s, schema.Options{}); len(got.Tables) != 2 {
		t.Errorf("the transaction's own table is not seen")
	}
	if _, err := s.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Error(err)
	}
}
