// Package dbwardentest gives each test of a program a database of its own: new,
// migrated, and dropped when the test ends.
//
//	func TestNotes(t *testing.T) {
//		t.Parallel()
//		url := dbwardentest.New(t, os.Getenv("TEST_DATABASE_URL"), dbwarden.Config{Engine: postgres.Engine(), Migrations: folder})
//		pool, err := pgxpool.New(t.Context(), url)
//
// The first call for a folder migrates, and what comes of it is kept as a
// template; all others, also of other processes and later runs, copy that. A
// template is of these files, to the byte, on this server: another folder has
// another one. On PostgreSQL it is a database called dbwarden_template_…, of
// which CREATE DATABASE makes copies; on SQLite a file in the user's cache
// folder. MariaDB and MySQL copy no databases: there each test's is migrated.
//
// The package keeps no state in the process. Only tests import it.
package dbwardentest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// Keep is the variable of the environment that keeps the databases of tests
// where it is neither empty nor "0", to look at them. Their URLs are logged. On a
// server they are dropped a day later.
const Keep = "DBWARDEN_KEEP_TEST_DATABASES"

// New makes a database for the test, migrated by all of c.Migrations, and returns
// its URL, which is url with another name in it, or another file. When the test
// ends it is dropped, with the sessions in it.
//
// The database of url itself is not opened, and need not be there. Where it is,
// a new one has its encoding and order of letters. On a server the user needs the
// right to make databases. A migration that reaches beyond its database (a role,
// ALTER DATABASE of a name) does so here as well, once for each template.
//
// c needs Engine and Migrations; Vars, Env and hooks of SQL are part of what a
// template is known by. Database, BeforeRun and hooks that call a function are
// refused: what they do is not in a copy.
//
// It may be called by many tests at once, in many processes. What goes wrong
// ends the test, with a message without the password.
func New(t testing.TB, url string, c dbwarden.Config) string {
	t.Helper()
	m, err := newMaker(url, c)
	if err != nil {
		t.Fatalf("dbwardentest: %v", err)
	}
	made, err := m.make(t)
	if err != nil {
		t.Fatalf("dbwardentest: %v", err)
	}
	return made
}

// maker makes the databases of one folder on one server.
type maker struct {
	url    string
	like   engine.Database
	config dbwarden.Config
	parts  engine.Fresh
	keep   bool
}

func newMaker(url string, c dbwarden.Config) (*maker, error) {
	switch {
	case strings.TrimSpace(url) == "":
		return nil, errors.New("the URL of a database is empty: set the variable that the test reads it from; on SQLite sqlite:///:memory: will do")
	case c.Engine == nil || c.Migrations == nil:
		return nil, errors.New("the Config needs an Engine and Migrations")
	case c.Engine.Fresh.URL == nil:
		return nil, fmt.Errorf("%s makes no databases for tests", c.Engine.Title)
	case c.Database != nil:
		return nil, errors.New("the database is the URL's: leave Config.Database out")
	case c.BeforeRun != nil:
		return nil, errors.New("Config.BeforeRun is not called for a copy of a template: leave it out")
	}
	for _, h := range c.Hooks {
		if h.Call != nil {
			return nil, fmt.Errorf("a hook %s that calls a function is not called for a copy of a template: leave it out", h.At)
		}
	}
	like, err := c.Engine.Open(url, engine.OpenOptions{})
	if err != nil {
		return nil, err
	}
	c.Loaded = nil // the template is of what stands in the files now
	keep := os.Getenv(Keep)
	return &maker{url: url, like: like, config: c, parts: c.Engine.Fresh, keep: keep != "" && keep != "0"}, nil
}

// make makes one, and sees to its end.
func (m *maker) make(t testing.TB) (string, error) {
	t.Helper()
	if m.config.Engine.Caps.File {
		return m.file(t)
	}
	return m.server(t)
}

// migrate applies all migrations to another database than the URL's.
func (m *maker) migrate(ctx context.Context, name string) error {
	url, err := m.parts.URL(m.url, name)
	if err != nil {
		return err
	}
	w, err := dbwarden.Open(url, m.config)
	if err != nil {
		return err
	}
	if _, err := w.Migrate(ctx, plan.Target{}); err != nil {
		return fmt.Errorf("migrate a new database: %w", err)
	}
	return nil
}

// label names a database without the password.
func (m *maker) label(name string) string {
	if d, err := m.config.Engine.Open(m.url, engine.OpenOptions{Database: name}); err == nil {
		return d.Label()
	}
	return name
}

// dropTime is what it may take to drop a database, behind the test's own
// context.
const dropTime = time.Minute

// farewell has drop called when the test ends, unless the database was made and
// is to be looked at.
func (m *maker) farewell(t testing.TB, name string, made *bool, drop func(context.Context) error) {
	t.Helper()
	t.Cleanup(func() {
		t.Helper()
		if *made && m.keep {
			t.Logf("dbwardentest: kept %s", m.label(name))
			return
		}
		if *made && t.Failed() {
			t.Logf("dbwardentest: the database was %s; set %s=1 to keep it", m.label(name), Keep)
		}
		ctx, cancel := context.WithTimeout(context.Background(), dropTime)
		defer cancel()
		// Where New has failed already, that is what is to be told.
		if err := drop(ctx); err != nil && *made {
			t.Errorf("dbwardentest: drop %s: %v", m.label(name), err)
		}
	})
}

// digest is what a template is known by: whatever a migrated database depends
// on.
func (m *maker) digest(ctx context.Context, clerk engine.Session) (string, error) {
	kin, err := m.parts.Kin(ctx, clerk, m.like)
	if err != nil {
		return "", err
	}
	files, err := migration.FileDigests(m.config.Migrations)
	if err != nil {
		return "", fmt.Errorf("read the migrations: %w", err)
	}
	program := ""
	if slices.ContainsFunc(m.config.Go, func(g migration.Go) bool { return g.Checksum == "" }) {
		if program, err = ownDigest(); err != nil {
			return "", err
		}
	}
	functions, err := migration.Functions(m.config.Go)
	if err != nil {
		return "", err
	}
	return digestOf(m.config, kin, files, program, functions), nil
}

// ownDigest is over the test's own binary: which of its code a migration in Go
// runs nobody can tell.
var ownDigest = sync.OnceValues(func() (string, error) {
	name, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
})

// excuse says of a missing right what gives it.
func (m *maker) excuse(s engine.Session, err error) error {
	if err == nil || m.config.Engine.Fault(err).Kind != engine.Denied {
		return err
	}
	return fmt.Errorf("the user may not make a database for a test; a user with more rights runs %s: %w",
		strings.TrimSpace(m.parts.Right(s.Server())), err)
}
