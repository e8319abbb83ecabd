// Package plan decides what a run will do: which migrations, in what order,
// from which statement on, and how each is cut into transactions.
//
// It is pure: the folder's set and the database's history go in, steps or a
// refusal come out. A preview is the same plan, not carried out.
package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
)

// Plan is an ordered decision.
type Plan struct {
	Direction migration.Direction
	Steps     []Step
	Beyond    []*migration.Migration // pending, and above the target of an Up
}

// Step is one migration in one direction.
type Step struct {
	Migration *migration.Migration
	Direction migration.Direction

	// Revision is what a rollback takes out of the history, and what a
	// repeatable migration left there when it last ran; nil where there is
	// none, as for a half-applied migration.
	Revision *journal.Revision

	// Attempt tells how far an interrupted one came; nil for a new one. There is
	// one at most, in steps of any number.
	Attempt *Progress
}

// Resume is how far an attempt came before; zero for a new one.
func (s *Step) Resume() Progress {
	if s.Attempt == nil {
		return Progress{}
	}
	return *s.Attempt
}

// Target says how far to go.
type Target struct {
	Count int               // at most so many versioned migrations; 0: no limit
	To    migration.Version // up to and with this one; down to, leaving it; zero: no limit
	Empty bool              // down: everything

	Atomic bool // all in one transaction, or not at all

	AllowChanged    bool // go on though an applied file has changed
	AllowMissing    bool // go on though an applied file is gone
	AllowOutOfOrder bool // run what is older than the newest applied
}

// Up plans an upgrade. A refusal is a *Refusal.
func Up(set *migration.Set, h *journal.History, t Target) (*Plan, error) {
	p := &Plan{Direction: migration.Up}
	half, err := unfinished(set, h)
	if err != nil {
		return nil, err
	}
	if half != nil && half.Direction == migration.Down {
		return nil, &Refusal{Code: HalfReverted, Items: items(half.Migration), Progress: half.Resume()}
	}
	if !t.To.IsZero() && set.Find(t.To) == nil {
		return nil, &Refusal{Code: UnknownVersion, Version: t.To}
	}
	if err := sound(set, h, t); err != nil {
		return nil, err
	}
	pending, late := Pending(set, h)
	if half != nil {
		if !t.To.IsZero() && half.Migration.Version.Compare(t.To) > 0 {
			return nil, &Refusal{Code: BelowHalfApplied, Items: items(half.Migration), Version: t.To, Progress: half.Resume()}
		}
		// What was interrupted comes first, whatever its place: entries of
		// an open attempt must not be mixed with another's.
		p.Steps = append(p.Steps, *half)
		pending = slices.DeleteFunc(pending, func(m *migration.Migration) bool { return m == half.Migration })
		late = slices.DeleteFunc(late, func(m *migration.Migration) bool { return m == half.Migration })
	}
	if !t.To.IsZero() {
		above := func(m *migration.Migration) bool { return m.Version.Compare(t.To) > 0 }
		for _, m := range pending {
			if above(m) {
				p.Beyond = append(p.Beyond, m)
			}
		}
		pending, late = slices.DeleteFunc(pending, above), slices.DeleteFunc(late, above)
	}
	if len(late) > 0 && !t.AllowOutOfOrder {
		return nil, &Refusal{Code: OutOfOrder, Items: items(late...), Version: Newest(h)}
	}
	ordered, err := byDependency(set, h, half, pending)
	if err != nil {
		return nil, err
	}
	p.Steps = slices.Grow(p.Steps, len(ordered))
	for _, m := range ordered {
		if t.Count > 0 && len(p.Steps) == t.Count {
			break
		}
		p.Steps = append(p.Steps, Step{Migration: m, Direction: migration.Up})
	}
	if t.Count > 0 || !t.To.IsZero() {
		return p, nil // a count and a target speak of versioned migrations alone
	}
	for _, m := range set.Migrations {
		if half != nil && m == half.Migration {
			continue
		}
		if m.Kind != migration.Versioned && !set.Elsewhere(m) && Due(m, h) {
			p.Steps = append(p.Steps, Step{Migration: m, Direction: migration.Up, Revision: h.FindFile(m.File)})
		}
	}
	return p, nil
}

// Due says whether a repeatable migration runs this time.
func Due(m *migration.Migration, h *journal.History) bool {
	r := h.FindFile(m.File)
	return m.Kind == migration.RunsAlways || r == nil || Changed(m, r)
}

// byDependency puts what a migration depends on before it, and leaves the
// order alone otherwise.
func byDependency(set *migration.Set, h *journal.History, half *Step, pending []*migration.Migration) ([]*migration.Migration, error) {
	var out, path []*migration.Migration
	done := map[*migration.Migration]bool{}
	runs := map[*migration.Migration]bool{}
	for _, m := range pending {
		runs[m] = true
	}
	if half != nil {
		done[half.Migration] = true
	}
	var visit func(m *migration.Migration) error
	visit = func(m *migration.Migration) error {
		if done[m] {
			return nil
		}
		if i := slices.Index(path, m); i >= 0 {
			var cycle []string
			for _, c := range append(path[i:len(path):len(path)], m) {
				cycle = append(cycle, c.Version.String())
			}
			return &Refusal{Code: BadDependency, Items: items(m), Detail: "depends on itself: " + strings.Join(cycle, " -> ")}
		}
		path = append(path, m)
		for _, v := range m.Header.DependsOn {
			d := set.Find(v)
			switch {
			case h.Find(v) != nil || d != nil && done[d]:
			case d != nil && set.Elsewhere(d):
				return &Refusal{Code: BadDependency, Items: items(m), Detail: fmt.Sprintf("depends on version %s, which is for other environments (%s)", v, strings.Join(d.Header.Env, ", "))}
			case d == nil:
				return &Refusal{Code: BadDependency, Items: items(m), Detail: fmt.Sprintf("depends on version %s, which does not exist", v)}
			case !runs[d]:
				return &Refusal{Code: BadDependency, Items: items(m), Detail: fmt.Sprintf("depends on version %s, which is not applied and lies above the target", v)}
			default:
				if err := visit(d); err != nil {
					return err
				}
			}
		}
		path = path[:len(path)-1]
		done[m] = true
		out = append(out, m)
		return nil
	}
	for _, m := range pending {
		if err := visit(m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Down plans a rollback: newest first by order of execution.
func Down(set *migration.Set, h *journal.History, t Target) (*Plan, error) {
	p := &Plan{Direction: migration.Down}
	half, err := unfinished(set, h)
	if err != nil {
		return nil, err
	}
	var stop int64 = -1
	if !t.To.IsZero() {
		r := h.Find(t.To)
		if r == nil {
			return nil, &Refusal{Code: NotApplied, Version: t.To}
		}
		stop = r.ID
	}
	count := t.Count
	if count == 0 && t.To.IsZero() && !t.Empty {
		count = 1
	}
	if half != nil {
		if half.Direction == migration.Up {
			// Its way back runs from the top; it is not in the history.
			half = &Step{Migration: half.Migration, Direction: migration.Down}
		} else {
			half.Revision = h.Find(half.Migration.Version)
		}
		p.Steps = append(p.Steps, *half)
	}
	var missing, oneWay []Item
	for _, r := range slices.Backward(h.Revisions) {
		if r.ID <= stop || count > 0 && len(p.Steps) >= count {
			break
		}
		if r.Version.IsZero() || half != nil && r.Version.Equal(half.Migration.Version) {
			continue // repeatables are not rolled back
		}
		m := set.Find(r.Version)
		if m == nil {
			missing = append(missing, Item{Version: r.Version.String(), File: r.File})
			continue
		}
		p.Steps = append(p.Steps, Step{Migration: m, Direction: migration.Down, Revision: &r})
	}
	for _, s := range p.Steps {
		if !s.Migration.Rollback.Present {
			oneWay = append(oneWay, items(s.Migration)...)
		}
	}
	switch {
	case len(missing) > 0:
		return nil, &Refusal{Code: Missing, Items: missing, Down: true}
	case len(oneWay) > 0:
		return nil, &Refusal{Code: Irreversible, Items: oneWay, Down: true}
	}
	return p, nil
}

// Pending lists the versioned migrations that are not applied, in order, and
// those of them that are older than the newest applied one. What is for other
// environments is not pending. What names environments at all is never late: this
// one may have been added to them when others had run.
func Pending(set *migration.Set, h *journal.History) (pending, late []*migration.Migration) {
	newest := Newest(h)
	for _, m := range set.Migrations {
		if m.Kind != migration.Versioned || set.Elsewhere(m) || h.Find(m.Version) != nil {
			continue
		}
		pending = append(pending, m)
		// What depends on a higher version ran, or runs, after it by right.
		waits := slices.ContainsFunc(m.Header.DependsOn, func(v migration.Version) bool { return v.Compare(m.Version) > 0 })
		if !newest.IsZero() && m.Version.Compare(newest) < 0 && !m.Header.Seed && len(m.Header.Env) == 0 && !waits {
			late = append(late, m)
		}
	}
	return pending, late
}

// Newest is the highest version in the history, zero for an empty one.
func Newest(h *journal.History) migration.Version {
	var newest migration.Version
	for _, r := range h.Revisions {
		if !r.Version.IsZero() && (newest.IsZero() || r.Version.Compare(newest) > 0) {
			newest = r.Version
		}
	}
	return newest
}

// Changed says that an applied file's upgrade statements are no longer those
// that ran. A revision whose checksum was made another way is not compared.
func Changed(m *migration.Migration, r *journal.Revision) bool {
	return r.ChecksumKind == migration.ChecksumKind && !m.Upgrade.Has(r.Checksum)
}

// sound refuses a folder that contradicts the history.
func sound(set *migration.Set, h *journal.History, t Target) error {
	var changed, missing []Item
	for _, r := range h.Revisions {
		if r.Version.IsZero() {
			continue
		}
		m := set.Find(r.Version)
		switch {
		case m == nil:
			missing = append(missing, Item{Version: r.Version.String(), File: r.File})
		case Changed(m, &r):
			changed = append(changed, items(m)...)
		}
	}
	switch {
	case len(changed) > 0 && !t.AllowChanged:
		return &Refusal{Code: ChangedFile, Items: changed}
	case len(missing) > 0 && !t.AllowMissing:
		return &Refusal{Code: Missing, Items: missing}
	}
	return nil
}

func items(ms ...*migration.Migration) []Item {
	var out []Item
	for _, m := range ms {
		out = append(out, Item{Version: m.Version.String(), File: m.File})
	}
	slices.SortStableFunc(out, func(a, b Item) int { return cmp.Compare(a.File, b.File) })
	return out
}
