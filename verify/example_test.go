package verify_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/verify"
)

func ExampleRun() {
	db, err := sqlite.Engine().Open("sqlite:///shop.db", engine.OpenOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	folder := fstest.MapFS{"0001_notes.sql": {Data: []byte(`-- upgrade
CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
CREATE VIEW IF NOT EXISTS newest AS SELECT * FROM notes ORDER BY id DESC LIMIT 10;

-- rollback
DROP TABLE notes;
`)}}
	res, err := verify.Run(context.Background(), dbwarden.Config{Engine: sqlite.Engine(), Database: db, Migrations: folder},
		verify.Options{Inspect: liteschema.Inspect, Digest: liteschema.Digest})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Err())
	// Output:
	// 0001_notes.sql: its rollback does not lead back:
	//   - view newest
	// all together: its rollback does not lead back:
	//   - view newest
}
