package dbwarden_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// pair is one database on a primary and on its standby.
type pair struct {
	servers       [2]*dbtest.Server
	first, second *bench
}

func newPair(t *testing.T) *pair {
	t.Helper()
	primary, standby := dbtest.PrimaryAndStandby(t)
	primary.Exec(t, "CREATE DATABASE shop")
	url := dbtest.WithDatabase(primary.URL(), "shop")
	files := map[string]string{"1_t.sql": table}
	p := &pair{servers: [2]*dbtest.Server{primary, standby}}
	p.first = newBench(t, product{postgres.Engine(), func(*testing.T) string { return url }}, files)
	p.first.migrate()
	far := dbtest.WithDatabase(standby.URL(), "shop")
	within30(t, "the standby follows", func() bool {
		c, err := dbtest.TryDial(t, far)
		return err == nil && c.Try(t.Context(), "SELECT 1 / count(*) FROM dbwarden_migrations") == nil
	})
	p.second = newBench(t, product{postgres.Engine(), func(*testing.T) string { return far }}, files)
	for _, b := range []*bench{p.first, p.second} {
		b.put("2_rows.sql", twoRows)
	}
	return p
}

func within30(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// TestAStandbyIsRefusedAndCanBeLookedAt: a lock on a standby guards nothing.
// Its row is that of the primary, and whether its holder lives cannot be seen
// there.
func TestAStandbyIsRefusedAndCanBeLookedAt(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	var refused *lock.ReadOnlyError
	for name, verb := range map[string]func() error{
		"migrate":  func() error { _, err := p.second.warden().Migrate(t.Context(), plan.Target{}); return err },
		"rollback": func() error { _, err := p.second.warden().Rollback(t.Context(), plan.Target{}); return err },
	} {
		if err := verb(); !errors.As(err, &refused) {
			t.Errorf("%s gave %v, want a refusal", name, err)
		}
	}
	p.first.behind("2", 1, func() {
		var r dbwarden.LockReport
		within30(t, "the row comes over", func() (ok bool) {
			var err error
			r, err = p.second.warden().Lock(t.Context())
			return err == nil && r.Active
		})
		if r.Verdict != lock.Unknown || r.Follows == "" {
			t.Errorf("verdict %s, follows %q; want unknown, and why", r.Verdict, r.Follows)
		}
		if _, err := p.second.warden().Unlock(t.Context(), true, ""); !errors.As(err, &refused) {
			t.Errorf("unlock gave %v, want a refusal", err)
		}
	})
	p.first.migrate()
	within30(t, "the release comes over", func() bool { return !p.second.locked() })
}

// TestPromotionInMidRunTellsNoLie: the primary dies while a migration runs,
// and its standby takes over. The run ends with the truth; what the new
// primary calls applied is applied, and it goes on from there.
func TestPromotionInMidRunTellsNoLie(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.first.behind("2", 1, func() {
		within30(t, "the row comes over", p.second.locked)
		p.servers[0].Stop()
		p.servers[1].Exec(t, "SELECT pg_promote()")
	})
	if _, err := p.first.warden().Migrate(t.Context(), plan.Target{}); !errors.Is(err, lock.ErrLost) {
		t.Errorf("the run ended with %v, want the lock lost", err)
	}
	p.goesOn(t)
}

// TestWhatDidNotReachTheStandbyIsPendingThere: where replication lags behind,
// the last migration is lost by a failover together with its row.
func TestWhatDidNotReachTheStandbyIsPendingThere(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.servers[1].Exec(t, "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
	within30(t, "replication ends", func() bool {
		return dbtest.Dial(t, p.servers[0].URL()).Rows(t, "SELECT count(*) FROM pg_stat_replication")[0][0] == "0"
	})
	p.first.migrate()
	p.servers[0].Stop()
	p.servers[1].Exec(t, "SELECT pg_promote()")
	p.goesOn(t)
}

// goesOn has the new primary do what is pending.
func (p *pair) goesOn(t *testing.T) {
	t.Helper()
	b := p.second
	if got := b.value("SELECT COUNT(*) FROM t"); got != "0" {
		t.Errorf("%s rows on the new primary, want 0", got)
	}
	st, err := b.warden().Status(t.Context())
	if err != nil || st.Counts[dbwarden.Applied] != 1 {
		t.Errorf("status %+v, %v; want one applied", st.Counts, err)
	}
	if r, err := b.warden().Lock(t.Context()); err != nil {
		t.Error(err)
	} else if r.Active {
		if r.Verdict != lock.Gone {
			t.Errorf("verdict %s, want gone", r.Verdict)
		}
		if _, err := b.warden().Unlock(t.Context(), false, ""); err != nil {
			t.Error(err)
		}
	}
	b.migrate()
	if got := b.value("SELECT COUNT(*) FROM t"); got != "2" {
		t.Errorf("%s rows, want 2", got)
	}
}

// TestACopyOfALockedDatabaseIsNotCalledAlive: the row travels in a dump or a
// clone, and its holder does not. The copy is unlocked and goes on; the run in
// the original is not disturbed.
func TestACopyOfALockedDatabaseIsNotCalledAlive(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Caps.SingleWriter {
			t.Skip("a file that is being written cannot be copied whole")
		}
		original, copied := p.url(t), p.url(t)
		b := newBench(t, product{p.engine, func(*testing.T) string { return original }}, map[string]string{"1_t.sql": table})
		b.migrate()
		b.put("2_rows.sql", twoRows)
		b.behind("2", 1, func() {
			dbtest.Copy(t, original, copied)
			c := newBench(t, product{p.engine, func(*testing.T) string { return copied }}, map[string]string{"1_t.sql": table, "2_rows.sql": twoRows})
			r, err := c.warden().Lock(t.Context())
			if err != nil || !r.Active || r.Verdict != lock.Gone {
				t.Errorf("the copy's lock: %s, %v; want gone", r.Verdict, err)
			}
			if _, err := c.warden().Unlock(t.Context(), false, "a copy"); err != nil {
				t.Errorf("unlock the copy: %v", err)
			}
			c.migrate()
			if got := c.value("SELECT COUNT(*) FROM t"); got != "2" {
				t.Errorf("%s rows in the copy, want 2", got)
			}
		})
		b.migrate()
		if got := b.value("SELECT COUNT(*) FROM t"); got != "2" {
			t.Errorf("%s rows in the original, want 2", got)
		}
	})
}

// TestOneDatabaseByItsOtherNamesIsOneLock: however the URL is spelt, the lock
// is that of the database.
func TestOneDatabaseByItsOtherNamesIsOneLock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		p      product
		server *dbtest.Server
	}{
		{"PostgreSQL", product{engine: postgres.Engine()}, dbtest.Postgres(t)},
		{"MariaDB", product{engine: mysql.Engine()}, dbtest.MariaDB(t)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, neighbour := c.server.NewDatabase(t), c.server.NewDatabase(t)
			at := func(url string) *bench {
				return newBench(t, product{c.p.engine, func(*testing.T) string { return url }}, map[string]string{"1_t.sql": table})
			}
			b := at(address)
			b.behind("1", 1, func() {
				for _, spelling := range respell(t, address) {
					other := at(spelling)
					other.wait = 0
					var held *lock.HeldError
					if _, err := other.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &held) {
						t.Errorf("by another name: %v, want the lock held", err)
					}
				}
				// Another database of the same server has a lock of its own.
				at(neighbour).migrate()
			})
			b.migrate()
		})
	}
}

// respell returns other URLs of the same database.
func respell(t *testing.T, address string) []string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("the database's URL cannot be read")
	}
	if u.Hostname() != "127.0.0.1" {
		t.Skip("the server stands elsewhere, and its other names are not known")
	}
	host, scheme, driver := *u, *u, *u
	host.Host = "localhost:" + u.Port()
	scheme.Scheme, driver.Scheme = "mariadb", "mysql+pymysql"
	if strings.HasPrefix(u.Scheme, "postgres") {
		scheme.Scheme, driver.Scheme = "postgres", "postgresql+psycopg"
		if u.Scheme == "postgres" {
			scheme.Scheme = "postgresql"
		}
	}
	// The first letter of the database's name, percent-encoded.
	encoded := *u
	encoded.RawPath = fmt.Sprintf("/%%%02X%s", u.Path[1], u.Path[2:])
	return []string{host.String(), scheme.String(), driver.String(), encoded.String()}
}
