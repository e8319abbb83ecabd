package plan

import (
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
)

// Baseline plans what is written into the history without being run: each
// versioned migration up to the target that is not in it yet. A refusal is a
// *Refusal.
func Baseline(set *migration.Set, h *journal.History, t Target) (*Plan, error) {
	half, err := unfinished(set, h)
	if err != nil {
		return nil, err
	}
	if half != nil {
		code := HalfApplied
		if half.Direction == migration.Down {
			code = HalfReverted
		}
		return nil, &Refusal{Code: code, Items: items(half.Migration), Progress: half.Resume}
	}
	if set.Find(t.To) == nil {
		return nil, &Refusal{Code: UnknownVersion, Version: t.To}
	}
	if err := sound(set, h, t); err != nil {
		return nil, err
	}
	var beyond []Item
	for _, r := range h.Revisions {
		if !r.Version.IsZero() && r.Version.Compare(t.To) > 0 {
			beyond = append(beyond, Item{Version: r.Version.String(), File: r.File})
		}
	}
	if len(beyond) > 0 {
		return nil, &Refusal{Code: BeyondBaseline, Items: beyond, Version: t.To}
	}
	p := &Plan{Direction: migration.Up}
	pending, _ := Pending(set, h)
	for _, m := range pending {
		if m.Version.Compare(t.To) > 0 {
			p.Beyond = append(p.Beyond, m)
			continue
		}
		p.Steps = append(p.Steps, Step{Migration: m, Direction: migration.Up})
	}
	return p, nil
}
