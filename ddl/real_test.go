package ddl_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Nothing in the schemas of Sakila and Chinook is beyond the reader.
func TestRealSchemasAreUnderstood(t *testing.T) {
	t.Parallel()
	dir := dbtest.DataDir(t)
	psql := regexp.MustCompile(`(?m)^\\.*$`)
	for name, d := range map[string]ddl.Dialect{
		"chinook/postgres.sql": ddl.PostgreSQL(), "chinook/mysql.sql": ddl.MySQL(), "chinook/sqlite.sql": ddl.SQLite(),
		"sakila/postgres-schema.sql": ddl.PostgreSQL(), "sakila/mysql-schema.sql": ddl.MySQL(), "sakila/sqlite-schema.sql": ddl.SQLite(),
	} {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		list, err := sqltext.All(psql.ReplaceAllString(string(text), ""), d.Lexis)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) < 20 {
			t.Errorf("%s has only %d statements", name, len(list))
		}
		for _, s := range list {
			if r := ddl.Read(s.Text, d); !r.Understood {
				t.Errorf("%s:%s: %.100s: not understood at %d", name, s.Start, s.Text, r.StoppedAt)
			}
		}
	}
}
