package sqlite_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/enginetest"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func TestExamination(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, sqlite.Engine(), func(t *testing.T) string {
		t.Helper()
		return dbtest.SQLite(t)
	})
}
