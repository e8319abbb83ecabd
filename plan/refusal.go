package plan

import (
	"fmt"
	"slices"
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
	BadDependency    Code = "dependency"      // depends_on names what cannot run before
	NotAtomic        Code = "not_atomic"      // a statement does not fit into the one transaction that was asked for
	BehindPooler     Code = "pooled"          // a pooler stands between, and a statement needs the server itself
	NotScripted      Code = "not_scripted"    // no script can do what a run would
	PlanMoved        Code = "plan_moved"      // a saved plan was made for another world
	HalfRestored     Code = "half_restored"   // a backup was not put back as a whole
	InsideSquashed   Code = "inside_squashed" // the target lies within what runs, or goes back, as one
	OldFilesGone     Code = "old_files_gone"  // a squashed one cannot be taken back without what it replaces
	PartlyReplaced   Code = "partly_replaced" // a part of what a squashed one replaces has run, and files of the rest are gone
	RenumberedFile   Code = "renumbered"      // what ran has another number now, which the history does not know
)

// Item is one migration that a refusal is about.
type Item struct {
	Version string `json:"version"`
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`

	// Now is, of a file that is gone or has another number, the file that has its
	// number, or its statements, now.
	Now string `json:"now,omitempty"`
}

// A Refusal says why nothing was run. Nothing was touched.
type Refusal struct {
	Code     Code
	Items    []Item
	Version  migration.Version
	Progress Progress
	Mended   Mark    // with MendedTooEarly: what ran
	Now      string  // with MendedTooEarly: what stands there now, as far as Mended has its text; with InDoubt: likewise, where it is another
	Down     bool    // a rollback was asked for
	Moved    []Moved // with PlanMoved

	// Changes are, with ChangedFile, how the first of the files differ from what
	// ran.
	Changes []Difference

	// Called are, with ChangedFile, names by which some of them ran: what stands in
	// the file may be another migration altogether.
	Called []string

	// Beside are, with Missing, files that have not run and are older than one
	// that is gone; with OutOfOrder, those that ran and are gone. The one may have
	// stood for the others (a squashed migration that was taken back elsewhere),
	// and then running these would do its work twice.
	Beside []Item

	Before int // with NotAtomic: how many versioned migrations come before it

	Detail string
}

func (r *Refusal) Error() string {
	names := make([]string, len(r.Items))
	for i, it := range r.Items {
		names[i] = it.File
		if it.Line > 0 {
			names[i] = fmt.Sprintf("%s:%d", it.File, it.Line)
		}
		if it.Column > 0 {
			names[i] += fmt.Sprintf(":%d", it.Column)
		}
	}
	list := strings.Join(names, ", ")
	switch r.Code {
	case ChangedFile:
		return "changed after it was applied: " + list
	case ChangedAgain:
		return "file or history have changed since this was looked at: " + list
	case Missing:
		return r.missing(names)
	case OutOfOrder:
		return fmt.Sprintf("older than the newest applied version %s: %s", r.Version, list)
	case UnknownVersion:
		return fmt.Sprintf("no migration has version %s", r.Version)
	case NotApplied:
		if r.Version.IsZero() {
			return list + " is not applied" + r.Detail
		}
		return fmt.Sprintf("version %s is not applied", r.Version)
	case RenumberedFile:
		var says []string
		for _, it := range r.Items {
			says = append(says, fmt.Sprintf("%s, which has run here, is %s now", it.File, it.Now))
		}
		return strings.Join(says, "; ") + "; the history knows it by its old number"
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
	case InsideSquashed:
		return fmt.Sprintf("version %s is a part of %s here, which is run, and taken back, as one", r.Version, list)
	case PartlyReplaced, OldFilesGone:
		var versions []string
		for _, it := range r.Items {
			versions = append(versions, it.Version)
		}
		if r.Code == OldFilesGone {
			return fmt.Sprintf("%s cannot be taken back: of what it replaces the files of %s are gone", r.Detail, strings.Join(versions, ", "))
		}
		return fmt.Sprintf("%s replaces migrations of which a part has run here, and not %s, whose files are gone", r.Detail, strings.Join(versions, ", "))
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
		how := "run already"
		if r.Mended.Skipped > 0 {
			how = "been skipped by " + r.Mended.SkippedBy
		}
		return fmt.Sprintf("%s: %s %s, and what stands there now is another: %s", list, what, how, r.Detail)
	case FileGone:
		if migration.IsGoFile(list) {
			return fmt.Sprintf("%s is half applied (%s); it is a migration in Go, and its function is not here", list, r.Progress)
		}
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

// missing tells files that are gone from functions that only another program has.
func (r *Refusal) missing(names []string) string {
	var files, functions []string
	for i, it := range r.Items {
		switch {
		case migration.IsGoFile(it.File):
			functions = append(functions, names[i])
		case it.Now != "":
			files = append(files, names[i]+" ("+it.Now+", which has its number now, is another one)")
		default:
			files = append(files, names[i])
		}
	}
	var says []string
	if len(files) > 0 {
		says = append(says, "applied, but its file is missing: "+strings.Join(files, ", "))
	}
	if len(functions) > 0 {
		says = append(says, "applied by a program as a migration in Go, whose function is not here: "+strings.Join(functions, ", "))
	}
	return strings.Join(says, "; ")
}

// InGo says that a refusal is about migrations in Go alone, which another program
// has.
func (r *Refusal) InGo() bool {
	return len(r.Items) > 0 && !slices.ContainsFunc(r.Items, func(it Item) bool { return !migration.IsGoFile(it.File) })
}

// mostMoved is how much of what has moved an error lists.
const mostMoved = 8
