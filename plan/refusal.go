package plan

import (
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/migration"
)

// Code names a reason not to run.
type Code string

const (
	ChangedFile      Code = "changed"            // an applied file is no longer what ran
	ChangedAgain     Code = "changed_again"      // it is not what somebody saw who would adopt it
	Missing          Code = "missing"            // an applied file is gone
	OutOfOrder       Code = "out_of_order"       // a new file is older than the newest applied
	UnknownVersion   Code = "unknown_version"    // -t names no file
	NotApplied       Code = "not_applied"        // rollback -t names what is not applied
	Irreversible     Code = "irreversible"       // no rollback section
	HalfReverted     Code = "half_rolled_back"   // a rollback must be finished first
	HalfApplied      Code = "half_applied"       // a migration must be finished, or taken back, first
	OwnHistory       Code = "own_history"        // the history has what another tool's has not
	BeyondBaseline   Code = "beyond_baseline"    // the history goes beyond what is to be its beginning
	BelowHalfApplied Code = "below_half_applied" // -t ends before a half-applied version
	InDoubt          Code = "in_doubt"           // how a statement ended is not known
	MendedTooEarly   Code = "mended_too_early"   // a statement that has run was changed
	SessionGone      Code = "session_gone"       // what has run made something of a session that is gone
	FileGone         Code = "half_applied_file_missing"
	BadDependency    Code = "dependency"    // depends_on names what cannot run before
	NotAtomic        Code = "not_atomic"    // a statement does not fit into the one transaction that was asked for
	BehindPooler     Code = "pooled"        // a pooler stands between, and a statement needs the server itself
	NotScripted      Code = "not_scripted"  // no script can do what a run would
	PlanMoved        Code = "plan_moved"    // a saved plan was made for another world
	HalfRestored     Code = "half_restored" // a backup was not put back as a whole
)

// Item is one migration that a refusal is about.
type Item struct {
	Version string `json:"version"`
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
}

// A Refusal says why nothing was run. Nothing was touched.
type Refusal struct {
	Code     Code
	Items    []Item
	Version  migration.Version
	Progress Progress
	Mended   Mark    // with MendedTooEarly: what ran
	Now      string  // with MendedTooEarly: what stands there now, as far as Mended has its text
	Down     bool    // a rollback was asked for
	Moved    []Moved // with PlanMoved

	// Changes are, with ChangedFile, how the first of the files differ from what
	// ran.
	Changes []Difference

	Detail string
}

func (r *Refusal) Error() string {
	names := make([]string, len(r.Items))
	for i, it := range r.Items {
		names[i] = it.File
		if it.Line > 0 {
			names[i] = fmt.Sprintf("%s:%d", it.File, it.Line)
		}
	}
	list := strings.Join(names, ", ")
	switch r.Code {
	case ChangedFile:
		return "changed after it was applied: " + list
	case ChangedAgain:
		return "file or history have changed since this was looked at: " + list
	case Missing:
		return "applied, but its file is missing: " + list
	case OutOfOrder:
		return fmt.Sprintf("older than the newest applied version %s: %s", r.Version, list)
	case UnknownVersion:
		return fmt.Sprintf("no migration has version %s", r.Version)
	case NotApplied:
		return fmt.Sprintf("version %s is not applied", r.Version)
	case Irreversible:
		return "no rollback section, so it cannot be rolled back: " + list
	case HalfReverted:
		return fmt.Sprintf("%s is half rolled back (%s)", list, r.Progress)
	case HalfApplied:
		return fmt.Sprintf("%s is half applied (%s)", list, r.Progress)
	case OwnHistory:
		return "this database has a history of its own, with what the other tool did not apply: " + list
	case BeyondBaseline:
		return fmt.Sprintf("the history goes beyond version %s: %s", r.Version, list)
	case HalfRestored:
		return "the backup " + list + " was not put back as a whole: the database is in pieces"
	case BelowHalfApplied:
		return fmt.Sprintf("%s is half applied (%s), and the target %s ends before it", list, r.Progress, r.Version)
	case InDoubt:
		what := fmt.Sprintf("the process ended while statement %d ran, and how that statement ended is not known", r.Progress.Doubt)
		if r.Progress.To > r.Progress.Doubt {
			what = fmt.Sprintf("statements %d to %d were begun together, and how far they came is not known", r.Progress.Doubt, r.Progress.To)
		}
		if r.Detail != "" {
			what += ": " + r.Detail
		}
		return list + ": " + what
	case MendedTooEarly:
		what := fmt.Sprintf("statement %d has", r.Mended.From)
		if r.Mended.To > r.Mended.From {
			what = fmt.Sprintf("statements %d to %d have", r.Mended.From, r.Mended.To)
		}
		return fmt.Sprintf("%s: %s run already, and what stands there now is another: %s", list, what, r.Detail)
	case FileGone:
		return fmt.Sprintf("%s is half applied (%s), and its file is missing", list, r.Progress)
	case NotScripted:
		if list == "" {
			return r.Detail
		}
	case PlanMoved:
		var all []string
		for _, m := range r.Moved {
			if len(all) == mostMoved && len(r.Moved) > mostMoved+1 {
				all = append(all, fmt.Sprintf("%d more", len(r.Moved)-mostMoved))
				break
			}
			all = append(all, m.String())
		}
		return "the plan was made for another state of things: " + strings.Join(all, ", ")
	}
	return list + ": " + r.Detail
}

// mostMoved is how much of what has moved an error lists.
const mostMoved = 8
