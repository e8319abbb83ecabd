package postgres_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/enginetest"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func TestExamination(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, postgres.Engine(), func(t *testing.T) string {
		t.Helper()
		return dbtest.Postgres(t).NewDatabase(t)
	})
}
