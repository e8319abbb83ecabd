package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// A recipe is a section of a page of safe changes: migrations that come
// behind the page's first one, and what they are done instead of.
type recipe struct {
	name   string
	line   int
	files  []*block
	unsafe []*block
	locks  map[string]map[string]string // by the file's version, then by table
}

// lockRow is a row of a recipe's table: the version, what it locks, how long.
var (
	lockRow = regexp.MustCompile(`(?m)^\| (\d{4}) \| ([^|]*) \|`)
	locking = regexp.MustCompile("`(\\w+)` ([A-Z][A-Z ]+[A-Z])")
)

// recipes reads a page: the migration that all of them begin with, and the
// sections that have files.
func recipes(t *testing.T, p *page) (first *block, out []*recipe) {
	t.Helper()
	lines := strings.Split(p.text, "\n")
	var heads []int // the lines of the headings, from 1
	for i, l := range lines {
		if strings.HasPrefix(l, "## ") {
			heads = append(heads, i+1)
		}
	}
	for i, from := range heads {
		to := len(lines) + 1
		if i+1 < len(heads) {
			to = heads[i+1]
		}
		r := &recipe{name: strings.TrimPrefix(lines[from-1], "## "), line: from, locks: map[string]map[string]string{}}
		for j := range p.blocks {
			if b := &p.blocks[j]; b.line > from && b.line < to {
				switch {
				case b.file != "":
					r.files = append(r.files, b)
				case b.finds != "":
					r.unsafe = append(r.unsafe, b)
				}
			}
		}
		for _, m := range lockRow.FindAllStringSubmatch(strings.Join(lines[from:to-1], "\n"), -1) {
			r.locks[m[1]] = map[string]string{}
			for _, l := range locking.FindAllStringSubmatch(m[2], -1) {
				r.locks[m[1]][l[1]] = l[2]
			}
		}
		if len(r.files) > 0 {
			out = append(out, r)
		}
	}
	for j := range p.blocks {
		if b := &p.blocks[j]; b.file != "" && b.line < heads[0] {
			first = b
		}
	}
	if first == nil || len(out) < 8 {
		t.Fatalf("%s: %d recipes, and a first migration: %v", p.name, len(out), first != nil)
	}
	return first, out
}

func version(file string) string { return file[:4] }

func TestTheRecipesForPostgreSQLDoWhatTheySay(t *testing.T) {
	t.Parallel()
	runRecipes(t, docsPage(t, "recipes-postgresql.md"), dbtest.Postgres(t), watchLocks)
}

// A recipe for MySQL says in each statement what it asks of the server, which
// refuses what it cannot do that way.
func TestTheRecipesForMySQLDoWhatTheySay(t *testing.T) {
	t.Parallel()
	alter := regexp.MustCompile(`(?m)^(?:ALTER TABLE|CREATE INDEX|CREATE UNIQUE INDEX)[^;]*;`)
	cheap := regexp.MustCompile(`ALGORITHM=INSTANT;$|ALGORITHM=(?:INPLACE|NOCOPY),? LOCK=NONE;$`)
	runRecipes(t, docsPage(t, "recipes-mysql.md"), dbtest.MariaDB(t), func(t *testing.T, p *project, _ string, b *block, _ map[string]string) {
		for _, statement := range alter.FindAllString(upgrade(b), -1) {
			if !cheap.MatchString(statement) {
				t.Errorf("%s leaves the way to the server: %s", b.file, statement)
			}
		}
		p.dbwarden(0, "migrate", "-t", version(b.file))
	})
}

// runRecipes applies each recipe's files one by one, takes all of them back
// and applies them again; verify says that each leads back; check, which is not told how big the tables are,
// has nothing against them, and something against the other way.
func runRecipes(t *testing.T, page *page, server *dbtest.Server, apply func(*testing.T, *project, string, *block, map[string]string)) {
	bin := build(t)
	first, all := recipes(t, page)
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			url := server.NewDatabase(t)
			p := newProject(t, bin, "empty")
			p.env = append([]string{"DBWARDEN_DATABASE_URL=" + url}, p.env...)
			p.write("migrations/"+first.file, first.text)
			p.dbwarden(0, "migrate")
			for _, b := range r.unsafe {
				p.write("migrations/0002_unsafe.sql", "-- upgrade\n"+b.text+"\n\n-- rollback\nSELECT 1;\n")
				if got := p.dbwarden(6, "check", "--offline", "--since", "0001"); !strings.Contains(got, "["+b.finds+"]") {
					t.Errorf("%s:%d: check does not find %s:\n%s", page.name, b.line, b.finds, got)
				}
				if err := os.Remove(filepath.Join(p.dir, "migrations/0002_unsafe.sql")); err != nil {
					t.Fatal(err)
				}
			}
			for _, b := range r.files {
				p.write("migrations/"+b.file, b.text)
				if r.locks[version(b.file)] == nil {
					t.Errorf("%s:%d: nothing says what %s locks", page.name, r.line, b.file)
				}
			}
			p.dbwarden(0, "check", "--offline", "--since", "0001")
			p.dbwarden(0, "verify")
			for _, b := range r.files {
				apply(t, p, url, b, r.locks[version(b.file)])
			}
			back := "0001" // or the last one that has no way back
			for _, b := range r.files {
				if !strings.Contains(b.text, "-- rollback") {
					back = version(b.file)
				}
			}
			p.dbwarden(0, "rollback", "-t", back)
			p.dbwarden(0, "migrate")
			if got := p.dbwarden(0, "status", "--exit-code"); strings.Contains(got, "pending") && !strings.Contains(got, "0 pending") {
				t.Errorf("something is pending:\n%s", got)
			}
		})
	}
}

// upgrade is what a migration's block does on the way there.
func upgrade(b *block) string {
	_, text, _ := strings.Cut(b.text, "-- upgrade\n")
	text, _, _ = strings.Cut(text, "-- rollback")
	return text
}

// strength orders PostgreSQL's table locks.
var strength = []string{"ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE"}

// watchLocks applies a migration and looks at its locks: in a transaction that
// is held open, or, of a statement that must run alone, while a writer's
// transaction keeps it from its end.
func watchLocks(t *testing.T, p *project, url string, b *block, told map[string]string) {
	t.Helper()
	const held = `SELECT relation::regclass::text, string_agg(upper(regexp_replace(replace(mode, 'Lock', ''), '([a-z])([A-Z])', '\1 \2', 'g')), ',') FROM pg_locks
		WHERE locktype = 'relation' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND relation IN (to_regclass('customers'), to_regclass('orders'), to_regclass('clients')) AND pid %s GROUP BY 1`
	strongest := func(rows [][]string) map[string]string {
		out := map[string]string{}
		for _, row := range rows {
			out[row[0]] = slices.MaxFunc(strings.Split(row[1], ","), func(a, b string) int { return slices.Index(strength, a) - slices.Index(strength, b) })
		}
		return out
	}
	c := dbtest.Dial(t, url)
	alone := strings.Contains(upgrade(b), "CONCURRENTLY")
	switch {
	case strings.Contains(b.text, "-- transaction: off"), strings.Contains(upgrade(b), "ADD VALUE"):
		p.dbwarden(0, "migrate", "-t", version(b.file))
		return
	case !alone:
		got := strongest(c.Rows(t, "BEGIN; "+upgrade(b)+";"+fmt.Sprintf(held, "= pg_backend_pid()")))
		c.Exec(t, "ROLLBACK")
		for table, mode := range got {
			// A table that is renamed has its new name by now.
			if table == "clients" && told["customers"] != "" {
				table = "customers"
			}
			if want := told[table]; mode != want && (want != "" || slices.Index(strength, mode) > slices.Index(strength, "ACCESS SHARE")) {
				t.Errorf("%s locks %s with %s, and the page says %q", b.file, table, mode, want)
			}
		}
		for table := range told {
			if got[table] == "" && got["clients"] == "" {
				t.Errorf("%s does not lock %s at all", b.file, table)
			}
		}
		p.dbwarden(0, "migrate", "-t", version(b.file))
	default:
		var table string
		for table = range told {
			c.Exec(t, "BEGIN; LOCK TABLE "+table+" IN ROW EXCLUSIVE MODE")
		}
		run := p.program("migrate", "-t", version(b.file))
		done := make(chan error, 1)
		go func() {
			out, err := run.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w\n%s", err, out)
			}
			done <- err
		}()
		looker := dbtest.Dial(t, url)
		for deadline := time.Now().Add(20 * time.Second); ; {
			rows := looker.Rows(t, fmt.Sprintf(held, "NOT IN (pg_backend_pid(), "+c.Rows(t, "SELECT pg_backend_pid()")[0][0]+")")+" HAVING bool_or(mode NOT IN ('AccessShareLock'))")
			if got := strongest(rows); got[table] != "" {
				if got[table] != told[table] {
					t.Errorf("%s locks %s with %s, and the page says %s", b.file, table, got[table], told[table])
				}
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("%s was not seen to lock %s", b.file, table)
				break
			}
		}
		c.Exec(t, "ROLLBACK")
		if err := <-done; err != nil {
			t.Fatalf("%s: %v", b.file, err)
		}
	}
}
