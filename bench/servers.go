package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// A server is where databases are made. SQLite's is a folder.
type server struct {
	product product
	admin   *url.URL
	folder  string
	stop    func()
}

// startServer starts one of its own. durable: on disk, with every commit
// flushed, as a server is that has not been tuned for a test; else its data
// are in memory.
func startServer(p product, durable bool, folder string) (*server, error) {
	if p == sqlite {
		return &server{product: p, folder: folder, stop: func() {}}, nil
	}
	where := os.TempDir()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() && !durable {
		where = "/dev/shm"
	}
	before, was := os.LookupEnv(dbtest.ServerDirVariable)
	os.Setenv(dbtest.ServerDirVariable, where)
	defer func() {
		if os.Unsetenv(dbtest.ServerDirVariable); was {
			os.Setenv(dbtest.ServerDirVariable, before)
		}
	}()
	var s *dbtest.Server
	var err error
	switch {
	case p == mariadb:
		s, err = dbtest.StartMariaDB()
	case durable:
		s, err = dbtest.StartPostgresWith("fsync=on", "synchronous_commit=on", "full_page_writes=on", "wal_level=replica", "shared_buffers=128MB")
	default:
		s, err = dbtest.StartPostgres()
	}
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(s.URL())
	if err != nil {
		s.Stop()
		return nil, err
	}
	if p == mariadb {
		u.Scheme = "mysql"
	}
	return &server{product: p, admin: u, stop: s.Stop}, nil
}

// address is the host and port.
func (s *server) address() string { return s.admin.Host }

// database is the URL of a database of that name.
func (s *server) database(name string) *url.URL {
	if s.product == sqlite {
		return &url.URL{Path: filepath.Join(s.folder, name, "data.db")}
	}
	u := *s.admin
	u.Path = "/" + name
	return &u
}

// create makes an empty database, in the place of one that is there.
func (s *server) create(ctx context.Context, name string) error {
	switch s.product {
	case sqlite:
		dir := filepath.Join(s.folder, name)
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		return os.MkdirAll(dir, 0o755)
	case mariadb:
		db, err := sql.Open("mysql", place{url: s.admin}.dsn(""))
		if err != nil {
			return err
		}
		defer db.Close()
		for _, q := range []string{"DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name} {
			if _, err := db.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	}
	c, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	// The checkpoint: what one run left to be written is not the next one's.
	for _, q := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name, "CHECKPOINT"} {
		if _, err := c.Exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// number is the answer to a query for one.
func (s *server) number(ctx context.Context, database, query string) (n int64, err error) {
	u := s.database(database)
	if s.product == postgres {
		c, err := pgx.Connect(ctx, u.String())
		if err != nil {
			return 0, err
		}
		defer c.Close(ctx)
		err = c.QueryRow(ctx, query).Scan(&n)
		return n, err
	}
	driver, dsn := "sqlite", u.Path
	if s.product == mariadb {
		driver, dsn = "mysql", place{url: u}.dsn("")
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// version is what the server calls itself.
func (s *server) version(ctx context.Context) string {
	switch s.product {
	case sqlite:
		return ""
	case mariadb:
		db, err := sql.Open("mysql", place{url: s.admin}.dsn(""))
		if err != nil {
			return ""
		}
		defer db.Close()
		var v string
		if db.QueryRowContext(ctx, "SELECT version()").Scan(&v) != nil {
			return "MariaDB"
		}
		v, _, _ = strings.Cut(v, "-")
		return "MariaDB " + v
	}
	c, err := pgx.Connect(ctx, s.admin.String())
	if err != nil {
		return ""
	}
	defer c.Close(ctx)
	var v string
	if c.QueryRow(ctx, "SHOW server_version").Scan(&v) != nil {
		return "PostgreSQL"
	}
	v, _, _ = strings.Cut(v, " ")
	return fmt.Sprintf("PostgreSQL %s", v)
}
