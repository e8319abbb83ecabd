package dbtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Postgres returns the process's PostgreSQL server.
func Postgres(t testing.TB) *Server {
	t.Helper()
	return sharedPostgres.get(t)
}

var sharedPostgres = shared{title: "PostgreSQL", variable: PostgresVariable, start: StartPostgres}

// PostgresVariable names an existing server.
const PostgresVariable = "DBWARDEN_TEST_POSTGRES_URL"

// StartPostgres starts a server; Stop ends it. Most tests want Postgres.
func StartPostgres() (*Server, error) { return StartPostgresWith() }

// OwnPostgres is a server for one test alone, with settings as StartPostgresWith
// takes them.
func OwnPostgres(t testing.TB, settings ...string) *Server {
	t.Helper()
	return ownServer(t, "PostgreSQL", func() (*Server, error) { return StartPostgresWith(settings...) })
}

// StartPostgresWith starts one with settings ("fsync=on") that beat the usual
// ones, which are those of a server whose data nobody wants to keep.
func StartPostgresWith(settings ...string) (*Server, error) {
	bin, err := postgresBinaries()
	if err != nil {
		return nil, err
	}
	return startPostgres(bin, settings...)
}

// startPostgres starts a server of the binaries in bin. Settings
// ("wal_level=replica") beat the usual ones.
func startPostgres(bin string, settings ...string) (*Server, error) {
	return startPostgresAt(bin, here, nil, settings...)
}

// startPostgresAt starts a new server, or a standby of another one.
func startPostgresAt(bin string, at site, primary *Server, settings ...string) (*Server, error) {
	password := random()
	if primary != nil {
		password, _ = mustParse(primary.admin).User.Password()
	}
	mode := "disable"
	if at.encrypted != nil {
		mode = "require"
	}
	address := func(host string, port int) string {
		return fmt.Sprintf("postgres://postgres:%s@%s:%d/postgres?sslmode=%s", password, host, port, mode)
	}
	near := func(dir string, port int) string {
		return fmt.Sprintf("postgres://postgres:%s@/postgres?sslmode=disable&host=%s&port=%d", password, url.QueryEscape(dir), port)
	}
	p, err := start(recipe{
		within:  at.within,
		name:    "postgres",
		account: "postgres",
		signal:  "QUIT", // an immediate shutdown
		commands: func(dir string, port int) ([]string, []string, error) {
			secret := filepath.Join(dir, "password")
			if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
				return nil, nil, err
			}
			// Everybody with the password may come in, for replication too.
			encrypted, rules, err := at.encrypted.postgres(dir)
			if err != nil {
				return nil, nil, err
			}
			access := filepath.Join(dir, "access")
			if err := os.WriteFile(access, []byte("local all all scram-sha-256\n"+rules), 0o600); err != nil {
				return nil, nil, err
			}
			data := filepath.Join(dir, "data")
			prepare := []string{filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "--pwfile=" + secret,
				"-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"}
			if primary != nil {
				prepare = []string{filepath.Join(bin, "pg_basebackup"), "-D", data, "-R", "--checkpoint=fast", "--no-sync", "-d", primary.admin}
			}
			server := []string{filepath.Join(bin, "postgres"), "-D", data, "-p", strconv.Itoa(port)}
			for _, setting := range slices.Concat([]string{
				"listen_addresses=" + at.address, "unix_socket_directories=" + dir, "hba_file=" + access,
				"fsync=off", "synchronous_commit=off", "full_page_writes=off",
				"wal_level=minimal", "max_wal_senders=0", "max_prepared_transactions=8",
				"shared_buffers=32MB", "max_connections=200", "jit=off",
				"timezone=Asia/Kolkata", "log_timezone=UTC",
			}, encrypted, settings) {
				server = append(server, "-c", setting)
			}
			return prepare, server, nil
		},
		ready: func(dir string, port int) error {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			return do(ctx, postgres{}, near(dir, port), "SELECT 1")
		},
	})
	if err != nil {
		return nil, err
	}
	return &Server{admin: address(at.address, p.port), near: near(p.dir, p.port), product: postgres{}, process: p}, nil
}

// postgresBinaries finds the folder of initdb and postgres, the newest where
// several are installed.
func postgresBinaries() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			if dir := filepath.Dir(path); isProgram(filepath.Join(dir, "initdb")) {
				return dir, nil
			}
		}
	}
	// Debian and Ubuntu keep the servers out of PATH.
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", missing{"initdb and postgres"}
	}
	major := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	sort.Slice(found, func(i, j int) bool { return major(found[i]) > major(found[j]) })
	return filepath.Dir(found[0]), nil
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// postgres is the product behind a Server.
type postgres struct{}

func (postgres) dial(ctx context.Context, url string) (session, error) {
	c, err := pgconn.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	return pgSession{c}, nil
}

func (postgres) create(ctx context.Context, s session, name string) error {
	version, err := s.rows(ctx, "SHOW server_version_num")
	if err != nil {
		return err
	}
	// template0 is never connected to, so that parallel copies do not stand
	// in each other's way.
	q := "CREATE DATABASE " + name + " TEMPLATE template0"
	if n, err := strconv.Atoi(version[0][0]); err == nil && n >= 150000 {
		// Without fsync, copying files is quicker than logging every page.
		q += " STRATEGY file_copy"
	}
	_, err = s.rows(ctx, q)
	return err
}

func (postgres) drop(ctx context.Context, s session, name string) error {
	// Nobody new comes in, whoever is there leaves. DROP DATABASE waits a few
	// seconds for those who are still leaving.
	for _, q := range []string{
		"ALTER DATABASE " + name + " ALLOW_CONNECTIONS false",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'",
		"DROP DATABASE " + name,
	} {
		if _, err := s.rows(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (postgres) createUser(ctx context.Context, s session, name, password string) error {
	_, err := s.rows(ctx, "CREATE ROLE "+name+" LOGIN PASSWORD '"+password+"'")
	return err
}

func (postgres) dropUser(ctx context.Context, s session, name string) error {
	_, err := s.rows(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '"+name+"'; DROP ROLE "+name)
	return err
}

type pgSession struct{ c *pgconn.PgConn }

func (s pgSession) rows(ctx context.Context, queries string) ([][]string, error) {
	results, err := s.c.Exec(ctx, queries).ReadAll()
	if err != nil || len(results) == 0 {
		return nil, err
	}
	var out [][]string
	for _, row := range results[len(results)-1].Rows {
		out = append(out, texts(row))
	}
	return out, nil
}

func (s pgSession) close(ctx context.Context) error { return s.c.Close(ctx) }

// PgBouncer returns the process's PgBouncer: transaction pooling in front of
// pg, whose users and databases it passes through for the admin's account.
// Databases made by its NewDatabase are reached through the pooler; to reach
// one directly, use Direct.
func PgBouncer(t testing.TB, pg *Server) *Server {
	t.Helper()
	sharedPgBouncer.lock.Lock()
	defer sharedPgBouncer.lock.Unlock()
	if sharedPgBouncer.of == nil {
		sharedPgBouncer.of = map[*Server]*shared{}
	}
	s := sharedPgBouncer.of[pg]
	if s == nil {
		s = &shared{title: "PgBouncer", start: func() (*Server, error) { return startPgBouncer(pg) }}
		sharedPgBouncer.of[pg] = s
	}
	return s.get(t)
}

// OwnPgBouncer starts a PgBouncer for one test, with lines of its own for
// pgbouncer.ini ("default_pool_size = 1"), which beat the usual ones.
func OwnPgBouncer(t testing.TB, pg *Server, settings ...string) *Server {
	t.Helper()
	s := (&shared{title: "PgBouncer", start: func() (*Server, error) { return startPgBouncer(pg, settings...) }}).get(t)
	t.Cleanup(s.Stop)
	return s
}

func startPgBouncer(pg *Server, settings ...string) (*Server, error) {
	bin, err := exec.LookPath("pgbouncer")
	if err != nil {
		if bin = "/usr/sbin/pgbouncer"; !isProgram(bin) {
			return nil, missing{"pgbouncer"}
		}
	}
	behind, err := url.Parse(pg.admin)
	if err != nil {
		return nil, err
	}
	password, _ := behind.User.Password()
	address := func(port int) string {
		u := *behind
		u.Host = fmt.Sprintf("127.0.0.1:%d", port)
		u.RawQuery = "sslmode=disable"
		return u.String()
	}
	backend := behind.Port()
	if backend == "" {
		backend = "5432"
	}
	p, err := start(recipe{
		name:    "pgbouncer",
		account: "postgres",
		signal:  "INT",
		commands: func(dir string, port int) ([]string, []string, error) {
			double := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
			users := filepath.Join(dir, "users")
			if err := os.WriteFile(users, []byte(double(behind.User.Username())+" "+double(password)+"\n"), 0o600); err != nil {
				return nil, nil, err
			}
			config := filepath.Join(dir, "pgbouncer.ini")
			text := fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
pool_mode = transaction
default_pool_size = 6
max_client_conn = 200
server_idle_timeout = 20
server_login_retry = 1
query_wait_timeout = 20
ignore_startup_parameters = extra_float_digits
`, behind.Hostname(), backend, port, users) + strings.Join(settings, "\n") + "\n"
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				return nil, nil, err
			}
			return nil, []string{bin, "-q", config}, nil
		},
		ready: func(_ string, port int) error {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			return do(ctx, postgres{}, address(port), "SELECT 1")
		},
	})
	if err != nil {
		return nil, err
	}
	return &Server{admin: address(p.port), direct: pg, product: postgres{}, process: p}, nil
}
