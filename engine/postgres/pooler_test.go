package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func TestAPoolerIsNoticedAndNothingIsLeftOnItsConnections(t *testing.T) {
	t.Parallel()
	pool := dbtest.PgBouncer(t, server(t))
	url := pool.NewDatabase(t)
	direct := dbtest.WithDatabase(pool.Direct().URL(), dbtest.DatabaseName(url))
	dbtest.Dial(t, direct).Exec(t, "CREATE SCHEMA own")

	s := connectWith(t, url, engine.OpenOptions{Schema: "own"}, engine.ConnectOptions{App: "dbwarden test"})
	if v := s.Server(); !v.Pooled || v.Schema != "own" || s.ID() != "" {
		t.Fatalf("server %+v, session %q", v, s.ID())
	}

	// Within a transaction the limits and the path are ours ...
	if err := s.Reset(t.Context(), engine.Limits{Lock: 1500 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	u := unit(postgres.Engine().Dialect.Begin, "CREATE TABLE t (x int)",
		"CREATE TABLE seen AS SELECT name, setting FROM pg_settings")
	if err := s.Run(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"lock_timeout": "1500", "idle_in_transaction_session_timeout": "60000", "search_path": `own, "$user", public`,
	} {
		if got := ask(t, s, "SELECT setting FROM own.seen WHERE name = $1", name); got != want {
			t.Errorf("%s within a transaction: %s, want %s", name, got, want)
		}
	}

	// ... and outside the connections are everybody's.
	if got := ask(t, s, "SELECT string_agg(name, ' ') FROM pg_settings WHERE source = 'session' AND name <> 'application_name'"); got != "NULL" {
		t.Errorf("left on the pool's connection: %s", got)
	}
}

func TestCancellationGoesThroughAPooler(t *testing.T) {
	t.Parallel()
	s := connect(t, dbtest.PgBouncer(t, server(t)).NewDatabase(t), engine.ConnectOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := s.Execute(ctx, statement("SELECT pg_sleep(60)"))
	if f := faultOf(err); f.Kind != engine.Canceled {
		t.Errorf("fault %+v of %v", f, err)
	}
	if got := ask(t, s, "SELECT 1"); got != "1" {
		t.Error(got)
	}
}

func TestFaultsOfConnectingThroughAPooler(t *testing.T) {
	t.Parallel()
	pool := dbtest.PgBouncer(t, server(t))
	for _, c := range []struct {
		url  string
		want engine.FaultKind
	}{
		{dbtest.WithDatabase(pool.URL(), "not_here"), engine.NoSuchDatabase},
		{pool.WithUser(pool.URL(), "nobody", "s3cret"), engine.Login},
		{pool.URL() + "&search_path=x", engine.Unreachable},
	} {
		_, err := tryConnect(t, c.url, engine.OpenOptions{}, engine.ConnectOptions{})
		if f := faultOf(err); f.Kind != c.want {
			t.Errorf("fault %+v of %v", f, err)
		}
	}
}

func TestSessionsShareAPoolWithoutPreparedStatements(t *testing.T) {
	t.Parallel()
	url := dbtest.PgBouncer(t, server(t)).NewDatabase(t)
	var wg sync.WaitGroup
	for range 8 {
		s := connect(t, url, engine.ConnectOptions{})
		wg.Go(func() {
			for i := range 20 {
				var got int
				err := s.Query(t.Context(), func(scan func(...any) error) error { return scan(&got) }, "SELECT $1::int + 1", i)
				if err != nil || got != i+1 {
					t.Errorf("%d, %v", got, err)
				}
				if _, err := s.Exec(t.Context(), "SELECT $1::text", "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// What a file sets is for that file, also where it does not say LOCAL.
func TestNothingOfAFileMeetsTheNextClientOfThePool(t *testing.T) {
	t.Parallel()
	// One connection: whoever comes next has the very same.
	through, direct := pooled(t, dbtest.OwnPgBouncer(t, server(t), "default_pool_size = 1"))
	dbtest.Dial(t, direct).Exec(t, "CREATE SCHEMA own", "CREATE ROLE "+dbtest.DatabaseName(through)+"_r")
	t.Cleanup(func() { dbtest.Dial(t, direct).Exec(t, "DROP ROLE "+dbtest.DatabaseName(through)+"_r") })

	// Another client has left something here, and means it.
	other := dbtest.Dial(t, through)
	other.Exec(t, "SET work_mem = '7MB'", "SET lock_timeout = 4321")
	const all = `SELECT pg_backend_pid(), name, setting FROM pg_settings WHERE name NOT IN ('application_name', 'transaction_isolation') ORDER BY name`
	before := other.Rows(t, all)

	s := connectWith(t, through, engine.OpenOptions{Schema: "own"}, engine.ConnectOptions{App: "dbwarden test"})
	for _, stop := range []bool{false, true} {
		statements := []string{
			"SET statement_timeout = 0", "SET lock_timeout = 5000", "SELECT pg_catalog.set_config('search_path', '', false)",
			"SET SESSION work_mem = '9MB'", "SET standard_conforming_strings = on", "SET client_encoding TO 'LATIN1'",
			"SET TIME ZONE 'America/Lima'", "SET LOCAL lock_timeout = 4321", "SET own.word = 'x'", "SET application_name = 'mine'",
			"SET ROLE " + dbtest.DatabaseName(through) + "_r", "RESET ROLE",
			"CREATE TEMP TABLE scratch (x int)", "INSERT INTO scratch VALUES (1)",
		}
		if stop {
			statements = append(statements, "SELECT 1 / 0")
		}
		if err := s.Run(t.Context(), unit(postgres.Engine().Dialect.Begin, statements...)); (err != nil) != stop {
			t.Fatal(err)
		}
		after := other.Rows(t, all)
		for i := range after {
			if strings.Join(after[i], " ") != strings.Join(before[i], " ") {
				t.Errorf("was %q, is %q", before[i], after[i])
			}
		}
		for query, want := range map[string]string{
			"SELECT coalesce(current_setting('own.word', true), '')":                               "",
			"SHOW application_name":                                                                "",
			"SELECT count(*) FROM pg_class WHERE relname = 'scratch'":                              "0",
			"SELECT current_user = session_user":                                                   "t",
			"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()": "0",
			"SELECT count(*) FROM pg_prepared_statements WHERE from_sql":                           "0",
			"SELECT count(*) FROM pg_listening_channels()":                                         "0",
			"SELECT count(*) FROM pg_cursors WHERE is_holdable":                                    "0",
			"SELECT current_setting('idle_in_transaction_session_timeout')":                        "0",
		} {
			if got := other.Rows(t, query)[0][0]; got != want {
				t.Errorf("%s: %s, want %q", query, got, want)
			}
		}
	}
}

func TestWhatAStatementLeavesOnAConnectionIsTold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]engine.Residue{
		"SET lock_timeout = 1":                      engine.Swept,
		"SET LOCAL lock_timeout = 1":                engine.Clean,
		"SELECT set_config ( 'a.b' , '1' , false )": engine.Swept,
		"RESET ALL":                                 engine.Swept,
		"CREATE TEMP TABLE t (x int)":               engine.Swept,
		"CREATE LOCAL TEMPORARY TABLE t (x int)":    engine.Swept,
		"CREATE OR REPLACE TEMP VIEW v AS SELECT 1": engine.Swept,
		"CREATE TABLE pg_temp.t (x int)":            engine.Swept,
		"SELECT 1 AS x INTO TEMP t":                 engine.Swept,
		"CREATE TABLE t (x int)":                    engine.Clean,
		"LISTEN news":                               engine.Stuck,
		"PREPARE q AS SELECT 1":                     engine.Stuck,
		"DEALLOCATE ALL":                            engine.Stuck,
		"LOAD 'auto_explain'":                       engine.Stuck,
		"DECLARE c CURSOR WITH HOLD FOR SELECT 1":   engine.Stuck,
		"SELECT pg_advisory_lock(1)":                engine.Stuck,
		"SELECT pg_try_advisory_lock(1, 2)":         engine.Stuck,
		"SELECT pg_advisory_xact_lock(1)":           engine.Clean,
		"INSERT INTO t VALUES (1)":                  engine.Clean,
	} {
		words := statement(text).Words
		if got := postgres.Engine().Classify(words, engine.Server{Number: 150000, Pooled: true}).Residue; got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
		if got := postgres.Engine().Classify(words, engine.Server{Number: 150000}).Residue; got != engine.Clean {
			t.Errorf("%s without a pooler: %d", text, got)
		}
	}
}
