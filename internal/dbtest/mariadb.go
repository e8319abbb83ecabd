package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// MariaDB returns the process's MariaDB server (a MySQL server, where the
// environment names one).
func MariaDB(t testing.TB) *Server {
	t.Helper()
	return sharedMariaDB.get(t)
}

var sharedMariaDB = shared{title: "MariaDB", variable: MariaDBVariable, start: StartMariaDB}

// MariaDBVariable names an existing server.
const MariaDBVariable = "DBWARDEN_TEST_MARIADB_URL"

// StartMariaDB starts a server; Stop ends it. Most tests want MariaDB.
func StartMariaDB() (*Server, error) { return startMariaDBAt(here) }

// OwnMariaDB is a server for one test alone, for what is set globally.
func OwnMariaDB(t testing.TB) *Server {
	t.Helper()
	return ownServer(t, "MariaDB", StartMariaDB)
}

func startMariaDBAt(at site) (*Server, error) {
	bin, err := lookBeside("mariadbd", "/usr/sbin/mariadbd", "/usr/libexec/mariadbd")
	if err != nil {
		return nil, err
	}
	install, err := lookBeside("mariadb-install-db", "/usr/bin/mariadb-install-db")
	if err != nil {
		return nil, err
	}
	password := random()
	near := func(dir string) string {
		return fmt.Sprintf("mariadb://root:%s@localhost/mysql?socket=%s", password, url.QueryEscape(filepath.Join(dir, "sock")))
	}
	p, err := start(recipe{
		within:  at.within,
		name:    "mariadb",
		account: "mysql",
		signal:  "KILL", // one process, and nothing worth saving
		commands: func(dir string, port int) ([]string, []string, error) {
			// No account without a password; root comes from anywhere.
			accounts := filepath.Join(dir, "accounts.sql")
			text := fmt.Sprintf("DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');\n"+
				"FLUSH PRIVILEGES;\n"+
				"ALTER USER root@localhost IDENTIFIED BY '%[1]s';\n"+
				"CREATE USER root@'%%' IDENTIFIED BY '%[1]s';\n"+
				"GRANT ALL ON *.* TO root@'%%' WITH GRANT OPTION;\n", password)
			if err := os.WriteFile(accounts, []byte(text), 0o600); err != nil {
				return nil, nil, err
			}
			data := filepath.Join(dir, "data")
			// The first argument must be --no-defaults, or the machine's own
			// configuration applies.
			prepare := []string{install, "--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal",
				"--skip-test-db", "--innodb-log-file-size=8M"}
			server := []string{bin, "--no-defaults", "--datadir=" + data, "--socket=" + filepath.Join(dir, "sock"),
				"--port=" + strconv.Itoa(port), "--bind-address=" + at.address, "--pid-file=" + filepath.Join(dir, "pid"),
				"--init-file=" + accounts, "--skip-name-resolve", "--tmpdir=" + dir,
				"--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0",
				"--innodb-flush-method=nosync", "--innodb-doublewrite=0", "--innodb-fast-shutdown=2",
				"--max-connections=200", "--default-time-zone=+05:30",
				// While a database is made, whoever lists the databases may have its
				// character set taken for the server's (MariaDB 10.11 keeps "no db.opt
				// yet"): that is the same one, then.
				"--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci",
			}
			encrypted, err := at.encrypted.mariadb(dir)
			return prepare, append(server, encrypted...), err
		},
		ready: func(dir string, _ int) error {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			return do(ctx, mariadb{}, near(dir), "SELECT 1")
		},
	})
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("mariadb://root:%s@%s:%d/mysql", password, at.address, p.port)
	return &Server{admin: address, near: near(p.dir), product: mariadb{}, process: p}, nil
}

func lookBeside(name string, places ...string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, path := range places {
		if isProgram(path) {
			return path, nil
		}
	}
	return "", missing{name}
}

// mariadb is the product behind a Server.
type mariadb struct{}

func (mariadb) dial(ctx context.Context, address string) (session, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	config := mysql.NewConfig()
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Net, config.Addr = "tcp", net.JoinHostPort(u.Hostname(), port)
	if socket := u.Query().Get("socket"); socket != "" {
		config.Net, config.Addr = "unix", socket
	}
	config.DBName = strings.TrimPrefix(u.Path, "/")
	config.MultiStatements = true
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return mySession{db, c}, nil
}

func (mariadb) create(ctx context.Context, s session, name string) error {
	_, err := s.rows(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
	return err
}

func (mariadb) drop(ctx context.Context, s session, name string) error {
	if err := myKill(ctx, s, "db", name); err != nil {
		return err
	}
	// A session that is being killed still holds its table locks for a
	// moment; nobody may wait for one for long.
	if _, err := s.rows(ctx, "SET SESSION lock_wait_timeout = 20"); err != nil {
		return err
	}
	return DropMariaDB(name, func(query string) (string, error) {
		rows, err := s.rows(ctx, query)
		if err != nil || len(rows) == 0 {
			return "", err
		}
		return rows[0][0], nil
	})
}

// DropMariaDB drops a database of a server of ours, in a session of which ask
// gives a query's first value, "" where it has no rows. DROP DATABASE drops all
// tables and finds a file left in the folder, once in some thousand times under
// load, and never again for the same statements (MariaDB 10.11): that file is
// removed.
func DropMariaDB(name string, ask func(query string) (string, error)) error {
	drop := "DROP DATABASE `" + name + "`"
	_, err := ask(drop)
	const cannotRemoveFolder = 1010
	if m, ok := errors.AsType[*mysql.MySQLError](err); !ok || m.Number != cannotRemoveFolder {
		return err
	}
	data, err := ask("SELECT @@datadir")
	if err == nil {
		err = emptyFolder(filepath.Join(data, name))
	}
	if err == nil {
		_, err = ask(drop)
	}
	return err
}

// emptyFolder removes what a DROP DATABASE left in the folder of a database
// of a server of ours, once the server had time to remove it itself, and
// says what it was.
func emptyFolder(dir string) error {
	if !strings.Contains(dir, "/dbwarden-mariadb-") {
		return fmt.Errorf("dbtest: %s is not of a server that was started for tests", dir)
	}
	var left []os.DirEntry
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var err error
		if left, err = os.ReadDir(dir); err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(end) {
			break
		}
	}
	for _, file := range left {
		fmt.Fprintf(os.Stderr, "dbtest: DROP DATABASE left %s in %s\n", file.Name(), dir)
		if err := os.Remove(filepath.Join(dir, file.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (mariadb) createUser(ctx context.Context, s session, name, password string) error {
	_, err := s.rows(ctx, "CREATE USER '"+name+"'@'%' IDENTIFIED BY '"+password+"'")
	return err
}

func (mariadb) dropUser(ctx context.Context, s session, name string) error {
	if err := myKill(ctx, s, "user", name); err != nil {
		return err
	}
	_, err := s.rows(ctx, "DROP USER '"+name+"'@'%'")
	return err
}

// myKill ends all sessions that work in a database or belong to a user.
func myKill(ctx context.Context, s session, column, value string) error {
	rows, err := s.rows(ctx, "SELECT id FROM information_schema.processlist WHERE "+column+" = '"+value+"'")
	if err != nil {
		return err
	}
	for _, row := range rows {
		if _, err := s.rows(ctx, "KILL "+row[0]); err != nil {
			const unknownThread = 1094 // it was quicker
			if m, ok := errors.AsType[*mysql.MySQLError](err); !ok || m.Number != unknownThread {
				return err
			}
		}
	}
	return nil
}

type mySession struct {
	db *sql.DB
	c  *sql.Conn
}

func (s mySession) rows(ctx context.Context, queries string) ([][]string, error) {
	rows, err := s.c.QueryContext(ctx, queries)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][]string
	for more := true; more; more = rows.NextResultSet() {
		columns, err := rows.Columns()
		if err != nil {
			return nil, err
		}
		out = nil
		cells := make([][]byte, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return nil, err
			}
			out = append(out, texts(cells))
		}
	}
	return out, rows.Err()
}

func (s mySession) close(context.Context) error {
	return errors.Join(s.c.Close(), s.db.Close())
}
