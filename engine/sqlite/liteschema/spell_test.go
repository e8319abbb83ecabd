package liteschema_test

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/schema"
)

// spelled are ways to write one table. The first one is how it comes out.
var spelled = []struct {
	name string
	ways []string
}{
	{"names and blanks", []string{
		"CREATE TABLE t (\n    a INTEGER PRIMARY KEY,\n    b TEXT NOT NULL DEFAULT 'x'\n)",
		"create  table t(a integer primary key,b text not null default 'x')",
		"CREATE TABLE \"t\" (\"a\" INTEGER NOT NULL, `b` TEXT DEFAULT ('x') NOT NULL, PRIMARY KEY (\"a\"))",
		"CREATE TABLE [t] ([a] INTEGER, [b] TEXT NOT NULL DEFAULT 'x', PRIMARY KEY ([a] ASC))",
	}},
	{"constraints of one column", []string{
		"CREATE TABLE t (\n    a INT CONSTRAINT k PRIMARY KEY,\n    b VARCHAR(20) COLLATE NOCASE CONSTRAINT u UNIQUE CONSTRAINT c CHECK (b <> ''),\n    d INT REFERENCES t (a) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED\n)",
		"CREATE TABLE t (a INT, b VARCHAR(20) COLLATE NOCASE, d INT, CONSTRAINT k PRIMARY KEY (a), CONSTRAINT u UNIQUE (b), CONSTRAINT c CHECK (b <> '') FOREIGN KEY (d) REFERENCES t ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)",
		"CREATE TABLE t (a INT CONSTRAINT k PRIMARY KEY, b VARCHAR(20) CONSTRAINT c CHECK (b <> '') CONSTRAINT u UNIQUE COLLATE \"NOCASE\", d INT REFERENCES \"t\" (a) ON UPDATE NO ACTION ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)",
	}},
	{"constraints of several", []string{
		"CREATE TABLE t (\n    a INT,\n    b INT,\n    PRIMARY KEY (a, b),\n    UNIQUE (b, a),\n    CONSTRAINT c CHECK (a < b),\n    CONSTRAINT d CHECK (b > a + 1),\n    FOREIGN KEY (b, a) REFERENCES t (a, b) ON UPDATE SET NULL\n)",
		"CREATE TABLE t (a INT, b INT CONSTRAINT d CHECK (b > a + 1), FOREIGN KEY (b, a) REFERENCES t ON UPDATE SET NULL, UNIQUE (b, a), CONSTRAINT c CHECK (a < b), PRIMARY KEY (a, b))",
	}},
	{"unique with a collation", []string{
		"CREATE TABLE t (\n    a TEXT,\n    UNIQUE (a COLLATE NOCASE)\n)",
		"CREATE TABLE t (a TEXT, UNIQUE (\"a\" COLLATE NOCASE))",
	}},
	{"numbers", []string{
		"CREATE TABLE t (\n    id INTEGER PRIMARY KEY AUTOINCREMENT,\n    n\n)",
		"CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, n)",
		"CREATE TABLE t (id INTEGER, n, PRIMARY KEY (id AUTOINCREMENT))",
	}},
	{"generated", []string{
		"CREATE TABLE t (\n    n INT,\n    d INT GENERATED ALWAYS AS (n * 2) STORED,\n    e GENERATED ALWAYS AS (n || ')') VIRTUAL\n)",
		"CREATE TABLE t (n INT, d INT AS (n * 2) STORED, e AS (n || ')'))",
	}},
	{"options", []string{
		"CREATE TABLE t (\n    a INT PRIMARY KEY NOT NULL,\n    b ANY\n) STRICT, WITHOUT ROWID",
		"CREATE TABLE t (a INT PRIMARY KEY, b ANY) without rowid,strict",
	}},
	{"defaults", []string{
		"CREATE TABLE t (\n    a INT DEFAULT -1,\n    b DEFAULT 1.5e-3,\n    c DEFAULT x'0F',\n    d DEFAULT CURRENT_TIMESTAMP,\n    e DEFAULT (1 + 2),\n    f DEFAULT 'it''s',\n    g BOOL DEFAULT true,\n    h DEFAULT NULL,\n    i DEFAULT (random()),\n    j DEFAULT +.5 UNIQUE,\n    k DEFAULT 0xFF\n)",
		"CREATE TABLE t (a INT DEFAULT (-1), b DEFAULT (1.5e-3), c DEFAULT (x'0F'), d DEFAULT (CURRENT_TIMESTAMP), e DEFAULT (1 + 2), f DEFAULT ('it''s'), g BOOL DEFAULT (true), h DEFAULT (NULL), i DEFAULT (random()), j DEFAULT (+.5), k DEFAULT (0xFF), UNIQUE (j))",
	}},
	{"types", []string{
		"CREATE TABLE t (\n    a unsigned big int,\n    b DECIMAL(10, 2) NOT NULL,\n    \"select\" my type DEFAULT word\n)",
		"CREATE TABLE t (a unsigned big int NULL, \"b\" DECIMAL(10, 2) NOT NULL, [select] my type DEFAULT word)",
	}},
}

func TestOneSpellingForWhatIsTheSame(t *testing.T) {
	t.Parallel()
	for _, c := range spelled {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			for _, way := range c.ways {
				st := liteschema.Spell(spellingKeeps(t, way))
				if got := st.Tables[0].Definition; got != c.ways[0] {
					t.Errorf("%s\nis spelled\n%s\nwant\n%s", way, got, c.ways[0])
				}
			}
		})
	}
}

func TestOneSpellingForIndexes(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE t (a TEXT, b TEXT COLLATE NOCASE, c INT);"
	for want, ways := range map[string][]string{
		"CREATE INDEX i ON t (a, b)": {"create index \"i\" on t(\"a\",b collate nocase)", "CREATE INDEX IF NOT EXISTS i ON [t] (a ASC, b)"},
		"CREATE UNIQUE INDEX i ON t (lower(a) DESC, b COLLATE BINARY) WHERE c > 1": {"CREATE UNIQUE INDEX `i` ON t(lower(a) DESC,b COLLATE \"BINARY\")\n  WHERE c  >  1"},
		"CREATE INDEX i ON t (a) -- why\n WHERE c > 1":                             {"CREATE INDEX i ON t (a) -- why\n WHERE c > 1"},
	} {
		for _, way := range append(ways, want) {
			st := liteschema.Spell(spellingKeeps(t, table+way))
			if got := st.Tables[0].Indexes[0].Definition; got != want {
				t.Errorf("%s\nis spelled\n%s\nwant\n%s", way, got, want)
			}
		}
	}
}

// What the structure does not tell stays as it was written.
func TestWordsThatSayMoreAreKept(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"CREATE TABLE t (a INTEGER PRIMARY KEY ON CONFLICT REPLACE)",
		"CREATE TABLE t (a INTEGER PRIMARY KEY DESC)",
		"CREATE TABLE t (a INT NOT NULL ON CONFLICT IGNORE)",
		"CREATE TABLE t (a INT NULL ON CONFLICT IGNORE)",
		"CREATE TABLE t (a INT UNIQUE ON CONFLICT FAIL)",
		"CREATE TABLE t (a INT, b INT, UNIQUE (a, b) ON CONFLICT ROLLBACK)",
		"CREATE TABLE t (a INT, CHECK (a > 0) ON CONFLICT ABORT)",
		"CREATE TABLE t (a INT, b INT, PRIMARY KEY (a DESC, b))",
		"CREATE TABLE t (a TEXT, b INT, PRIMARY KEY (a COLLATE NOCASE, b))",
		"CREATE TABLE t (a INT CONSTRAINT n NOT NULL)",
		"CREATE TABLE t (a INT CONSTRAINT n DEFAULT 3)",
		"CREATE TABLE t (a TEXT CONSTRAINT n COLLATE NOCASE)",
		"CREATE TABLE t (a \"DEFAULT\")",
		"CREATE TABLE t (a INT CONSTRAINT n)",
		"CREATE TABLE t (a INT, CONSTRAINT n)",
		"CREATE TABLE t (a INT UNIQUE, b INT, CONSTRAINT n UNIQUE (a))",
		"CREATE TABLE t (a INT PRIMARY KEY, b INT REFERENCES t MATCH FULL)",
		"CREATE TABLE t (a INT PRIMARY KEY, b INT REFERENCES t DEFERRABLE)",
		"CREATE TABLE t (a INT PRIMARY KEY, b INT REFERENCES t NOT DEFERRABLE INITIALLY DEFERRED)",
		"CREATE TABLE t (a INT PRIMARY KEY, b INT, FOREIGN KEY (b) REFERENCES t DEFERRABLE INITIALLY IMMEDIATE)",
		"CREATE TABLE t (a INT PRIMARY KEY, b INT, c INT, FOREIGN KEY (b, c) REFERENCES t)",
		"CREATE TABLE t (a INT, -- the first letter\n b INT)",
		"CREATE TABLE t (a INT /* first */, b INT)",
		"CREATE TABLE t (a INT) /* the end */ STRICT",
	} {
		st := liteschema.Spell(spellingKeeps(t, text))
		if got := st.Tables[0].Definition; got != text {
			t.Errorf("%s\nis spelled\n%s", text, got)
		}
	}
}

// spellingKeeps reads what a script makes, and wants it to be kept.
func spellingKeeps(t tester, script string) *schema.State {
	t.Helper()
	s := database(t, script)
	defer s.Close()
	st := looked(t, s)
	spelledAgain(t, st)
	return st
}

// spelledAgain makes a database of how a state is spelled, and wants it to be
// the same, and to be spelled the same.
func spelledAgain(t tester, was *schema.State) {
	t.Helper()
	once := strings.Join(liteschema.Statements(liteschema.Spell(was)), ";\n")
	s := database(t, "PRAGMA foreign_keys = OFF;"+once)
	defer s.Close()
	is := looked(t, s)
	for _, c := range schema.Diff(was, is) {
		t.Errorf("%s\nspelled\n%s\nis another one: %s", strings.Join(liteschema.Statements(was), ";\n"), once, c)
	}
	if twice := strings.Join(liteschema.Statements(liteschema.Spell(is)), ";\n"); once != twice {
		t.Errorf("%s\nis spelled\n%s\nand then\n%s", strings.Join(liteschema.Statements(was), ";\n"), once, twice)
	}
}
