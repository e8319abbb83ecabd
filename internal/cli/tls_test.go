package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// tlsBench is a product's servers that take nobody without TLS, and the files of
// who comes to them.
type tlsBench struct {
	postgres      bool
	files         map[string]string
	good, expired *dbtest.Server
}

// newTLSBench makes servers whose certificates are for 127.0.0.1 alone. On the
// second one the certificate is over.
func newTLSBench(t *testing.T, name string) *tlsBench {
	t.Helper()
	ours, clients, others := dbtest.NewAuthority(t, "ours"), dbtest.NewAuthority(t, "clients"), dbtest.NewAuthority(t, "others")
	hour := time.Now().Add(time.Hour)
	start := dbtest.MariaDBWithTLS
	if name == "PostgreSQL" {
		start = dbtest.PostgresWithTLS
	}
	app, late, stranger := clients.Issue(t, "app", hour), clients.Issue(t, "app", time.Now().Add(-time.Hour)), others.Issue(t, "app", hour)
	return &tlsBench{
		postgres: name == "PostgreSQL",
		good:     start(t, ours.Issue(t, "server", hour, "127.0.0.1", "db.example.org"), clients),
		expired:  start(t, ours.Issue(t, "server", time.Now().Add(-time.Hour), "127.0.0.1"), clients),
		files: map[string]string{
			"tls/ca.pem": string(ours.PEM), "tls/other.pem": string(others.PEM),
			"tls/app.pem": string(app.Cert), "tls/app.key": string(app.Key),
			"tls/late.pem": string(late.Cert), "tls/late.key": string(late.Key),
			"tls/stranger.pem": string(stranger.Cert), "tls/stranger.key": string(stranger.Key),
			"migrations/0001_a.sql": "-- upgrade\nCREATE TABLE a (n int);\n",
		},
	}
}

// desk is a project whose warden.toml has the URL. Its files lie beside that.
func (b *tlsBench) desk(t *testing.T, url string) *desk {
	t.Helper()
	d := newDesk(t, b.files)
	// The client programs read a key only if it is its owner's alone.
	for _, key := range []string{"tls/app.key", "tls/late.key", "tls/stranger.key"} {
		if err := os.Chmod(filepath.Join(d.dir, key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(d.dir, "warden.toml"), []byte("database_url = \""+url+"\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// account is one that may do everything in a database, and must show a
// certificate if it is said to.
func (b *tlsBench) account(t *testing.T, s *dbtest.Server, url string, certified bool) string {
	t.Helper()
	user, password := s.NewRole(t)
	c := dbtest.Dial(t, s.Near(url))
	switch {
	case b.postgres && certified:
		c.Exec(t, "GRANT "+dbtest.Certified+" TO "+user)
	case certified:
		c.Exec(t, "ALTER USER "+user+" REQUIRE X509")
	}
	if b.postgres {
		c.Exec(t, "GRANT ALL ON SCHEMA public TO "+user)
	} else {
		c.Exec(t, "GRANT ALL ON *.* TO "+user)
	}
	return s.WithUser(url, user, password)
}

// with is a URL with these parameters and no others.
func with(url, params string) string {
	url, _, _ = strings.Cut(url, "?")
	return url + "?" + params
}

func onTLS(t *testing.T, test func(t *testing.T, b *tlsBench)) {
	t.Parallel()
	for _, name := range []string{"PostgreSQL", "MariaDB"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newTLSBench(t, name))
		})
	}
}

// What a URL says of TLS is what is done: who is to be checked is checked, and
// the error says which of the checks failed. The tables are those of
// docs/configuration.md.
func TestTLSIsAsTheURLSays(t *testing.T) {
	onTLS(t, func(t *testing.T, b *tlsBench) {
		const (
			stranger = `signed by unknown authority.*\n  hint: who signed the server's certificate is not trusted here: (sslrootcert|ssl_ca) names`
			otherOne = `certificate is valid for db\.example\.org, not localhost.*\n  hint: name the server in the URL as its certificate does; (sslmode=verify-ca|ssl_mode=VERIFY_CA) leaves`
			unsigned = `requires a valid client certificate\n.*\n  hint: the server wants a certificate of this client, signed by an authority that it trusts: sslcert and sslkey`
			refused  = `remote error: tls: .*\n  hint: the server does not take the certificate of this client`
			// MySQL says so; MariaDB says it before it asks who it is, or never.
			insecure = `(?s)insecure transport.*\n  hint: the server takes nobody over the network without TLS: ask for it with tls=true` +
				`|Access denied.*\n  hint: an account that must come with TLS \(REQUIRE SSL, REQUIRE X509\) is refused in these words, too: see tls in the URL`
			over = `certificate has expired.*\n  hint: the server needs a new certificate, or one of the two clocks is wrong`
		)
		type attempt struct {
			params string
			refuse string // "": it works
			name   bool   // the server is called by a name that its certificate has not
			over   bool   // on the server whose certificate is over
			wanted bool   // the account must show a certificate
		}
		attempts := []attempt{
			{params: "sslmode=verify-full&sslrootcert=tls/ca.pem"},
			{params: "sslmode=verify-full&sslrootcert=tls/other.pem", refuse: stranger},
			{params: "sslmode=verify-full&sslrootcert=tls/ca.pem", name: true, refuse: otherOne},
			{params: "sslmode=verify-full&sslrootcert=tls/ca.pem", over: true, refuse: over},
			{params: "sslmode=verify-ca&sslrootcert=tls/ca.pem", name: true},
			{params: "sslmode=verify-ca&sslrootcert=tls/other.pem", refuse: stranger},
			{params: "sslmode=verify-ca&sslrootcert=tls/ca.pem", over: true, refuse: over},
			{params: "sslmode=require&sslrootcert=tls/other.pem", refuse: stranger}, // as libpq has it
			{params: "sslmode=require", over: true},
			{params: "sslmode=prefer", name: true},
			{params: "", name: true}, // which is prefer
			{params: "sslmode=disable", refuse: `no pg_hba.conf entry .*, no encryption\n.*\n  hint: the connection was made without TLS`},
			{params: "sslmode=verify-full&sslrootcert=tls/ca.pem", wanted: true, refuse: unsigned},
			{params: "sslmode=verify-full&sslrootcert=tls/ca.pem&sslcert=tls/stranger.pem&sslkey=tls/stranger.key", wanted: true, refuse: unsigned},
			{params: "sslmode=verify-full&sslrootcert=tls/ca.pem&sslcert=tls/late.pem&sslkey=tls/late.key", wanted: true, refuse: refused},
			{params: "sslmode=verify-full&sslrootcert=tls/ca.pem&sslcert=tls/app.pem&sslkey=tls/app.key", wanted: true},
		}
		if !b.postgres {
			attempts = []attempt{
				{params: "tls=true&ssl_ca=tls/ca.pem"},
				{params: "ssl_mode=VERIFY_IDENTITY&ssl_ca=tls/ca.pem"},
				{params: "ssl_ca=tls/ca.pem"}, // which is tls=true
				{params: "ssl_ca=tls/ca.pem", name: true, refuse: otherOne},
				{params: "tls=true&ssl_ca=tls/other.pem", refuse: stranger},
				{params: "tls=true", refuse: stranger}, // no public authority knows it
				{params: "tls=true&ssl_ca=tls/ca.pem", name: true, refuse: otherOne},
				{params: "tls=true&ssl_ca=tls/ca.pem", over: true, refuse: over},
				{params: "ssl_mode=VERIFY_CA&ssl_ca=tls/ca.pem", name: true},
				{params: "ssl_mode=VERIFY_CA&ssl_ca=tls/other.pem", refuse: stranger},
				{params: "ssl_mode=VERIFY_CA&ssl_ca=tls/ca.pem", over: true, refuse: over},
				{params: "tls=skip-verify", over: true},
				{params: "ssl_mode=REQUIRED", name: true},
				{params: "tls=preferred", name: true},
				{params: "tls=false", refuse: insecure},
				{params: "", refuse: insecure}, // which is false
				{params: "tls=true&ssl_ca=tls/ca.pem", wanted: true, refuse: `(?s)Access denied.*\n  hint: an account that must show a certificate \(REQUIRE X509\) .*: ssl_cert and ssl_key`},
				{params: "tls=true&ssl_ca=tls/ca.pem&ssl_cert=tls/stranger.pem&ssl_key=tls/stranger.key", wanted: true, refuse: refused},
				{params: "tls=true&ssl_ca=tls/ca.pem&ssl_cert=tls/late.pem&ssl_key=tls/late.key", wanted: true, refuse: refused},
				{params: "tls=true&ssl_ca=tls/ca.pem&ssl_cert=tls/app.pem&ssl_key=tls/app.key", wanted: true},
			}
		}
		urls := map[*dbtest.Server][2]string{}
		for _, s := range []*dbtest.Server{b.good, b.expired} {
			url := s.NewDatabase(t)
			urls[s] = [2]string{b.account(t, s, url, false), b.account(t, s, url, true)}
		}
		for _, c := range attempts {
			s, who := b.good, 0
			if c.over {
				s = b.expired
			}
			if c.wanted {
				who = 1
			}
			url := with(urls[s][who], c.params)
			if c.name {
				url = strings.Replace(url, "@127.0.0.1:", "@localhost:", 1)
			}
			d := b.desk(t, url)
			if c.refuse == "" {
				d.run(nil, 0, "status")
				continue
			}
			// A server that does not take a certificate says so and closes; where
			// what we had sent meanwhile comes too late for it, the system
			// throws its words away with the connection. It is tried until they
			// arrive.
			ask := func(args ...string) string {
				for range 50 {
					out, said := d.run(nil, 1, append([]string{"status"}, args...)...)
					if out += said; c.refuse != refused || !cutOff.MatchString(out) {
						return out
					}
				}
				t.Fatalf("%+v: nothing but cut connections", c)
				return ""
			}
			said := ask()
			if !regexp.MustCompile(c.refuse).MatchString(said) {
				t.Errorf("%+v:\n%s", c, said)
			}
			var doc struct{ Error struct{ Code string } }
			out := ask("-o", "json")
			code := map[bool]string{true: "login", false: "tls"}[strings.Contains(said, "Access denied")]
			if err := json.Unmarshal([]byte(out), &doc); err != nil || doc.Error.Code != code {
				t.Errorf("%+v: %v in\n%s", c, err, out)
			}
			if strings.Contains(said, "get the password") || code == "tls" && !strings.Contains(said, "  next: see to the certificates, and to what database_url says of TLS") {
				t.Errorf("%+v:\n%s", c, said)
			}
		}
	})
}

// cutOff are the words for a connection that ended without any.
var cutOff = regexp.MustCompile(`connection reset by peer|broken pipe|bad connection`)

// Every connection of a run is made as its URL says: that of its lock and
// statements, the one that watches over it, the one that has a statement stopped,
// and the backup's programs.
func TestEveryConnectionOfARunUsesTLS(t *testing.T) {
	onTLS(t, func(t *testing.T, b *tlsBench) {
		tap := dbtest.NewTap(t, b.good.URL())
		plain := b.good.NewDatabase(t)
		params, sleep := "sslmode=verify-full&sslrootcert=tls/ca.pem&sslcert=tls/app.pem&sslkey=tls/app.key", "SELECT pg_sleep(600)"
		if !b.postgres {
			params, sleep = "tls=true&ssl_ca=tls/ca.pem&ssl_cert=tls/app.pem&ssl_key=tls/app.key", "SELECT SLEEP(600)"
		}
		d := b.desk(t, with(tap.URL(b.account(t, b.good, plain, true), ""), params))

		// It is started elsewhere than where the files are.
		c := d.command(nil, "migrate", "-b")
		c.Dir = filepath.Join(d.dir, "migrations")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if backups, err := filepath.Glob(filepath.Join(d.dir, "backups", "*.sha256")); err != nil || len(backups) != 1 {
			t.Errorf("backups: %v, %v", backups, err)
		}

		if err := os.WriteFile(filepath.Join(d.dir, "migrations/0002_b.sql"), []byte("-- upgrade\n"+sleep+";\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		run := d.command(nil, "migrate", "-o", "json")
		var said bytes.Buffer
		run.Stderr = &said
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		// The watcher has beaten, by its own connection, in the statement.
		for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			out, _ := d.run(nil, 0, "lock-status", "-o", "json")
			var doc struct {
				Holder struct {
					Verdict  string
					Progress struct{ Statement int }
				}
			}
			if err := json.Unmarshal([]byte(out), &doc); err != nil {
				t.Fatal(err)
			}
			if doc.Holder.Verdict == "alive" && doc.Holder.Progress.Statement == 1 {
				break
			}
			if time.Now().After(end) {
				_ = run.Process.Kill()
				t.Fatalf("no sign of life: %s", out)
			}
		}
		begun := time.Now()
		if err := run.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		_ = run.Wait() // the code tells
		// Without a way to cancel it the statement would be given up after ten
		// seconds, and its session be left.
		if code := run.ProcessState.ExitCode(); code != 130 || time.Since(begun) > patience {
			t.Errorf("exit code %d behind %s\n%s", code, time.Since(begun), said.String())
		}
		if out, _ := d.run(nil, 0, "lock-status"); !strings.Contains(out, "INACTIVE") {
			t.Error(out)
		}
		if sessions := dbtest.Dial(t, b.good.Near(plain)).Rows(t, running(b.postgres)); sessions[0][0] != "0" {
			t.Errorf("%s statements run on", sessions[0][0])
		}
		encrypted, clear := tap.Seen()
		if encrypted == 0 || clear > 0 {
			t.Errorf("%d connections were encrypted, and %d were not", encrypted, clear)
		}
	})
}

// running counts the statements that sleep on a server.
func running(postgres bool) string {
	if postgres {
		return "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
	}
	return "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'SELECT SLEEP%'"
}

// The programs that make a backup are told the same in their own words, and
// refuse what they cannot do as it was asked.
func TestABackupIsMadeByTheSameTLS(t *testing.T) {
	onTLS(t, func(t *testing.T, b *tlsBench) {
		type attempt struct {
			params string
			name   bool
			refuse string
		}
		attempts := []attempt{
			{params: "sslmode=verify-full&sslrootcert=tls/ca.pem"},
			{params: "sslmode=verify-ca&sslrootcert=tls/ca.pem", name: true},
			{params: "sslmode=require", name: true},
			{params: "sslmode=prefer"},
		}
		if !b.postgres {
			attempts = []attempt{
				{params: "tls=true&ssl_ca=tls/ca.pem"},
				{params: "ssl_mode=VERIFY_CA&ssl_ca=tls/ca.pem"},
				{params: "tls=skip-verify", name: true},
				{params: "tls=preferred"},
				// MariaDB's programs check a name with the certificate.
				{params: "ssl_mode=VERIFY_CA&ssl_ca=tls/ca.pem", name: true, refuse: `(?s)no backup could be made.*[Cc]ertificate.*nothing was run; the lock is released`},
			}
		}
		for _, c := range attempts {
			url := b.good.NewDatabase(t)
			asked := with(b.account(t, b.good, url, false), c.params)
			if c.name {
				asked = strings.Replace(asked, "@127.0.0.1:", "@localhost:", 1)
			}
			d := b.desk(t, asked)
			code := 0
			if c.refuse != "" {
				code = 1
			}
			_, said := d.run(nil, code, "migrate", "-b")
			if !regexp.MustCompile(c.refuse).MatchString(said) {
				t.Errorf("%+v:\n%s", c, said)
			}
		}
	})
}
