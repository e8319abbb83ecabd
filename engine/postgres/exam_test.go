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

// A pooler in between changes how the engine goes about it, and none of what
// it promises.
func TestExaminationThroughAPooler(t *testing.T) {
	t.Parallel()
	pool := dbtest.OwnPgBouncer(t, dbtest.Postgres(t), "default_pool_size = 30")
	enginetest.Run(t, postgres.Engine(), func(t *testing.T) string {
		t.Helper()
		return pool.NewDatabase(t)
	})
}
