package dbwarden_test

import (
	"fmt"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestAServersLimitOfRowsDoesNotCutOffTheHistory: what is behind it would be
// pending.
func TestAServersLimitOfRowsDoesNotCutOffTheHistory(t *testing.T) {
	t.Parallel()
	server := dbtest.OwnMariaDB(t) // the setting is global
	url := server.NewDatabase(t)
	b := newBench(t, product{mysql.Engine(), func(*testing.T) string { return url }}, map[string]string{"1_t.sql": table})
	const most = 40
	for i := 2; i < most+10; i++ {
		b.put(fmt.Sprintf("%d_rows.sql", i), fmt.Sprintf("-- upgrade\nINSERT INTO t VALUES (%d);\n-- rollback\nDELETE FROM t WHERE n = %[1]d;\n", i))
	}
	b.migrate()
	server.Exec(t, fmt.Sprintf("SET GLOBAL sql_select_limit = %d", most))
	res, err := b.warden().Migrate(t.Context(), plan.Target{})
	if err != nil || len(res.Completed) > 0 {
		t.Errorf("behind all of them %d were applied: %v", len(res.Completed), err)
	}
	// Also behind a file's own, which is put back to the server's.
	b.put("90_limit.sql", "-- upgrade\nSET sql_select_limit = 1;\nINSERT INTO t VALUES (90);\n-- rollback\n")
	b.put("91_rows.sql", "-- upgrade\nINSERT INTO t VALUES (91);\n-- rollback\nDELETE FROM t WHERE n = 91;\n")
	b.migrate()
	b.rollback(plan.Target{})
	if got := b.value("SELECT MAX(n) FROM t"); got != "90" {
		t.Errorf("the newest went back, and the highest is %s", got)
	}
}
