package pgschema_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/schema"
)

// Whatever can be renamed is the same thing under its new name, and again
// under the old one.
func TestRenamedThingsKeepAllElse(t *testing.T) {
	t.Parallel()
	s := connect(t, dbtest.Postgres(t).NewDatabase(t))
	into(t, s, "home", `CREATE TYPE mood AS ENUM ('ok'); CREATE DOMAIN short AS varchar(5); CREATE TYPE pair AS (a int, b int); CREATE SEQUENCE numbers;
		CREATE TABLE t (id int CONSTRAINT k PRIMARY KEY, "A b" mood CONSTRAINT u UNIQUE, c short CONSTRAINT c CHECK (c <> ''), d int CONSTRAINT f REFERENCES t (id), e int DEFAULT nextval('numbers'));
		CREATE INDEX i ON t (c); CREATE SCHEMA far; CREATE TABLE far.t (x int); CREATE INDEX x ON far.t (x)`)
	o := schema.Options{Schemas: []string{"home"}}
	id := func(kind schema.Kind, of, name string) schema.ID { return schema.ID{Kind: kind, Of: of, Name: name} }
	before := inspect(t, s, o)
	for _, c := range []struct{ there, back schema.Renaming }{
		{schema.Renaming{ID: id(schema.KindTable, "", "t"), To: "select"}, schema.Renaming{ID: id(schema.KindTable, "", "select"), To: "t"}},
		{schema.Renaming{ID: id(schema.KindColumn, "t", "A b"), To: "x"}, schema.Renaming{ID: id(schema.KindColumn, "t", "x"), To: "A b"}},
		{schema.Renaming{ID: id(schema.KindType, "", "mood"), To: "x"}, schema.Renaming{ID: id(schema.KindType, "", "x"), To: "mood"}},
		{schema.Renaming{ID: id(schema.KindType, "", "short"), To: "x"}, schema.Renaming{ID: id(schema.KindType, "", "x"), To: "short"}},
		{schema.Renaming{ID: id(schema.KindColumn, "pair", "a"), To: "x"}, schema.Renaming{ID: id(schema.KindColumn, "pair", "x"), To: "a"}},
		{schema.Renaming{ID: id(schema.KindSequence, "", "numbers"), To: "x"}, schema.Renaming{ID: id(schema.KindSequence, "", "x"), To: "numbers"}},
		{schema.Renaming{ID: id(schema.KindPrimaryKey, "t", ""), To: "x"}, schema.Renaming{ID: id(schema.KindPrimaryKey, "t", ""), To: "k"}},
		{schema.Renaming{ID: id(schema.KindIndex, "t", "u"), To: "x"}, schema.Renaming{ID: id(schema.KindIndex, "t", "x"), To: "u"}},
		{schema.Renaming{ID: id(schema.KindIndex, "t", "i"), To: "x"}, schema.Renaming{ID: id(schema.KindIndex, "t", "x"), To: "i"}},
		{schema.Renaming{ID: id(schema.KindForeignKey, "t", "f"), To: "x"}, schema.Renaming{ID: id(schema.KindForeignKey, "t", "x"), To: "f"}},
		{schema.Renaming{ID: id(schema.KindCheck, "t", "c"), To: "x"}, schema.Renaming{ID: id(schema.KindCheck, "t", "x"), To: "c"}},
	} {
		run(t, s, pgschema.Rename(inspect(t, s, o), c.there))
		between := inspect(t, s, o)
		if len(schema.Diff(before, between)) == 0 {
			t.Errorf("%s: nothing was renamed", c.there)
		}
		run(t, s, pgschema.Rename(between, c.back))
		if left := schema.Diff(before, inspect(t, s, o)); len(left) > 0 {
			t.Errorf("%s: %v", c.there, left)
		}
	}
	both := schema.Options{Schemas: []string{"home", "far"}}
	run(t, s, pgschema.Rename(inspect(t, s, both), schema.Renaming{ID: schema.ID{Kind: schema.KindIndex, Schema: "far", Of: "t", Name: "x"}, To: "y"}))
	run(t, s, pgschema.Rename(inspect(t, s, both), schema.Renaming{ID: schema.ID{Kind: schema.KindTable, Schema: "far", Name: "t"}, To: "u"}))
	far := inspect(t, s, schema.Options{Schemas: []string{"far"}})
	if far.Tables[0].Name != "u" || far.Tables[0].Indexes[0].Name != "y" {
		t.Errorf("got %+v", far.Tables)
	}
	for _, r := range []schema.Renaming{{ID: id(schema.KindView, "", "v")}, {ID: id(schema.KindTrigger, "t", "g")}, {ID: id(schema.KindColumn, "v", "g")}} {
		if got := pgschema.Rename(before, r); got != "" {
			t.Errorf("%s: %s", r, got)
		}
	}
}
