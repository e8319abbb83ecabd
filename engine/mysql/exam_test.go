package mysql_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/enginetest"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func TestExamination(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, mysql.Engine(), func(t *testing.T) string {
		t.Helper()
		return dbtest.MariaDB(t).NewDatabase(t)
	})
}
