package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/plan"
)

// configFor is what a program would have for a URL of ours, with all that could
// be in a session's way.
func configFor(t *testing.T, url string) *driver.Config {
	t.Helper()
	a, err := readURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := driver.NewConfig()
	c.User, c.Passwd, c.DBName = a.user, a.password, a.database
	c.Net, c.Addr = "tcp", net.JoinHostPort(a.host, a.port)
	c.ParseTime, c.InterpolateParams, c.MultiStatements, c.ColumnsWithAlias = true, true, true, true
	c.ReadTimeout = 300 * time.Millisecond
	c.Params = map[string]string{"sql_mode": "'ANSI_QUOTES,STRICT_ALL_TABLES'"}
	return c
}

func poolOf(t *testing.T, c *driver.Config) *sql.DB {
	t.Helper()
	connector, err := driver.NewConnector(c)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// unsettling leaves behind in its session whatever a session can keep.
const unsettling = `-- upgrade
CREATE TABLE IF NOT EXISTS things (id INT, note VARCHAR(10));
SET SESSION foreign_key_checks = 0, sql_mode = '', time_zone = '+09:00', wait_timeout = 7, lock_wait_timeout = 8, autocommit = 1;
SET @x = 'of a migration';
DO GET_LOCK('dbwarden test', 0);
`

// TestAPoolStaysAsItWas: what the pool's one connection has is the same behind
// a run as before it, however the run ends; and no session of ours is left.
func TestAPoolStaysAsItWas(t *testing.T) {
	t.Parallel()
	server := dbtest.MariaDB(t)
	db := poolOf(t, configFor(t, server.NewDatabase(t)))
	d, err := FromDB(t.Context(), db, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	look := func() (out []string) {
		rows, err := db.QueryContext(t.Context(), "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM information_schema.SESSION_VARIABLES"+
			" WHERE VARIABLE_NAME NOT IN ('TIMESTAMP', 'RAND_SEED1', 'RAND_SEED2', 'LAST_INSERT_ID', 'IDENTITY', 'INSERT_ID', 'GTID_BINLOG_POS', 'GTID_CURRENT_POS', 'LAST_GTID') ORDER BY 1")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name, value sql.NullString
			if err := rows.Scan(&name, &value); err != nil {
				t.Fatal(err)
			}
			out = append(out, name.String+"="+value.String)
		}
		var more string
		err = db.QueryRowContext(t.Context(), "SELECT CONCAT_WS('/', CONNECTION_ID(), CURRENT_USER(), DATABASE(), COALESCE(@x, 'no x'), COALESCE(IS_USED_LOCK('dbwarden test'), 'free'),"+
			" (SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE()))").Scan(&more)
		if err != nil {
			t.Fatal(err)
		}
		return append(out, more)
	}
	before := look()
	errStop := errors.New("enough")
	for _, c := range []struct {
		name    string
		text    string
		observe func(cancel func()) event.Observer
		ends    func(panicked any, err error) bool
	}{
		{"failed", "SELECT * FROM nowhere;\n", nil, func(_ any, err error) bool {
			_, ok := errors.AsType[*dbwarden.MigrationError](err)
			return ok
		}},
		{"cancelled", "DO SLEEP(600);\n", func(cancel func()) event.Observer {
			return func(e event.Event) {
				if e.Kind == event.StatementStarted && strings.Contains(e.SQL, "SLEEP") {
					cancel()
				}
			}
		}, func(_ any, err error) bool { return errors.Is(err, errStop) }},
		{"panic", "", func(func()) event.Observer {
			return func(e event.Event) {
				if e.Kind == event.MigrationStarted {
					panic(errStop)
				}
			}
		}, func(p any, _ error) bool { return p == errStop }},
		// Longer than the pool's ReadTimeout.
		{"done", "DO SLEEP(1);\nCREATE TEMPORARY TABLE hidden (id INT);\n", nil, func(p any, err error) bool { return err == nil && p == nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			config := dbwarden.Config{Engine: Engine(), Database: d, Recover: true, Migrations: fstest.MapFS{"0001_a.sql": {Data: []byte(unsettling + c.text)}}}
			if c.observe != nil {
				config.Observe = c.observe(func() { cancel(errStop) })
			}
			w, err := dbwarden.New(config)
			if err != nil {
				t.Fatal(err)
			}
			panicked, err := func() (panicked any, err error) {
				defer func() { panicked = recover() }()
				_, err = w.Migrate(ctx, plan.Target{})
				return nil, err
			}()
			if !c.ends(panicked, err) {
				t.Fatalf("the run ended with %v, panic %v", err, panicked)
			}
			var after []string
			// A connection that was told farewell takes its moment.
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				if after = look(); cmp.Equal(before, after) || time.Now().After(deadline) {
					break
				}
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("the pool's connection is another one:\n%s", diff)
			}
		})
	}
}

// TestAPoolThatIsInUse: with all connections in use there is none to borrow,
// which the error says; from then on a run needs none.
func TestAPoolThatIsInUse(t *testing.T) {
	t.Parallel()
	db := poolOf(t, configFor(t, newDatabase(t)))
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = FromDB(short, db, engine.OpenOptions{})
	if busy, ok := errors.AsType[*engine.PoolError](err); !ok || busy.Most != 1 || busy.InUse != 1 {
		t.Errorf("with the one connection in use: %v", err)
	}
	c.Close()
	d, err := FromDB(t.Context(), db, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c, err = db.Conn(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	w, err := dbwarden.New(dbwarden.Config{Engine: Engine(), Database: d, Migrations: fstest.MapFS{"0001_a.sql": {Data: []byte("-- upgrade\nCREATE TABLE a (id INT);\n")}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Migrate(t.Context(), plan.Target{}); err != nil {
		t.Errorf("with all of the pool in use: %v", err)
	}
}

// TestAPasswordOfTheMoment: the configuration's own hook is asked for each
// session, also where it was read from a pool.
func TestAPasswordOfTheMoment(t *testing.T) {
	t.Parallel()
	server := dbtest.MariaDB(t)
	url := server.NewDatabase(t)
	user, password := server.NewRole(t)
	server.Exec(t, "GRANT ALL PRIVILEGES ON "+dbtest.DatabaseName(url)+".* TO "+user)
	c := configFor(t, url)
	c.User, c.Passwd = user, "of yesterday"
	var now atomic.Value
	now.Store(password)
	if err := c.Apply(driver.BeforeConnect(func(_ context.Context, c *driver.Config) error {
		c.Passwd = now.Load().(string)
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	fromConfig, err1 := FromConfig(c, engine.OpenOptions{})
	fromDB, err2 := FromDB(t.Context(), poolOf(t, c), engine.OpenOptions{})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		password = fmt.Sprintf("of the moment %d", i)
		server.Exec(t, "SET PASSWORD FOR "+user+" = PASSWORD('"+password+"')")
		now.Store(password)
		for name, d := range map[string]engine.Database{"FromConfig": fromConfig, "FromDB": fromDB} {
			s, err := d.Connect(t.Context(), engine.ConnectOptions{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			s.Close()
		}
	}
}

// TestAConfigurationIsThatOfEveryConnection: the sessions of a run, and the one
// that stops a statement, reach a server whose address only the program's dialer
// knows, with a password that only its hook has. The program's own value stays
// as it was, and an error of its hook is told.
func TestAConfigurationIsThatOfEveryConnection(t *testing.T) {
	t.Parallel()
	server := dbtest.MariaDB(t)
	url := server.NewDatabase(t)
	user, password := server.NewRole(t)
	server.Exec(t, "GRANT ALL PRIVILEGES ON "+dbtest.DatabaseName(url)+".* TO "+user)
	c := configFor(t, url)
	where := c.Addr
	c.User, c.Passwd, c.Addr = user, "of yesterday", "database.invalid:3306"
	var dialled, asked atomic.Int32
	var strays sync.Map
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "tcp" || address != "database.invalid:3306" {
			strays.Store(network+" "+address, true)
			return nil, errors.New("nobody knows " + address)
		}
		dialled.Add(1)
		return new(net.Dialer).DialContext(ctx, "tcp", where)
	}
	errSealed := errors.New("the vault is sealed")
	var sealed atomic.Bool
	if err := c.Apply(driver.BeforeConnect(func(_ context.Context, c *driver.Config) error {
		asked.Add(1)
		if sealed.Load() {
			return errSealed
		}
		c.Passwd = password
		return nil
	})); err != nil {
		t.Fatal(err)
	}
	before := *c
	d, err := FromConfig(c, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	errStop := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	w, err := dbwarden.New(dbwarden.Config{Engine: Engine(), Database: d, Migrations: fstest.MapFS{
		"0001_a.sql": {Data: []byte("-- upgrade\nCREATE TABLE things (id INT);\n")},
		"0002_b.sql": {Data: []byte("-- upgrade\nDO SLEEP(600);\n")},
	}, Observe: func(e event.Event) {
		if e.Kind == event.StatementRunning { // the watcher's session has seen it
			cancel(errStop)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Migrate(ctx, plan.Target{}); !errors.Is(err, errStop) {
		t.Fatalf("the run ended with %v", err)
	}
	strays.Range(func(at, _ any) bool {
		t.Errorf("the dialer was asked for %s", at)
		return true
	})
	// Two sessions, and the one that stopped the statement.
	if n := dialled.Load(); n < 3 || asked.Load() < n {
		t.Errorf("%d connections, and a password was asked for %d times", n, asked.Load())
	}
	s, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := value(t, s, "SELECT CONCAT(version, ' ', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), ' ', @@sql_mode) FROM dbwarden_migrations"); !strings.HasPrefix(got, "0001 "+user+" ") || !strings.Contains(got, "ANSI_QUOTES") {
		t.Errorf("the history, the user and the program's own sql_mode are %q", got)
	}
	eventually(t, "the server has stopped the statement", func() bool {
		return value(t, s, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = SUBSTRING_INDEX(CURRENT_USER(), '@', 1) AND INFO LIKE '%SLEEP(600)%' AND ID <> CONNECTION_ID()") == "0"
	})
	sealed.Store(true)
	if _, err := d.Connect(t.Context(), engine.ConnectOptions{}); !errors.Is(err, errSealed) || strings.Contains(err.Error(), password) {
		t.Errorf("the hook's error: %v", err)
	}
	if c.Addr != before.Addr || c.Passwd != before.Passwd || c.ReadTimeout != before.ReadTimeout || !c.ParseTime || !c.MultiStatements ||
		reflect.ValueOf(c.DialFunc).Pointer() != reflect.ValueOf(before.DialFunc).Pointer() || len(c.Params) != 1 || c.ConnectionAttributes != before.ConnectionAttributes {
		t.Errorf("the program's own configuration was changed: %+v", c)
	}
}

// TestAConfigurationIsReadWithCare: what is missing or cannot be is said, and
// a program's own value stays as it was.
func TestAConfigurationIsReadWithCare(t *testing.T) {
	t.Parallel()
	c := driver.NewConfig()
	c.User, c.Passwd, c.DBName, c.ParseTime = "app", "geheim", "shop", true
	d, err := FromConfig(c, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "mysql://app@127.0.0.1:3306/shop"; d.Label() != want {
		t.Errorf("the label is %s, want %s", d.Label(), want)
	}
	if !c.ParseTime || c.DialFunc != nil {
		t.Error("the program's own configuration was changed")
	}
	if err := backup().Ready(t.Context(), d, engine.Server{}, nil); !errors.Is(err, errNoAddress) {
		t.Errorf("a backup without a URL: %v", err)
	}
	password := func(context.Context) (string, error) { return "another", nil }
	for name, f := range map[string]func() error{
		"nothing":       func() error { _, err := FromConfig(nil, engine.OpenOptions{}); return err },
		"no database":   func() error { _, err := FromConfig(driver.NewConfig(), engine.OpenOptions{}); return err },
		"two passwords": func() error { _, err := FromConfig(c, engine.OpenOptions{Password: password}); return err },
		"a schema":      func() error { _, err := FromConfig(c, engine.OpenOptions{Schema: "other"}); return err },
		"no pool":       func() error { _, err := FromDB(t.Context(), nil, engine.OpenOptions{}); return err },
		"another driver": func() error {
			db := sql.OpenDB(stranger{})
			defer db.Close()
			_, err := FromDB(t.Context(), db, engine.OpenOptions{})
			if err != nil && !strings.Contains(err.Error(), "mysql.strangerConn") {
				t.Errorf("the error does not name the driver: %v", err)
			}
			return err
		},
	} {
		if err := f(); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
