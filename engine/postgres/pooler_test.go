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

	// The lock would stay on a connection of the pool's.
	if ok, err := native().Try(t.Context(), s, key("a")); ok || err == nil || !strings.Contains(err.Error(), "direct_url") {
		t.Errorf("try: %v, %v", ok, err)
	}
	if _, err := native().Free(t.Context(), s, key("a")); err == nil {
		t.Error("free: no error")
	}
	if o := look(t, s, key("a")); o.Held {
		t.Errorf("held: %+v", o)
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
