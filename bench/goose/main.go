// Goose runs goose's library as its pages advise for a deploy: a provider
// with the session locker where there is one (PostgreSQL). It links three
// drivers, where goose's own command links all it knows.
//
//	goose postgres|mysql|sqlite URL FOLDER up|status
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: goose postgres|mysql|sqlite URL FOLDER up|status")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4]); err != nil {
		fmt.Fprintln(os.Stderr, "goose:", err)
		os.Exit(1)
	}
}

func run(product, url, folder, command string) error {
	ctx := context.Background()
	driver, dialect := map[string]string{"postgres": "pgx", "mysql": "mysql", "sqlite": "sqlite"}[product], goose.Dialect(product)
	if product == "sqlite" {
		dialect = goose.DialectSQLite3
	}
	db, err := sql.Open(driver, url)
	if err != nil {
		return err
	}
	defer db.Close()
	var options []goose.ProviderOption
	if product == "postgres" {
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, db, os.DirFS(folder), options...)
	if err != nil {
		return err
	}
	if command == "status" {
		list, err := p.Status(ctx)
		for _, m := range list {
			fmt.Println(m.State, m.AppliedAt, m.Source.Path)
		}
		return err
	}
	done, err := p.Up(ctx)
	for _, m := range done {
		fmt.Println("OK", m.Source.Path, m.Duration)
	}
	return err
}
