package plan_test

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/plan"
)

func TestPooledFindsWhatNeedsASessionOfItsOwn(t *testing.T) {
	t.Parallel()
	tx := func(from, to int) plan.Group { return plan.Group{Mode: plan.InTransaction, From: from, To: to} }
	alone := func(at int) plan.Group { return plan.Group{Mode: plan.Alone, From: at, To: at + 1} }
	for name, c := range map[string]struct {
		groups  []plan.Group
		residue []engine.Residue
		done    int
		at      int
		why     string // "": nothing is found
	}{
		"one transaction":               {[]plan.Group{tx(0, 2)}, []engine.Residue{engine.Clean, engine.Clean}, 0, 0, ""},
		"a setting in it":               {[]plan.Group{tx(0, 2)}, []engine.Residue{engine.Swept, engine.Clean}, 0, 0, ""},
		"a setting before another":      {[]plan.Group{tx(0, 1), tx(1, 2)}, []engine.Residue{engine.Swept, engine.Clean}, 0, 0, "whole session"},
		"a setting that ran before":     {[]plan.Group{tx(0, 1), tx(1, 2)}, []engine.Residue{engine.Swept, engine.Clean}, 1, 0, "whole session"},
		"two transactions":              {[]plan.Group{tx(0, 1), tx(1, 2)}, []engine.Residue{engine.Clean, engine.Clean}, 0, 0, ""},
		"what cannot be swept":          {[]plan.Group{tx(0, 2)}, []engine.Residue{engine.Clean, engine.Stuck}, 0, 1, "belongs to its connection"},
		"a statement alone":             {[]plan.Group{tx(0, 1), alone(1)}, []engine.Residue{engine.Clean, engine.Clean}, 0, 1, "outside a transaction"},
		"a statement alone that is run": {[]plan.Group{alone(0), tx(1, 2)}, []engine.Residue{engine.Clean, engine.Clean}, 1, 0, ""},
		"a session setting alone":       {[]plan.Group{{Mode: plan.Settings, From: 0, To: 1}}, []engine.Residue{engine.Swept}, 0, 0, "outside a transaction"},
		"commands of the file's own":    {[]plan.Group{tx(1, 2), {Mode: plan.OwnCommands, From: 2, To: 3}}, make([]engine.Residue, 3), 0, 0, ""},
	} {
		traits := make([]engine.Traits, len(c.residue))
		for i, r := range c.residue {
			traits[i].Residue = r
		}
		at, why := plan.Pooled(c.groups, traits, c.done)
		if at != c.at || (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: statement %d, %q; want %d, %q", name, at, why, c.at, c.why)
		}
	}
}
