package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// script is for sqlite3, which cannot take the lock on our file: of the
// script, the row alone is seen.
func script() *engine.Script {
	return &engine.Script{
		Client:   "sqlite3",
		Usage:    "sqlite3 DATABASE.db < FILE",
		Head:     []string{".bail on"},
		Settings: scriptSettings,
		Guard: func(_ engine.Server, condition, message string) []string {
			return []string{
				"CREATE TEMP TABLE dbwarden_guard (ok INTEGER, CONSTRAINT " + quote(message) + " CHECK (ok IS 1));",
				"INSERT INTO temp.dbwarden_guard SELECT (" + condition + ") IS TRUE;",
				"DROP TABLE temp.dbwarden_guard;",
			}
		},
		Columns: func(_, table string) string {
			return "(SELECT COUNT(*) FROM pragma_table_xinfo('" + table + "', 'main') WHERE hidden <> 1)"
		},
		Take:  func(engine.Key) string { return "" },
		Free:  func(engine.Key) string { return "" },
		Query: scriptQuery,
		Statement: func(w io.Writer, st sqltext.Statement) error {
			_, err := io.WriteString(w, engine.Terminated(st.Text))
			return err
		},
	}
}

func scriptSettings(ctx context.Context, s engine.Session, l engine.Limits) ([]string, error) {
	var lines []string
	if wait := l.WithDefaults().Lock; wait > 0 {
		lines = append(lines, fmt.Sprintf(".timeout %d", wait.Milliseconds()))
	}
	keys := int64(0)
	if s != nil {
		if err := s.Query(ctx, func(scan func(...any) error) error { return scan(&keys) }, "PRAGMA foreign_keys"); err != nil {
			return nil, err
		}
	}
	return append(lines, fmt.Sprintf("PRAGMA foreign_keys = %d;", keys)), nil
}

// scriptQuery puts values in the place of question marks. Our own texts have
// those nowhere else.
func scriptQuery(q engine.Query) (string, error) {
	parts := strings.Split(q.Text, "?")
	args := q.Timeless()
	if len(parts) != len(args)+1 {
		return "", errors.New("a query has another number of values than of placeholders")
	}
	var b strings.Builder
	b.WriteString(parts[0])
	for i, v := range args {
		switch v := v.(type) {
		case nil:
			b.WriteString("NULL")
		case string:
			if strings.Contains(v, "\x00") {
				return "", errors.New("a text with a zero byte cannot be written")
			}
			b.WriteString("'" + strings.ReplaceAll(v, "'", "''") + "'")
		case int:
			b.WriteString(strconv.Itoa(v))
		case int64:
			b.WriteString(strconv.FormatInt(v, 10))
		default:
			return "", fmt.Errorf("a value of type %T cannot be written", v)
		}
		b.WriteString(parts[i+1])
	}
	return b.String(), nil
}
