package mysql

import (
	"context"
	"fmt"
	"strings"
)

// Behind a packet that may have run what a user has written, a trigger or a
// function, the session is asked whether it is as it was. The answer is one
// digest of all that look reads, and of whether the limits are what they
// should be; the question is long, and so prepared.

// stateColumn is what the answer is called.
const stateColumn = "dbwarden_state"

func (s *session) prepareState(ctx context.Context) error {
	var b strings.Builder
	b.WriteString("SELECT MD5(CONCAT_WS(' ', IFNULL(DATABASE(), ''), IFNULL(" + currentRole + ", ''), " + stopped)
	for _, v := range s.variables {
		b.WriteString(", IFNULL(@@session." + variables[v].name + ", '')")
	}
	b.WriteString(", @@wait_timeout = ?, @@lock_wait_timeout = ?, @@innodb_lock_wait_timeout = ?, @@max_statement_time = 0)) AS " + stateColumn)
	_, err := s.Exec(ctx, "PREPARE dbwarden_state FROM '"+strings.ReplaceAll(b.String(), "'", "''")+"'")
	return err
}

func (s *session) stateQuery() string {
	idle, lock := seconds(s.limits.Idle), seconds(s.limits.Lock)
	return fmt.Sprintf("EXECUTE dbwarden_state USING %d, %d, %d", idle, lock, lock)
}
