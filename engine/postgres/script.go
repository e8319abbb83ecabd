package postgres

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

// script is for psql.
func script() *engine.Script {
	return &engine.Script{
		Client:   "psql",
		Usage:    "psql -X -f FILE 'postgresql://USER@HOST/DATABASE'",
		Head:     []string{`\set ON_ERROR_STOP on`, `\set AUTOCOMMIT on`, `\set QUIET on`, `\pset pager off`},
		Settings: scriptSettings,
		Undo:     undoing,
		Guard: func(_ engine.Server, condition, message string) []string {
			return []string{"DO $dbwarden$ BEGIN IF (" + condition + ") IS NOT TRUE THEN RAISE EXCEPTION USING MESSAGE = " + quoteLiteral(message) + "; END IF; END $dbwarden$;"}
		},
		Columns: func(schema, table string) string {
			return "(SELECT count(*) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace" +
				" JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped" +
				" WHERE n.nspname = " + quoteLiteral(schema) + " AND c.relname = " + quoteLiteral(table) + ")"
		},
		Take: func(k engine.Key) string {
			high, low := halves(workNumber(k))
			return fmt.Sprintf("CASE WHEN NOT pg_catalog.pg_try_advisory_lock(%d) THEN false ELSE NOT EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE %s) END",
				number(k), advisory(strconv.FormatInt(high, 10), strconv.FormatInt(low, 10)))
		},
		Free: func(k engine.Key) string {
			return silently(fmt.Sprintf("SELECT pg_catalog.pg_advisory_unlock(%d)", number(k)))
		},
		Session:   "(SELECT a.pid || '/' || " + startOf + " FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = pg_catalog.pg_backend_pid())",
		Query:     scriptQuery,
		Statement: scriptStatement,
	}
}

func scriptSettings(ctx context.Context, s engine.Session, l engine.Limits) ([]string, error) {
	lines := []string{"SET client_encoding = 'UTF8';"}
	// idle limits are left out: a person may look at the script while it runs
	var limits []setting
	for _, one := range limitSettings(l, nil) {
		if !strings.HasPrefix(one.name, "idle_") {
			limits = append(limits, one)
		}
	}
	lines = append(lines, silently(setSQL(limits, false, "")))
	var path string
	err := s.Query(ctx, func(scan func(...any) error) error { return scan(&path) }, "SELECT pg_catalog.current_setting('search_path')")
	return append(lines, silently("SELECT pg_catalog.set_config('search_path', "+quoteLiteral(path)+", false)")), err
}

// silently is a SELECT of ours that shows no rows.
func silently(query string) string {
	return "DO $dbwarden$ BEGIN PERFORM" + strings.TrimPrefix(query, "SELECT") + "; END $dbwarden$;"
}

var dollar = lazily(`\$\d+`)

// scriptQuery puts values in the place of $1 and so on. Our own texts have
// those nowhere else.
func scriptQuery(q engine.Query) (text string, err error) {
	args := q.Timeless()
	text = dollar().ReplaceAllStringFunc(q.Text, func(bind string) string {
		n, _ := strconv.Atoi(bind[1:]) // digits
		if n < 1 || n > len(args) {
			err = errors.New("query has more placeholders than values")
			return bind
		}
		literal, bad := scriptLiteral(args[n-1])
		err = errors.Join(err, bad)
		return literal
	})
	return text, err
}

func scriptLiteral(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "NULL", nil
	case string:
		return quoteLiteral(v), nil
	case int:
		return strconv.Itoa(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", fmt.Errorf("a value of type %T cannot be written", v)
}

func scriptStatement(w io.Writer, st sqltext.Statement) error {
	if _, err := io.WriteString(w, engine.Terminated(st.Text)); err != nil || st.Copy == nil {
		return err
	}
	last := &lastByte{w: w, b: '\n'}
	if _, err := io.Copy(last, st.Copy); err != nil {
		return err
	}
	if last.b != '\n' {
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\\.\n")
	return err
}

// lastByte remembers what came last.
type lastByte struct {
	w io.Writer
	b byte
}

func (l *lastByte) Write(p []byte) (int, error) {
	if len(p) > 0 {
		l.b = p[len(p)-1]
	}
	return l.w.Write(p)
}
