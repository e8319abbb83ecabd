package migration_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// The way back, behind a line that is nearly its marker, would run as part of
// the upgrade.
func TestALineThatIsNearlyAMarkerIsRefused(t *testing.T) {
	t.Parallel()
	load := func(text string) error {
		_, err := migration.Load(fstest.MapFS{"0001_a.sql": {Data: []byte(text)}}, sqltext.SQLite)
		return err
	}
	for _, line := range []string{"-- roll back", "-- rolback", "--rollbak:", "-- Roll-Back", "-- ROLLBAKC", "-- down", "-- +goose Down", "-- migrate:down", "-- roll_back :", "-- rollback;"} {
		err := load("-- upgrade\nCREATE TABLE a (n INTEGER);\n  " + line + "\nDROP TABLE b;\n")
		if err == nil || !strings.Contains(err.Error(), `did you mean the line "-- rollback"?`) || !strings.Contains(err.Error(), ":3:") {
			t.Errorf("%s: %v", line, err)
		}
	}
	if err := load("-- upgrade\nCREATE TABLE a (n INTEGER);\n-- rollback\nDROP TABLE a;\n-- up grade\nSELECT 1;\n"); err == nil || !strings.Contains(err.Error(), `"-- upgrade"?`) {
		t.Errorf("%v", err)
	}
	for _, line := range []string{"-- rollback plan: restore the backup", "-- go down the list", "-- the rollback", "-- roll", "-- back", "-- downtime", "-- upload", "/* roll back */", "SELECT 2; -- roll back", "-- grade", "-- update", "--", "-- upsert"} {
		if err := load("-- upgrade\nCREATE TABLE a (n INTEGER);\n" + line + "\nDROP TABLE b;\n"); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}
