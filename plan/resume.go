package plan

import (
	"fmt"
	"slices"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
)

// Progress is how far an attempt came that did not end.
type Progress struct {
	Open  bool // something outside a transaction was begun
	Done  int  // statements 1..Done have run
	Doubt int  // first statement whose end is not known; 0: none
	To    int  // last statement of the group in doubt
	Total int

	// Skipped counts those of 1..Done that a person left out, SkippedBy is who
	// did so last.
	Skipped   int
	SkippedBy string

	// Marks are the checksums of what has run, group by group, to be found
	// again in the file.
	Marks []Mark

	Failure string // what the server said, where it said something

	// Begun is the text of what is in doubt, as far as it was kept: see
	// journal.Kept.
	Begun string

	// Evidence was written down before the statement that was begun last, and
	// tells whether it took effect; "" for none.
	Evidence string
}

// Mark is a group of statements that has run.
type Mark struct {
	From, To int
	Checksum string
	Each     bool   // they ran one by one, and it is over the checksum of each
	Text     string // what ran, as far as it was kept: see journal.Kept

	// Skipped is the first of them that SkippedBy left out, with all that follow
	// in the mark; 0: all ran.
	Skipped   int
	SkippedBy string
}

// Settleable says that there is something to look at which may tell how the
// statement in doubt has ended.
func (p Progress) Settleable() bool { return p.Doubt > 0 && p.Evidence != "" }

func (p Progress) String() string {
	text := fmt.Sprintf("%d of %d statements ran", p.Done-p.Skipped, p.Total)
	if p.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped by %s", p.Skipped, p.SkippedBy)
	}
	return text
}

// Parts are the statements 1..Done in their order: those that have run, and
// those that somebody left out.
func (p Progress) Parts() (parts []Part) {
	add := func(from, to int, by string) {
		switch n := len(parts); {
		case to < from:
		case n > 0 && parts[n-1].SkippedBy == by:
			parts[n-1].To = to
		default:
			parts = append(parts, Part{from, to, by})
		}
	}
	at := 1
	for _, m := range p.Marks {
		if m.Skipped > 0 {
			add(at, m.Skipped-1, "")
			add(max(at, m.Skipped), m.To, m.SkippedBy)
			at = m.To + 1
		}
	}
	add(at, p.Done, "")
	return parts
}

// A Part is statements that came to the same end.
type Part struct {
	From, To  int
	SkippedBy string // "": they ran
}

// unfinished finds the migration whose attempt is open, nil where there is
// none.
func unfinished(set *migration.Set, h *journal.History) (*Step, error) {
	if e := h.Restoring(); e != nil {
		return nil, &Refusal{Code: HalfRestored, Items: []Item{{File: e.File}}}
	}
	e, p := Unfinished(h)
	if e == nil {
		return nil, nil
	}
	m := FindFile(set, e)
	if m == nil {
		return nil, &Refusal{Code: FileGone, Items: []Item{{Version: e.Version, File: e.File}}, Progress: p}
	}
	return &Step{Migration: m, Direction: e.Direction, Attempt: &p}, nil
}

// FindFile finds the migration that an entry is about, nil where its file is
// gone. Of two with one version it is the one with its name.
func FindFile(set *migration.Set, e *journal.Entry) *migration.Migration {
	v, err := migration.ParseVersion(e.Version)
	if err != nil {
		return set.FindFile(e.File)
	}
	if all := set.All(v); len(all) > 1 {
		if i := slices.IndexFunc(all, func(m *migration.Migration) bool { return m.File == e.File }); i >= 0 {
			return all[i]
		}
		return nil
	}
	return set.Find(v)
}

// SameMigration says whether an entry is about the migration of this version,
// or of this file where it has none: a versioned one keeps its version when its
// file is renamed.
func SameMigration(e *journal.Entry, version, file string) bool {
	a, err := migration.ParseVersion(e.Version)
	if err != nil {
		return version == "" && e.File == file
	}
	b, err := migration.ParseVersion(version)
	return err == nil && a.Key() == b.Key()
}

// Unfinished reads the open entries: the entry that names the migration, and
// how far it came. A nil entry means that nothing is open. An attempt in one
// direction ends an open one in the other: a half-applied migration that is
// being rolled back is half rolled back from then on.
func Unfinished(h *journal.History) (*journal.Entry, Progress) {
	var began *journal.Entry      // the last that was started
	var at, turned *journal.Entry // turned, before: the attempt in the other direction that at came upon
	var p, before Progress
	for i := range h.Open {
		e := &h.Open[i]
		switch e.What {
		case journal.Started, journal.Done, journal.Failed, journal.Resolved:
		case journal.Aborted:
			// Nothing of the statements that were begun has stayed. An attempt
			// to roll back what was half applied leaves it half applied.
			if p.Doubt = 0; p.Done == 0 && (at == nil || at.Direction == e.Direction) {
				at, p, turned, before = turned, before, nil, Progress{}
			}
			continue
		default:
			continue
		}
		if at == nil || at.Direction != e.Direction {
			turned, before, p = at, p, Progress{}
		}
		at = e
		p.Open, p.Total = true, e.Statements
		switch {
		case e.What == journal.Started:
			began = e
			p.Doubt, p.To, p.Failure, p.Evidence, p.Begun = e.From, e.To, "", e.Evidence, e.Detail
		case e.What == journal.Done || e.ResolvedDone():
			mark := Mark{From: e.From, To: e.To, Checksum: e.Checksum, Each: e.Each, Text: keptText(e, began)}
			if e.What == journal.Resolved && e.Detail == string(journal.Skipped) && e.To > p.Done {
				// What is not in doubt is one statement, and the settings before it.
				p.SkippedBy, mark.SkippedBy, mark.Skipped = e.By, e.By, e.To
				if p.Doubt > 0 {
					mark.Skipped = max(e.From, p.Done+1)
				}
				p.Skipped += e.To - mark.Skipped + 1
			}
			p.Doubt, p.To, p.Failure, p.Evidence = 0, 0, "", ""
			if e.To > p.Done {
				p.Done = e.To
				p.Marks = append(p.Marks, mark)
			}
		case e.What == journal.Resolved:
			// Said by a person, it leaves the evidence: something may be left of
			// the statement that is to be cleared before it runs.
			if p.Doubt, p.To = 0, 0; e.Evidence != "" {
				p.Evidence = ""
			}
		case e.What == journal.Failed && e.Evidence == journal.Torn:
			p.Doubt, p.To, p.Failure, p.Evidence, p.Begun = e.From, e.To, e.Detail, "", keptText(e, began)
		case e.What == journal.Failed:
			// The evidence stays: something may be left of the statement.
			p.Doubt, p.To, p.Failure = 0, 0, e.Detail
		}
	}
	return at, p
}

// keptText is the text of what an entry calls done.
func keptText(done, began *journal.Entry) string {
	if done.What == journal.Done && done.Detail != "" {
		return done.Detail
	}
	if began != nil && began.Direction == done.Direction && began.From == done.From && began.To == done.To {
		return began.Detail
	}
	return ""
}
