package journal

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
)

// History is what the database remembers.
type History struct {
	Exists    bool // the history table is there
	Revisions []Revision

	// Open are the entries behind the last finished migration: those of an
	// attempt that did not come to its end. Nothing else runs before such an
	// attempt is finished, so they belong to one migration.
	Open []Entry

	byKey  map[string]*Revision
	byFile map[string]*Revision
}

// NewHistory makes a history of its parts.
func NewHistory(revisions []Revision, open []Entry) *History {
	h := &History{Exists: true, Revisions: revisions, Open: open}
	h.index()
	return h
}

func (h *History) index() {
	h.byKey, h.byFile = map[string]*Revision{}, map[string]*Revision{}
	for i := range h.Revisions {
		r := &h.Revisions[i]
		if r.Version.IsZero() {
			h.byFile[r.File] = r
		} else {
			h.byKey[r.Version.Key()] = r
		}
	}
}

// Find returns the revision of a version, nil where it is not applied.
func (h *History) Find(v migration.Version) *Revision { return h.byKey[v.Key()] }

// FindFile returns the revision of a repeatable migration.
func (h *History) FindFile(name string) *Revision { return h.byFile[name] }

// Read returns the history and the open entries. It creates nothing; no
// table is an empty history. It takes one query, whatever the history's
// length, and a second one where there may be open entries.
func (j *Journal) Read(ctx context.Context, s engine.Session) (*History, error) {
	h := &History{}
	open := true
	names := []string{HistoryTable, LaterHistoryTable}
	if j.history != "" {
		names = []string{j.history}
	}
	for _, name := range names {
		there, err := j.readTable(ctx, s, h, name, &open)
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		h.Exists, j.history = true, name
		break
	}
	h.index()
	if !h.Exists || !open {
		return h, nil
	}
	var err error
	h.Open, err = j.entries(ctx, s, "WHERE id > "+j.lastFinished()+" ORDER BY id")
	return h, err
}

// readTable reads the history table of one name, and says whether there is
// one. A table of the original tool lacks columns of ours.
func (j *Journal) readTable(ctx context.Context, s engine.Session, h *History, name string, open *bool) (bool, error) {
	err := j.readRevisions(ctx, s, h, name, nil, open)
	if err == nil || j.Engine.Fault(err).Kind != engine.Missing {
		return err == nil, err
	}
	have, err := j.Engine.Columns(ctx, s, j.Schema, name)
	if err != nil || have == nil {
		return false, err
	}
	*open = true
	err = j.readRevisions(ctx, s, h, name, have, open)
	return err == nil, err
}

// lastFinished is a scalar expression for the newest entry that ended a
// migration. It is near the end of the table, so that a few rows are read
// from behind.
func (j *Journal) lastFinished() string {
	return "COALESCE((SELECT id FROM " + j.table(EntryTable) + " WHERE event IN ('" + string(Applied) + "', '" + string(Reverted) + "') ORDER BY id DESC LIMIT 1), 0)"
}

// Entries returns the whole journal, oldest first.
func (j *Journal) Entries(ctx context.Context, s engine.Session) ([]Entry, error) {
	return j.entries(ctx, s, "ORDER BY id")
}

// readRevisions reads the history table; have lists the columns it has, nil
// for all of ours. Then open is set to whether there are entries behind the
// last finished migration, unless the history is empty, which has no row to
// tell it.
func (j *Journal) readRevisions(ctx context.Context, s engine.Session, h *History, name string, have []string, open *bool) error {
	d := j.Engine.Dialect
	list := []string{"id", "version", "description", "filename", "migration_type", "applied_at", "checksum", "checksum_kind", "statements",
		"statement_hashes", "duration_ms", "run_id", "fencing_token", "applied_by", "program", "runs"}
	for i, c := range list {
		switch {
		case have != nil && !slices.Contains(have, c):
			list[i] = "NULL"
		// Qualified: SQLite reads a quoted name that is no column as a string.
		case c == "applied_at":
			list[i] = d.UTC("h." + d.Quote(c))
		default:
			list[i] = "h." + d.Quote(c)
		}
	}
	tail := "0"
	if have == nil {
		tail = "CASE WHEN COALESCE((SELECT MAX(id) FROM " + j.table(EntryTable) + "), 0) > " + j.lastFinished() + " THEN 1 ELSE 0 END"
	}
	list = append(list, tail)
	h.Revisions = nil
	return s.Query(ctx, func(scan func(...any) error) error {
		var id, behind int64
		var version, description, file, kind, applied, checksum, checksumKind, hashes, run, by, program sql.NullString
		var statements, duration, token, runs sql.NullInt64
		if err := scan(&id, &version, &description, &file, &kind, &applied, &checksum, &checksumKind, &statements,
			&hashes, &duration, &run, &token, &by, &program, &runs, &behind); err != nil {
			return err
		}
		*open = have != nil || behind != 0
		r := Revision{
			ID: id, Description: description.String, File: file.String, Kind: migration.Kind(kind.String),
			AppliedAt: parseTime(applied.String), Checksum: migration.Checksum(checksum.String), ChecksumKind: checksumKind.String,
			Statements: int(statements.Int64), Duration: time.Duration(duration.Int64) * time.Millisecond,
			Run: run.String, Token: token.Int64, By: by.String, Program: program.String, Runs: int(runs.Int64),
		}
		if hashes.String != "" {
			r.Hashes = strings.Fields(hashes.String)
		}
		if version.String != "" {
			v, err := migration.ParseVersion(version.String)
			if err != nil {
				return err
			}
			r.Version = v
		}
		h.Revisions = append(h.Revisions, r)
		return nil
	}, "SELECT "+strings.Join(list, ", ")+" FROM "+j.table(name)+" h ORDER BY id")
}

func (j *Journal) entries(ctx context.Context, s engine.Session, tail string) ([]Entry, error) {
	out, err := j.readEntries(ctx, s, evidenceColumn, tail)
	if err == nil || j.Engine.Fault(err).Kind != engine.Missing {
		return out, err
	}
	switch have, e := j.Engine.Columns(ctx, s, j.Schema, EntryTable); {
	case e != nil:
		return nil, e
	case have == nil:
		return nil, nil // a history of the original tool, without a journal yet
	}
	return j.readEntries(ctx, s, "NULL", tail) // a journal of an older release
}

func (j *Journal) readEntries(ctx context.Context, s engine.Session, evidence, tail string) ([]Entry, error) {
	d := j.Engine.Dialect
	var out []Entry
	err := s.Query(ctx, func(scan func(...any) error) error {
		var e Entry
		var at, run, what, direction, version, file, checksum, detail, by, evidence sql.NullString
		var from, to, statements, duration sql.NullInt64
		if err := scan(&e.ID, &at, &run, &e.Token, &what, &direction, &version, &file, &from, &to, &statements, &checksum, &duration, &detail, &by, &evidence); err != nil {
			return err
		}
		e.At, e.Run, e.What, e.Direction = parseTime(at.String), run.String, What(what.String), migration.Direction(direction.String)
		e.Version, e.File, e.From, e.To, e.Statements = version.String, file.String, int(from.Int64), int(to.Int64), int(statements.Int64)
		e.Checksum, e.Duration, e.Detail, e.By = checksum.String, time.Duration(duration.Int64)*time.Millisecond, detail.String, by.String
		e.Evidence = evidence.String
		out = append(out, e)
		return nil
	}, "SELECT id, "+d.UTC("created_at")+", run_id, fencing_token, event, direction, version, filename, statement_from, statement_to, "+
		"statements, checksum, duration_ms, detail, created_by, "+evidence+" FROM "+j.table(EntryTable)+" "+tail)
	return out, err
}

func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
