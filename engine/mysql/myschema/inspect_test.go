package myschema

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/schema"
)

func connect(t *testing.T) engine.Session {
	t.Helper()
	d, err := mysql.Engine().Open(dbtest.MariaDB(t).NewDatabase(t), engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func exec(t tester, s engine.Session, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := s.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func inspect(t tester, s engine.Session, o schema.Options) *schema.State {
	t.Helper()
	st, err := Inspect(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func text(s string) *string { return &s }

const parent = `CREATE TABLE parent (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  code CHAR(4) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY by_code (code)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s the parent'`

const child = `CREATE TABLE child (
  a INT NOT NULL,
  b INT NOT NULL DEFAULT 7,
  parent_id BIGINT UNSIGNED NULL,
  name VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'it''s NULL' COMMENT 'who?',
  nothing VARCHAR(10) DEFAULT NULL,
  word VARCHAR(10) DEFAULT 'NULL',
  price DECIMAL(10,2) NOT NULL DEFAULT 1.50,
  flags BIT(3) DEFAULT b'101',
  mood ENUM('a','b''c') DEFAULT 'a',
  made DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  changed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  touched DATETIME NULL ON UPDATE CURRENT_TIMESTAMP,
  token VARCHAR(64) NOT NULL DEFAULT (uuid()),
  total INT AS (a + b) VIRTUAL,
  kept INT AS (a * b) STORED,
  hidden INT INVISIBLE DEFAULT 3,
  body TEXT,
  PRIMARY KEY (b, a),
  KEY by_name (name(20), made DESC),
  FULLTEXT KEY words (body),
  CONSTRAINT positive CHECK (a > 0 AND name <> ')'),
  CONSTRAINT to_parent FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE SET NULL,
  CONSTRAINT no_action FOREIGN KEY (parent_id) REFERENCES parent (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci`

func TestInspectSpellsWhatTheServerKeeps(t *testing.T) {
	t.Parallel()
	s := connect(t)
	if s.Server().Product != "MariaDB" || s.Server().Number < 100800 {
		t.Skip("written for the spellings of MariaDB 10.8 and later")
	}
	exec(t, s, parent, child, "CREATE VIEW v AS SELECT 1 AS one", "CREATE SEQUENCE sq", "CREATE TABLE dbwarden_lock (id INT PRIMARY KEY)")
	got := inspect(t, s, schema.Options{Own: []string{"dbwarden_lock"}})
	space := s.Server().Database
	none := func(t schema.Table) schema.Table {
		if t.Indexes == nil {
			t.Indexes = []schema.Index{}
		}
		if t.ForeignKeys == nil {
			t.ForeignKeys = []schema.ForeignKey{}
		}
		if t.Checks == nil {
			t.Checks = []schema.Check{}
		}
		t.Schema, t.Options = space, []string{"ENGINE=InnoDB", "COLLATE=utf8mb4_general_ci"}
		return t
	}
	want := &schema.State{Engine: "mariadb", Version: s.Server().Version, Database: space, Home: space, Schemas: []schema.Namespace{{Name: space}}, Tables: []schema.Table{
		none(schema.Table{Name: "child",
			Columns: []schema.Column{
				{Name: "a", Type: "int(11)"},
				{Name: "b", Type: "int(11)", Default: text("7")},
				{Name: "parent_id", Type: "bigint(20) unsigned", Nullable: true},
				{Name: "name", Type: "varchar(200)", Default: text("'it''s NULL'"), Collation: "utf8mb4_bin", Comment: "who?"},
				{Name: "nothing", Type: "varchar(10)", Nullable: true},
				{Name: "word", Type: "varchar(10)", Nullable: true, Default: text("'NULL'")},
				{Name: "price", Type: "decimal(10,2)", Default: text("1.50")},
				{Name: "flags", Type: "bit(3)", Nullable: true, Default: text("b'101'")},
				{Name: "mood", Type: "enum('a','b''c')", Nullable: true, Default: text("'a'")},
				{Name: "made", Type: "datetime(6)", Default: text("current_timestamp(6)")},
				{Name: "changed", Type: "timestamp", Default: text("current_timestamp()"), OnUpdate: "current_timestamp()"},
				{Name: "touched", Type: "datetime", Nullable: true, OnUpdate: "current_timestamp()"},
				{Name: "token", Type: "varchar(64)", Default: text("uuid()")},
				{Name: "total", Type: "int(11)", Nullable: true, Generated: "`a` + `b`"},
				{Name: "kept", Type: "int(11)", Nullable: true, Generated: "`a` * `b`", Stored: true},
				{Name: "hidden", Type: "int(11)", Nullable: true, Default: text("3"), Options: []string{"invisible"}},
				{Name: "body", Type: "text", Nullable: true},
			},
			PrimaryKey: &schema.Key{Columns: []string{"b", "a"}, Definition: "PRIMARY KEY (`b`, `a`)"},
			Indexes: []schema.Index{
				{Name: "by_name", Parts: []string{"name(20)", "made DESC"}, Definition: "KEY `by_name` (`name`(20), `made` DESC)"},
				{Name: "no_action", Parts: []string{"parent_id"}, Definition: "KEY `no_action` (`parent_id`)"},
				{Name: "words", Method: "fulltext", Parts: []string{"body"}, Definition: "FULLTEXT KEY `words` (`body`)"},
			},
			ForeignKeys: []schema.ForeignKey{
				{Name: "no_action", Columns: []string{"parent_id"}, RefTable: "parent", RefColumns: []string{"id"}, Definition: "FOREIGN KEY (`parent_id`) REFERENCES `parent` (`id`)"},
				{Name: "to_parent", Columns: []string{"parent_id"}, RefTable: "parent", RefColumns: []string{"id"}, OnDelete: "CASCADE", OnUpdate: "SET NULL",
					Definition: "FOREIGN KEY (`parent_id`) REFERENCES `parent` (`id`) ON DELETE CASCADE ON UPDATE SET NULL"},
			},
			Checks: []schema.Check{{Name: "positive", Expression: "`a` > 0 and `name` <> ')'", Definition: "CHECK (`a` > 0 and `name` <> ')')"}},
		}),
		none(schema.Table{Name: "dbwarden_lock", Own: true, Columns: []schema.Column{{Name: "id", Type: "int(11)"}}, PrimaryKey: &schema.Key{Columns: []string{"id"}, Definition: "PRIMARY KEY (`id`)"}}),
		none(schema.Table{Name: "parent", Comment: "it's the parent",
			Columns: []schema.Column{
				{Name: "id", Type: "bigint(20) unsigned", Identity: "auto_increment"},
				{Name: "code", Type: "char(4)"},
			},
			PrimaryKey: &schema.Key{Columns: []string{"id"}, Definition: "PRIMARY KEY (`id`)"},
			Indexes:    []schema.Index{{Name: "by_code", Unique: true, Parts: []string{"code"}, Definition: "UNIQUE KEY `by_code` (`code`)"}},
		}),
	}}
	want.Sequences = []schema.Sequence{{Schema: space, Name: "sq", Start: 1, Min: 1, Max: 1<<63 - 2, Increment: 1, Cache: 1000}}
	want.Views = []schema.View{{Schema: space, Name: "v", Columns: []schema.Column{{Name: "one", Type: "int(1)"}}, Definition: "select 1 AS `one`"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInspectKeepsToWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	s, other := connect(t), connect(t)
	exec(t, s, "CREATE TABLE t (id INT)", "CREATE TABLE T (id INT, upper INT)", "CREATE TABLE u (id INT)")
	exec(t, other, "CREATE TABLE elsewhere (id INT PRIMARY KEY)")
	exec(t, s, "CREATE TABLE abroad (id INT, CONSTRAINT far FOREIGN KEY (id) REFERENCES `"+other.Server().Database+"`.elsewhere (id))")

	st := inspect(t, s, schema.Options{Tables: []string{"t"}})
	if len(st.Tables) != 1 || st.Tables[0].Name != "t" || len(st.Tables[0].Columns) != 1 {
		t.Errorf("%+v", st.Tables)
	}
	st = inspect(t, s, schema.Options{Schemas: []string{other.Server().Database, s.Server().Database}})
	var names []string
	for _, table := range st.Tables {
		names = append(names, table.Name)
	}
	if len(names) != 5 {
		t.Errorf("%q", names)
	}
	for _, table := range st.Tables {
		if table.Name == "abroad" && (len(table.ForeignKeys) != 1 || table.ForeignKeys[0].RefSchema != other.Server().Database) {
			t.Errorf("%+v", table.ForeignKeys)
		}
	}
	exec(t, s, "DROP TABLE abroad") // or its parent could not be dropped
	if st := inspect(t, s, schema.Options{Schemas: []string{"no_such_database"}}); len(st.Tables) != 0 {
		t.Errorf("%+v", st.Tables)
	}
}

// What is inspected can be written down and inspected again.
func TestInspectedSpellingsAreTheServersOwn(t *testing.T) {
	t.Parallel()
	s := connect(t)
	if s.Server().Product != "MariaDB" {
		t.Skip("the table is written for MariaDB")
	}
	exec(t, s, parent, child)
	first := inspect(t, s, schema.Options{Tables: []string{"child"}}).Tables[0]
	var lines []string
	for _, c := range first.Columns {
		line := "`" + c.Name + "` "
		// The place of attributes behind the type does not matter.
		line += c.Type
		for _, o := range c.Options {
			line += " " + o
		}
		switch {
		case c.Generated != "" && c.Stored:
			line += " AS (" + c.Generated + ") STORED"
		case c.Generated != "":
			line += " AS (" + c.Generated + ") VIRTUAL"
		case !c.Nullable:
			line += " NOT NULL"
		default:
			line += " NULL"
		}
		if c.Default != nil {
			line += " DEFAULT " + *c.Default
		}
		if c.OnUpdate != "" {
			line += " ON UPDATE " + c.OnUpdate
		}
		if c.Collation != "" {
			line = strings.Replace(line, c.Type, c.Type+" COLLATE "+c.Collation, 1)
		}
		if c.Comment != "" {
			line += " COMMENT '" + c.Comment + "'"
		}
		lines = append(lines, line)
	}
	exec(t, s, "CREATE TABLE again ("+strings.Join(lines, ", ")+") DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci")
	second := inspect(t, s, schema.Options{Tables: []string{"again"}}).Tables[0]
	if diff := cmp.Diff(first.Columns, second.Columns); diff != "" {
		t.Error(diff)
	}
}

// MySQL's catalogue, of which no server is at hand: rows as its manual and
// its SHOW COLUMNS have them.
func TestDefaultsOfMySQLBecomeSQL(t *testing.T) {
	t.Parallel()
	i := &inspection{number: 80031}
	for _, c := range []struct{ def, dataType, extra, want string }{
		{"abc", "varchar", "", "'abc'"},
		{"it's", "varchar", "", "'it''s'"},
		{"NULL", "varchar", "", "'NULL'"},
		{"", "char", "", "''"},
		{"7", "int", "", "7"},
		{"1.50", "decimal", "", "1.50"},
		{"b'101'", "bit", "", "b'101'"},
		{"0x61", "varbinary", "", "0x61"},
		{"2020-01-01", "date", "", "'2020-01-01'"},
		{"CURRENT_TIMESTAMP", "timestamp", "DEFAULT_GENERATED", "CURRENT_TIMESTAMP"},
		{"CURRENT_TIMESTAMP(6)", "datetime", "", "CURRENT_TIMESTAMP(6)"},
		{"uuid()", "varchar", "DEFAULT_GENERATED", "(uuid())"},
		{`concat(_utf8mb4\'a\',1)`, "varchar", "DEFAULT_GENERATED", "(concat(_utf8mb4'a',1))"},
	} {
		if got := i.defaultOf(sql.NullString{String: c.def, Valid: true}, c.dataType, c.extra); got == nil || *got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	for from, want := range map[string]string{
		"(`a` > 0)": "`a` > 0", "(a) or (b)": "(a) or (b)", "(a = ')')": "a = ')'", `(a = '\')')`: `a = '\')'`, "a": "a", "((a))": "(a)",
	} {
		if got := withoutBrackets(from); got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
	if i.action("RESTRICT") != "RESTRICT" || i.action("NO ACTION") != "" {
		t.Error("MySQL tells RESTRICT from NO ACTION")
	}
}
