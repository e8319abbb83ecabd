package pgschema_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func TestPlansLeadThereAndBack(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t).NewDatabase(t)
	s := connect(t, url)
	for n, c := range pairs {
		before, after := fmt.Sprintf("before_%d", n), fmt.Sprintf("after_%d", n)
		into(t, s, before, c.before)
		into(t, s, after, c.after)
		from, to := inspect(t, s, schema.Options{Schemas: []string{before}}), inspect(t, s, schema.Options{Schemas: []string{after}})
		if len(schema.Diff(from, to)) == 0 {
			t.Errorf("%s: there is no difference", c.name)
		}
		run(t, s, "SET search_path = "+before+"; "+c.rows)
		rows := contents(t, s, from, to)
		there, lost := arrive(t, s, c.name+", there", from, to)
		if there == nil {
			continue
		}
		_, lostBack := arrive(t, s, c.name+", back", there, from)
		lost = append(lost, lostBack...)
		for column, was := range rows {
			if now := contents(t, s, from, to)[column]; now != was && !slices.ContainsFunc(lost, func(what string) bool { return strings.HasSuffix(what, column) }) {
				t.Errorf("%s: %s held %s, holds %s; said to be lost: %q", c.name, column, was, now, lost)
			}
		}
	}
}

// What is too long for a type stops the plan. A cast that is written out would
// cut it, without a word.
func TestPlansCutNoTexts(t *testing.T) {
	t.Parallel()
	s := connect(t, dbtest.Postgres(t).NewDatabase(t))
	for n, c := range []struct{ from, to, value string }{
		{"text", "varchar(3)", "'abcd'"}, {"text", "char(3)", "'abcd'"}, {"text[]", "varchar(3)[]", "'{abcd}'"}, {"text[]", "varchar(3)", "'{abcd}'"},
		{"char(9)", "varchar(3)", "'abcd'"}, {"integer", "varchar(3)", "1234"}, {"timestamp", "varchar(3)", "now()"}, {"integer[]", "varchar(3)[]", "'{1234}'"},
		{"varbit", "bit(3)", "B'1010'"}, {"bit(4)", "varbit(3)", "B'1010'"},
	} {
		before, after := fmt.Sprintf("before_%d", n), fmt.Sprintf("after_%d", n)
		into(t, s, before, "CREATE TABLE a (x "+c.from+"); INSERT INTO a VALUES ("+c.value+")")
		into(t, s, after, "CREATE TABLE a (x "+c.to+")")
		run(t, s, "SET search_path = "+before)
		steps, _ := pgschema.Plan(inspect(t, s, schema.Options{Schemas: []string{before}}), inspect(t, s, schema.Options{Schemas: []string{after}}))
		var failed error
		for _, step := range steps {
			if _, err := s.Exec(t.Context(), step.SQL); err != nil {
				failed = err
			}
		}
		if failed == nil || !strings.Contains(failed.Error(), "too long") && !strings.Contains(failed.Error(), "does not match") {
			t.Errorf("%s to %s: got %v behind %+v", c.from, c.to, failed, steps)
		}
	}
}

// contents are the values of each column that both states have in the same
// type, in an order of their own, of the tables as the first state names them.
func contents(t tester, s engine.Session, from, to *schema.State) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, a := range from.Tables {
		i := slices.IndexFunc(to.Tables, func(b schema.Table) bool { return b.Name == a.Name })
		if i < 0 || a.PartitionOf != nil {
			continue
		}
		for _, c := range a.Columns {
			if !slices.ContainsFunc(to.Tables[i].Columns, func(x schema.Column) bool { return x.Name == c.Name }) || c.Generated != "" {
				continue
			}
			column, table := pgx.Identifier{c.Name}.Sanitize(), pgx.Identifier{from.Home, a.Name}.Sanitize()
			var text string
			read := func(scan func(...any) error) error { return scan(&text) }
			if err := s.Query(t.Context(), read, "SELECT count(*)||':'||coalesce(string_agg("+column+"::text, '|' ORDER BY "+column+"::text), '') FROM "+table); err != nil {
				t.Fatal(err)
			}
			out[a.Name+"."+c.Name] = text
		}
	}
	return out
}

// tester is what a test and a property have in common.
type tester interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func into(t tester, s engine.Session, space, script string) {
	t.Helper()
	run(t, s, "CREATE SCHEMA "+space+"; SET search_path = "+space+"; "+script)
}

func run(t tester, s engine.Session, script string) {
	t.Helper()
	all, err := sqltext.All(script, sqltext.PostgreSQL)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if _, err := s.Exec(t.Context(), one.Text); err != nil {
			t.Fatalf("%s: %v", one.Text, err)
		}
	}
}

// arrive goes from one state to the other, where the first one is, and wants
// to be there behind it, but for the order of columns. It returns what is
// there, and what was said to be lost.
func arrive(t tester, s engine.Session, what string, from, to *schema.State) (now *schema.State, lost []string) {
	t.Helper()
	steps, _ := pgschema.Plan(from, to)
	var said strings.Builder
	open := false
	exec := func(text string) bool {
		if _, err := s.Exec(t.Context(), text); err != nil {
			t.Errorf("%s: %s: %v\nbehind:%s", what, text, err, said.String())
			_, _ = s.Exec(t.Context(), "ROLLBACK")
			return false
		}
		return true
	}
	exec("SET search_path = " + from.Home)
	for _, step := range steps {
		if open && step.Alone {
			exec("COMMIT")
			open = false
		}
		if !open && !step.Alone {
			exec("BEGIN")
			open = true
		}
		if !exec(step.SQL) {
			return nil, lost
		}
		if step.Loses != "" {
			lost = append(lost, step.Loses)
		}
		said.WriteString("\n  " + step.SQL)
	}
	if open && !exec("COMMIT") {
		return nil, lost
	}
	now = inspect(t, s, schema.Options{Schemas: []string{from.Home}})
	for _, c := range schema.Diff(now, to) {
		said.WriteString(fmt.Sprintf("\n-- still %s: %+v", c, c.Fields))
		if c.ID.Kind != schema.KindTable || len(c.Fields) != 1 || c.Fields[0].Name != "columns" {
			t.Errorf("%s: not there\nbehind:%s", what, said.String())
			return nil, lost
		}
	}
	return now, lost
}

// Everything there is comes out of nothing, and goes again, and nothing is
// left.
func TestPlansMakeEverythingAndTakeItAway(t *testing.T) {
	t.Parallel()
	server := dbtest.Postgres(t)
	role, _ := server.NewRole(t)
	full, empty := connect(t, server.NewDatabase(t)), connect(t, server.NewDatabase(t))
	run(t, full, strings.ReplaceAll(torture, "$role", `"`+role+`"`))
	run(t, empty, far)
	o := schema.Options{Schemas: []string{"public"}}
	nothing := inspect(t, empty, o)
	there, _ := arrive(t, empty, "everything", nothing, inspect(t, full, o))
	if there == nil || len(there.Tables) < 15 {
		t.Fatal("it is not there")
	}
	arrive(t, empty, "nothing", there, nothing)
}
