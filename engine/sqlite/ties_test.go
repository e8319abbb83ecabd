package sqlite

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func TestTies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"INSERT INTO c VALUES (last_insert_rowid())":                               true,
		"INSERT INTO c SELECT CHANGES() + total_changes ()":                        true,
		"INSERT INTO c VALUES ('changes()') /* changes() */":                       false,
		"INSERT INTO changes (n) VALUES (1)":                                       false,
		"CREATE TRIGGER x AFTER INSERT ON c BEGIN SELECT last_insert_rowid(); END": false,
	} {
		all, err := sqltext.All(text, sqltext.SQLite)
		if err != nil || len(all) != 1 {
			t.Fatalf("%s: %v", text, err)
		}
		if got := ties(all[0], engine.Server{}); got.Rows != want || got.Ours != (want && strings.Contains(text, "total")) {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
