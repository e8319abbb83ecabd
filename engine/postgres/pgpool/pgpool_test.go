package pgpool_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgpool"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/plan"
)

// kind is one way for a program to have a pool of one connection.
type kind struct {
	name string
	open func(t *testing.T, url string) (engine.Database, asker)
}

// asker runs a query on the pool's connection.
type asker func(query string) [][]string

func kinds() []kind {
	return []kind{
		{"pgxpool", func(t *testing.T, url string) (engine.Database, asker) {
			pool := newPool(t, url, nil)
			d, err := pgpool.From(pool, engine.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return d, func(query string) [][]string {
				rows, err := pool.Query(t.Context(), query)
				if err != nil {
					t.Fatal(err)
				}
				out, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]string, error) {
					v, err := r.Values()
					return []string{fmt.Sprint(v...)}, err
				})
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
		}},
		{"sql.Open", func(t *testing.T, url string) (engine.Database, asker) {
			db, err := sql.Open("pgx", url)
			if err != nil {
				t.Fatal(err)
			}
			return ofDB(t, db)
		}},
		{"OpenDBFromPool", func(t *testing.T, url string) (engine.Database, asker) {
			return ofDB(t, stdlib.OpenDBFromPool(newPool(t, url, nil)))
		}},
	}
}

func ofDB(t *testing.T, db *sql.DB) (engine.Database, asker) {
	t.Helper()
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	d, err := pgpool.FromDB(t.Context(), db, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d, func(query string) (out [][]string) {
		rows, err := db.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var v string
			if err := rows.Scan(&v); err != nil {
				t.Fatal(err)
			}
			out = append(out, []string{v})
		}
		return out
	}
}

func newPool(t *testing.T, url string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	c.MaxConns = 1
	if change != nil {
		change(c)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// unsettling leaves behind in its session whatever a session can keep.
const unsettling = `-- upgrade
CREATE SCHEMA IF NOT EXISTS other;
CREATE TABLE IF NOT EXISTS public.things (id int);
SET search_path = other;
SET application_name = 'somebody else';
SET statement_timeout = '1h';
SET lock_timeout = '1h';
SET idle_in_transaction_session_timeout = '1h';
SET TimeZone = 'Asia/Tokyo';
SET ROLE pg_monitor;
CREATE TEMP TABLE things (id int);
SELECT pg_advisory_lock(4711);
`

// everything is all that somebody who gets the connection next could feel.
var everything = []string{
	"SELECT pg_catalog.pg_backend_pid()::text",
	"SELECT current_user::text || ' ' || session_user::text",
	"SELECT name || '=' || setting FROM pg_catalog.pg_settings ORDER BY name",
	"SELECT relname::text FROM pg_catalog.pg_class WHERE pg_catalog.pg_my_temp_schema() = relnamespace ORDER BY 1",
	"SELECT locktype FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'advisory'",
	"SELECT 'left ' || application_name FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
}

// TestAPoolStaysAsItWas: what the pool's one connection has is the same behind
// a run as before it, however the run ends; and no session of ours is left.
func TestAPoolStaysAsItWas(t *testing.T) {
	t.Parallel()
	server := dbtest.Postgres(t)
	errStop := errors.New("enough")
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			d, ask := k.open(t, server.NewDatabase(t))
			for _, c := range []struct {
				name    string
				more    string // of the migration
				observe func(cancel func()) event.Observer
				ends    func(panicked any, err error) bool
			}{
				{"failed", "SELECT 1/0;\n", nil, func(p any, err error) bool {
					_, ok := errors.AsType[*dbwarden.MigrationError](err)
					return ok
				}},
				{"cancelled", "SELECT pg_sleep(600);\n", func(cancel func()) event.Observer {
					return func(e event.Event) {
						if e.Kind == event.StatementStarted && strings.Contains(e.SQL, "pg_sleep") {
							cancel()
						}
					}
				}, func(p any, err error) bool { return errors.Is(err, errStop) }},
				{"panic", "", func(func()) event.Observer {
					return func(e event.Event) {
						if e.Kind == event.MigrationStarted {
							panic(errStop)
						}
					}
				}, func(p any, err error) bool { return p == errStop }},
				// Behind the others, which leave nothing but the lock.
				{"done", "", nil, func(p any, err error) bool { return err == nil && p == nil }},
			} {
				t.Run(c.name, func(t *testing.T) {
					look := func() (out [][][]string) {
						for _, q := range everything {
							out = append(out, ask(q))
						}
						return out
					}
					before := look()
					ctx, cancel := context.WithCancelCause(t.Context())
					defer cancel(nil)
					config := dbwarden.Config{Engine: postgres.Engine(), Database: d, Recover: true, Limits: engine.Limits{Statement: time.Minute},
						Migrations: fstest.MapFS{"0001_a.sql": {Data: []byte(unsettling + c.more)}}}
					if c.observe != nil {
						config.Observe = c.observe(func() { cancel(errStop) })
					}
					w, err := dbwarden.New(config)
					if err != nil {
						t.Fatal(err)
					}
					panicked, err := migrate(ctx, w)
					if !c.ends(panicked, err) {
						t.Fatalf("the run ended with %v, panic %v", err, panicked)
					}
					var after [][][]string
					// A backend that was told farewell takes its moment.
					for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
						after = look()
						if cmp.Equal(before, after) || time.Now().After(deadline) {
							break
						}
					}
					if diff := cmp.Diff(before, after); diff != "" {
						t.Errorf("the pool's connection is another one:\n%s", diff)
					}
				})
			}
		})
	}
}

func migrate(ctx context.Context, w *dbwarden.Warden) (panicked any, err error) {
	defer func() { panicked = recover() }()
	_, err = w.Migrate(ctx, plan.Target{})
	return nil, err
}

// TestAPoolThatIsInUse: a run needs no connection of a pgx pool. A *sql.DB is
// asked for one, for a moment; where there is none, a session connects as the
// last one did, and what has no time for that is told why.
func TestAPoolThatIsInUse(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t).NewDatabase(t)
	config := dbwarden.Config{Engine: postgres.Engine(), Migrations: fstest.MapFS{"0001_a.sql": {Data: []byte("-- upgrade\nCREATE TABLE a (id int);\n")}}}

	pool := newPool(t, url, nil)
	held, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	if config.Database, err = pgpool.From(pool, engine.OpenOptions{}); err != nil {
		t.Fatal(err)
	}
	w, err := dbwarden.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := w.Migrate(t.Context(), plan.Target{}); err != nil || len(res.Completed) != 1 {
		t.Errorf("with all of the pool in use: %v", err)
	}

	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if config.Database, err = pgpool.FromDB(t.Context(), db, engine.OpenOptions{}); err != nil {
		t.Fatal(err)
	}
	if w, err = dbwarden.New(config); err != nil {
		t.Fatal(err)
	}
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = config.Database.Connect(short, engine.ConnectOptions{})
	if busy, ok := errors.AsType[*engine.PoolError](err); !ok || busy.Most != 1 || busy.InUse != 1 {
		t.Errorf("with the one connection in use: %v", err)
	}
	if res, err := w.Status(t.Context()); err != nil || res.AppliedTotal != 1 {
		t.Errorf("with the one connection in use for longer: %v", err)
	}
	c.Close()
	if _, err := w.Status(t.Context()); err != nil {
		t.Errorf("with the connection free again: %v", err)
	}
	db.Close()
	if _, err := w.Status(t.Context()); err != nil {
		t.Errorf("with the pool closed: %v", err)
	}
}

// TestAPasswordOfTheMoment: the password is another one for each session, and
// what the pool's open connection was made with is no longer good.
func TestAPasswordOfTheMoment(t *testing.T) {
	t.Parallel()
	server := dbtest.Postgres(t)
	for name, open := range map[string]func(t *testing.T, url string, fresh func(*pgx.ConnConfig)) engine.Database{
		"pgxpool": func(t *testing.T, url string, fresh func(*pgx.ConnConfig)) engine.Database {
			pool := newPool(t, url, func(c *pgxpool.Config) {
				c.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error { fresh(c); return nil }
			})
			if err := pool.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			d, err := pgpool.From(pool, engine.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return d
		},
		"OpenDB": func(t *testing.T, url string, fresh func(*pgx.ConnConfig)) engine.Database {
			c, err := pgx.ParseConfig(url)
			if err != nil {
				t.Fatal(err)
			}
			db := stdlib.OpenDB(*c, stdlib.OptionBeforeConnect(func(_ context.Context, c *pgx.ConnConfig) error { fresh(c); return nil }))
			d, _ := ofDB(t, db)
			return d
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := server.NewDatabase(t)
			user, password := server.NewRole(t)
			var now atomic.Value
			var asked atomic.Int32
			now.Store(password)
			d := open(t, server.WithUser(url, user, "of yesterday"), func(c *pgx.ConnConfig) {
				asked.Add(1)
				c.Password = now.Load().(string)
			})
			for i := range 3 {
				password = fmt.Sprintf("of the moment %d", i)
				server.Exec(t, "ALTER ROLE "+user+" PASSWORD '"+password+"'")
				now.Store(password)
				before := asked.Load()
				s, err := d.Connect(t.Context(), engine.ConnectOptions{Foreign: true})
				if err != nil {
					t.Fatal(err)
				}
				s.Close()
				if asked.Load() == before {
					t.Error("a session was opened without asking for a password, and the server took an old one")
				}
			}
		})
	}
}

// TestAHookThatLeadsElsewhere: where connections of the pool work in another
// schema, or as somebody else, migrations do not run in the wrong place.
func TestAHookThatLeadsElsewhere(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t).NewDatabase(t)
	for hook, what := range map[string]string{
		"SET search_path = tenant_7": "search_path",
		"SET ROLE pg_monitor":        "current_user",
		"SET statement_timeout = 5":  "",
	} {
		after := func(ctx context.Context, c *pgx.Conn) error {
			_, err := c.Exec(ctx, hook)
			return err
		}
		c, err := pgx.ParseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		db := stdlib.OpenDB(*c, stdlib.OptionAfterConnect(after))
		defer db.Close()
		fromPool, err1 := pgpool.From(newPool(t, url, func(c *pgxpool.Config) { c.AfterConnect = after }), engine.OpenOptions{})
		fromDB, err2 := pgpool.FromDB(t.Context(), db, engine.OpenOptions{})
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		// A hook of the connection itself, which the pool's come behind.
		inner := func(ctx context.Context, c *pgconn.PgConn) error {
			_, err := c.Exec(ctx, hook).ReadAll()
			return err
		}
		c.AfterConnect = inner
		other := stdlib.OpenDB(*c)
		defer other.Close()
		ownPool, err1 := pgpool.From(newPool(t, url, func(c *pgxpool.Config) { c.ConnConfig.AfterConnect = inner }), engine.OpenOptions{})
		ownDB, err2 := pgpool.FromDB(t.Context(), other, engine.OpenOptions{})
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		for name, d := range map[string]engine.Database{"pgxpool": fromPool, "OpenDB": fromDB, "the connection's own, pgxpool": ownPool, "the connection's own, OpenDB": ownDB} {
			s, err := d.Connect(t.Context(), engine.ConnectOptions{})
			if err == nil {
				s.Close()
			}
			refused, ok := errors.AsType[*pgpool.HookError](err)
			if what == "" && err != nil || what != "" && (!ok || refused.What != what) {
				t.Errorf("%s with %s: %v", name, hook, err)
			}
		}
	}
}

// TestNoPoolOfAnother: a *sql.DB of another driver is refused by name.
func TestNoPoolOfAnother(t *testing.T) {
	t.Parallel()
	if _, err := pgpool.From(nil, engine.OpenOptions{}); err == nil {
		t.Error("no pool was taken")
	}
	if _, err := pgpool.FromDB(t.Context(), nil, engine.OpenOptions{}); err == nil {
		t.Error("no *sql.DB was taken")
	}
	db := sql.OpenDB(foreign{})
	defer db.Close()
	if _, err := pgpool.FromDB(t.Context(), db, engine.OpenOptions{}); err == nil || !strings.Contains(err.Error(), "pgpool_test.foreign") {
		t.Errorf("another driver: %v", err)
	}
}

// TestTenAtOnceOnOneConnection: ten runs by way of one pool of one connection
// neither wait for one another's sessions nor do anything twice.
func TestTenAtOnceOnOneConnection(t *testing.T) {
	t.Parallel()
	server := dbtest.Postgres(t)
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			d, ask := k.open(t, server.NewDatabase(t))
			var applied atomic.Int32
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					w, err := dbwarden.New(dbwarden.Config{Engine: postgres.Engine(), Database: d, Wait: 2 * time.Minute,
						Migrations: fstest.MapFS{"0001_a.sql": {Data: []byte("-- upgrade\nCREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\n")}}})
					if err != nil {
						t.Error(err)
						return
					}
					res, err := w.Migrate(t.Context(), plan.Target{})
					if err != nil {
						t.Error(err)
						return
					}
					applied.Add(int32(len(res.Completed)))
				})
			}
			all.Wait()
			if n := applied.Load(); n != 1 {
				t.Errorf("it was applied %d times", n)
			}
			if rows := ask("SELECT count(*)::text FROM a"); len(rows) != 1 || rows[0][0] != "1" {
				t.Errorf("the table has %v rows", rows)
			}
		})
	}
}
