package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// orphanTime is what the search for orphans may take: it reads every table
// that has a foreign key.
const orphanTime = 5 * time.Second

// mostOrphans is how many of them are named.
const mostOrphans = 3

// nameOrphans adds to a COMMIT that was refused for a foreign key which rows
// refer to nothing: SQLite itself says only that there are some. The
// transaction is still open, so that they are still there.
func (s *session) nameOrphans(ctx context.Context, err error) error {
	var wrong *statementError
	if code, ok := resultCode(err); !ok || code != codeForeignKey || !errors.As(err, &wrong) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), orphanTime)
	defer cancel()
	type orphan struct {
		table, parent string
		row           sql.NullInt64
		key           int
	}
	var found []orphan
	more := 0
	// Without the rows the error is told as it is.
	_ = s.Query(ctx, func(scan func(...any) error) error {
		var o orphan
		if err := scan(&o.table, &o.row, &o.parent, &o.key); err != nil {
			return err
		}
		if len(found) == mostOrphans {
			more++
			return nil
		}
		found = append(found, o)
		return nil
	}, `SELECT "table", rowid, parent, fkid FROM pragma_foreign_key_check LIMIT 1000`)
	var lines []string
	for _, o := range found {
		lines = append(lines, s.tellOrphan(ctx, o.table, o.row, o.parent, o.key))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	wrong.detail = strings.Join(lines, "\n")
	return err
}

// tellOrphan is "row 1 of notes: customer = 99 is not in customers (id)".
func (s *session) tellOrphan(ctx context.Context, table string, row sql.NullInt64, parent string, key int) string {
	var from, to []string
	_ = s.Query(ctx, func(scan func(...any) error) error {
		var f string
		var t sql.NullString
		err := scan(&f, &t)
		from = append(from, f)
		if t.Valid {
			to = append(to, t.String)
		}
		return err
	}, `SELECT "from", "to" FROM pragma_foreign_key_list(?) WHERE id = ? ORDER BY seq`, table, key)
	where := parent
	if len(to) > 0 {
		where += " (" + strings.Join(to, ", ") + ")"
	}
	if !row.Valid || len(from) == 0 { // WITHOUT ROWID
		return fmt.Sprintf("a row of %s (%s) has nothing in %s", table, strings.Join(from, ", "), where)
	}
	var values []string
	for _, column := range from {
		v, err := s.text(ctx, "SELECT quote("+quote(column)+") FROM "+quote(table)+" WHERE rowid = ?", row.Int64)
		if err != nil {
			v = "?"
		}
		values = append(values, column+" = "+v)
	}
	return fmt.Sprintf("row %d of %s: %s is not in %s", row.Int64, table, strings.Join(values, ", "), where)
}
