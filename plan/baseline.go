package plan

import (
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
)

// Baseline plans what is written into the history without being run: each
// versioned migration up to the target that is not in it yet. A refusal is a
// *Refusal.
func Baseline(set *migration.Set, h *journal.History, t Target) (*Plan, error) {
	if err := settled(set, h); err != nil {
		return nil, err
	}
	to, err := target(set, h, t.To)
	if err != nil {
		return nil, err
	}
	if err := sound(set, h, t); err != nil {
		return nil, err
	}
	var beyond []Item
	for _, r := range h.Revisions {
		if !r.Version.IsZero() && r.Kind != journal.Squashed && set.Place(r.Version).Compare(to) > 0 {
			beyond = append(beyond, Item{Version: r.Version.String(), File: r.File})
		}
	}
	if len(beyond) > 0 {
		return nil, &Refusal{Code: BeyondBaseline, Items: beyond, Version: t.To}
	}
	p := &Plan{Direction: migration.Up}
	pending, _, gone := pendingOf(set, h)
	if len(gone) > 0 {
		return nil, gone[0].refusal()
	}
	for _, m := range pending {
		if m.Place().Compare(to) > 0 {
			p.Beyond = append(p.Beyond, m)
			continue
		}
		p.Steps = append(p.Steps, first(m, h))
	}
	return p, nil
}

// settled refuses while a migration is half done: what that one is to become
// must be known before anything is written behind it.
func settled(set *migration.Set, h *journal.History) error {
	half, err := unfinished(set, h)
	if err != nil || half == nil {
		return err
	}
	code := HalfApplied
	if half.Direction == migration.Down {
		code = HalfReverted
	}
	return &Refusal{Code: code, Items: items(half.Migration), Progress: half.Resume()}
}

// Adopt plans what of applied, which another tool has applied in that order,
// comes into the history: what is not in it yet. It refuses where the history
// has versions that are not among them: then both tools went on, and the order
// of what they did is not known.
func Adopt(set *migration.Set, h *journal.History, applied []*migration.Migration) (*Plan, error) {
	if err := settled(set, h); err != nil {
		return nil, err
	}
	p := &Plan{Direction: migration.Up}
	theirs := map[string]bool{}
	for _, m := range applied {
		r := h.FindFile(m.File)
		if !m.Version.IsZero() {
			theirs[m.Version.Key()] = true
			r = rowOf(h, m.Version)
		}
		if r == nil {
			p.Steps = append(p.Steps, first(m, h))
		}
	}
	var own []Item
	for _, r := range h.Revisions {
		if !r.Version.IsZero() && r.Kind != journal.Squashed && !theirs[r.Version.Key()] {
			own = append(own, Item{Version: r.Version.String(), File: r.File})
		}
	}
	if len(own) > 0 && len(p.Steps) > 0 {
		return nil, &Refusal{Code: OwnHistory, Items: own}
	}
	return p, nil
}
