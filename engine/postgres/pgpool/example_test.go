package pgpool_test

import (
	"context"
	"database/sql"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgpool"
	"github.com/dbwarden-go/dbwarden/plan"
)

// A service that has a pool migrates before it begins. Its connections stay as
// they are.
func ExampleFrom() {
	migrate := func(ctx context.Context, pool *pgxpool.Pool, folder fs.FS) error {
		db, err := pgpool.From(pool, engine.OpenOptions{})
		if err != nil {
			return err
		}
		w, err := dbwarden.New(dbwarden.Config{Engine: postgres.Engine(), Database: db, Migrations: folder, Wait: time.Minute})
		if err != nil {
			return err
		}
		_, err = w.Migrate(ctx, plan.Target{})
		return err
	}
	_ = migrate
}

// The same with database/sql: sql.Open("pgx", …) or stdlib.OpenDB.
func ExampleFromDB() {
	migrate := func(ctx context.Context, pool *sql.DB, folder fs.FS) error {
		db, err := pgpool.FromDB(ctx, pool, engine.OpenOptions{})
		if err != nil {
			return err
		}
		w, err := dbwarden.New(dbwarden.Config{Engine: postgres.Engine(), Database: db, Migrations: folder, Wait: time.Minute})
		if err != nil {
			return err
		}
		_, err = w.Migrate(ctx, plan.Target{})
		return err
	}
	_ = migrate
}
