package foreign

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
)

// A Record is what another tool's history says.
type Record struct {
	Table string // as it was found
	Rows  []Row  // in the order of execution
	Notes []Note
}

// A Row says that a change was applied.
type Row struct {
	Change   *Change
	At       time.Time     // zero where it is not known
	By       string        // "" where it is not known
	Duration time.Duration // negative where it is not known
}

// A HistoryError says why a history of another tool cannot be taken over.
type HistoryError struct {
	Table string
	Msg   string
	Next  []string // what to do
}

func (e *HistoryError) Error() string { return e.Table + ": " + e.Msg }

// HistoryOptions say how a history is to be read.
type HistoryOptions struct {
	Table        string // "" for the names that the tool uses by itself
	AllowMissing bool   // what is applied and has no file is passed over
	AllowChanged bool   // what has changed since it was applied counts as applied
}

// History reads the tool's table of what was applied; nil where there is none.
// It writes nothing. A state that cannot be taken over is a *HistoryError.
func (p *Project) History(ctx context.Context, s engine.Session, e *engine.Engine, o HistoryOptions) (*Record, error) {
	if p.Tool.history == nil {
		return nil, nil
	}
	h := &historian{ctx: ctx, s: s, e: e, p: p, o: o}
	names := p.Tool.tables
	if o.Table != "" {
		names = []string{o.Table}
	}
	for _, name := range names {
		found, err := h.find(name)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		h.record.Table = name
		if err := p.Tool.history(h); err != nil {
			return nil, err
		}
		if len(h.unknown) > 0 {
			return nil, h.refuse(fmt.Sprintf("has applied what no file has: %s", strings.Join(h.unknown, ", ")),
				"put the files back, or go on without them: --allow-missing")
		}
		if len(h.changed) > 0 {
			return nil, h.refuse(fmt.Sprintf("files were changed after they were applied: %s", strings.Join(h.changed, ", ")),
				"put them back as they were, or take them as they are: --allow-changed")
		}
		return &h.record, nil
	}
	if o.Table != "" {
		return nil, &HistoryError{Table: o.Table, Msg: "there is no such table", Next: []string{"give the right name with --table, with its schema where it has another: --table SCHEMA.TABLE"}}
	}
	return nil, nil
}

// A historian reads one table.
type historian struct {
	ctx     context.Context
	s       engine.Session
	e       *engine.Engine
	p       *Project
	o       HistoryOptions
	table   string // as a query names it
	columns []string
	record  Record
	unknown []string // applied, and without a file
	changed []string // applied, and another since
}

// find looks for a table, SCHEMA.TABLE or TABLE, in the spelling that the
// server has of it.
func (h *historian) find(name string) (bool, error) {
	schema, table, ok := strings.Cut(name, ".")
	if !ok {
		schema, table = h.s.Server().Schema, name
	}
	columns, err := h.e.Columns(h.ctx, h.s, schema, table)
	if err != nil || columns == nil {
		return false, err
	}
	h.table, h.columns = h.e.Dialect.Qualify(schema, table), columns
	return true, nil
}

// has says whether the table has a column, whatever its case.
func (h *historian) has(column string) bool {
	return slices.ContainsFunc(h.columns, func(c string) bool { return strings.EqualFold(c, column) })
}

func (h *historian) refuse(msg string, next ...string) error {
	return &HistoryError{Table: h.record.Table, Msg: msg, Next: next}
}

// needs fails where the table is another tool's of the same name.
func (h *historian) needs(columns ...string) error {
	for _, c := range columns {
		if !h.has(c) {
			return h.refuse(fmt.Sprintf("is not a history of %s: it has no column %s", h.p.Tool.Title, c),
				"say which tool it is with --from, or name another table with --table")
		}
	}
	return nil
}

// at is an expression for a time, as text in UTC.
func (h *historian) at(column string) string { return h.e.Dialect.UTC(h.e.Dialect.Stored(column)) }

// yes is an expression for a boolean, as 1 or 0.
func yes(column string) string { return "CASE WHEN " + column + " THEN 1 ELSE 0 END" }

// each reads the columns of the table as text, "" for NULL.
func (h *historian) each(columns []string, tail string, do func(v []string)) error {
	return h.s.Query(h.ctx, func(scan func(...any) error) error {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := scan(into...); err != nil {
			return err
		}
		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = v.String
		}
		do(row)
		return nil
	}, "SELECT "+strings.Join(columns, ", ")+" FROM "+h.table+" "+tail)
}

// text is an expression for a column that is no text, which CONCAT makes of it
// on every product.
func text(expression string) string { return "CONCAT(" + expression + ")" }

// add takes a change as applied; nil is one that has no file.
func (h *historian) add(c *Change, name string, r Row) {
	if c == nil {
		if h.o.AllowMissing {
			h.record.Notes = append(h.record.Notes, Note{Text: fmt.Sprintf("%s: %s is applied and has no file: not carried over", h.record.Table, name)})
		} else {
			h.unknown = append(h.unknown, name)
		}
		return
	}
	r.Change = c
	h.remove(c)
	h.record.Rows = append(h.record.Rows, r)
}

// remove takes a change as reverted.
func (h *historian) remove(c *Change) {
	h.record.Rows = slices.DeleteFunc(h.record.Rows, func(r Row) bool { return r.Change == c })
}

// number is the versioned change of that number, nil where there is none.
func (h *historian) number(version string) *Change {
	for _, c := range h.p.Changes {
		if c.Kind == migration.Versioned && c.Version != "" && compareDotted(c.Version, version) == 0 {
			return c
		}
	}
	return nil
}

// upTo takes every versioned change up to a version as applied, which must be
// there itself unless missing ones are allowed.
func (h *historian) upTo(version string, r Row) {
	found := false
	for _, c := range h.p.Changes {
		if c.Kind != migration.Versioned || c.Version == "" {
			continue
		}
		if n := compareDotted(c.Version, version); n <= 0 {
			h.add(c, "", r)
			found = found || n == 0
		}
	}
	if !found {
		h.add(nil, "version "+version, r)
	}
}

func unknownRow() Row { return Row{Duration: -1} }

// moment reads what Dialect.UTC has made.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
