package dbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Server is a running database server in which a test may do what it
// likes, within databases and accounts of its own.
type Server struct {
	admin   string
	near    string // admin's, from this machine through a socket; "" for one that the environment names
	product product
	process *process // nil for one that the environment names
	direct  *Server  // what a pooler stands in front of

	lock     sync.Mutex
	leftover []string // accounts that could not be dropped before the databases in which they own something
}

// product is what differs between servers. Names are made by random.
type product interface {
	dial(ctx context.Context, url string) (session, error)
	create(ctx context.Context, s session, name string) error
	drop(ctx context.Context, s session, name string) error
	createUser(ctx context.Context, s session, name, password string) error
	dropUser(ctx context.Context, s session, name string) error
}

// adminTime is what one errand of ours may take; a server that hangs fails
// the test instead of the whole run.
const adminTime = 60 * time.Second

// URL is the administrator's: a superuser, in the server's own database
// (postgres, mysql).
func (s *Server) URL() string { return s.admin }

// Near is url as it is spelt on the server's own machine: through the socket,
// so that it works wherever the server listens.
func (s *Server) Near(url string) string { return WithDatabase(s.near, DatabaseName(url)) }

// Direct is the server itself, where s is a pooler in front of it, else s.
func (s *Server) Direct() *Server {
	if s.direct != nil {
		return s.direct
	}
	return s
}

// ServerDirVariable names the folder where servers that are started have their
// files. Without it they are in memory where there is room, or else among the
// temporary files.
const ServerDirVariable = "DBWARDEN_TEST_SERVER_DIR"

// Stop ends a server that was started by StartPostgres or StartMariaDB and
// waits until its process and files are gone.
func (s *Server) Stop() {
	if s.process != nil {
		s.process.stop()
	}
}

// NewDatabase makes an empty database and returns its URL for the
// administrator. When the test ends, sessions in it are ended and it is
// dropped.
func (s *Server) NewDatabase(t testing.TB) string {
	t.Helper()
	d, name := s.Direct(), "t_"+random()
	if err := d.errand(name, d.product.create); err != nil {
		t.Fatalf("dbtest: create a database: %v", err)
	}
	t.Cleanup(func() {
		if err := d.errand(name, d.product.drop); err != nil {
			t.Errorf("dbtest: drop the test's database: %v", err)
		}
		d.dropLeftover()
	})
	return WithDatabase(s.admin, name)
}

// NewRole makes an account without any rights, besides those that everybody
// has, and drops it when the test ends.
func (s *Server) NewRole(t testing.TB) (user, password string) {
	t.Helper()
	d := s.Direct()
	user, password = "u_"+random(), random()
	err := d.errand(user, func(ctx context.Context, c session, name string) error {
		return d.product.createUser(ctx, c, name, password)
	})
	if err != nil {
		t.Fatalf("dbtest: create an account: %v", err)
	}
	t.Cleanup(func() {
		if err := d.errand(user, d.product.dropUser); err != nil {
			// It owns something in a database that goes later.
			d.lock.Lock()
			d.leftover = append(d.leftover, user)
			d.lock.Unlock()
		}
	})
	return user, password
}

func (s *Server) dropLeftover() {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.leftover = slices.DeleteFunc(s.leftover, func(user string) bool {
		return s.errand(user, s.product.dropUser) == nil
	})
}

// errand does one thing on a connection of its own as the administrator, so
// that nothing of ours stays open between two tests.
func (s *Server) errand(name string, do func(context.Context, session, string) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), adminTime)
	defer cancel()
	c, err := s.product.dial(ctx, s.nearest())
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, c, name), c.close(ctx))
}

// Exec runs SQL as the administrator, in the server's own database. Each text
// may hold several statements.
func (s *Server) Exec(t testing.TB, queries ...string) {
	t.Helper()
	Dial(t, s.Direct().nearest()).Exec(t, queries...)
}

// nearest is the administrator's URL that leads to the server for sure.
func (s *Server) nearest() string {
	if s.near != "" {
		return s.near
	}
	return s.admin
}

// WithUser is the same database for another account.
func (s *Server) WithUser(address, user, password string) string {
	u := mustParse(address)
	u.User = url.UserPassword(user, password)
	return u.String()
}

// WithDatabase is the same server and account in another database.
func WithDatabase(address, name string) string {
	u := mustParse(address)
	u.Path = "/" + name
	return u.String()
}

// DatabaseName is the name in a URL.
func DatabaseName(address string) string {
	return strings.TrimPrefix(mustParse(address).Path, "/")
}

func mustParse(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		panic("dbtest: not a URL")
	}
	return u
}

// SQLite is the URL of a database file that does not exist yet.
func SQLite(t testing.TB) string {
	t.Helper()
	return "sqlite:///" + filepath.ToSlash(filepath.Join(t.TempDir(), "test.db"))
}

// DataVariable names the folder of the sample databases.
const DataVariable = "DBWARDEN_TEST_DATA"

// DataDir is the folder with the public sample databases, sakila and chinook;
// a test that needs them is skipped where there is none.
func DataDir(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(DataVariable)
	if dir == "" {
		t.Skipf("sample databases: %s does not name the folder that holds sakila and chinook", DataVariable)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("dbtest: %s: %v", DataVariable, err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	return dir
}

// shared is a server that is made when it is first asked for.
type shared struct {
	title    string
	variable string
	start    func() (*Server, error)

	once   sync.Once
	server *Server
	err    error
}

// sharedPgBouncer holds one pooler for each server that was asked for one.
var sharedPgBouncer struct {
	lock sync.Mutex
	of   map[*Server]*shared
}

func (s *shared) get(t testing.TB) *Server {
	t.Helper()
	if testing.Short() {
		t.Skipf("%s: not asked for under -short", s.title)
	}
	s.once.Do(func() {
		if address := os.Getenv(s.variable); s.variable != "" && address != "" {
			s.server, s.err = existing(address)
			return
		}
		s.server, s.err = s.start()
	})
	if absent, ok := errors.AsType[missing](s.err); ok {
		t.Skipf("%s: %s not found; ./test installs what is missing%s", s.title, absent.what, s.orSet())
	}
	if s.err != nil {
		t.Fatalf("dbtest: %s: %v", s.title, s.err)
	}
	return s.server
}

func (s *shared) orSet() string {
	if s.variable == "" {
		return ""
	}
	return ", or set " + s.variable
}

// existing is a server that the environment names.
func existing(address string) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil {
		// Not err: it quotes the text, and with it the password.
		return nil, errors.New("the environment's URL cannot be read")
	}
	switch scheme, _, _ := strings.Cut(u.Scheme, "+"); scheme {
	case "postgres", "postgresql":
		u.Scheme = "postgres"
		return &Server{admin: u.String(), product: postgres{}}, nil
	case "mysql", "mariadb":
		u.Scheme = scheme
		return &Server{admin: u.String(), product: mariadb{}}, nil
	}
	return nil, fmt.Errorf("the environment's URL has the unknown scheme %q", u.Scheme)
}

// missing says what this machine lacks; tests are skipped for it.
type missing struct{ what string }

func (m missing) Error() string { return m.what + " not found" }

// random is a word that is safe in names, URLs and SQL.
func random() string { return strings.ToLower(rand.Text())[:16] }
