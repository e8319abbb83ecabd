package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
	// attempt is finished, so they belong to one migration. Many statements
	// that are done may share one; see fold.
	Open []Entry

	versions migration.Index[Revision]
	byFile   map[string]*Revision

	table string         // where the revisions were read from
	last  sql.NullString // the journal's newest entry at that moment, see newest; NULL: not known, or none
}

// NewHistory makes a history of its parts.
func NewHistory(revisions []Revision, open []Entry) *History {
	h := &History{Exists: true, Revisions: revisions, Open: open}
	h.index()
	return h
}

func (h *History) index() {
	h.versions, h.byFile = *migration.NewIndex[Revision](len(h.Revisions)), map[string]*Revision{}
	for i := range h.Revisions {
		r := &h.Revisions[i]
		if r.Version.IsZero() {
			h.byFile[r.File] = r
		} else {
			h.versions.Put(r.Version, r)
		}
	}
}

// Restoring is the entry of a backup that was begun to be put back, and is not
// back as a whole; nil: there is none.
func (h *History) Restoring() *Entry {
	var at *Entry
	for i := range h.Open {
		switch e := &h.Open[i]; e.What {
		case Restoring:
			at = e
		case Restored:
			at = nil
		}
	}
	return at
}

// Find returns the revision of a version, nil where it is not applied.
func (h *History) Find(v migration.Version) *Revision { return h.versions.Find(v) }

// FindFile returns the revision of a repeatable migration.
func (h *History) FindFile(name string) *Revision { return h.byFile[name] }

// Read returns the history and the open entries, as far as a plan of an
// upgrade needs them: of each revision its order, what it is called, its kind
// and its checksum. It creates nothing; no table is an empty history. It takes
// one query, whatever the history's length, and a second one where there may
// be open entries.
func (j *Journal) Read(ctx context.Context, s engine.Session) (*History, error) {
	return j.read(ctx, s, brief)
}

// ReadDated is Read with each revision's description and when it was applied.
func (j *Journal) ReadDated(ctx context.Context, s engine.Session) (*History, error) {
	return j.read(ctx, s, dated)
}

// ReadWhole is Read with all there is to tell of each revision.
func (j *Journal) ReadWhole(ctx context.Context, s engine.Session) (*History, error) {
	return j.read(ctx, s, whole)
}

func (j *Journal) read(ctx context.Context, s engine.Session, how detail) (*History, error) {
	h := &History{}
	open := true
	names := []string{HistoryTable, LaterHistoryTable}
	if j.history != "" {
		names = []string{j.history}
	}
	for _, name := range names {
		there, err := j.readTable(ctx, s, h, name, how, &open)
		for range 3 {
			// A table that is just being made by a first run may be in the
			// catalogue and not there a moment later, or the reverse.
			if err == nil || j.Engine.Fault(err).Kind != engine.Missing {
				break
			}
			there, err = j.readTable(ctx, s, h, name, how, &open)
		}
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		h.Exists, h.table, j.history = true, name, name
		break
	}
	h.index()
	if !h.Exists || !open {
		return h, nil
	}
	var err error
	h.Open, err = j.Open(ctx, s)
	return h, err
}

// Open returns the entries behind the last finished migration, as History.Open
// has them.
func (j *Journal) Open(ctx context.Context, s engine.Session) ([]Entry, error) {
	var f fold
	err := j.entries(ctx, s, "WHERE id > "+j.lastFinished()+" ORDER BY id", f.add)
	return f.out, err
}

// readTable reads the history table of one name, and says whether there is
// one. A table of the original tool lacks columns of ours.
func (j *Journal) readTable(ctx context.Context, s engine.Session, h *History, name string, how detail, open *bool) (bool, error) {
	err := j.readRevisions(ctx, s, h, name, how, nil, open)
	if err == nil || j.Engine.Fault(err).Kind != engine.Missing {
		return err == nil, err
	}
	have, err := j.Engine.Columns(ctx, s, j.Schema, name)
	if err != nil || have == nil {
		return false, err
	}
	*open = true
	err = j.readRevisions(ctx, s, h, name, how, have, open)
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
	var out []Entry
	err := j.entries(ctx, s, "ORDER BY id", func(e Entry) { out = append(out, e) })
	return out, err
}

// detail is how much is read of each revision.
type detail int

const (
	brief detail = iota
	dated
	whole
)

// readRevisions reads the history table; have lists the columns it has, nil
// for all of ours. Then open is set to whether there are entries behind the
// last finished migration, unless the history is empty, which has no row to
// tell it.
//
// Rows are made small, for there may be many: what nearly every row has is
// not sent in full, and what is not asked for not at all.
func (j *Journal) readRevisions(ctx context.Context, s engine.Session, h *History, name string, how detail, have []string, open *bool) error {
	if have == nil && how < whole {
		if err := j.readLines(ctx, s, h, name, how, open); !errors.Is(err, errUnlike) {
			return err
		}
	}
	d := j.Engine.Dialect
	column := func(name string) string {
		if have != nil && !slices.Contains(have, name) {
			return "NULL"
		}
		// Qualified: SQLite reads a quoted name that is no column as a string.
		return "h." + d.Quote(name)
	}
	// Each row begins with the highest id, which tells how much room the rows
	// take, and is negative where there are entries behind.
	// The first one tells the journal's newest entry as well, by which it is
	// known later whether anything was written since.
	most, last := "(SELECT MAX(id) FROM "+j.table(name)+")", "NULL"
	if have == nil {
		last = "CASE h.id WHEN (SELECT MIN(id) FROM " + j.table(name) + ") THEN " + j.newest() + " END"
		most += " * CASE WHEN COALESCE((SELECT MAX(id) FROM " + j.table(EntryTable) + "), 0) > " + j.lastFinished() + " THEN -1 ELSE 1 END"
	}
	list := []string{most, last, column("id"), column("version"), column("filename"), column("checksum"),
		unless(column("migration_type"), string(migration.Versioned)), unless(column("checksum_kind"), migration.ChecksumKind), column("runs")}
	var highest, id int64
	var newest sql.NullString
	var version, file, checksum sql.NullString
	var kind, checksumKind sql.NullString
	var runs sql.NullInt64
	into := []any{&highest, &newest, &id, &version, &file, &checksum, &kind, &checksumKind, &runs}

	var description, applied, run, by, program sql.NullString
	var statements, duration, token sql.NullInt64
	if how >= dated {
		at := column("applied_at")
		if at != "NULL" {
			at = d.UTC(at)
		}
		list, into = append(list, column("description"), at), append(into, &description, &applied)
	}
	if how >= whole {
		list = append(list, column("run_id"), column("applied_by"), column("program"), column("statements"), column("duration_ms"), column("fencing_token"))
		into = append(into, &run, &by, &program, &statements, &duration, &token)
	}
	h.Revisions = nil
	return s.Query(ctx, func(scan func(...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		if h.Revisions == nil {
			*open = have != nil || highest < 0
			h.last = newest
			h.Revisions = make([]Revision, 0, min(max(highest, -highest, 1), maxRoom))
		}
		r := Revision{
			ID: id, File: file.String, Kind: migration.Kind(kind.String), Checksum: migration.Checksum(checksum.String), ChecksumKind: checksumKind.String,
			Runs: int(runs.Int64), Description: description.String, AppliedAt: parseTime(applied.String), Run: run.String, By: by.String, Program: program.String,
			Statements: int(statements.Int64), Duration: time.Duration(duration.Int64) * time.Millisecond, Token: token.Int64,
		}
		if how >= whole && !duration.Valid {
			r.Duration = -1
		}
		if err := r.spell(version.String); err != nil {
			return err
		}
		h.Revisions = append(h.Revisions, r)
		return nil
	}, "SELECT "+strings.Join(list, ", ")+" FROM "+j.table(name)+" h ORDER BY id")
}

// spell sets the version, and says in full what unless has shortened.
func (r *Revision) spell(version string) (err error) {
	if r.Kind == usual {
		r.Kind = migration.Versioned
	}
	if r.ChecksumKind == usual {
		r.ChecksumKind = migration.ChecksumKind
	}
	if version != "" {
		r.Version, err = migration.ParseVersion(version)
	}
	return err
}

// maxRoom bounds what an id can make us believe.
const maxRoom = 20_000

// usual is what unless makes of the value that nearly every row has.
const usual = "-"

// unless is an expression that is usual where column has that value.
func unless(column, value string) string {
	if column == "NULL" {
		return column
	}
	return "CASE " + column + " WHEN '" + value + "' THEN '" + usual + "' ELSE " + column + " END"
}

func (j *Journal) entries(ctx context.Context, s engine.Session, tail string, each func(Entry)) error {
	err := j.readEntries(ctx, s, evidenceColumn, tail, each)
	if err == nil || j.Engine.Fault(err).Kind != engine.Missing {
		return err
	}
	switch have, e := j.Engine.Columns(ctx, s, j.Schema, EntryTable); {
	case e != nil:
		return e
	case have == nil:
		return nil // a history of the original tool, without a journal yet
	}
	return j.readEntries(ctx, s, "NULL", tail, each) // a journal of an older release
}

func (j *Journal) readEntries(ctx context.Context, s engine.Session, evidence, tail string, each func(Entry)) error {
	d := j.Engine.Dialect
	return s.Query(ctx, func(scan func(...any) error) error {
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
		switch {
		case e.What == Applied && !e.Unrun():
			e.Text, e.Detail = e.Detail, ""
		case e.What == Repaired:
			e.Text, e.Detail = e.Detail, fmt.Sprintf("its file was adopted as it was then; it ran with checksum %.16s", e.Evidence)
		}
		each(e)
		return nil
	}, "SELECT id, "+d.UTC("created_at")+", run_id, fencing_token, event, direction, version, filename, statement_from, statement_to, "+
		"statements, checksum, duration_ms, detail, created_by, "+evidence+" FROM "+j.table(EntryTable)+" "+tail)
}

func parseTime(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
