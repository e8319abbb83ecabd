// Package plan decides what a run will do: which migrations, in what order,
// from which statement on, and how each is cut into transactions.
//
// It is pure: the folder's set and the database's history go in, steps or a
// refusal come out. A preview is the same plan, not carried out.
package plan

import (
	"cmp"
	"fmt"
	"math"
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
	Left      int                    // of an Up, how many are pending and not among the steps
}

// Step is one migration in one direction.
type Step struct {
	Migration *migration.Migration
	Direction migration.Direction

	// Revision is what a rollback takes out of the history, and what a
	// repeatable migration left there when it last ran; nil where there is
	// none, as for a half-applied migration.
	Revision *journal.Revision

	// Also are further rows that a rollback takes out of the history: of what a
	// squashed migration replaces, and the note that it does.
	Also []*journal.Revision

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

	// Through: down to this one and with it, a version or a file's name; "": no
	// limit.
	Through string

	// Settled: down, to see what there would be to do, a statement in doubt
	// counts as settled.
	Settled bool

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
	to, err := target(set, h, t.To)
	if err != nil {
		return nil, err
	}
	if err := sound(set, h, t); err != nil {
		return nil, err
	}
	pending, late, torn := pendingOf(set, h)
	if len(torn) > 0 {
		return nil, torn[0].refusal()
	}
	if half != nil {
		if !to.IsZero() && half.Migration.Place().Compare(to) > 0 {
			return nil, &Refusal{Code: BelowHalfApplied, Items: items(half.Migration), Version: t.To, Progress: half.Resume()}
		}
		// What was interrupted comes first, whatever its place: entries of
		// an open attempt must not be mixed with another's.
		p.Steps = append(p.Steps, *half)
		pending = slices.DeleteFunc(pending, func(m *migration.Migration) bool { return m == half.Migration })
		late = slices.DeleteFunc(late, func(m *migration.Migration) bool { return m == half.Migration })
	}
	if !t.To.IsZero() {
		above := func(m *migration.Migration) bool { return m.Place().Compare(to) > 0 }
		for _, m := range pending {
			if above(m) {
				p.Beyond = append(p.Beyond, m)
			}
		}
		pending, late = slices.DeleteFunc(pending, above), slices.DeleteFunc(late, above)
	}
	if len(late) > 0 && !t.AllowOutOfOrder {
		return nil, &Refusal{Code: OutOfOrder, Items: items(late...), Version: Newest(set, h), Beside: files(gone(set, h))}
	}
	// A count and a target speak of versioned migrations alone.
	var repeated []*migration.Migration
	if t.Count == 0 && t.To.IsZero() {
		repeated = dueOf(set, h, half)
	}
	ordered, err := byDependency(set, h, half, slices.Concat(pending, repeated))
	if err != nil {
		return nil, err
	}
	p.Steps = slices.Grow(p.Steps, len(ordered))
	ordered = ordered[:len(ordered)-len(repeated)] // nothing depends on what is repeated
	p.Left = len(p.Beyond) + len(ordered)
	count := t.Count
	if half != nil && !half.Migration.Kind.Once() {
		count++
	}
	for _, m := range ordered {
		if t.Count > 0 && len(p.Steps) == count {
			break
		}
		p.Steps = append(p.Steps, first(m, h))
		p.Left--
	}
	for _, m := range repeated {
		p.Steps = append(p.Steps, Step{Migration: m, Direction: migration.Up, Revision: h.FindFile(m.File)})
	}
	return p, nil
}

// dueOf are the repeatable migrations that run this time, but for the one that is
// half applied.
func dueOf(set *migration.Set, h *journal.History, half *Step) (due []*migration.Migration) {
	for _, m := range set.Migrations {
		if half != nil && m == half.Migration {
			continue
		}
		if !m.Kind.Once() && !set.Elsewhere(m) && Due(m, h) {
			due = append(due, m)
		}
	}
	return due
}

// target is the place of the version that a run ends with, zero for none.
func target(set *migration.Set, h *journal.History, to migration.Version) (migration.Version, error) {
	if to.IsZero() {
		return to, nil
	}
	if set.Find(to) == nil && set.Replacer(to) == nil {
		return to, &Refusal{Code: UnknownVersion, Version: to}
	}
	return set.Place(to), inside(set, h, to)
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
			if by := set.Replacer(v); by != nil && runs[by] {
				d = by
			}
			switch {
			case has(set, h, v) || d != nil && done[d]:
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

// Down plans a rollback: newest first by order of execution. Of a set in which
// two files have one version it goes by the one that has run.
func Down(set *migration.Set, h *journal.History, t Target) (*Plan, error) {
	p := &Plan{Direction: migration.Down}
	set, err := Chosen(set, h)
	if err != nil {
		return nil, err
	}
	half, err := unfinished(set, h)
	if err != nil {
		return nil, err
	}
	var stop int64 = -1
	switch {
	case !t.To.IsZero():
		if stop = lastRun(set, h, t.To); stop < 0 {
			return nil, &Refusal{Code: NotApplied, Version: t.To}
		}
	case t.Through != "":
		if stop, err = before(set, h, half, t.Through); err != nil {
			return nil, err
		}
	}
	count := t.Count
	if count == 0 && t.To.IsZero() && t.Through == "" && !t.Empty {
		count = 1
	}
	var halfway Progress
	if half != nil {
		if half.Direction == migration.Up {
			if halfway = half.Resume(); halfway.Doubt > 0 && !t.Settled {
				return nil, &Refusal{Code: InDoubt, Items: items(half.Migration), Progress: halfway, Down: true}
			}
			// Its way back runs from the top; it is not in the history.
			half = &Step{Migration: half.Migration, Direction: migration.Down}
		} else if half.Revision = rowOf(h, half.Migration.Version); half.Revision == nil {
			all := whole(half.Migration, h)
			half.Revision, half.Also = all.Revision, all.Also
		}
		p.Steps = append(p.Steps, *half)
	}
	var missing, oneWay, moved []Item
	together := map[*migration.Migration]bool{}
	for _, r := range slices.Backward(h.Revisions) {
		if r.ID <= stop || count > 0 && len(p.Steps) >= count {
			break
		}
		if r.Version.IsZero() || r.Kind == journal.Squashed || half != nil && r.Version.Equal(half.Migration.Version) {
			continue // repeatables are not rolled back, and a note was not run
		}
		m := set.Find(r.Version)
		var also []*journal.Revision
		if by := set.Replacer(r.Version); by != nil && rowOf(h, by.Version) == nil {
			if half != nil && half.Migration == by || together[by] {
				continue
			}
			rows := parts(by, h)
			if !fileByFile(set, rows) && Fulfilled(by, h) {
				if rows[0].ID <= stop {
					at := t.To
					if at.IsZero() {
						at = r.Version
					}
					return nil, &Refusal{Code: InsideSquashed, Items: items(by), Version: at, Down: true}
				}
				together[by] = true
				p.Steps = append(p.Steps, whole(by, h))
				continue
			}
			if note := h.Find(by.Version); note != nil {
				also = append(also, note) // what it says is true no more
			}
		}
		if m == nil || another(m, &r) {
			it := Item{Version: r.Version.String(), File: r.File}
			if now := Renumbered(set, h, &r); now != nil {
				it.Now = now.File
				moved = append(moved, it)
				continue
			}
			if m != nil {
				it.Now = m.File // whose way back is not the way back from what ran
			}
			missing = append(missing, it)
			continue
		}
		p.Steps = append(p.Steps, Step{Migration: m, Direction: migration.Down, Revision: &r, Also: also})
	}
	for _, s := range p.Steps {
		if !s.Migration.Rollback.Present {
			oneWay = append(oneWay, items(s.Migration)...)
		}
	}
	switch {
	case len(moved) > 0:
		slices.Reverse(moved) // the first that ran first
		return nil, &Refusal{Code: RenumberedFile, Items: moved, Down: true}
	case len(missing) > 0:
		return nil, &Refusal{Code: Missing, Items: missing, Down: true}
	case len(oneWay) > 0:
		return nil, &Refusal{Code: Irreversible, Items: oneWay, Progress: halfway, Down: true}
	}
	return p, nil
}

// before is the id of the row before the one of the migration that is called so,
// by its version or its file's name: a rollback with it stops there.
func before(set *migration.Set, h *journal.History, half *Step, name string) (int64, error) {
	v, err := migration.ParseVersion(name)
	is := func(m *migration.Migration) bool { return m.File == name || err == nil && m.Version.Equal(v) }
	if half != nil && half.Direction == migration.Up && is(half.Migration) {
		return math.MaxInt64, nil // nothing of the history
	}
	for _, r := range h.Revisions {
		if r.Version.IsZero() || r.Kind == journal.Squashed {
			continue
		}
		m := set.Find(r.Version)
		if m == nil || another(m, &r) {
			m = &migration.Migration{Version: r.Version, File: r.File}
		}
		if is(m) || r.File == name {
			return r.ID - 1, nil
		}
	}
	refusal := &Refusal{Code: NotApplied, Version: v, Down: true}
	if err != nil {
		refusal.Items = []Item{{File: name}}
		digits := name[:len(name)-len(strings.TrimLeft(name, "0123456789"))]
		if of, err := migration.ParseVersion(digits); err == nil {
			if r := rowOf(h, of); r != nil {
				refusal.Detail = fmt.Sprintf(": what ran as %s is %s", of, r.File)
			}
		}
	}
	return 0, refusal
}

// lastRun is the id of the row behind which a rollback to that version stops,
// -1 where it is not applied.
func lastRun(set *migration.Set, h *journal.History, v migration.Version) int64 {
	if r := rowOf(h, v); r != nil {
		return r.ID
	}
	if by := set.Replacer(v); by != nil && v.Equal(by.Place()) {
		if r := rowOf(h, by.Version); r != nil {
			return r.ID
		}
	}
	if m := set.Find(v); m != nil && Fulfilled(m, h) {
		rows := parts(m, h)
		return rows[len(rows)-1].ID
	}
	return -1
}

// Pending lists the versioned migrations that are not applied, in order, and
// those of them that are older than the newest applied one. What is for other
// environments is not pending. What names environments at all is never late: this
// one may have been added to them when others had run. What a squashed migration
// replaces is pending where a part of it has run, and the squashed one is not then.
func Pending(set *migration.Set, h *journal.History) (pending, late []*migration.Migration) {
	ms, late, _ := pendingOf(set, h)
	return ms, late
}

// stuck is a squashed migration of whose replaced ones a part has run, and others
// that have not are gone.
type stuck struct {
	by   *migration.Migration
	gone []migration.Version
}

func (s stuck) refusal() *Refusal {
	r := &Refusal{Code: PartlyReplaced, Detail: s.by.File}
	for _, v := range s.gone {
		r.Items = append(r.Items, Item{Version: v.String()})
	}
	return r
}

func pendingOf(set *migration.Set, h *journal.History) (pending, late []*migration.Migration, gone []stuck) {
	newest, begun := Newest(set, h), begun(h)
	add := func(m *migration.Migration) {
		pending = append(pending, m)
		// What depends on a higher version ran, or runs, after it by right.
		waits := slices.ContainsFunc(m.Header.DependsOn, func(v migration.Version) bool { return set.Place(v).Compare(m.Place()) > 0 })
		if !newest.IsZero() && m.Place().Compare(newest) < 0 && !m.Header.Seed && len(m.Header.Env) == 0 && !waits {
			late = append(late, m)
		}
	}
	mixed := false
	for _, m := range set.Migrations {
		if !m.Kind.Once() || set.Elsewhere(m) || set.Replacer(m.Version) != nil {
			continue
		}
		if len(m.Header.Replaces) == 0 {
			if rowOf(h, m.Version) == nil {
				add(m)
			}
			continue
		}
		var lost []migration.Version
		for _, v := range lacking(h, as(m), begun) {
			if one := set.Find(v); one != nil {
				mixed = mixed || one != m
				add(one)
			} else {
				lost = append(lost, v)
			}
		}
		if len(lost) > 0 {
			gone = append(gone, stuck{m, lost})
		}
	}
	if mixed {
		slices.SortStableFunc(pending, migration.InOrder)
	}
	return pending, late, gone
}

// Newest is the highest version in the history, zero for an empty one; a
// squashed one counts as the highest that it replaces.
func Newest(set *migration.Set, h *journal.History) migration.Version {
	var newest migration.Version
	for _, r := range h.Revisions {
		if r.Version.IsZero() || r.Kind == journal.Squashed {
			continue
		}
		if at := set.Place(r.Version); newest.IsZero() || at.Compare(newest) > 0 {
			newest = at
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
	var changed []Item
	var called []string
	for _, r := range h.Revisions {
		if m := set.Find(r.Version); !r.Version.IsZero() && r.Kind != journal.Squashed && m != nil && Changed(m, &r) {
			changed = append(changed, items(m)...)
			if another(m, &r) {
				called = append(called, r.File)
			}
		}
	}
	missing := gone(set, h)
	var moved []Item
	if len(changed)+len(missing) > 0 {
		moved = slices.DeleteFunc(renumbered(set, h), func(it Item) bool {
			if slices.ContainsFunc(missing, func(o Item) bool { return o.Version == it.Version }) {
				return t.AllowMissing
			}
			return t.AllowChanged
		})
	}
	switch {
	case len(moved) > 0:
		return &Refusal{Code: RenumberedFile, Items: moved}
	case len(changed) > 0 && !t.AllowChanged:
		return &Refusal{Code: ChangedFile, Items: changed, Called: called}
	case len(missing) > 0 && !t.AllowMissing:
		_, late, _ := pendingOf(set, h)
		newest := migration.Version{} // of what may have stood for others
		if squashed := files(missing); len(squashed) > 0 {
			newest, _ = migration.ParseVersion(squashed[len(squashed)-1].Version)
		}
		late = slices.DeleteFunc(late, func(m *migration.Migration) bool { return m.Version.Compare(newest) > 0 })
		return &Refusal{Code: Missing, Items: missing, Beside: items(late...)}
	}
	return nil
}

// gone are the applied files that are there no more, in the order of their versions.
func gone(set *migration.Set, h *journal.History) (all []Item) {
	var rows []journal.Revision
	for _, r := range h.Revisions {
		// A note is of a file of which nothing has run; and another one may have
		// its place.
		if !r.Version.IsZero() && r.Kind != journal.Squashed && set.Find(r.Version) == nil && set.Replacer(r.Version) == nil {
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b journal.Revision) int { return a.Version.Compare(b.Version) })
	for _, r := range rows {
		all = append(all, Item{Version: r.Version.String(), File: r.File})
	}
	return all
}

// files are those that are no migrations in Go.
func files(all []Item) []Item {
	return slices.DeleteFunc(slices.Clone(all), func(it Item) bool { return migration.IsGoFile(it.File) })
}

func items(ms ...*migration.Migration) []Item {
	var out []Item
	for _, m := range ms {
		out = append(out, Item{Version: m.Version.String(), File: m.File})
	}
	slices.SortStableFunc(out, func(a, b Item) int { return cmp.Compare(a.File, b.File) })
	return out
}
