package cli

import (
	"errors"
	"fmt"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/internal/fleet"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// sharing is what is known of a file that failed in one of many targets: where
// it has run it must stay as it is.
type sharing struct {
	ran   int  // other targets have run it
	alone bool // none has, and there is no target that was not seen
}

// mend is what to do about the fault where mending the file would have the
// others refuse it. which says from where on the file may be mended. Nil knows
// nothing.
func (s *sharing) mend(target, which string) string {
	data := "mend in " + render.Name(target) + " what the message names"
	switch {
	case s != nil && s.alone:
		return "mend the file" + which
	case s != nil && s.ran > 0:
		return fmt.Sprintf("%s, and leave the file as it is, which has run in %s", data, counted(s.ran, "other target"))
	}
	return data + ", or the file" + which + " if no other target has run it (dbwarden history --all tells)"
}

// share tells each target that failed what is known of its file elsewhere.
func share(r *fleet.Report[did], all bool) {
	failed := func(o fleet.Outcome[did]) (*runError, *migration.Migration) {
		run, ok := errors.AsType[*runError](o.Err)
		e, is := errors.AsType[*dbwarden.MigrationError](o.Err)
		if !ok || !is {
			return nil, nil
		}
		return run, e.Migration
	}
	for _, o := range r.Outcomes {
		run, m := failed(o)
		if run == nil {
			continue
		}
		run.sharing = &sharing{alone: all}
		for _, other := range r.Outcomes {
			if other.Target.Database.Name != o.Target.Database.Name || other.Target.Name == o.Target.Name {
				continue
			}
			_, at := failed(other)
			switch {
			case other.Result.ran[m.File] || other.State == fleet.Done && other.Result.current:
				run.sharing.ran++
				run.sharing.alone = false
			case at == nil || at.File != m.File:
				run.sharing.alone = false
			}
		}
	}
}

// aboutFiles says that a run was refused for what the folder holds, which all
// targets share.
func aboutFiles(err error) bool {
	r, ok := errors.AsType[*plan.Refusal](err)
	return ok && (r.Code == plan.ChangedFile || r.Code == plan.Missing || r.Code == plan.OutOfOrder)
}
