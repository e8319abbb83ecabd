package journal

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
)

// errUnlike says that a line is not what readLines asks for: some text has one of
// the marks in it that part lines and fields. It cannot hide: a mark between
// lines makes more lines than there are rows, and one between fields alone makes
// a line of too many.
var errUnlike = errors.New("a text of the history has control characters")

const (
	betweenFields = "\x1f"
	betweenLines  = "\x1e"
)

// readLines is readRevisions of a table that has all our columns, and of what is
// told of every revision: what a long history costs is the columns that a driver
// hands over one by one, so that each row is one text here, and all rows are one
// where the product can put them together.
func (j *Journal) readLines(ctx context.Context, s engine.Session, h *History, name string, how detail, open *bool) error {
	d := j.Engine.Dialect
	column := func(name string) string { return "h." + d.Quote(name) }
	text := func(name string) string { return "COALESCE(" + column(name) + ", '')" }
	// As readRevisions has them. The file's name is the last, and what may be empty
	// is there nevertheless.
	fields := []string{column("id"), "COALESCE(" + column("runs") + ", 0)", "COALESCE(" + unless(column("migration_type"), string(migration.Versioned)) + ", '')",
		"COALESCE(" + unless(column("checksum_kind"), migration.ChecksumKind) + ", '')", text("checksum"), text("version"), text("filename")}
	if how >= dated {
		fields = append(fields, "COALESCE("+d.UTC(column("applied_at"))+", '')", text("description"))
	}
	behind := "CASE WHEN COALESCE((SELECT MAX(id) FROM " + j.table(EntryTable) + "), 0) > " + j.lastFinished() + " THEN 1 ELSE 0 END"
	var query string
	if d.Lines != nil {
		query = "SELECT COUNT(*), " + j.newest() + ", " + behind + ", " + d.Lines(d.Line(fields...)) + " FROM " + j.table(name) + " h"
	} else {
		// The first row alone tells the rest.
		first := func(expr string) string {
			return "CASE h.id WHEN (SELECT MIN(id) FROM " + j.table(name) + ") THEN " + expr + " END"
		}
		query = "SELECT " + first("(SELECT COUNT(*) FROM "+j.table(name)+")") + ", " + first(j.newest()) + ", " + first(behind) + ", " + d.Line(fields...) +
			" FROM " + j.table(name) + " h ORDER BY id"
	}

	h.Revisions, h.last = nil, sql.NullString{}
	var count int64
	var rows, later sql.NullInt64
	var last, lines sql.NullString
	into := []any{&rows, &last, &later, &lines}
	err := s.Query(ctx, func(scan func(...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		if rows.Valid && rows.Int64 > 0 {
			count, h.last, *open = rows.Int64, last, later.Int64 != 0
			h.Revisions = make([]Revision, 0, count)
		}
		if !lines.Valid {
			return nil // there is no row
		}
		rest, more := lines.String, true
		for more {
			line := rest
			if d.Lines != nil {
				line, rest, more = strings.Cut(rest, betweenLines)
			} else {
				more = false
			}
			h.Revisions = append(h.Revisions, Revision{})
			if err := h.Revisions[len(h.Revisions)-1].read(line, len(fields)); err != nil {
				return err
			}
		}
		return nil
	}, query)
	if err == nil && int64(len(h.Revisions)) != count {
		err = errUnlike
	}
	byID := func(a, b Revision) int { return int(a.ID - b.ID) }
	if err == nil && !slices.IsSortedFunc(h.Revisions, byID) {
		slices.SortFunc(h.Revisions, byID)
	}
	return err
}

// read takes a revision apart that is one text of so many fields.
func (r *Revision) read(line string, fields int) error {
	left, ok := fields, true
	next := func() (field string) {
		if left--; left == 0 {
			field, ok = line, ok && !strings.Contains(line, betweenFields)
			return field
		}
		var found bool
		field, line, found = strings.Cut(line, betweenFields)
		ok = ok && found
		return field
	}
	number := func() int64 {
		n, err := strconv.ParseInt(next(), 10, 64)
		ok = ok && err == nil
		return n
	}
	r.ID, r.Runs = number(), int(number())
	r.Kind, r.ChecksumKind = migration.Kind(next()), next()
	r.Checksum = migration.Checksum(next())
	version := next()
	r.File = next()
	if left > 0 {
		r.AppliedAt, r.Description = parseTime(next()), next()
	}
	if err := r.spell(version); err != nil || !ok {
		return errUnlike // and what is wrong, where it is not that, the columns tell
	}
	return nil
}
