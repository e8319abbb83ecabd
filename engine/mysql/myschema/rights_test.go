package myschema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/schema"
)

// An account that may read rows alone sees that there are views, and not what
// they are: a script or a comparison must not take that for nothing.
func TestDefinitionsThatMayNotBeSeenAreNamed(t *testing.T) {
	t.Parallel()
	server := dbtest.MariaDB(t)
	url := server.NewDatabase(t)
	db := dbtest.Dial(t, url)
	db.Exec(t, "CREATE TABLE t (n INT)", "CREATE VIEW v AS SELECT n FROM t", "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.n = 1")
	user, password := server.NewRole(t)
	grant := func(right string) {
		db.Exec(t, fmt.Sprintf("GRANT %s ON %s.* TO %s@'%%'", right, quote(dbtest.DatabaseName(url)), quote(user)))
	}
	look := func() *schema.State {
		d, err := mysql.Engine().Open(server.WithUser(url, user, password), engine.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.Connect(t.Context(), engine.ConnectOptions{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		return inspect(t, s, schema.Options{})
	}
	grant("SELECT")
	st := look()
	if diff := cmp.Diff([]schema.ID{{Kind: schema.KindView, Name: "v"}}, st.Unseen()); diff != "" || len(st.Tables) != 1 {
		t.Errorf("with SELECT alone: %d tables\n%s", len(st.Tables), diff)
	}
	grant("SHOW VIEW, TRIGGER")
	if st = look(); len(st.Unseen()) > 0 || len(st.Tables[0].Triggers) != 1 {
		t.Errorf("with the rights to see: unseen %v, triggers %v", st.Unseen(), st.Tables[0].Triggers)
	}
}

// A sequence without SELECT, and a routine that may be called alone, are named
// as well, and no plan makes them anew from what it does not know.
func TestSequencesAndRoutinesThatMayNotBeSeenAreNamed(t *testing.T) {
	t.Parallel()
	server := dbtest.MariaDB(t)
	url := server.NewDatabase(t)
	db := dbtest.Dial(t, url)
	db.Exec(t, "CREATE TABLE t (n INT)", "CREATE SEQUENCE seen START WITH 7", "CREATE SEQUENCE hidden", "CREATE FUNCTION f(n INT) RETURNS INT RETURN n", "CREATE PROCEDURE p() SELECT 1")
	home := quote(dbtest.DatabaseName(url))
	user, password := server.NewRole(t)
	for _, right := range []string{"SELECT ON $.t", "SELECT ON $.seen", "INSERT ON $.hidden", "EXECUTE ON FUNCTION $.f", "EXECUTE ON PROCEDURE $.p"} {
		db.Exec(t, "GRANT "+strings.ReplaceAll(right, "$", home)+" TO "+quote(user)+"@'%'")
	}
	d, err := mysql.Engine().Open(server.WithUser(url, user, password), engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Connect(t.Context(), engine.ConnectOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	st := inspect(t, s, schema.Options{})
	if diff := cmp.Diff([]schema.ID{{Kind: schema.KindSequence, Name: "hidden"}, {Kind: schema.KindRoutine, Name: "f(`n` int(11))"}, {Kind: schema.KindRoutine, Name: "p()"}}, st.Unseen()); diff != "" {
		t.Errorf("unseen: %s", diff)
	}
	if len(st.Sequences) != 2 || st.Sequences[1].Start != 7 {
		t.Errorf("sequences: %+v", st.Sequences)
	}
	steps, left := Plan(&schema.State{Engine: "mariadb", Home: st.Home}, st)
	for _, step := range steps {
		if strings.Contains(step.SQL, "hidden") || strings.Contains(step.SQL, "FUNCTION") {
			t.Errorf("planned: %s", step.SQL)
		}
	}
	if len(left) != 3 {
		t.Errorf("left: %v", left)
	}
}
