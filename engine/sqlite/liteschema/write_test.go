package liteschema_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// torture has one of everything that a schema can hold, and names that want
// to be quoted.
const torture = `
CREATE TABLE "z order" ("select" INTEGER PRIMARY KEY AUTOINCREMENT, [b c] TEXT COLLATE NOCASE NOT NULL DEFAULT 'it''s; "x"' UNIQUE ON CONFLICT REPLACE,
	` + "`tick`" + ` DECIMAL(10, 2) CHECK (tick > 0 /* ; */), -- why; not
	twice INT GENERATED ALWAYS AS (tick * 2) VIRTUAL, kept TEXT AS (upper([b c])) STORED,
	up INTEGER CONSTRAINT itself REFERENCES "z order" ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
	CONSTRAINT "a check" CHECK ([b c] <> ';'), CONSTRAINT both UNIQUE (tick, up));
CREATE TABLE hen (id INTEGER PRIMARY KEY, egg INT NOT NULL REFERENCES egg ON DELETE CASCADE ON UPDATE RESTRICT);
CREATE TABLE egg (id INTEGER PRIMARY KEY, hen INT NOT NULL, FOREIGN KEY (hen) REFERENCES hen (id) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE a_child (x INT, y INT, FOREIGN KEY (x, y) REFERENCES pair);
CREATE TABLE pair (a INT NOT NULL, b INT NOT NULL, v ANY, PRIMARY KEY (b, a DESC)) STRICT, WITHOUT ROWID;
CREATE TABLE copied AS SELECT 1 AS one, 'x' AS "two words";
ALTER TABLE copied ADD COLUMN three INT DEFAULT 7;
CREATE VIRTUAL TABLE search USING fts5(title, body, tokenize = 'porter');
CREATE UNIQUE INDEX "an index" ON "z order" (lower([b c]) DESC, tick COLLATE RTRIM) WHERE tick IS NOT NULL AND [b c] <> 'WHERE';
CREATE INDEX plain ON hen (egg);
CREATE VIEW a_later (n, "n m") AS SELECT "select", up FROM "z order";
CREATE VIEW a_first AS SELECT * FROM a_later WHERE n > 3;
CREATE VIEW broken AS SELECT * FROM nowhere;
CREATE TRIGGER hen AFTER UPDATE OF egg ON hen WHEN NEW.egg > 3 BEGIN
	UPDATE egg SET hen = CASE WHEN NEW.id > 1 THEN 1 ELSE 2 END WHERE id = NEW.egg; -- the end;
	SELECT 1;
END;
CREATE TRIGGER "instead; of" INSTEAD OF INSERT ON a_later BEGIN INSERT INTO hen VALUES (NEW.n, 1); END;
`

func cut(t *testing.T, script string) (texts []string) {
	t.Helper()
	all, err := sqltext.All(script, sqltext.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		texts = append(texts, s.Text)
	}
	return texts
}

func written(t *testing.T, statements []string) string {
	t.Helper()
	var b strings.Builder
	if err := render.Script(&b, render.Style{}, statements, sqltext.SQLite); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func roundTrip(t *testing.T, script string) *schema.State {
	t.Helper()
	first := inspect(t, session(t, cut(t, script)...), schema.Options{})
	second := inspect(t, session(t, cut(t, written(t, liteschema.Statements(first)))...), schema.Options{})
	same(t, "made again", second, first)
	return first
}

func TestStatementsMakeEverythingAgain(t *testing.T) {
	t.Parallel()
	st := roundTrip(t, torture)
	if len(st.Tables) != 7 || len(st.Views) != 3 {
		t.Errorf("%d tables, %d views", len(st.Tables), len(st.Views))
	}
	var order []string
	for _, text := range liteschema.Statements(st) {
		if name, ok := strings.CutPrefix(text, "CREATE TABLE "); ok {
			order = append(order, strings.Fields(name)[0])
		}
	}
	same(t, "order", strings.Join(order, " "), `pair a_child copied(one,"two hen egg "z`)
	same(t, "options", st.Tables[4].Options, []string{"strict", "without rowid"})
	same(t, "trigger", st.Tables[3].Triggers[0].Name, "hen")
	same(t, "columns of a view", st.Views[0].Columns, []schema.Column{{Name: "n", Type: "INTEGER", Nullable: true}, {Name: "n m", Type: "INTEGER", Nullable: true}})
	same(t, "columns of a broken view", len(st.Views[2].Columns), 0)
	same(t, "trigger of a view", len(st.Views[1].Triggers), 1)
}

func TestStatementsMakeSampleDatabasesAgain(t *testing.T) {
	t.Parallel()
	for file, want := range map[string][2]int{"chinook/sqlite.sql": {11, 0}, "sakila/sqlite-schema.sql": {16, 5}} {
		text, err := os.ReadFile(filepath.Join(dbtest.DataDir(t), file))
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(string(text), "\nINSERT INTO")
		st := roundTrip(t, script)
		same(t, file, [2]int{len(st.Tables), len(st.Views)}, want)
	}
}
