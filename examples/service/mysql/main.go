// Command mysql is a service that migrates its database before it begins.
package main

import (
	"context"
	"embed"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/plan"
)

//go:embed migrations
var files embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	folder, _ := fs.Sub(files, "migrations") // it is embedded above
	w, err := dbwarden.Open(os.Getenv("DATABASE_URL"), dbwarden.Config{Engine: mysql.Engine(), Migrations: folder, Wait: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	res, err := w.Migrate(ctx, plan.Target{})
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%d migrations applied", len(res.Completed)) // and now the service itself
}
