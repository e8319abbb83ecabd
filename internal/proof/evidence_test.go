package proof_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/dbwarden-go/dbwarden/engine/mysql/myschema"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest/trap"
	"github.com/dbwarden-go/dbwarden/internal/wirelab"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/schema"
)

// What is in doubt after a crash is settled by evidence, or named.

// A tale is a migration of five statements, which is killed at each of them.
type tale struct {
	name       string
	statements []string

	// opaque statements cannot be settled: they are named, and a person says
	// whether the row is there that each of them makes.
	opaque bool
}

// grounds is what every tale begins with.
const grounds = `-- upgrade
CREATE TABLE base (n INTEGER, m INTEGER);
INSERT INTO base VALUES (1, 10), (2, 20), (3, 30);
CREATE TABLE old (n INTEGER);
CREATE INDEX old_n ON old (n);
`

// tales speak of what each engine has; nothing in them can be run twice
// without a trace, but for what need not be.
func tales(engine string) []tale {
	index := []string{"CREATE INDEX base_n ON base (n)", "CREATE UNIQUE INDEX IF NOT EXISTS base_u ON base (n, m)", "DROP INDEX old_n", "REINDEX base_n", "CREATE INDEX base_m ON base (m)"}
	other := []string{"ALTER TABLE old RENAME TO older", "CREATE TRIGGER r AFTER INSERT ON base BEGIN DELETE FROM older; END", "VACUUM", "PRAGMA journal_mode = WAL", "CREATE TABLE rows AS SELECT n FROM base"}
	switch engine {
	case "postgres":
		index = []string{"CREATE INDEX CONCURRENTLY base_n ON base (n)", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS base_u ON base (n, m)",
			"DROP INDEX CONCURRENTLY old_n", "REINDEX INDEX CONCURRENTLY base_n", "CREATE INDEX CONCURRENTLY base_m ON public.base (m)"}
		other = []string{"CREATE TYPE mood AS ENUM ('calm')", "ALTER TYPE mood ADD VALUE 'glad'", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
			"CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'", "ALTER TABLE base ALTER m TYPE bigint"}
	case "mysql":
		index = []string{"CREATE INDEX base_n ON base (n)", "ALTER TABLE base ADD UNIQUE base_u (n, m)", "DROP INDEX old_n ON old", "OPTIMIZE TABLE base", "ALTER TABLE base ADD INDEX base_m (m), DROP INDEX base_n"}
		other = []string{"RENAME TABLE old TO older", "CREATE PROCEDURE p() BEGIN DELETE FROM older; END", "CREATE TRIGGER r AFTER INSERT ON base FOR EACH ROW CALL p()", "CREATE OR REPLACE VIEW v AS SELECT n FROM base", "DROP TABLE older"}
	}
	opaque := make([]string, 5)
	for i := range opaque {
		opaque[i] = secretly(engine, fmt.Sprintf("INSERT INTO base VALUES (%d, 0)", 101+i))
	}
	return []tale{
		{name: "definitions", statements: []string{"CREATE TABLE fresh (n INTEGER)", "ALTER TABLE base ADD COLUMN x INTEGER DEFAULT 7",
			"CREATE VIEW seen AS SELECT n FROM base", "ALTER TABLE base RENAME COLUMN m TO k", "DROP TABLE old"}},
		{name: "rows", statements: []string{"INSERT INTO base VALUES (4, 40)", "UPDATE base SET m = m + 1", "INSERT INTO base SELECT n + 10, m FROM base",
			"DELETE FROM base WHERE n = 2", "UPDATE base SET n = n * 2"}},
		{name: "both", statements: []string{"CREATE TABLE fresh (n INTEGER)", "INSERT INTO fresh SELECT n FROM base", "ALTER TABLE fresh ADD COLUMN x INTEGER",
			"UPDATE fresh SET x = n * 2", "DROP TABLE old"}},
		{name: "indexes", statements: index},
		{name: "others", statements: other},
		{name: "opaque", statements: opaque, opaque: true},
	}
}

// secretly is an INSERT that tells nobody what it does, and so shares no
// transaction with its journal entry.
func secretly(engine, insert string) string {
	switch engine {
	case "postgres":
		return "DO 'BEGIN " + insert + "; END'"
	case "mysql":
		return "EXECUTE IMMEDIATE '" + insert + "'"
	}
	return strings.Replace(insert, "INSERT", "INSERT OR FAIL", 1)
}

func (t tale) files() map[string]string {
	return map[string]string{
		"0001_grounds.sql": grounds,
		"0002_tale.sql":    "-- transaction: off\n-- upgrade\n" + strings.Join(t.statements, ";\n") + ";\n-- rollback\n",
	}
}

// portrait is all that a database holds, but for what is dbwarden's own.
func (b *bench) portrait() string {
	b.t.Helper()
	s := b.session()
	defer s.Close()
	own := []string{"dbwarden_migrations", "dbwarden_journal", "dbwarden_lock", "dbwarden_lock_run", "dbwarden_schema"}
	inspect, more := liteschema.Inspect, []string{"SELECT type || name || COALESCE(sql, '') FROM sqlite_schema WHERE tbl_name NOT LIKE 'dbwarden%' AND name NOT LIKE 'sqlite%' ORDER BY name"}
	switch b.engine.Name {
	case "postgres":
		inspect, more = pgschema.Inspect, []string{
			"SELECT relname || relkind::text || COALESCE(indisvalid, TRUE) FROM pg_class LEFT JOIN pg_index ON indexrelid = oid WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'dbwarden%' ORDER BY 1",
			"SELECT proname || prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
			"SELECT enumlabel FROM pg_enum ORDER BY enumsortorder",
		}
	case "mysql":
		inspect, more = myschema.Inspect, []string{
			"SELECT CONCAT(TABLE_NAME, TABLE_TYPE) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME NOT LIKE 'dbwarden%' ORDER BY 1",
			"SELECT CONCAT(ROUTINE_NAME, ROUTINE_DEFINITION) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() ORDER BY 1",
			"SELECT CONCAT(TRIGGER_NAME, ACTION_STATEMENT) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY 1",
		}
	}
	st, err := inspect(b.t.Context(), s, schema.Options{Own: own})
	if err != nil {
		b.t.Fatal(err)
	}
	var out strings.Builder
	for _, table := range st.Tables {
		if table.Own {
			continue
		}
		table.Schema = "" // on MariaDB the database's name
		text, err := json.Marshal(table)
		if err != nil {
			b.t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s\n", text)
		for _, c := range table.Columns {
			q := b.engine.Dialect.Quote
			fmt.Fprintf(&out, "%s: %s\n", c.Name, b.list("SELECT "+q(c.Name)+" FROM "+q(table.Name)+" ORDER BY 1"))
		}
	}
	for _, q := range more {
		fmt.Fprintln(&out, b.list(q))
	}
	return out.String()
}

// around are the moments at which a run is killed: the statement is written
// ahead and not sent; the server gets it when its sender is dead already; it
// is done, and not written down.
var around = []struct {
	name   string
	action wirelab.Action
}{{"before", wirelab.CutBefore}, {"during", wirelab.Hold}, {"after", wirelab.HoldReply}}

// TestKilledAroundAStatementAndSettled kills the released program (-9)
// before, during and after every statement outside a transaction, and has
// another run go on, by --recover and by unlock: in the end the database
// holds what an undisturbed run makes, without a hand's help where there is
// evidence, and with a statement named where there is none.
func TestKilledAroundAStatementAndSettled(t *testing.T) {
	onEveryServer(t, func(t *testing.T, p product) {
		for c, tl := range tales(p.engine.Name) {
			t.Run(tl.name, func(t *testing.T) {
				t.Parallel()
				want := tl.undisturbed(t, p)
				var group errgroup.Group
				group.SetLimit(atOnce)
				for k, statement := range tl.statements {
					for i, m := range around {
						if (testing.Short() || raced) && !sample(3*k+i, c) {
							continue
						}
						group.Go(func() error {
							t.Run(fmt.Sprintf("%d %s", k+1, m.name), func(t *testing.T) {
								b := newBench(t, p, p.newDatabase(t), tl.files())
								b.killedAt(p, statement, m.action)
								tl.settled(b, k+1, (k+i)%2 == 0)
								tl.ended(b, want)
							})
							return nil
						})
					}
				}
				if err := group.Wait(); err != nil {
					t.Fatal(err)
				}
			})
		}
	})
}

// TestKilledAtAWriteAndSettled is the same on SQLite, which has no wire: the
// program is killed before its n-th change of a file, of which there are many
// within each statement.
func TestKilledAtAWriteAndSettled(t *testing.T) {
	if err := trap.Available(); err != nil {
		t.Skip(err)
	}
	t.Parallel()
	onSQLite(t, func(t *testing.T, p product) {
		for i, tl := range tales(p.engine.Name) {
			t.Run(tl.name, func(t *testing.T) {
				t.Parallel()
				want := tl.undisturbed(t, p)
				b := newBench(t, p, p.newDatabase(t), tl.files())
				all, err := trap.Run(b.command("migrate").cmd, 0)
				if err != nil || all.Code != 0 {
					t.Fatalf("undisturbed: %+v, %v", all, err)
				}
				var group errgroup.Group
				group.SetLimit(atOnce)
				for n := 1; n <= all.Requests; n++ {
					if !sample(n, i) || n%3 != i%3 && os.Getenv("DBWARDEN_TEST_SOAK") == "" {
						continue
					}
					group.Go(func() error {
						t.Run(fmt.Sprintf("%03d", n), func(t *testing.T) {
							b := newBench(t, p, p.newDatabase(t), tl.files())
							if r, err := trap.Run(b.command("migrate").cmd, n); err != nil || !r.Killed && r.Code != 0 {
								t.Fatalf("%+v, %v", r, err)
							}
							tl.settled(b, 0, n%2 == 0)
							tl.ended(b, want)
						})
						return nil
					})
				}
				if err := group.Wait(); err != nil {
					t.Fatal(err)
				}
			})
		}
	})
}

// undisturbed is what the tale leaves where nobody is killed.
func (t tale) undisturbed(tt *testing.T, p product) string {
	tt.Helper()
	b := newBench(tt, p, p.newDatabase(tt), t.files())
	b.must(0, "migrate")
	return b.portrait()
}

// killedAt has the program killed at a statement of its migration.
func (b *bench) killedAt(p product, statement string, action wirelab.Action) {
	b.t.Helper()
	u, err := url.Parse(b.address)
	if err != nil {
		b.t.Fatal("the database's URL cannot be read")
	}
	started, dead := make(chan *process, 1), make(chan struct{})
	proxy, err := wirelab.Start(u.Host, p.protocol, wirelab.Fault{Text: statement, Action: action, Met: func(wirelab.Request) {
		if victim := <-started; victim.cmd.Process.Kill() == nil {
			<-dead
		}
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(proxy.Close)
	u.Host = proxy.Addr()
	victim := b.at(u.String()).start("migrate")
	started <- victim
	code := victim.wait()
	close(dead)
	if code != -1 {
		b.t.Fatalf("it was not killed: %s", victim)
	}
}

// settled brings a killed tale to its end; at is the statement that it was
// killed at, 0 where that is not known.
func (t tale) settled(b *bench, at int, takeOver bool) {
	b.t.Helper()
	again := []string{"migrate"}
	if takeOver {
		again = append(again, "--recover")
	} else if b.quiet().Lock == "active" {
		b.must(0, "unlock")
	}
	doc, code := b.ask([]int{0, 4}, again...)
	if code == 4 && t.opaque {
		number := doubted.FindStringSubmatch(doc.Error.Message)
		if number == nil || at > 0 && number[1] != fmt.Sprint(at) {
			b.t.Fatalf("named is %+v, want statement %d", doc.Error, at)
		}
		how := "--retry"
		if b.value("SELECT COUNT(*) FROM base WHERE n = 100 + "+number[1]) == "1" {
			how = "--done"
		}
		b.must(0, "resolve", "2", how)
		if takeOver {
			b.must(0, "unlock") // taken over, and kept as it was found
		}
		b.must(0, "migrate")
		return
	}
	if code != 0 || t.opaque && at > 0 {
		b.t.Fatalf("the next run: exit %d, %+v", code, doc)
	}
	if takeOver && len(doc.Planned) == 0 {
		// Nothing was left to do but the release, and the server may have
		// taken the killed one for alive.
		b.quiet()
		b.must(0, "migrate", "--recover")
	}
	b.must(0, "lock-status", "--exit-code")
}

// ended checks that the tale has come to its end.
func (t tale) ended(b *bench, want string) {
	b.t.Helper()
	if got := b.portrait(); got != want {
		b.t.Errorf("the database holds\n%s\nand an undisturbed run makes\n%s", got, want)
	}
	b.consistent()
	b.must(0, "lock-status", "--exit-code")
	entries, err := b.warden().Attempts(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range entries {
		if e.What == journal.Resolved && (e.Evidence == "") != t.opaque {
			b.t.Errorf("statement %d was settled by %q", e.From, e.Evidence)
		}
	}
}
