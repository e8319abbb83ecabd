package dbwarden_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// A large table is filled in pieces: each of them is committed by itself, behind
// the fence, and a function that is called again goes on where it was.
func Example_fillInPieces() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	folder := fstest.MapFS{
		"0001_orders.sql": {Data: []byte("-- upgrade\nCREATE TABLE orders (id INTEGER PRIMARY KEY, price INTEGER, pieces INTEGER, total INTEGER);\n" +
			"INSERT INTO orders (price, pieces) VALUES (3, 4), (5, 6), (7, 8);\n")},
	}
	fill := func(ctx context.Context, conn migration.Conn) error {
		for left := int64(1); left > 0; {
			err := conn.InTx(ctx, func(ctx context.Context, tx migration.Tx) error {
				res, err := tx.ExecContext(ctx, "UPDATE orders SET total = COALESCE(price * pieces, 0) WHERE id IN (SELECT id FROM orders WHERE total IS NULL LIMIT 2)")
				if err == nil {
					left, err = res.RowsAffected()
				}
				return err
			})
			if err != nil {
				return err
			}
			fmt.Println(left, "filled")
		}
		return nil
	}
	w, err := dbwarden.Open("sqlite:///"+filepath.Join(dir, "orders.db"), dbwarden.Config{
		Engine: sqlite.Engine(), Migrations: folder,
		Go: []migration.Go{{Version: "0002", Description: "fill total", UpConn: fill}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = w.Migrate(context.Background(), plan.Target{})
	fmt.Println(err)
	// Output:
	// 2 filled
	// 1 filled
	// 0 filled
	// <nil>
}

// A migration in Go among the files: it reads rows, and writes what it makes of
// them in the transaction that its row of the history is in.
func Example_migrationsInGo() {
	folder := fstest.MapFS{ // a service has it embedded
		"0001_people.sql": {Data: []byte("-- upgrade\nCREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, first TEXT);\nINSERT INTO people (name) VALUES ('Ada Lovelace'), ('Grace Hopper');\n")},
	}
	splitNames := func(ctx context.Context, tx migration.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT id, name FROM people")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id int
			var name string
			if err := rows.Scan(&id, &name); err != nil {
				return err
			}
			first, _, _ := strings.Cut(name, " ")
			if _, err := tx.ExecContext(ctx, "UPDATE people SET first = ? WHERE id = ?", first, id); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	w, err := dbwarden.Open("sqlite:///"+filepath.Join(dir, "people.db"), dbwarden.Config{
		Engine: sqlite.Engine(), Migrations: folder,
		Go: []migration.Go{{Version: "0002", Description: "split names", Up: splitNames}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := w.Migrate(context.Background(), plan.Target{})
	for _, m := range res.Completed {
		fmt.Println(m.File, m.Kind)
	}
	fmt.Println(err)
	// Output:
	// 0001_people.sql versioned
	// 0002_split_names.go go
	// <nil>
}
