package postgres

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

// TestForLibpq: what stands on a command line has no secret, and what libpq
// does not know goes another way.
func TestForLibpq(t *testing.T) {
	t.Parallel()
	const raw = "postgresql+psycopg://app:s3cret@h1:5432,h2:5433/shop?sslmode=verify-full&sslrootcert=/ca.pem&sslpassword=k3y&password=0ther" +
		"&search_path=a,%22b%20c%22&options=-c%20geqo%3Doff&application_name=x&pool_max_conns=4&krbspn=k&target_session_attrs=read-write"
	clean, password, err := split(raw)
	if err != nil || password != "0ther" {
		t.Fatal(password, err)
	}
	want := libpq{
		url:     "postgresql://app@h1:5432,h2:5433/shop?sslmode=verify-full&sslrootcert=/ca.pem&application_name=x&target_session_attrs=read-write&service=dbwarden",
		secrets: "sslpassword=k3y\n",
		options: `-c search_path=a,"b\ c" -c geqo=off`,
	}
	if l := forLibpq(clean, ""); l != want {
		t.Errorf("%+v\nwant\n%+v", l, want)
	}
	db, err := open("postgres://app:pa%3Ass%5C@h/shop?sslmode=disable", engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p := db.(*database).program(engine.Program{Args: []string{"--one"}}, db.(*database).config.Password)
	if line := strings.Join(p.Args, " "); line != "--one --no-password --dbname=postgres://app@h/shop?sslmode=disable" {
		t.Errorf("%s", line)
	}
	if p.Files["pgpass"] != `*:*:*:*:pa\:ss\\`+"\n" || p.Env["PGPASSFILE"] != "{pgpass}" {
		t.Errorf("%q, %q", p.Files, p.Env)
	}
}
