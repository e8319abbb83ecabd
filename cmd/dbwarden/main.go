// Command dbwarden applies plain SQL migrations, one run at a time.
package main

import (
	"os"

	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/mysql/mycheck"
	"github.com/dbwarden-go/dbwarden/engine/mysql/myschema"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgcheck"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/litecheck"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/cli"
)

// Set by the linker in a release.
var version, commit, date string

func main() {
	os.Exit(cli.Process([]cli.Product{
		{Engine: sqlite.Engine(), Inspect: liteschema.Inspect, Digest: liteschema.Digest, Statements: liteschema.Statements, Plan: liteschema.Plan, Spell: liteschema.Spell, Rename: liteschema.Rename, Check: litecheck.Product},
		{Engine: postgres.Engine(), Inspect: pgschema.Inspect, Statements: pgschema.Statements, Plan: pgschema.Plan, Rename: pgschema.Rename, Check: pgcheck.Product},
		{Engine: mysql.Engine(), Inspect: myschema.Inspect, Statements: myschema.Statements, Plan: myschema.Plan, Rename: myschema.Rename, PlanSaysDefaults: true, Check: mycheck.Product},
	}, cli.Build{Version: version, Commit: commit, Date: date}))
}
