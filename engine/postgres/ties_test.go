package postgres

import (
	"fmt"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func TestTies(t *testing.T) {
	t.Parallel()
	last := engine.Ties{Rows: true, Ours: true, Reads: []string{"lastval()"}}
	for text, want := range map[string]engine.Ties{
		"INSERT INTO c VALUES (lastval())":                                   last,
		"INSERT INTO c VALUES (pg_catalog . lastval ( ))":                    last,
		"INSERT INTO c VALUES ('lastval()', $a$lastval()$a$) -- lastval()":   {},
		"SELECT currval('p_id_seq')":                                         {Rows: true, Reads: []string{"currval()"}},
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT lastval()'": {},
		"PREPARE Q AS SELECT 1":                                              {Leaves: []string{"prepared statement q"}, Again: true},
		"EXECUTE q":                                                          {Takes: []string{"prepared statement q"}},
		"DEALLOCATE PREPARE q":                                               {Takes: []string{"prepared statement q"}, Frees: true},
		"DECLARE c CURSOR WITH HOLD FOR SELECT 1":                            {Leaves: []string{"cursor c"}},
		"FETCH ALL FROM c":                                                   {Takes: []string{"cursor c"}},
		"SELECT pg_catalog.set_config('search_path', '', false)":             {Sets: true, Again: true},
		"SELECT set_config('a.b', (SELECT max(n) FROM t)::text, false)":      {Sets: true},
		"SET search_path = a":                                                {},
	} {
		all, err := sqltext.All(text, sqltext.PostgreSQL)
		if err != nil || len(all) != 1 {
			t.Fatalf("%s: %v", text, err)
		}
		if got := ties(all[0], engine.Server{}); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s\ngot  %+v\nwant %+v", text, got, want)
		}
	}
}
