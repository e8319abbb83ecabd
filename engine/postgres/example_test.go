package postgres_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
)

// A configuration in place of a URL; of a *pgx.ConnConfig it is the field Config.
func ExampleFromConfig() {
	c, err := pgconn.ParseConfig("postgres://app:secret@db.internal:5432/shop?sslmode=require&search_path=sales")
	if err != nil {
		fmt.Println(err)
		return
	}
	db, err := postgres.FromConfig(c, engine.OpenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(db.Label())
	// Output: postgres://app@db.internal:5432/shop
}

// With a password that is asked for before each connection.
func ExampleFromConfigFunc() {
	c, err := pgconn.ParseConfig("postgres://app@db.internal:5432/shop?sslmode=require")
	if err != nil {
		fmt.Println(err)
		return
	}
	db, err := postgres.FromConfigFunc(c, func(_ context.Context, c *pgconn.Config) error {
		c.Password = "of the moment" // from whoever gives out passwords
		return nil
	}, engine.OpenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(db.Label())
	// Output: postgres://app@db.internal:5432/shop
}
