package scratch_test

import (
	"strconv"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
)

// What a database takes from another one is asked otherwise on each version.
func TestScratchDatabasesOnOtherVersions(t *testing.T) {
	t.Parallel()
	for _, version := range dbtest.PostgresVersions(t) {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			t.Parallel()
			e := postgres.Engine()
			server := dbtest.PostgresVersion(t, version)
			url := server.NewDatabase(t)
			main := open(t, e, url)
			if version >= 16 { // an order of letters that is not the system's
				exec(t, open(t, e, server.URL()), "DROP DATABASE "+nameOf(main), "CREATE DATABASE "+nameOf(main)+" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' ICU_RULES '&a < b'")
			}
			for _, dev := range []bool{false, true} {
				var given = open(t, e, server.NewDatabase(t))
				if !dev {
					given = nil
				}
				s, err := scratch.Open(t.Context(), e, main, given, "")
				if err != nil {
					t.Fatal(err)
				}
				if version >= 16 && !dev {
					if got := ask(t, s, "SELECT datlocprovider::text||coalesce(daticurules, '') FROM pg_database WHERE datname = current_database()"); got != "i&a < b" {
						t.Errorf("the order of letters is %q", got)
					}
				}
				exec(t, s, "CREATE TABLE users (id INT)", "CREATE VIEW v AS SELECT * FROM users")
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if !dev && there(t, products["PostgreSQL"], server, nameOf(s)) {
					t.Errorf("%s is still there", s.Label())
				}
			}
		})
	}
}
