package migration_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// filled loads a statement with variables, spelled for the test.
func filled(t *testing.T, l sqltext.Lexis, text string) (*migration.Migration, *migration.Set) {
	t.Helper()
	set, err := migration.Load(fstest.MapFS{"1_a.sql": {Data: []byte("-- vars: on\n-- upgrade\n" + text)}}, l)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	set.Fill(&migration.Values{
		Find: map[string]migration.Value{
			"word": {Text: "dev"}, "dotted": {Text: "app.users"}, "number": {Text: "-5"}, "quote": {Text: `it's "so" ${word}`},
			"path": {Text: "db-1:5432/x y"}, "tag": {Text: "a$$b"}, "code": {Text: "1; DROP TABLE t"}, "empty": {},
			"password": {Text: "hush!", Secret: true}, "comment": {Text: "x --"}, "nul": {Text: "a\x00b"},
		},
		Near:    func(name string) string { return map[string]string{"wrod": "word"}[name] },
		Literal: func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" },
		Identifier: func(s string) string {
			return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
		},
	})
	return set.Migrations[0], set
}

func TestVariablesAreFilledIn(t *testing.T) {
	for _, tt := range []struct {
		lexis         sqltext.Lexis
		written, runs string
	}{
		{sqltext.PostgreSQL, "CREATE TABLE t_${word} (a ${ word })", "CREATE TABLE t_dev (a dev)"},
		{sqltext.PostgreSQL, "SELECT ${'quote'}, ${\"quote\"}, ${WORD}", `SELECT 'it''s "so" ${word}', "it's ""so"" ${word}", dev`},
		{sqltext.PostgreSQL, "SELECT * FROM ${dotted} LIMIT ${number}", "SELECT * FROM app.users LIMIT -5"},
		{sqltext.PostgreSQL, "SELECT 'http://${path}', \"t ${word}\", E'\\'${word}'", "SELECT 'http://db-1:5432/x y', \"t dev\", E'\\'dev'"},
		{sqltext.PostgreSQL, "SELECT '$${word} ${word}', ''", "SELECT '${word} dev', ''"},
		{sqltext.PostgreSQL, "SELECT 1 -- ${wrod}\n, /* ${nothing} */ 2", "SELECT 1 -- ${wrod}\n, /* ${nothing} */ 2"},
		{sqltext.PostgreSQL, `SELECT $${"a":1}$$::json, ${word}`, `SELECT $${"a":1}$$::json, dev`},
		{sqltext.PostgreSQL, "DO $x$ BEGIN PERFORM ${'quote'}, '$${word}', '${word}'; END $x$", `DO $x$ BEGIN PERFORM 'it''s "so" ${word}', '${word}', 'dev'; END $x$`},
		{sqltext.PostgreSQL, "SELECT ${'empty'}", "SELECT ''"},
		{sqltext.MySQL, "SET sql_mode = 'NO_BACKSLASH_ESCAPES';\nSELECT 'a\\', ${word}, `t_${word}`", "SELECT 'a\\', dev, `t_dev`"},
		{sqltext.MySQL, "CREATE PROCEDURE p_${word}() BEGIN SELECT 1; SELECT ${'word'}; END", "CREATE PROCEDURE p_dev() BEGIN SELECT 1; SELECT 'dev'; END"},
		{sqltext.MySQL, "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT ${number}; END //", "CREATE PROCEDURE p() BEGIN SELECT -5; END"},
		{sqltext.MySQL, "/*!40101 SET @a = ${number} */", "/*!40101 SET @a = -5 */"},
		{sqltext.SQLite, "CREATE TRIGGER t_${word} AFTER INSERT ON [a ${word}] BEGIN SELECT 1; SELECT '${word}'; END", "CREATE TRIGGER t_dev AFTER INSERT ON [a dev] BEGIN SELECT 1; SELECT 'dev'; END"},
	} {
		m, _ := filled(t, tt.lexis, tt.written+";")
		var last migration.Piece
		seal, err := m.Upgrade.Outline(func(p migration.Piece) error { last = p; return nil })
		if err != nil {
			t.Errorf("%s: %v", tt.written, err)
			continue
		}
		if last.Text != tt.runs || !strings.HasSuffix(strings.TrimSuffix(tt.written, " //"), last.AsWritten()) {
			t.Errorf("%s\nruns as %q\nwanted  %q\nwritten %q", tt.written, last.Text, tt.runs, last.AsWritten())
		}
		for st, err := range m.Upgrade.Reader(seal).Statements(m.Upgrade.Count-1, m.Upgrade.Count) {
			if err != nil || st.Text != tt.runs {
				t.Errorf("%s, read again: %q, %v", tt.written, st.Text, err)
			}
		}
	}
}

func TestWhatIsNotFilledInIsAnError(t *testing.T) {
	for written, wanted := range map[string]string{
		"SELECT 1,\n  ${wrod}":       "1_a.sql:4:3: the variable wrod has no value; did you mean word?",
		"SELECT ${code}":             `1_a.sql:3:8: the value of code is no plain word, name or number: write ${'code'} for a text, ${"code"} for a name`,
		"SELECT ${comment}":          "no plain word",
		"SELECT ${empty}":            "no plain word",
		"SELECT ${\"empty\"}":        "is empty, and so no name",
		"SELECT 1-${number}":         "no plain word",
		"SELECT '${quote}'":          "cannot stand inside of other quotes: write ${'quote'} without quotes around it",
		"SELECT '${'word'}'":         "1_a.sql:3:9: this is no variable",
		"SELECT 'a'${'word'}":        "put a blank between",
		"SELECT ${'word'}'a'":        "put a blank between",
		"SELECT ${}":                 "this is no variable",
		"SELECT '${a b}'":            "this is no variable",
		"SELECT ${'nul'}":            "is no text that a database takes",
		"DO $$ SELECT ${'tag'} $$":   "holds $$, which ends the text that it stands in",
		"DO $$ it's ${word} $$":      "is not SQL",
		"SELECT ${password}":         "no plain word",
		"DO $a$ '${'word'}' $a$":     "this is no variable",
		"SELECT ${wrod}, ${nothing}": "the variable nothing has no value",
	} {
		m, _ := filled(t, sqltext.PostgreSQL, written+";")
		_, err := m.Upgrade.Outline(func(migration.Piece) error { return nil })
		var bad migration.Problems
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), wanted) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, and wanted: %s", written, err, wanted)
		}
	}
}

// TestAFileIsHashedAsItIsWritten: another value is not another file, and the
// same text without variables is the same one.
func TestAFileIsHashedAsItIsWritten(t *testing.T) {
	const text = "SELECT ${word}, '${path}';\nSELECT 2;"
	m, set := filled(t, sqltext.PostgreSQL, text)
	plain := one(t, "-- upgrade\n"+text)
	if m.Upgrade.Checksum() != plain.Upgrade.Checksum() {
		t.Error("with variables it has another checksum")
	}
	sums := func(v string) (all []migration.Hash) {
		set.Fill(&migration.Values{Find: map[string]migration.Value{"word": {Text: v}, "path": {}}})
		if _, err := m.Upgrade.Outline(func(p migration.Piece) error { all = append(all, p.Hash); return nil }); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if a, b := sums("one"), sums("two"); a[0] != b[0] || a[1] != b[1] {
		t.Error("another value makes another hash")
	}
}

// TestNoSecretIsShown, and places are those of the file.
func TestNoSecretIsShown(t *testing.T) {
	m, _ := filled(t, sqltext.PostgreSQL, "SELECT ${'password'}, ${'quote'},\n nowhere")
	_, err := m.Upgrade.Outline(func(p migration.Piece) error {
		if p.Shown() != "SELECT ${'password'}, 'it''s \"so\" ${word}',\n nowhere" || !strings.Contains(p.Text, "hush!") {
			t.Errorf("shown: %s\nruns: %s", p.Shown(), p.Text)
		}
		for what, wanted := range map[string]string{"nowhere": "4:2", "hush": "3:8", "SELECT": "3:1", "so": "3:23"} {
			if at := p.Offset(strings.Index(p.Text, what)); at.String() != wanted {
				t.Errorf("%s is at %s, and wanted: %s", what, at, wanted)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRowsOfCopyStayAsTheyAre
func TestRowsOfCopyStayAsTheyAre(t *testing.T) {
	m, _ := filled(t, sqltext.PostgreSQL, "COPY t_${word} FROM stdin;\n${word}\n\\.\nSELECT '${word}';")
	seal, err := m.Upgrade.Outline(func(migration.Piece) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for st, err := range m.Upgrade.Reader(seal).Statements(0, 1) {
		rows := make([]byte, 20)
		n, _ := st.Copy.Read(rows)
		if err != nil || st.Text != "COPY t_dev FROM stdin" || string(rows[:n]) != "${word}\n" || !st.Starts("COPY", "T_DEV") && !st.Starts("COPY", "t_dev") {
			t.Errorf("%q, %q, %q, %v", st.Text, rows[:n], st.Words, err)
		}
	}
}
