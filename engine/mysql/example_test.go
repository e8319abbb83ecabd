package mysql_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/plan"
)

// A service that has a *sql.DB migrates before it begins. Its connections stay as
// they are.
func ExampleFromDB() {
	migrate := func(ctx context.Context, pool *sql.DB, folder fs.FS) error {
		db, err := mysql.FromDB(ctx, pool, engine.OpenOptions{})
		if err != nil {
			return err
		}
		w, err := dbwarden.New(dbwarden.Config{Engine: mysql.Engine(), Database: db, Migrations: folder, Wait: time.Minute})
		if err != nil {
			return err
		}
		_, err = w.Migrate(ctx, plan.Target{})
		return err
	}
	_ = migrate
}

// The driver's configuration in place of a URL, with a password that is asked for
// before each connection.
func ExampleFromConfig() {
	c := driver.NewConfig()
	c.User, c.Net, c.Addr, c.DBName = "app", "tcp", "db.internal:3306", "shop"
	if err := c.Apply(driver.BeforeConnect(func(_ context.Context, c *driver.Config) error {
		c.Passwd = "of the moment" // from whoever gives out passwords
		return nil
	})); err != nil {
		fmt.Println(err)
		return
	}
	db, err := mysql.FromConfig(c, engine.OpenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(db.Label())
	// Output: mysql://app@db.internal:3306/shop
}
