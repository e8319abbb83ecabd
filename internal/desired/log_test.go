package desired_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/desired"
)

// The server's own log of statements says what planning did in the database
// that is planned for: it looked.
func TestPlanningWritesNothingToTheDatabaseThatIsPlannedFor(t *testing.T) {
	t.Parallel()
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		server := dbtest.OwnPostgres(t, "log_statement=all", "logging_collector=on", "log_line_prefix=%d|")
		url := server.NewDatabase(t)
		e := postgres.Engine()
		if _, _, err := run(t, e, open(t, e, url), desired.Model{Name: "m.sql", Text: shop[e.Name]}); err != nil {
			t.Fatal(err)
		}
		log := ask(t, open(t, e, server.URL()), "SELECT pg_read_file(pg_current_logfile())")
		statement := regexp.MustCompile(`(?m)^` + dbtest.DatabaseName(url) + `\|.*(?:statement|execute [^:]*): (.*)`)
		seen := statement.FindAllStringSubmatch(log, -1)
		if len(seen) == 0 || !strings.Contains(log, "CREATE TYPE mood") {
			t.Fatalf("the log does not tell:\n%s", log)
		}
		for _, m := range seen {
			// One message holds several statements, all of them questions.
			for one := range strings.SplitSeq(m[1], "; ") {
				if !strings.HasPrefix(strings.TrimSpace(one), "SELECT ") && !strings.HasPrefix(one, "SET ") {
					t.Errorf("in the database: %s", one)
				}
			}
		}
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		server := dbtest.OwnMariaDB(t)
		url := server.NewDatabase(t)
		server.Exec(t, "SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = 'ON'")
		e := mysql.Engine()
		if _, _, err := run(t, e, open(t, e, url), desired.Model{Name: "m.sql", Text: shop[e.Name]}); err != nil {
			t.Fatal(err)
		}
		admin := open(t, e, server.URL())
		name := dbtest.DatabaseName(url)
		for what, query := range map[string]string{
			"connects to it": "SELECT argument FROM mysql.general_log WHERE command_type = 'Connect' AND argument LIKE '% on " + name + " %'",
			"names it":       "SELECT argument FROM mysql.general_log WHERE command_type <> 'Connect' AND argument LIKE '%" + name + "%' AND argument NOT LIKE 'SELECT%'",
		} {
			if got := ask(t, admin, query); got != "" {
				t.Errorf("planning %s: %s", what, got)
			}
		}
		if got := ask(t, admin, "SELECT COUNT(*) FROM mysql.general_log WHERE argument LIKE 'CREATE TABLE items%'"); got == "0" {
			t.Error("the log does not tell")
		}
	})
}
