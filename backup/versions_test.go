package backup_test

import (
	"errors"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// TestOtherServers: an older server goes there and back with the pg_dump that is
// here, and one that is newer than it is refused before anything is run.
func TestOtherServers(t *testing.T) {
	t.Parallel()
	for _, version := range dbtest.PostgresVersions(t) {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			t.Parallel()
			p := product{postgres.Engine(), pgschema.Inspect, dbtest.PostgresVersion(t, version)}
			b := newBench(t, p, p.url(t))
			b.put("0001_a.sql", "CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY, t text); INSERT INTO a (t) VALUES ('x'); CREATE VIEW v AS SELECT * FROM a;")
			b.migrate()
			out, err := exec.Command("pg_dump", "--version").Output()
			if err != nil {
				t.Fatal(err)
			}
			has, err := strconv.Atoi(regexp.MustCompile(`\) (\d+)`).FindStringSubmatch(string(out))[1])
			if err != nil {
				t.Fatal(err)
			}
			if has < version {
				var old *engine.OldProgramError
				if err := b.refused(t.Context()); !errors.As(err, &old) || !strings.HasPrefix(old.Server, strconv.Itoa(version)) {
					t.Errorf("%v", err)
				}
				return
			}
			rows, state := b.rows(), b.state()
			b.put("0002_b.sql", "DROP TABLE a CASCADE; CREATE TABLE b (id int GENERATED ALWAYS AS IDENTITY);")
			made := b.mustMigrateWith()
			b.mustRestore(made.Path)
			b.same(rows, state)
			b.free()
			b.migrate()
		})
	}
}

// TestTheURLsWords: whatever a URL may say goes to the client programs as well,
// in their own words.
func TestTheURLsWords(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		product func(*testing.T) product
		query   string
	}{
		"PostgreSQL":        {pg, "sslmode=prefer&application_name=mine%20own&search_path=public&work_mem=8MB&options=-c%20random_page_cost%3D2&connect_timeout=9&pool_max_conns=3"},
		"MariaDB preferred": {maria, "tls=preferred&charset=utf8mb4&connect_timeout=9"},
		"MariaDB false":     {maria, "tls=false"},
	} {
		p := of.product(t)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _, _ := strings.Cut(p.url(t), "?")
			b := newBench(t, p, address+"?"+of.query)
			b.put("0001_a.sql", "CREATE TABLE a (n INTEGER);")
			b.mustMigrateWith()
		})
	}
}
