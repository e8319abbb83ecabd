package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Instead of waiting, the server may say that a table is just being defined
// (by another node of a cluster): then it is asked again, so often.
const (
	errSkipped   = "1684"
	beingDefined = 100
)

// columns lists a table's columns. The server answers "no such table" only
// to who may see the table if it existed; others are denied.
func columns(ctx context.Context, s engine.Session, schema, table string) ([]string, error) {
	if schema == "" {
		schema = s.Server().Schema
	}
	var names []string
	var err error
	for range beingDefined {
		names = nil
		err = s.Query(ctx, func(scan func(...any) error) error {
			var name string
			var rest [5]sql.NullString
			if err := scan(&name, &rest[0], &rest[1], &rest[2], &rest[3], &rest[4]); err != nil {
				return err
			}
			names = append(names, name)
			return nil
		}, "SHOW COLUMNS FROM "+quote(schema)+"."+quote(table))
		if fault(err).Code != errSkipped {
			break
		}
		wait(ctx, nil, 50*time.Millisecond)
	}
	switch f := fault(err); {
	case err == nil:
		return names, nil
	case f.Code != fmt.Sprint(errNoSuchTable):
		return nil, err
	}
	// MariaDB says the same of a database that does not exist.
	found := false
	err = s.Query(ctx, func(scan func(...any) error) error {
		found = true
		return nil
	}, "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", schema)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, &noDatabaseError{schema}
	}
	return nil, nil
}

// noDatabaseError says what MySQL says with number 1049.
type noDatabaseError struct{ name string }

func (e *noDatabaseError) Error() string { return fmt.Sprintf("there is no database %q", e.name) }
