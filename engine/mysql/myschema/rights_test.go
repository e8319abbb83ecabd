package myschema

import (
	"fmt"
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
