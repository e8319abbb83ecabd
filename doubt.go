package dbwarden

import (
	"errors"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// placeDoubt adds to a refusal for a statement in doubt where that one stands in
// its file, and what stands there now, where that is another than was begun. What
// cannot be read is left out: the refusal is as good without it.
func placeDoubt(set *migration.Set, h *journal.History, err error) {
	r, ok := errors.AsType[*plan.Refusal](err)
	if !ok || r.Code != plan.InDoubt {
		return
	}
	e, p := plan.Unfinished(h)
	if e == nil || plan.FindFile(set, e) == nil {
		return
	}
	n, it := 0, r.Items[0]
	var now journal.Kept
	_, err = plan.FindFile(set, e).Section(e.Direction).Outline(func(s migration.Piece) error {
		if n++; n == p.Doubt {
			it.Line, it.Column = s.Start.Line, s.Start.Column
		}
		if p.Doubt <= n && n <= p.To {
			now.Add(s.AsWritten())
		}
		return nil
	})
	if err != nil {
		return
	}
	r.Items[0] = it
	if text := now.String(); p.Begun != "" && text != p.Begun {
		r.Now = text
	}
}
