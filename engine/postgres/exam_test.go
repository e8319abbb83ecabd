package postgres_test

import (
	"strconv"
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

func TestExaminationOnOtherVersions(t *testing.T) {
	t.Parallel()
	for _, version := range dbtest.PostgresVersions(t) {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			t.Parallel()
			s := dbtest.PostgresVersion(t, version)
			enginetest.Run(t, postgres.Engine(), func(t *testing.T) string {
				t.Helper()
				return s.NewDatabase(t)
			})
		})
	}
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
