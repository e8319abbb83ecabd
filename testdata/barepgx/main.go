// Command barepgx is the smallest program that uses pgx: what ours is
// measured against.
package main

import (
	"context"
	"log"
	"os"

	"github.com/jackc/pgx/v5"
)

func main() {
	conn, err := pgx.Connect(context.Background(), os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := conn.Exec(context.Background(), "SELECT 1"); err != nil {
		log.Fatal(err)
	}
}
