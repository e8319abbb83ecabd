package generate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/generate"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"

	"github.com/dbwarden-go/dbwarden/migration"
)

var (
	local    = schema.Step{SQL: "SET LOCAL check_function_bodies = off"}
	function = schema.Step{SQL: "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT g()'"}
	column   = schema.Step{SQL: "ALTER TABLE a DROP COLUMN b", Loses: "column\na.b"}
	check    = schema.Step{SQL: "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID"}
	validate = schema.Step{SQL: "ALTER TABLE a VALIDATE CONSTRAINT c", Alone: true}
	index    = schema.Step{SQL: "CREATE INDEX CONCURRENTLY i ON a (b)", Alone: true}
	table    = schema.Step{SQL: "CREATE TABLE t (\n    id int\n)"}
)

func TestStepsAreWrittenAsARunIsToCutThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what  string
		e     *engine.Engine
		steps []schema.Step
		want  string
	}{
		{"one transaction", postgres.Engine(), []schema.Step{local, function, column}, `SET LOCAL check_function_bodies = off;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT g()';
-- Loses data: column a.b
ALTER TABLE a DROP COLUMN b;
`},
		{"long statements stand apart", postgres.Engine(), []schema.Step{column, table, check, column}, `-- Loses data: column a.b
ALTER TABLE a DROP COLUMN b;

CREATE TABLE t (
    id int
);

ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID;
-- Loses data: column a.b
ALTER TABLE a DROP COLUMN b;
`},
		{"one that the server runs alone", postgres.Engine(), []schema.Step{local, column, index, function}, `SET LOCAL check_function_bodies = off;
-- Loses data: column a.b
ALTER TABLE a DROP COLUMN b;

CREATE INDEX CONCURRENTLY i ON a (b);

SET LOCAL check_function_bodies = off;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT g()';
`},
		{"one that shares no transaction", postgres.Engine(), []schema.Step{local, check, validate, validate, index, function}, `BEGIN;
SET LOCAL check_function_bodies = off;
ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID;
COMMIT;

BEGIN;
ALTER TABLE a VALIDATE CONSTRAINT c;
COMMIT;

BEGIN;
ALTER TABLE a VALIDATE CONSTRAINT c;
COMMIT;

CREATE INDEX CONCURRENTLY i ON a (b);

BEGIN;
SET LOCAL check_function_bodies = off;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT g()';
COMMIT;
`},
		{"the only one", postgres.Engine(), []schema.Step{validate}, "ALTER TABLE a VALIDATE CONSTRAINT c;\n"},
		{"where DDL has no transaction", mysql.Engine(), []schema.Step{check, validate, {SQL: "CREATE TRIGGER g BEFORE INSERT ON a FOR EACH ROW BEGIN SET @a = '$$'; END"}},
			`ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID;

ALTER TABLE a VALIDATE CONSTRAINT c;

DELIMITER $$$
CREATE TRIGGER g BEFORE INSERT ON a FOR EACH ROW BEGIN SET @a = '$$'; END$$$
DELIMITER ;
`},
		{"a comment at the end", sqlite.Engine(), []schema.Step{{SQL: "CREATE VIEW v AS SELECT 1 -- one"}, {SQL: "CREATE VIEW w AS SELECT 1 /* one */"}}, `CREATE VIEW v AS SELECT 1 -- one
;
CREATE VIEW w AS SELECT 1 /* one */;
`},
	} {
		got := generate.File(c.steps, nil, c.e, engine.Server{Number: 150000})
		if diff := cmp.Diff("-- upgrade\n"+c.want+"\n-- rollback\n", got); diff != "" {
			t.Errorf("%s:\n%s", c.what, diff)
		}
	}
}

// What was written is cut by a run into the groups that the plan wants.
func TestARunCutsWhatWasWritten(t *testing.T) {
	t.Parallel()
	e, v := postgres.Engine(), engine.Server{Number: 150000}
	text := generate.File([]schema.Step{local, check, validate, index, function, column}, nil, e, v)
	all, err := sqltext.All(text, e.Lexis)
	if err != nil {
		t.Fatal(err)
	}
	o, err := plan.Cut(func(each func(migration.Piece) error) error {
		for _, st := range all {
			if err := each(migration.Piece{Statement: st}); err != nil {
				return err
			}
		}
		return nil
	}, plan.Rules{Classify: func(words []string) engine.Traits { return e.Classify(words, v) }, DDL: true})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, g := range o.Groups {
		switch g.Mode {
		case plan.InTransaction:
			got += "("
			for _, st := range all[g.From:g.To] {
				got += st.Words[0] + " "
			}
			got += ") "
		case plan.OneByOne, plan.Alone:
			for _, st := range all[g.From:g.To] {
				got += st.Words[0] + " " + st.Words[1] + " "
			}
		}
	}
	if want := "(SET ALTER ) (ALTER ) CREATE INDEX (SET CREATE ALTER ) "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAMigrationIsCalledAfterWhatItDoes(t *testing.T) {
	t.Parallel()
	id := func(kind schema.Kind, of, name string) schema.ID { return schema.ID{Kind: kind, Of: of, Name: name} }
	added := func(i schema.ID) schema.Change { return schema.Change{Op: schema.Added, ID: i} }
	users, email := id(schema.KindTable, "", "users"), id(schema.KindColumn, "users", "email")
	for _, c := range []struct {
		renamed []schema.Renaming
		changes []schema.Change
		fresh   bool
		want    string
	}{
		{nil, []schema.Change{added(users)}, true, "create users"},
		{nil, []schema.Change{added(email)}, false, "add email to users"},
		{nil, []schema.Change{{Op: schema.Removed, ID: email}}, false, "drop email from users"},
		{nil, []schema.Change{{Op: schema.Changed, ID: email, Fields: []schema.Field{{Name: "type"}}}}, false, "change email of users"},
		{nil, []schema.Change{{Op: schema.Changed, ID: users, Fields: []schema.Field{{Name: "columns"}}}, added(email)}, false, "add email to users"},
		{nil, []schema.Change{{Op: schema.Added, ID: id(schema.KindSequence, "", "users_id_seq"), To: schema.Sequence{OwnedBy: "users.id"}}, added(users)}, false, "create users"},
		{nil, []schema.Change{added(id(schema.KindView, "", "v")), added(users)}, true, "create users and create v"},
		{nil, []schema.Change{added(users), added(email), added(id(schema.KindView, "", "v"))}, true, "initial"},
		{nil, []schema.Change{added(users), added(email), added(id(schema.KindView, "", "v"))}, false, "create users and 2 more"},
		{nil, []schema.Change{added(email), added(id(schema.KindIndex, "users", "i")), added(id(schema.KindPrimaryKey, "users", ""))}, false, "change users"},
		{nil, []schema.Change{{Op: schema.Changed, ID: id(schema.KindView, "", "v"), Fields: []schema.Field{{Name: "definition"}}}, added(id(schema.KindColumn, "v", "x"))}, false, "change v"},
		{nil, []schema.Change{{Op: schema.Added, ID: id(schema.KindRoutine, "", "f(integer)"), To: schema.Routine{Name: "f"}}}, false, "create f"},
		{[]schema.Renaming{{ID: email, To: "mail"}}, nil, false, "rename email to mail in users"},
		{[]schema.Renaming{{ID: users, To: "people"}, {ID: id(schema.KindIndex, "people", "i"), To: "j"}}, nil, false, "rename users to people"},
		{[]schema.Renaming{{ID: id(schema.KindIndex, "people", "i"), To: "j"}}, nil, false, "rename i to j"},
	} {
		if got := generate.Describe(c.renamed, c.changes, c.fresh); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
