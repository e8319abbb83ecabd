package dbwarden_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/mysql/myschema"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// TestRightsAreThoseOfThePage: the roles that docs/lock.md describes can do
// their work, and none of the rights can be left out; what is missing then is
// named. The GRANTs are read from the page.
func TestRightsAreThoseOfThePage(t *testing.T) {
	t.Parallel()
	for _, p := range []rightsOf{
		{name: "PostgreSQL", page: "PostgreSQL", engine: postgres.Engine(), server: dbtest.Postgres, schema: "app",
			inspect: pgschema.Inspect, prepare: []string{"REVOKE ALL ON SCHEMA public FROM PUBLIC", "CREATE SCHEMA app"}},
		{name: "MariaDB", page: "MariaDB, MySQL", engine: mysql.Engine(), server: dbtest.MariaDB, inspect: myschema.Inspect},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for _, role := range []string{"migrator", "reader", "unlocker"} {
				grants := pageRights(t, p.page, role)
				t.Run(role, func(t *testing.T) {
					t.Parallel()
					p.try(t, role, grants, "")
				})
				for _, less := range withoutOne(grants) {
					t.Run(role+" without "+less.right, func(t *testing.T) {
						t.Parallel()
						p.try(t, role, less.grants, less.right)
					})
				}
			}
		})
	}
}

// pageRights are the statements of the page's block for a role.
func pageRights(t *testing.T, product, role string) (grants []string) {
	t.Helper()
	page, err := os.ReadFile("docs/lock.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("```sql\n-- " + product + ": " + role + "\n((?s:.*?))```").FindSubmatch(page)
	if block == nil {
		t.Fatalf("docs/lock.md has no rights of a %s on %s", role, product)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(block[1])), "\n") {
		if !strings.HasPrefix(line, "--") {
			grants = append(grants, line)
		}
	}
	return grants
}

// fewer are a role's rights without one.
type fewer struct {
	right  string
	grants []string
}

var grantForm = regexp.MustCompile(`^GRANT (.*?)( ON .*)? TO (\w+);$`)

// withoutOne leaves out each right in turn.
func withoutOne(grants []string) (all []fewer) {
	for i, g := range grants {
		parts := grantForm.FindStringSubmatch(g)
		rights := strings.Split(parts[1], ", ")
		for j, right := range rights {
			less := append([]string{}, grants[:i]...)
			if len(rights) > 1 {
				rest := append(append([]string{}, rights[:j]...), rights[j+1:]...)
				less = append(less, "GRANT "+strings.Join(rest, ", ")+parts[2]+" TO "+parts[3]+";")
			}
			all = append(all, fewer{right, append(less, grants[i+1:]...)})
		}
	}
	return all
}

// rightsOf is a product with rights.
type rightsOf struct {
	name    string
	page    string // its name in docs/lock.md
	engine  *engine.Engine
	server  func(testing.TB) *dbtest.Server
	schema  string
	prepare []string
	inspect func(context.Context, engine.Session, schema.Options) (*schema.State, error)
}

// try lets a role with these rights do its work, which must be refused with
// the name of the missing one where there is one.
func (p rightsOf) try(t *testing.T, role string, grants []string, missing string) {
	server := p.server(t)
	url := server.NewDatabase(t)
	admin := dbtest.Dial(t, url)
	admin.Exec(t, p.prepare...)
	as := func(role string, grants []string) *bench {
		user, password := server.NewRole(t)
		for _, g := range grants {
			g = regexp.MustCompile(`\bshop\b`).ReplaceAllString(g, dbtest.DatabaseName(url))
			g = regexp.MustCompile(`\b`+role+`\b`).ReplaceAllString(g, user)
			admin.Exec(t, g)
		}
		db, err := p.engine.Open(server.WithUser(url, user, password), engine.OpenOptions{Schema: p.schema})
		if err != nil {
			t.Fatal(err)
		}
		b := &bench{t: t, engine: p.engine, db: db, files: fstest.MapFS{}, wait: 30 * time.Second}
		b.put("1_t.sql", rightsFile)
		return b
	}
	check := func(err error) {
		t.Helper()
		if missing == "" {
			if err != nil {
				t.Error(err)
			}
			return
		}
		said := fmt.Sprint(err)
		said += "\n" + p.engine.Fault(err).Hint
		if denied, ok := errors.AsType[*dbwarden.DeniedError](err); ok {
			said += "\n" + denied.Grant + "\n" + denied.Who
		}
		if err == nil || !strings.Contains(said, missing) {
			t.Errorf("without %s: %s; want it refused by name", missing, said)
		}
	}
	if role == "migrator" {
		b := as(role, grants)
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		if err == nil {
			_, err = b.warden().Rollback(t.Context(), plan.Target{})
		}
		check(err)
		return
	}

	// Another role is at work meanwhile.
	m := as("migrator", pageRights(t, p.page, "migrator"))
	m.migrate()
	m.put("2_t.sql", "-- upgrade\nCREATE TABLE second (n INTEGER);\n")
	working, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	m.watch = func(e event.Event) {
		if e.Kind == event.StatementStarted {
			close(working)
			<-goOn
		}
	}
	w := m.warden()
	go func() {
		_, err := w.Migrate(context.Background(), plan.Target{})
		ended <- err
	}()
	<-working
	b := as(role, grants)
	var err error
	if role == "reader" {
		err = b.lookAtAll(p)
	} else {
		_, err = b.warden().Unlock(t.Context(), true, "test")
	}
	check(err)
	close(goOn)
	if err := <-ended; (role == "unlocker" && missing == "") != errors.Is(err, lock.ErrLost) {
		t.Errorf("the run ended with %v", err)
	}
}

// lookAtAll is what somebody does who may only look.
func (b *bench) lookAtAll(p rightsOf) error {
	ctx, w := b.t.Context(), b.warden()
	r, err := w.Lock(ctx)
	if err == nil && r.Verdict != lock.Alive {
		b.t.Errorf("the lock is %s", r.Verdict)
	}
	_, e := w.Status(ctx)
	err = errors.Join(err, e)
	_, e = w.History(ctx)
	err = errors.Join(err, e)
	_, e = w.Attempts(ctx)
	err = errors.Join(err, e)
	s, e := b.db.Connect(ctx, engine.ConnectOptions{ReadOnly: true})
	if e != nil {
		return errors.Join(err, e)
	}
	defer s.Close()
	state, e := p.inspect(ctx, s, schema.Options{})
	if e == nil && err == nil && len(state.Tables) < 4 {
		b.t.Errorf("%d tables are seen", len(state.Tables))
	}
	return errors.Join(err, e)
}

// rightsFile needs each of the rights that the page names for migrations.
const rightsFile = `-- upgrade
CREATE TABLE t (n INTEGER NOT NULL PRIMARY KEY);
CREATE TABLE u (n INTEGER NOT NULL, FOREIGN KEY (n) REFERENCES t (n));
ALTER TABLE t ADD COLUMN m INTEGER;
CREATE INDEX t_m ON t (m);

-- rollback
DROP TABLE u;
DROP TABLE t;
`
