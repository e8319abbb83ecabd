package mysql

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

// TestOptionFile: the words for encryption are those of the program that reads
// them, and no weaker than the URL's. MariaDB's own program takes each of them.
func TestOptionFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct{ query, maria, mysql string }{
		{"", "disable-ssl\n", "ssl-mode=DISABLED\n"},
		{"tls=preferred", "ssl\ndisable-ssl-verify-server-cert\n", "ssl-mode=PREFERRED\n"},
		{"tls=skip-verify", "ssl\ndisable-ssl-verify-server-cert\n", "ssl-mode=REQUIRED\n"},
		{"tls=true", "ssl\nssl-verify-server-cert\n", "ssl-mode=VERIFY_IDENTITY\n"},
		{"ssl_mode=VERIFY_CA", "ssl\nssl-verify-server-cert\n", "ssl-mode=VERIFY_CA\n"},
		{"tls=true&ssl_verify_identity=false", "ssl\nssl-verify-server-cert\n", "ssl-mode=VERIFY_CA\n"},
		{"tls=true&ssl_verify_cert=false", "ssl\ndisable-ssl-verify-server-cert\n", "ssl-mode=REQUIRED\n"},
		{"tls=true&allow_cleartext_passwords=true", "ssl\nssl-verify-server-cert\n", "ssl-mode=VERIFY_IDENTITY\nenable-cleartext-plugin\n"},
	} {
		d, err := open(`mysql://u%22s:p%5C%22%23%0Aw@[::1]:3307/shop?`+c.query, engine.OpenOptions{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		password := d.(*database).address.password
		text := d.(*database).optionFile(tool{maria: true}, password)
		const head = "[client]\nuser=\"u\\\"s\"\npassword=\"p\\\\\\\"#\\nw\"\nprotocol=\"TCP\"\nhost=\"::1\"\nport=\"3307\"\n"
		if text != head+c.maria {
			t.Errorf("%s: MariaDB\n%s\nwant\n%s", c.query, text, head+c.maria)
		}
		if got := d.(*database).optionFile(tool{}, password); got != head+c.mysql {
			t.Errorf("%s: MySQL\n%s\nwant\n%s", c.query, got, head+c.mysql)
		}
		path, err := osexec.LookPath("mariadb-dump")
		if err != nil {
			continue
		}
		file := filepath.Join(dir, "client")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := osexec.Command(path, "--defaults-file="+file, "--help").CombinedOutput(); err != nil || strings.Contains(string(out), "unknown option") {
			t.Errorf("%s: %v\n%.300s", c.query, err, out)
		}
	}
	a := &address{params: map[string]string{"ssl_ca": "ca.pem", "socket": "/run/db.sock"}}
	got := (&database{address: a, dir: dir}).optionFile(tool{}, "")
	if !strings.Contains(got, "ssl-ca=\""+filepath.Join(dir, "ca.pem")+"\"\n") || !strings.Contains(got, "protocol=\"SOCKET\"\nsocket=\"/run/db.sock\"\n") || strings.Contains(got, "host=") {
		t.Errorf("%s", got)
	}
}
