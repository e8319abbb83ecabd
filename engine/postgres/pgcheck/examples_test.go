package pgcheck_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/check/checktest"
	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgcheck"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/migration"
)

const pagePath = "../../../docs/check.md"

func page(t *testing.T) *checktest.Page {
	t.Helper()
	return checktest.Read(t, pagePath, "PostgreSQL", "Every product")
}

func at(major int) engine.Server {
	return engine.Server{Product: "PostgreSQL", Version: fmt.Sprint(major), Number: major * 10000}
}

func TestThePageTellsOfEveryRule(t *testing.T) {
	t.Parallel()
	checktest.Prose(t, page(t), check.AllRules(pgcheck.Product()))
}

func TestBadExamplesFindTheirRuleAndGoodOnesNothing(t *testing.T) {
	t.Parallel()
	p := page(t)
	seen := map[string]bool{}
	for _, major := range []int{12, 15, 18} {
		for _, ex := range p.Examples {
			if ex.From > major {
				continue
			}
			seen[fmt.Sprint(ex.Rule, ex.Bad)] = true
			checktest.Expect(t, ex, checktest.Judge(t, pgcheck.Product(), postgres.Engine(), at(major), p.Setup, ex))
		}
	}
	for _, r := range check.AllRules(pgcheck.Product()) {
		if r.ID != "not-understood" && !seen[r.ID+"true"] {
			t.Errorf("%s has no bad example", r.ID)
		}
	}
}

// The version of the server decides what is dangerous, and what is safer.
func TestVersionsDecide(t *testing.T) {
	t.Parallel()
	p := page(t)
	for _, c := range []struct {
		major     int
		sql, want string
	}{
		// From 18 on a generated column is not stored unless it says so.
		{17, "ALTER TABLE users ADD COLUMN loud text GENERATED ALWAYS AS (upper(email))", "add-generated-column"},
		{18, "ALTER TABLE users ADD COLUMN loud text GENERATED ALWAYS AS (upper(email))", ""},
		{18, "ALTER TABLE users ADD COLUMN loud text GENERATED ALWAYS AS (upper(email)) STORED", "add-generated-column"},
		{13, "ALTER TABLE events DETACH PARTITION events_2024", ""},
		{14, "ALTER TABLE events DETACH PARTITION events_2024", "detach-partition-not-concurrent"},
	} {
		r := checktest.Judge(t, pgcheck.Product(), postgres.Engine(), at(c.major), p.Setup, checktest.Example{Files: []string{c.sql}})
		got := ""
		for _, f := range r.Findings {
			got += f.Rule.ID
		}
		if got != c.want {
			t.Errorf("on %d: %s: %q, want %q", c.major, c.sql, got, c.want)
		}
	}
}

// What a rule claims of locks, rewrites and reading is what the server does,
// and nothing in a good example reads or writes a whole table while it keeps
// others away.
func TestClaimsAreMeasured(t *testing.T) {
	t.Parallel()
	t.Run("here", func(t *testing.T) {
		t.Parallel()
		measure(t, dbtest.Postgres(t))
	})
	for _, version := range dbtest.PostgresVersions(t) {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			measure(t, dbtest.PostgresVersion(t, version))
		})
	}
}

// bench is one connection that sees what its own statements do.
type bench struct {
	t        *testing.T
	c        *dbtest.Conn
	major    int
	compared int
	old      map[string]bool // the tables of the page's schema
}

func measure(t *testing.T, server *dbtest.Server) {
	b := &bench{t: t, c: dbtest.Dial(t, server.NewDatabase(t))}
	fmt.Sscan(b.c.Rows(t, "SHOW server_version_num")[0][0], &b.major)
	b.major /= 10000
	p := page(t)
	defer func() {
		if b.compared < 25 && !t.Failed() {
			t.Errorf("only %d claims were compared", b.compared)
		}
	}()
	for _, ex := range p.Examples {
		if ex.From > b.major {
			continue
		}
		b.reset(p.Setup)
		report := checktest.Judge(t, pgcheck.Product(), postgres.Engine(), at(b.major), p.Setup, ex)
		set := checktest.Migrations(t, postgres.Engine(), p.Setup, ex.Files)
		failed := false
		for _, m := range set.Migrations[1:] {
			number := 0
			_, err := m.Upgrade.Outline(func(st migration.Piece) error {
				number++
				var claims []check.Finding
				for _, f := range report.Findings {
					if f.File == m.File && f.Number == number && f.Effect.Lock != "" {
						claims = append(claims, f)
					}
				}
				failed = !b.statement(ex, st.Text, claims) || failed
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if failed != ex.Fails {
			t.Errorf("docs/check.md:%d: the example of %s fails: %v", ex.Line, ex.Rule, failed)
		}
	}
}

func (b *bench) reset(setup string) {
	b.c.Exec(b.t, "DROP SCHEMA IF EXISTS old CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public", setup)
	b.old = map[string]bool{}
	for name := range b.see() {
		b.old[name] = true
	}
}

// table is what is seen of a table.
type table struct {
	file, scans, mode string
}

func (b *bench) see() map[string]table {
	out := map[string]table{}
	for _, row := range b.c.Rows(b.t, `SELECT c.relname, pg_relation_filenode(c.oid), pg_stat_get_xact_numscans(c.oid),
	coalesce((SELECT string_agg(l.mode, ',') FROM pg_locks l WHERE l.relation = c.oid AND l.pid = pg_backend_pid()), '')
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'm', 'v')`) {
		out[row[0]] = table{row[1], row[2], strongest(row[3])}
	}
	return out
}

var modes = []string{"AccessExclusiveLock", "ExclusiveLock", "ShareRowExclusiveLock", "ShareLock", "ShareUpdateExclusiveLock"}

// strongest is a mode as the manual spells it, "" for those that nobody minds.
func strongest(list string) string {
	for i, m := range modes {
		if slices.Contains(strings.Split(list, ","), m) {
			return []string{"ACCESS EXCLUSIVE", "EXCLUSIVE", "SHARE ROW EXCLUSIVE", "SHARE", "SHARE UPDATE EXCLUSIVE"}[i]
		}
	}
	return ""
}

// statement runs one, in a transaction where it can, and says whether it
// worked.
func (b *bench) statement(ex checktest.Example, text string, claims []check.Finding) bool {
	where := fmt.Sprintf("docs/check.md:%d on PostgreSQL %d: %s", ex.Line, b.major, text)
	words := strings.Fields(text)
	own := words[0] == "BEGIN" || words[0] == "COMMIT" || words[0] == "ROLLBACK;" || words[0] == "ROLLBACK"
	if own || strings.Contains(text, "CONCURRENTLY") && words[0] != "REFRESH" || words[0] == "VACUUM" {
		if words[0] == "ROLLBACK" {
			return false // as migrate says
		}
		err := b.c.Try(b.t.Context(), text)
		if err != nil && !ex.Fails {
			b.t.Errorf("%s: %v", where, err)
		}
		return err == nil
	}
	b.c.Exec(b.t, "BEGIN")
	before := b.see()
	if err := b.c.Try(b.t.Context(), text); err != nil {
		b.c.Exec(b.t, "ROLLBACK")
		if !ex.Fails {
			b.t.Errorf("%s: %v", where, err)
		}
		return false
	}
	after := b.see()
	b.c.Exec(b.t, "COMMIT")
	for _, f := range claims {
		name := strings.ToLower(f.Table)
		was, is := before[name], after[name]
		if _, gone := after[name]; !gone && strings.HasPrefix(text, "DROP") {
			continue
		}
		if f.Rule.ID == "rename-table" {
			is = after["people"]
		}
		if name == "" {
			continue
		}
		b.compared++
		if is.mode != f.Effect.Lock {
			b.t.Errorf("%s\n%s claims the lock %q, and it is %q", where, f.Rule.ID, f.Effect.Lock, is.mode)
		}
		if rewritten := was.file != is.file; rewritten != f.Effect.Rewrite && f.Rule.ID != "truncate" {
			b.t.Errorf("%s\n%s claims a rewrite: %v, and it is %v", where, f.Rule.ID, f.Effect.Rewrite, rewritten)
		}
		if read := was.scans != is.scans; read != f.Effect.Scan && !f.Effect.Rewrite && f.Rule.ID != "truncate" {
			b.t.Errorf("%s\n%s claims that all is read: %v, and it is %v", where, f.Rule.ID, f.Effect.Scan, read)
		}
	}
	if !ex.Bad {
		for name, was := range before {
			is, there := after[name]
			if !there || !b.old[name] {
				continue
			}
			keepsAway := is.mode == "ACCESS EXCLUSIVE" || is.mode == "SHARE ROW EXCLUSIVE" || is.mode == "SHARE"
			if keepsAway && (was.file != is.file || was.scans != is.scans) {
				b.t.Errorf("%s\nthis good example works through %s under %s", where, name, is.mode)
			}
		}
	}
	return true
}

// Locks are those that the server takes, for every statement of the page that
// runs in a transaction, also for the tables that it does not change.
func TestLocksAreTheServers(t *testing.T) {
	t.Parallel()
	b := &bench{t: t, c: dbtest.Dial(t, dbtest.Postgres(t).NewDatabase(t))}
	p := page(t)
	compared := 0
	b.reset(p.Setup)
	for _, text := range append(statements(p),
		"CREATE TABLE items (id bigint PRIMARY KEY, user_id bigint REFERENCES users (id))",
		"ALTER TABLE orders ADD COLUMN payer bigint REFERENCES users (id)",
		"ALTER TABLE orders ALTER COLUMN total SET DEFAULT 0",
		"LOCK TABLE users, orders IN SHARE ROW EXCLUSIVE MODE",
	) {
		s := ddl.Read(text, ddl.PostgreSQL())
		want := pgcheck.Locks(s)
		if len(want) == 0 || s.Concurrently || strings.Contains(text, "CONCURRENTLY") {
			continue
		}
		b.c.Exec(t, "BEGIN")
		if b.c.Try(t.Context(), text) == nil {
			after := b.see()
			for _, l := range want {
				if is, there := after[l.Table.Name]; there {
					compared++
					if is.mode != l.Mode {
						t.Errorf("%s: %s is locked with %q, and Locks says %q", text, l.Table.Name, is.mode, l.Mode)
					}
				}
			}
		}
		b.c.Exec(t, "ROLLBACK")
	}
	if compared < 40 {
		t.Errorf("only %d locks were compared", compared)
	}
}

func statements(p *checktest.Page) []string {
	var list []string
	for _, ex := range p.Examples {
		for _, f := range ex.Files {
			up, _, _ := strings.Cut(f, "-- rollback")
			for s := range strings.SplitSeq(up, ";\n") {
				if s = strings.Trim(s, "; \n"); s != "" && !strings.HasPrefix(s, "--") {
					list = append(list, s)
				}
			}
		}
	}
	return list
}
