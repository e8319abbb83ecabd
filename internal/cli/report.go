package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/backup"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/desired"
	"github.com/dbwarden-go/dbwarden/internal/foreign"
	"github.com/dbwarden-go/dbwarden/internal/gomodel"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/internal/squash"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// runError is an error of a command on one database, with what the report
// needs to name files and states.
type runError struct {
	err    error
	target *target
	result *dbwarden.Result // nil: no run

	// goal are the flags for another run that does what this one was to do;
	// nil: there are none. recover: it took over by itself.
	goal    func(completed int) string
	recover bool

	plan   string // the file of the saved plan that was to be run
	replan string // the command that makes that plan anew

	unwritten bool // what it makes was there, and the history is empty

	// sharing is, of one of many targets, what is known of the others.
	sharing *sharing

	backup *backup.File // made before the run; nil: none was
	file   string       // that restore was asked for, as it was typed
}

func (e *runError) Error() string { return e.err.Error() }
func (e *runError) Unwrap() error { return e.err }

// description is an error in the parts that a person, or a program, wants.
type description struct {
	Message   string // what happened
	Code      string // a stable name for machines
	Exit      int
	File      string
	Line      int
	Column    int
	Statement string
	Number    int
	Total     int
	Caret     string // the line with a mark under the place
	Server    map[string]string
	State     []string // what state database and lock are in
	Next      []string // what to do

	Problems []migration.Problem // all that is wrong with the folder

	Ran, Now string // what ran and what stands in the file now, as far as it is kept

	Condition map[string]any // one that did not hold, and what was answered

	Changed []plan.Difference // files that are not what ran

	Moved []plan.Moved // what a saved plan was not made for

	Draft   string          // a migration that was not written
	Changes []schema.Change // differences that it would leave
}

// report shows an error once, on stderr, or as the JSON document of a
// command that has none of its own.
func (a *app) report(cmd *cobra.Command, err error) {
	var found foundError
	if a.shown || errors.As(err, &found) {
		return
	}
	a.shown = true
	a.command = cmd.CommandPath()
	d := a.describe(err, cmd.Context())
	if a.json() {
		doc := map[string]any{"format": 1, "error": d.document()}
		if cmd.HasParent() {
			doc["command"] = cmd.Name()
		}
		var named *databaseError
		if errors.As(err, &named) {
			if name := named.of.Database.Name; name != "" {
				doc["database"] = name
			}
			if name := named.of.Database.Target; name != "" {
				doc["target"] = name
			}
		}
		render.JSON(a.Stdout, doc, a.all || a.several)
		return
	}
	st := a.style(a.Stderr)
	var b strings.Builder
	b.WriteString(st.Bad("Error: ") + d.Message + "\n")
	if d.Caret != "" {
		b.WriteString("\n" + d.Caret + "\n")
	}
	for _, k := range []string{"code", "detail", "hint", "context", "inner", "stderr"} {
		if v := d.Server[k]; v != "" {
			b.WriteString("  " + st.Dim(k+": ") + strings.ReplaceAll(v, "\n", "\n    ") + "\n")
		}
	}
	for _, s := range d.State {
		b.WriteString("  " + st.Dim("state: ") + s + "\n")
	}
	for _, s := range d.Next {
		b.WriteString("  " + st.Accent("next: ") + s + "\n")
	}
	fmt.Fprint(a.Stderr, b.String())
}

func (d description) document() map[string]any {
	doc := map[string]any{"message": d.Message, "code": d.Code, "exit": d.Exit}
	put := func(k string, v any, there bool) {
		if there {
			doc[k] = v
		}
	}
	put("file", d.File, d.File != "")
	put("line", d.Line, d.Line > 0)
	put("column", d.Column, d.Column > 0)
	put("statement", d.Statement, d.Statement != "")
	put("number", d.Number, d.Number > 0)
	put("total", d.Total, d.Total > 0)
	put("ran", d.Ran, d.Ran != "")
	put("now", d.Now, d.Now != "")
	put("server", d.Server, len(d.Server) > 0)
	put("state", d.State, len(d.State) > 0)
	put("next", d.Next, len(d.Next) > 0)
	put("condition", d.Condition, len(d.Condition) > 0)
	put("changed", d.Changed, len(d.Changed) > 0)
	put("moved", d.Moved, len(d.Moved) > 0)
	put("draft", d.Draft, d.Draft != "")
	put("differences", d.Changes, len(d.Changes) > 0)
	var problems []map[string]any
	for _, p := range d.Problems {
		problems = append(problems, map[string]any{"file": p.File, "line": p.Line, "column": p.Column, "message": p.Msg})
	}
	put("problems", problems, len(problems) > 0)
	return doc
}

// describe turns an error's facts into words and hints, in this one place.
func (a *app) describe(err error, ctx context.Context) description {
	d := description{Code: "error", Exit: exitCode(ctx, err)}
	d.Message = err.Error()
	a.facts(ctx, &d, err)
	var t *target
	var run *runError
	if errors.As(err, &run) {
		t = run.target
	}
	d.Message = render.Plain(a.masked(d.Message))
	d.Statement = a.masked(d.Statement)
	d.Caret, d.Ran, d.Now = a.masked(d.Caret), a.masked(d.Ran), a.masked(d.Now)
	for i := range d.Changed {
		d.Changed[i].Ran, d.Changed[i].Now = a.masked(d.Changed[i].Ran), a.masked(d.Changed[i].Now)
	}
	for k, v := range d.Server {
		d.Server[k] = render.Plain(a.masked(v))
	}
	for i := range d.State {
		d.State[i] = render.Plain(a.masked(d.State[i]))
	}
	for i := range d.Problems {
		d.Problems[i].Msg = render.Plain(a.masked(d.Problems[i].Msg))
	}
	for i := range d.Next {
		d.Next[i] = render.Plain(a.masked(a.typed(t, d.Next[i])))
	}
	return d
}

func (a *app) facts(ctx context.Context, d *description, err error) {
	var (
		run      *runError
		usage    *usageError
		cfg      *config.Error
		folder   *folderError
		problems migration.Problems
		hook     *dbwarden.HookError
		refusal  *plan.Refusal
		drifted  *dbwarden.DriftError
		failed   *dbwarden.MigrationError
		connect  *dbwarden.ConnectError
		held     *lock.HeldError
		blocked  *lock.BlockedError
		unfreed  *lock.UnfreedError
		evict    *lock.EvictError
		readOnly *lock.ReadOnlyError
		newer    *lock.ErrNewerTable
		pathErr  *fs.PathError
		other    *dbwarden.OtherStatementError
		together *dbwarden.TogetherError
		model    *desired.Error
		noModel  *desired.PathError
		goModel  *gomodel.Error
		printed  *desired.CommandError
		noRight  *scratch.DeniedError
		unfit    *scratch.UnfitError
		renamed  *renameError
		draft    *unprovenError
		record   *foreign.HistoryError

		unseen *unseenError

		noCopy  *backup.Error
		sum     *backup.SumError
		unput   *dbwarden.RestoreError
		unfitDB *dbwarden.UnfitTargetError
		no      *unconfirmedError

		elsewhere *importError
		differs   *unequalError
		apart     *apartError
		cannot    *squash.Error
		noRange   *squash.RangeError

		noList *targetsError
		busy   *folderBusyError
		ran    *appliedError
	)
	var t *target
	if errors.As(err, &run) {
		t = run.target
	}
	switch {
	case errors.As(err, &usage):
		d.Code = "usage"
		d.Next = []string{cmp.Or(usage.hint, a.command+" -h")}
	case errors.As(err, &busy):
		d.Code = "folder_busy"
		d.State = []string{"no file was written or deleted by this call"}
		d.Next = []string{"wait for it to end, and then again; --wait TIME waits for it"}
	case errors.As(err, &ran):
		d.Code = "applied_here"
		a.appliedHere(d, ran)
	case errors.As(err, &renamed):
		d.Code, d.Message = "renamed", renamed.Error()
		d.State = []string{"nothing was written"}
		d.Next = renamed.next()
	case errors.As(err, &draft):
		d.Code, d.File = "unproven", draft.file
		a.unproven(d, t, draft)
	case errors.As(err, &cfg):
		d.Code, d.File, d.Line, d.Column = "config", cfg.File, cfg.Line, cfg.Column
		if cfg.Hint != "" {
			d.Next = []string{cfg.Hint}
		}
	case errors.As(err, &folder):
		d.Code, d.Message = "no_migrations_directory", folder.Error()
		d.State = []string{"looked for " + a.relative(folder.dir)}
		d.Next = []string{"dbwarden init makes that folder; is it elsewhere: " + otherFolder}
		if a.migrationsDir != "" {
			d.Next = []string{"make that folder, or name another one with --migrations-dir"}
			// Elsewhere init would write a second warden.toml.
			if a.loaded == "" || a.loaded == filepath.Join(a.Dir, config.FileName) {
				d.Next = []string{fmt.Sprintf("dbwarden init --migrations-dir %q makes that folder; is it elsewhere: name it with --migrations-dir", a.migrationsDir)}
			}
		} else if home := filepath.Dir(a.loaded); a.loaded != "" && home != a.Dir {
			d.Next = []string{"go to " + a.relative(home) + ", where the configuration is, and run dbwarden init there; is the folder elsewhere: " + otherFolder}
		}
	case errors.As(err, &elsewhere):
		d.Code = "import"
		a.importing(d, elsewhere)
	case errors.As(err, &unseen):
		d.Code = "denied"
		d.Next = []string{"have the right granted to see it, or plan without the schema: " + a.again("migrate", " --schema-check off", "schema-check")}
		if run != nil && run.plan != "" {
			d.Next = []string{"have the right granted to see it, or leave the schema out of it: " + a.again("migrate", " --schema-check off", "schema-check")}
		}
	case errors.As(err, &differs):
		d.Code = "import_differs"
		unequal(d, differs)
	case errors.As(err, &apart):
		d.Code = "unequal"
		a.apart(d, t, apart)
	case errors.As(err, &cannot):
		d.Code = "squash"
		a.problems(d, t, cannot.Problems)
		d.State = []string{"nothing was written, and no database was changed"}
	case errors.As(err, &noRange):
		d.Code, d.Next = "usage", []string{noRange.Next}
	case errors.As(err, &record):
		d.Code = "foreign_history"
		foreignHistory(d, record)
	case errors.As(err, &problems):
		d.Code = "migration_files"
		a.problems(d, t, problems)
	case errors.Is(err, lock.ErrLost) && (errors.As(err, &noCopy) || errors.As(err, &unput)):
		a.lost(d, t, err)
	case errors.As(err, &noCopy):
		a.noBackup(d, t, noCopy)
	case errors.As(err, &unput):
		a.notRestored(d, t, run.file, unput)
	case errors.As(err, &sum):
		d.Code = "checksum"
		d.State = []string{"nothing was changed"}
		d.Next = []string{"take another backup, or a copy of this one that is whole"}
		if sum.None {
			d.Next = []string{"put its " + backup.SumSuffix + " file beside it; what another program made is restored with that program's own means"}
		}
	case errors.As(err, &unfitDB):
		d.Code = "unfit_database"
		d.State = []string{"nothing was changed"}
		d.Next = []string{"restore it into the database that it is of, or into an empty one: --url, or -d"}
		if unfitDB.Schema != "" {
			d.Next = []string{fmt.Sprintf("name that schema, which has to be there, with postgres_schema in warden.toml or DBWARDEN_POSTGRES_SCHEMA=%s", shellWord(unfitDB.Schema))}
		}
		if unfitDB.Whole {
			d.Next = []string{"restore it without postgres_schema, into the database that it is of, or into an empty one: --url, or -d"}
		}
	case errors.As(err, &no):
		d.Code = "unconfirmed"
		d.State = []string{"nothing was changed"}
	case errors.As(err, &drifted):
		d.Code = "drift"
		d.State = []string{"nothing was run; the lock is released"}
		if run != nil && run.result != nil && run.result.TookOver {
			d.State = []string{"nothing was run", "the lock is kept, as it was found"}
		}
		d.Next = []string{
			driftNext,
			"take the change back, or write a migration for it; then, or to go on as it is: " + a.allowing("allow-drift"),
		}
	case errors.As(err, &refusal):
		d.Code = string(refusal.Code)
		a.refusal(ctx, d, t, refusal)
		if refusal.Code == plan.PlanMoved && run != nil && run.plan != "" {
			d.File = run.plan
			d.Message = run.plan + ": " + d.Message
			d.Next = []string{"see what has changed, and plan again: " + run.replan}
		}
		if run != nil && run.result != nil && run.result.TookOver && len(run.result.Completed) == 0 {
			d.State = append(d.State, "the lock is kept, as it was found")
			for i := range d.Next {
				d.Next[i] = strings.Replace(d.Next[i], "dbwarden rollback finishes it", "dbwarden rollback --recover finishes it", 1)
				d.Next[i] = strings.Replace(d.Next[i], "run it anew: dbwarden rollback,", "run it anew: dbwarden unlock, and: dbwarden rollback,", 1)
			}
		}
	case errors.As(err, &hook) && !errors.As(err, &failed):
		a.hookFailed(d, t, run, hook)
	case errors.As(err, &failed):
		d.Code = "migration_failed"
		a.failure(d, t, run, failed)
		a.wayBack(d, run)
	case errors.As(err, &held):
		d.Code = "lock_held"
		a.held(d, t, run, held)
	case errors.As(err, &blocked):
		a.blocked(d, t, run, blocked)
	case errors.As(err, &unfreed):
		if d.Code = "busy"; t != nil {
			a.fault(d, t, err)
		}
		d.State = []string{"the run is over; that the lock is free could not be written down"}
		d.Next = []string{"when the other program is through: dbwarden unlock"}
	case errors.As(err, &evict):
		d.Code = "cannot_evict"
		a.evicted(d, evict, err)
	case errors.Is(err, lock.ErrNotHeld):
		d.Code, d.Message = "not_held", notHeldLine
	case errors.Is(err, migration.ErrFileChanged):
		d.Code = "file_changed"
		d.State = []string{"nothing was run"}
		d.Next = []string{"dbwarden status, when the folder is as it is to be"}
	case errors.As(err, &other):
		d.Code = "other_statement"
		d.State = []string{"nothing was changed"}
		d.Next = []string{fmt.Sprintf("look whether statement %d took effect, and say it of that one: --statement %d", other.Is, other.Is)}
	case errors.As(err, &together):
		d.Code = "several_statements"
		d.State = []string{"nothing was changed"}
		d.Next = []string{"take the statement that fails out of the file, or mend it: from " + fmt.Sprintf("statement %d on the file may be changed", together.From),
			fmt.Sprintf("to leave out statement %d: add --statement %d", together.From, together.From)}
	case errors.Is(err, dbwarden.ErrNothingInDoubt):
		d.State = []string{"nothing was changed"}
		d.Next = []string{"dbwarden status shows where each migration stands, and what waits to be resolved"}
	case errors.Is(err, lock.ErrLost):
		a.lost(d, t, err)
	case errors.As(err, &readOnly):
		d.Code = "read_only"
		d.Next = []string{"run it against the primary, or on a file that can be written"}
	case errors.As(err, &newer):
		d.Code = "newer_lock_table"
	case errors.As(err, &model):
		d.Code = "model"
		modelFault(d, model)
	case errors.As(err, &goModel):
		d.Code = "model"
		d.File, d.Line, d.Column = a.relative(goModel.File), goModel.Line, goModel.Column
		lines := strings.Split(err.Error(), "\n")
		for i := range lines {
			lines[i] = a.relativeIn(lines[i])
		}
		d.Message = lines[0]
		if len(lines) > 1 {
			d.Message = fmt.Sprintf("%d problems in the models\n  %s", len(lines), strings.Join(lines, "\n  "))
		}
		d.Next = []string{"mend the model"}
	case errors.As(err, &noModel):
		d.Code, d.Message = "no_models", a.relative(noModel.Path)+": "+noModel.Why
		d.Next = []string{"name files and folders with model_paths in warden.toml, or a program that prints the schema with model_command"}
	case errors.As(err, &printed):
		d.Code = "model_command"
		if printed.Stderr != "" {
			d.Server = map[string]string{"stderr": printed.Stderr}
		}
		d.Next = []string{"see that it runs by itself, in the folder of warden.toml, and prints CREATE statements: " + strings.Join(printed.Command, " ")}
	case errors.As(err, &noRight):
		d.Code = "denied"
		d.Next = []string{"ask for the right: " + noRight.Grant, "or give an empty database for planning, with dev_url in warden.toml or DBWARDEN_DEV_URL"}
	case errors.As(err, &unfit):
		d.Code = "dev_url"
		d.Next = []string{"give an empty database with dev_url in warden.toml or DBWARDEN_DEV_URL; nothing in that one was touched"}
	case errors.As(err, &noList):
		d.Code = "targets"
		if t != nil {
			a.fault(d, t, noList.err)
			d.Code, d.Message = "targets", noList.Error()
		}
		d.State = []string{"no target was touched"}
		d.Next = []string{"mend the query in [targets] of " + config.FileName}
	case cutOff(ctx, err):
		d.Code, d.Message = "interrupted", context.Cause(ctx).Error()
		if errors.As(err, &connect) {
			d.Message = "connect to " + connect.Label + ": " + d.Message
		}
	case errors.As(err, &connect):
		d.Code = "connect"
		a.connection(d, t, connect)
	case errors.As(err, &pathErr):
		d.Code, d.File = "file", pathErr.Path
	default:
		if t != nil {
			a.fault(d, t, err)
		}
	}
	var named *databaseError
	if errors.As(err, &named) {
		d.Message = named.head() + strings.TrimPrefix(d.Message, named.head())
	}
}

// cutOff says that an error is nothing but that the command was asked to stop: a
// driver only knows that its context is over.
func cutOff(ctx context.Context, err error) bool {
	_, asked := errors.AsType[Signal](context.Cause(ctx))
	return asked && errors.Is(err, context.Canceled)
}

// lost is for a lock that went away.
func (a *app) lost(d *description, t *target, err error) {
	d.Code, d.Message = "lock_lost", "the lock was taken away while this run held it: "+err.Error()
	if t != nil && t.product.Engine.Fault(err).Kind == engine.Lost {
		d.Message = "the connection broke while this run held the lock, which was lost with it: " + err.Error()
	}
	d.Next = []string{"dbwarden lock-status", "dbwarden status"}
}

// problems lists what is wrong with the folder.
func (a *app) problems(d *description, t *target, ps migration.Problems) {
	lines := make([]string, len(ps))
	for i, p := range ps {
		if t != nil {
			p.File = t.path(p.File)
		}
		lines[i] = p.Error()
		d.Problems = append(d.Problems, p)
	}
	d.File, d.Line, d.Column = d.Problems[0].File, ps[0].Line, ps[0].Column
	if len(ps) == 1 {
		d.Message = lines[0]
	} else {
		d.Message = fmt.Sprintf("%d problems in the migrations directory\n  %s", len(ps), strings.Join(lines, "\n  "))
	}
	d.State = []string{"nothing was run"}
	if slices.ContainsFunc(ps, func(p migration.Problem) bool { return strings.Contains(p.Msg, " is taken by ") }) {
		d.Next = []string{
			"dbwarden rebase gives the one that is yours another number; where it has run here, it says how that is taken back first",
			"or name it: dbwarden rebase FILE",
		}
	}
	if slices.ContainsFunc(ps, hasNoValue) {
		d.Next = append(d.Next, "give it a value in [vars] of warden.toml, as DBWARDEN_VAR_NAME in the environment, or with --var name=value")
	}
}

func hasNoValue(p migration.Problem) bool { return strings.Contains(p.Msg, " has no value") }

// filesOf are the files that a refusal names.
func filesOf(items []plan.Item) string {
	var names []string
	for _, it := range items {
		names = append(names, it.File)
	}
	return strings.Join(first(names, 8), ", ")
}

func (a *app) refusal(ctx context.Context, d *description, t *target, r *plan.Refusal) {
	verb := "migrate"
	if r.Down {
		verb = "rollback"
	}
	d.State = []string{"nothing was run"}
	version := ""
	if len(r.Items) > 0 {
		version = migrationName(r.Items[0].Version, r.Items[0].File)
		d.File, d.Line = r.Items[0].File, r.Items[0].Line
		if t != nil {
			d.File = t.path(d.File)
		}
	}
	switch r.Code {
	case plan.ChangedAgain:
		d.Next = []string{"look at it again: dbwarden repair"}
	case plan.ChangedFile:
		d.Changed = r.Changes
		var shown []string
		for i, c := range r.Changes {
			if i == mostShown {
				shown = append(shown, fmt.Sprintf("%d more: dbwarden status", len(r.Changes)-i))
				break
			}
			shown = append(shown, a.differenceText(t, c, a.style(a.Stderr)))
		}
		d.Caret = strings.Join(shown, "\n\n")
		if len(r.Called) > 0 {
			d.State = append(d.State, "what ran was called "+strings.Join(first(r.Called, 8), ", ")+": look whether it is another migration that has its number now")
		}
		d.Next = []string{
			"put the file back as it was, or go on with: " + a.allowing("allow-changed"),
			"is it as good as what ran, a mended comment: dbwarden repair has the history say so",
			"or, where its data may go, take it back and run it as it is now: dbwarden rollback --through " + version + ", then: " + a.again("migrate", ""),
		}
	case plan.RenumberedFile:
		a.renumbered(d, t, r)
	case plan.Missing:
		if r.InGo() {
			d.Next = []string{"the program that applied it goes on with what is pending, and takes it back: this command has files alone"}
			if !r.Down {
				d.Next = append(d.Next, "or run the files without it: "+a.allowing("allow-missing"))
			}
		} else if r.Down {
			d.Next = append(a.back(ctx, t, r.Items, ", whose rollback section is needed"), "then: "+a.again(verb, ""))
			for _, it := range r.Items {
				if it.Now != "" && t != nil {
					d.Next = append(d.Next, fmt.Sprintf("or, is it the same one, renamed and changed, give it its old name: mv %s %s", shellWord(t.path(it.Now)), shellWord(t.path(it.File))))
					break
				}
			}
		} else {
			d.Next = append(a.back(ctx, t, r.Items, ""), "then: "+a.again(verb, ""), "or go on without it: "+a.allowing("allow-missing"))
		}
		if len(r.Beside) > 0 {
			d.State = append(d.State, "may have stood for what has not run and is older, as a squashed migration does; running that too would do its work twice: "+filesOf(r.Beside))
			d.Next = append(a.back(ctx, t, r.Items, ""), "then: "+a.again(verb, ""),
				"did it stand for those, and was the squash taken back elsewhere: when the file is back, take it back here too: dbwarden squash --undo")
		}
	case plan.OutOfOrder:
		if len(r.Beside) > 0 {
			d.State = append(d.State, "may have stood for them, as a squashed migration does, so that running them would do its work twice: "+filesOf(r.Beside)+", which ran, and whose file is gone")
			d.Next = append(a.back(ctx, t, r.Beside, ""), "then: dbwarden status")
			break
		}
		d.Next = []string{"give it a higher version (dbwarden rebase), or run it late with: " + a.allowing("allow-out-of-order")}
	case plan.UnknownVersion:
		d.Next = []string{"dbwarden status lists the versions"}
	case plan.NotApplied:
		d.Next = []string{"dbwarden history lists what is applied"}
	case plan.Irreversible:
		d.Next = []string{"write a -- rollback section (an empty one does nothing), or a new migration that goes forward"}
		if r.Progress.Open {
			// Nothing new runs before it has come to its end.
			d.State = append(d.State, "it is half applied: "+r.Progress.String())
			d.Next = []string{
				fmt.Sprintf("write a -- rollback section into it (an empty one does nothing), then: dbwarden unlock, where the lock is held, and: dbwarden rollback; or mend it from statement %d on and finish it with: dbwarden migrate", r.Progress.Done+1),
				fmt.Sprintf("or do the rest by hand, and for each statement of it: dbwarden resolve %s --skip; then: dbwarden migrate", version),
			}
		}
	case plan.HalfReverted:
		d.Next = []string{"dbwarden rollback finishes it"}
	case plan.OwnHistory:
		d.Next = []string{"dbwarden history lists what is applied; take the files alone with: dbwarden import --no-history"}
	case plan.InsideSquashed:
		d.Next = []string{"name " + version + " itself, or a version outside of what it replaces; dbwarden status lists them"}
	case plan.OldFilesGone:
		d.File, d.Line = "", 0
		d.State = []string{"nothing was changed"}
		d.Next = []string{"put those files back (version control has them)"}
	case plan.PartlyReplaced:
		d.File, d.Line = "", 0
		d.Next = []string{"put those files back (version control has them): dbwarden migrate runs them first"}
	case plan.BeyondBaseline:
		d.Next = []string{"name a version that is not below the newest applied one; dbwarden history lists what is applied"}
	case plan.HalfApplied, plan.BelowHalfApplied:
		d.Next = []string{"dbwarden migrate finishes it, dbwarden rollback takes it back"}
	case plan.InDoubt:
		a.doubt(d, t, r)
		d.State = append(d.State, r.Progress.String())
		if r.Progress.Settleable() && r.Detail == "" {
			d.Next = []string{a.again(verb, "") + " looks whether it took effect, and goes on"}
			break
		}
		d.Next = []string{
			"look in the database whether that statement took effect",
			fmt.Sprintf("it did: dbwarden resolve %s --done; it did not: dbwarden resolve %s --retry", version, version),
			"then: dbwarden unlock, where the lock is held, and: " + a.again(verb, ""),
		}
	case plan.MendedTooEarly:
		if d.File != "" {
			d.Message = strings.Replace(d.Message, r.Items[0].File, d.File, 1)
		}
		if r.Mended.Text != "" && r.Now != "" && r.Mended.Text != r.Now {
			d.Ran, d.Now = r.Mended.Text, r.Now
			d.Caret = render.Changed(d.Ran, d.Now)
		}
		d.Next = []string{"put those statements back as they were; mend from the failed one on, or take the migration back with: dbwarden rollback"}
	case plan.SessionGone:
		d.Next = []string{"take it back and run it anew: dbwarden rollback, dbwarden migrate",
			fmt.Sprintf("or do the rest by hand, and for each statement of it: dbwarden resolve %s --skip", version)}
	case plan.BadDependency:
		d.Message = strings.Replace(d.Message, r.Items[0].File, d.File, 1)
		d.Next = []string{"correct its depends_on header"}
	case plan.NotAtomic:
		d.Next = []string{"run it without --atomic, a transaction each: " + a.again(verb, "", "atomic")}
		switch {
		case r.Progress.Open:
			d.Next = []string{fmt.Sprintf("finish that one: dbwarden unlock, where the lock is held, and: dbwarden %s -c 1; then the others in one transaction: %s", verb, a.again(verb, ""))}
		case r.Before > 0:
			d.Next = append(d.Next, "or only what comes before it, in one transaction: "+a.again(verb, fmt.Sprintf(" -c %d", r.Before), "count", "to-version", "through", "to-empty"))
		}
	case plan.NotScripted:
		d.State = []string{"no script was written"}
		d.Next = []string{a.again("migrate", "", "sql") + " runs them itself"}
	case plan.PlanMoved:
		d.Moved = r.Moved
		d.Next = []string{"see what has changed, and plan again: dbwarden plan --save FILE"}
	case plan.HalfRestored:
		d.Next = []string{"put it back as a whole: dbwarden restore --yes " + shellWord(r.Items[0].File) + ", in the folder where it is"}
	case plan.FileGone:
		d.Next = append(a.back(ctx, t, r.Items, ""), "then: "+a.again(verb, ""))
		if r.InGo() {
			d.Next = []string{"the program that has it goes on with it, or takes it back: start that one again"}
			if r.Progress.Doubt > 0 {
				d.Next = []string{
					"look in the database how far it came",
					fmt.Sprintf("it did all of it: dbwarden resolve %s --done; it can be run again: dbwarden resolve %s --retry", version, version),
					"then: dbwarden unlock, where the lock is held, and start the program again that has it",
				}
			}
		}
	case plan.BehindPooler:
		d.Next = []string{
			"give the URL of the server itself, past the pooler, as direct_url in warden.toml",
			"or for this run: " + a.again(verb, " --url 'postgres://USER@HOST/DATABASE'"),
		}
	}
}

// back says how files that are gone come back: each by the command of git that
// brings it, where git knows it.
func (a *app) back(ctx context.Context, t *target, items []plan.Item, why string) (next []string) {
	for _, it := range items[:min(len(items), mostBack)] {
		if migration.IsGoFile(it.File) {
			continue
		}
		name, command := it.File, ""
		if t != nil {
			name = t.path(name)
			// Of a thousand targets all ask the same.
			known, _ := a.backs.LoadOrStore(name, sync.OnceValue(func() string {
				return putBack(ctx, t.MigrationsDir, a.relative(t.MigrationsDir), it.File)
			}))
			if command = known.(func() string)(); command != "" {
				command = ": " + command
			}
		}
		next = append(next, "put the file back, "+name+why+command)
	}
	if n := len(items) - mostBack; n > 0 {
		next = append(next, fmt.Sprintf("and %d more, which dbwarden status lists", n))
	}
	return next
}

// mostBack is of how many files an error says how they come back.
const mostBack = 5

// renumbered is for what ran by another number than its file has now: the way
// back is by the old one.
func (a *app) renumbered(d *description, t *target, r *plan.Refusal) {
	path := func(file string) string {
		if t != nil {
			file = t.path(file)
		}
		return shellWord(file)
	}
	var there, here []string
	for _, it := range r.Items {
		there = append(there, "mv "+path(it.Now)+" "+path(it.File))
		here = append(here, "mv "+path(it.File)+" "+path(it.Now))
	}
	d.Next = []string{
		"take it back by its old number, and what ran after it: " + strings.Join(there, " && "),
		"then: dbwarden rollback --through " + path(r.Items[0].File),
		"then: " + strings.Join(here, " && "),
		"then: dbwarden migrate",
	}
	if r.Down {
		d.Next = d.Next[:3]
	}
}

// mostShown is of how many files an error shows how they differ.
const mostShown = 3

// failure is a migration that failed.
func (a *app) failure(d *description, t *target, run *runError, e *dbwarden.MigrationError) {
	name := e.Migration.File
	if t != nil {
		name = t.path(name)
	}
	d.File, d.Number, d.Total, d.Statement = name, e.Number, e.Total, clipStatement(e.Statement)
	what := e.Fault.Message
	if what == "" || errors.Is(e.Err, dbwarden.ErrInterrupted) || errors.Is(e.Err, lock.ErrLost) && e.Fault.Kind != engine.Lost {
		what = e.Err.Error()
	}
	if e.Number > 0 {
		d.Line, d.Column = e.Pos.Line, e.Pos.Column
		how := "failed: " + what
		if errors.Is(e.Err, dbwarden.ErrInterrupted) && !errors.Is(e.Err, lock.ErrLost) {
			how = "was " + what // the statement is not at fault
		}
		d.Message = fmt.Sprintf("%s:%d:%d: statement %d of %d %s", name, d.Line, d.Column, e.Number, e.Total, how)
		d.Caret = caret(e.Statement, e.Start, e.Pos)
		if e.Row != "" {
			d.Caret = caret(e.Row, sqltext.Pos{Line: e.Pos.Line, Column: 1}, e.Pos)
		}
	} else if e.Commit && !errors.Is(e.Err, lock.ErrLost) {
		ran := fmt.Sprintf("statements 1 to %d ran", e.Behind)
		if e.Behind == e.Total {
			ran = "all statements ran"
		}
		d.Message = fmt.Sprintf("%s: %s, and COMMIT was refused: %s", name, ran, what)
	} else if n := max(e.Behind, e.Done); n > 0 && errors.Is(e.Err, dbwarden.ErrInterrupted) && !errors.Is(e.Err, lock.ErrLost) {
		d.Message = fmt.Sprintf("%s: behind statement %d of %d it was %s", name, n, e.Total, what)
	} else if e.Behind > 0 && !errors.Is(e.Err, lock.ErrLost) {
		d.Message = fmt.Sprintf("%s: behind statement %d of %d, while its history was written: %s", name, e.Behind, e.Total, what)
	} else if rest, ok := strings.CutPrefix(what, e.Migration.File+":"); ok {
		d.Message = name + ":" + rest // with its line
	} else {
		d.Message = name + ": " + what
		if d.Line = e.Pos.Line; d.Line > 0 {
			d.Message = fmt.Sprintf("%s:%d: %s", name, d.Line, what)
		}
	}
	if unheld, ok := errors.AsType[*dbwarden.ConditionError](e.Err); ok {
		a.unheld(d, unheld)
	}
	d.Server = map[string]string{"code": e.Fault.Code, "detail": e.Fault.Detail, "hint": e.Fault.Hint, "context": e.Fault.Context}
	if q := e.Fault.Inner; q != "" && !strings.Contains(e.Statement, q) {
		d.Server["inner"] = clipStatement(q)
	}
	for k, v := range d.Server {
		if v == "" {
			delete(d.Server, k)
		}
	}
	again := "dbwarden migrate"
	if e.Direction == migration.Down {
		again = "dbwarden rollback"
	}
	unlock := "dbwarden unlock, and: "
	if run != nil && run.goal != nil {
		if e.Fault.Kind == engine.Canceled {
			again += a.own(len(run.result.Completed), "recover", "statement-timeout") // which is what is advised
		} else {
			again += run.goal(len(run.result.Completed))
		}
	}
	if run != nil && run.plan != "" && (len(run.result.Completed) > 0 || !filesStand(e)) {
		// A saved plan is refused once a file or the history is another one.
		again = run.replan + ", and: " + again
	}
	file := func(which string) string { return "mend the file" + which }
	shared := t != nil && t.Target != "" && e.Direction == migration.Up && e.Migration.Kind == migration.Versioned
	if shared {
		file = func(which string) string { return run.sharing.mend(t.Target, which) }
	}
	up, back := "dbwarden migrate", "dbwarden rollback"
	if run != nil && run.recover {
		again, up, back, unlock = again+" --recover", up+" --recover", back+" --recover", ""
	}
	if run != nil && run.result != nil && len(run.result.Completed) > 0 {
		before := fmt.Sprintf("%d migrations before it were completed and stay", len(run.result.Completed))
		if len(run.result.Completed) == 1 {
			before = "1 migration before it was completed and stays"
		}
		d.State = append(d.State, before)
	}
	if e.Tries > 1 {
		d.State = append(d.State, fmt.Sprintf("tried %d times, each as long as the lock timeout allows", e.Tries))
	}
	if len(e.Blockers) > 0 {
		d.State = append(d.State, "kept waiting by "+engine.Blockers(e.Blockers))
	}
	if e.Fault.WaitedOut && t != nil && t.product.Engine.Caps.SingleWriter {
		d.State = append(d.State, "another program, not a dbwarden run, has the database file locked; "+whoWrites(t))
	}
	switch {
	case errors.Is(e.Err, lock.ErrLost):
		d.Code = "lock_lost"
		how := "the lock was lost while this ran; "
		if e.Fault.Kind == engine.Lost {
			how = "the connection broke while this ran, and the lock was lost with it; "
		}
		d.State = append(d.State, how+lostWords(e.State))
		if n := len(e.Sent); n > 0 {
			d.State = append(d.State, fmt.Sprintf("%d more were sent behind it, up to %s; each may be applied, if those before it are: dbwarden status tells", n, e.Sent[n-1].File))
		}
		d.Next = []string{"dbwarden lock-status", "dbwarden status"}
	case e.State == dbwarden.Untouched:
		lock := "the lock is released"
		if e.LockKept {
			lock = "that the lock is free could not be written down, so that it looks as if held by somebody who is gone"
			again = "dbwarden unlock, and: " + again
		}
		if n := len(e.With); n > 0 {
			d.State = append(d.State, fmt.Sprintf("nothing of it stayed in the database, nor of the %d other migrations in its transaction; %s", n, lock))
		} else if e.Direction == migration.Down {
			d.State = append(d.State, "nothing of this rollback stayed: the migration is applied, as before; "+lock)
		} else {
			d.State = append(d.State, "nothing of this migration stayed in the database; "+lock)
		}
		d.Next = nextOf(e, file(""), again)
		if run != nil && run.unwritten {
			d.Next[0] = "or " + d.Next[0]
			d.Next = append([]string{"has the database what the first migrations make, from before: dbwarden migrate --baseline -t VERSION, the newest one whose work is there, then: " + again}, d.Next...)
		}
	case e.StillHalf:
		d.State = append(d.State, "nothing of this rollback stayed: the migration is half applied, as before")
		if e.LockKept {
			d.State = append(d.State, "the lock is kept, so that nobody goes on by accident")
		}
		d.Next = []string{mend(e, "mend the rollback section") + ", then: " + unlock + again + "; or go on upwards with: " + unlock + up}
	default:
		name := migrationName(e.Migration.Version.String(), e.Migration.File)
		switch {
		case e.Done == e.Total:
			d.State = append(d.State, "all its statements are in the database, and the history does not say so yet")
		case e.Done == 1:
			d.State = append(d.State, "statement 1 is in the database")
		case e.Done > 1:
			d.State = append(d.State, fmt.Sprintf("statements 1 to %d are in the database", e.Done))
		default:
			d.State = append(d.State, "a part of this statement may be in the database")
		}
		if e.LockKept {
			d.State = append(d.State, "the lock is kept, so that nobody goes on by accident")
		} else {
			d.State = append(d.State, "that the lock is kept could not be written: dbwarden lock-status tells how it stands")
		}
		if e.Over != "" {
			d.State = append(d.State, e.Over)
			d.Next = append(d.Next, mend(e, file(""))+", then take it back and run it anew: "+unlock+back+", dbwarden migrate",
				fmt.Sprintf("or do the rest by hand, and for each statement of it: dbwarden resolve %s --skip", name))
			return
		}
		these := dbwarden.Range{From: e.From, To: e.To}.String()
		at := max(e.Done+1, cmp.Or(e.From, e.Number))
		mended := file(fmt.Sprintf(" from statement %d on", at))
		if at < e.Number && !shared {
			mended = fmt.Sprintf("mend statement %d, or whatever else from statement %d on (they run in one transaction, of which nothing has stayed)", e.Number, at)
		}
		goOn := unlock + fmt.Sprintf("%s, which goes on at statement %d", again, at)
		switch {
		case e.Done == e.Total && isCondition(e.Err):
			goOn = mend(e, "") + ", then: " + unlock + again + ", which asks again and writes the history; or take it back: " + unlock + back
		case e.Done == e.Total:
			goOn = mend(e, "") + ", then: " + unlock + again + ", which writes the history"
		case e.Unwritten:
			d.State = append(d.State, these+" ran, and that could not be written into the journal")
			goOn = mend(e, "") + fmt.Sprintf(", then: %s, which looks whether %s took effect, or asks for dbwarden resolve %s --done", unlock+again, these, name)
		case e.Torn:
			d.State = append(d.State, "how much of "+these+" has stayed is not known")
			d.Next = append(d.Next, fmt.Sprintf("look in the database what %s left; all of it is there, also what stands behind the one that failed: dbwarden resolve %s --done; take away what is there, and: dbwarden resolve %s --retry", these, name, name))
			goOn = mend(e, file(fmt.Sprintf(" from statement %d on", e.From))) + ", then: " + unlock + again
		case !errors.Is(e.Err, dbwarden.ErrInterrupted):
			goOn = mend(e, mended) + ", then: " + goOn
		}
		d.Next = append(d.Next, goOn)
		if e.Done == e.Total || e.Unwritten || e.Torn {
			return // all that can be done is said, or first it must be known how it stands
		}
		switch {
		case e.Direction == migration.Down:
		case e.Migration.Rollback.Present:
			d.Next = append(d.Next, "or take it back: "+unlock+back)
		default:
			d.Next = append(d.Next, "or take it back: write a -- rollback section, then: "+unlock+back)
		}
		if at == e.Number && !errors.Is(e.Err, dbwarden.ErrInterrupted) {
			d.Next = append(d.Next, fmt.Sprintf("or leave statement %d out, which then counts as done: dbwarden resolve %s --skip --statement %d, then: %s", at, name, at, unlock+again))
		}
	}
}

// doubt shows the statement of which nobody knows how it ended, as far as the
// journal has kept its text.
func (a *app) doubt(d *description, t *target, r *plan.Refusal) {
	it, p := r.Items[0], r.Progress
	d.Column, d.Number, d.Total, d.Statement = it.Column, p.Doubt, p.Total, p.Begun
	if d.File != "" {
		d.Message = strings.Replace(d.Message, it.File, d.File, 1)
	}
	if p.Begun == "" {
		return
	}
	lines := strings.Split(p.Begun, "\n")
	const most = 8
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], fmt.Sprintf("… (%d lines more)", len(lines)-most+1))
	}
	for i, line := range lines {
		number := ""
		if it.Line > 0 && r.Now == "" && strings.Count(p.Begun, ";\n") == 0 {
			number = fmt.Sprintf("%6d", it.Line+i)
		}
		lines[i] = fmt.Sprintf("%6s | %s", number, render.Shorten(render.Plain(line), 100))
	}
	d.Caret = strings.Join(lines, "\n")
	if r.Now != "" {
		d.State = append(d.State, "another statement stands there in the file now")
	}
}

// detaches says that a statement is the one of PostgreSQL that commits in the
// middle.
func detaches(statement string) bool {
	text := strings.ToUpper(statement)
	return strings.Contains(text, "DETACH PARTITION") && strings.Contains(text, "CONCURRENTLY")
}

// mend is what to do about the fault: not everything is the file's.
func mend(e *dbwarden.MigrationError, file string) string {
	switch {
	case errors.Is(e.Err, dbwarden.ErrInterrupted):
	case isCondition(e.Err):
		unheld, _ := errors.AsType[*dbwarden.ConditionError](e.Err)
		return mendCondition(unheld)
	case errors.Is(e.Err, migration.ErrFileGone) && e.State == dbwarden.Partial:
		return "put the file back under its name"
	case errors.Is(e.Err, migration.ErrFileChanged) && e.State != dbwarden.Partial:
		return "see that the folder holds what is to run"
	case e.Fault.WaitedOut && e.State == dbwarden.Partial && detaches(e.Statement):
		return "the partition is detached half-way: write FINALIZE in place of CONCURRENTLY into that statement, which is the server's own way to end it"
	case e.Fault.WaitedOut && e.Migration.Header.LockTimeout != nil:
		return "wait until whoever holds the table is through, or give it longer with the lock_timeout in the file's header (the file is not at fault)"
	case e.Fault.WaitedOut:
		return "wait until whoever holds the table is through, or give it longer with --lock-timeout (the file is not at fault)"
	case e.Fault.Kind == engine.Busy:
		return "wait until the other program is through (the file is not at fault)"
	case e.Fault.Kind == engine.Canceled && e.Migration.Header.StatementTimeout != nil:
		return "give it longer with the statement_timeout in the file's header, if it was not ended by somebody"
	case e.Fault.Kind == engine.Canceled:
		return "give it longer with --statement-timeout, if it was not ended by somebody"
	case e.Fault.Kind == engine.Full:
		return "make room for the database (the file is not at fault)"
	case e.Fault.Kind == engine.Crowded:
		return "wait until the server takes connections again, or end some (the file is not at fault)"
	case e.Fault.Kind == engine.ReadOnly && !e.OwnReadOnly:
		return "have the database take writes, or go to the server that does (the file is not at fault)"
	case e.Fault.Kind == engine.Denied && e.Number == 0:
		return "ask for the right that the message names (the file is not at fault)"
	case e.Fault.Kind == engine.Denied:
		return "ask for the right that the message names, or " + file
	case e.Commit && e.Behind > 0 && (e.Fault.Detail != "" || strings.Contains(e.Fault.Message, "constraint")):
		return "mend the rows that the message names"
	case e.Behind > 0 || e.Number == 0:
		return "see to what the message says"
	}
	return file
}

// nextOf is what helps where nothing stayed: mostly the file is wrong, but not
// always.
func nextOf(e *dbwarden.MigrationError, file, again string) []string {
	switch {
	case errors.Is(e.Err, dbwarden.ErrInterrupted):
		return []string{again}
	case e.Fault.WaitedOut:
		if e.Migration.Header.LockTimeout != nil {
			return []string{"when whoever holds the table is through: " + again + " (the lock_timeout in the file's header and run.lock_retry say how long it waits and tries)"}
		}
		return []string{"when whoever holds the table is through: " + again + " (run.lock_timeout and run.lock_retry say how long it waits and tries)"}
	case e.Fault.Kind == engine.Busy:
		return []string{"nothing is wrong with the file, another program was in the way: " + again}
	case e.Fault.Kind == engine.Canceled && e.Migration.Header.StatementTimeout != nil:
		return []string{"it ran longer than it may, or somebody ended it; a longer time: the statement_timeout in the file's header, then: " + again}
	case e.Fault.Kind == engine.Canceled:
		return []string{"it ran longer than it may, or somebody ended it; a longer time: " + again + " --statement-timeout TIME, or -- statement_timeout: TIME in the file"}
	}
	return []string{mend(e, file) + ", then: " + again}
}

// filesStand says that what kept a migration from running is neither its file
// nor anything that it left.
func filesStand(e *dbwarden.MigrationError) bool {
	if e.State != dbwarden.Untouched {
		return false
	}
	switch e.Fault.Kind {
	case engine.Busy, engine.Full, engine.Crowded:
		return true
	}
	return e.Fault.WaitedOut || errors.Is(e.Err, dbwarden.ErrInterrupted)
}

// existed says of a migration that failed that an object which it makes was
// there already.
func existed(e *dbwarden.MigrationError) bool {
	switch code := e.Fault.Code; {
	case e.Fault.Kind != engine.Duplicate, e.Direction != migration.Up, e.Migration.Kind != migration.Versioned:
		return false
	case code == "23505", strings.HasPrefix(code, "SQLITE_CONSTRAINT"), slices.Contains([]string{"1022", "1062", "1169", "1586"}, code):
		return false // a row was
	}
	return true
}

// lostWords say what may have happened to the work of a run that lost the
// lock.
func lostWords(s dbwarden.State) string {
	if s == dbwarden.Undecided {
		return "the statement or commit that was under way may have taken effect, nothing behind it has"
	}
	return "nothing was committed after that"
}

// caret shows the line of the trouble with a mark under the place.
func caret(statement string, start, pos sqltext.Pos) string {
	lines := strings.Split(statement, "\n")
	i := pos.Line - start.Line
	if i < 0 || i >= len(lines) {
		return ""
	}
	line := strings.TrimSuffix(lines[i], "\r")
	column := pos.Column
	if i == 0 {
		column -= start.Column - 1
	}
	return marked(line, pos.Line, column)
}

// marked is a line with its number and a mark under the column.
func marked(line string, lineNumber, column int) string {
	runes := []rune(line)
	const most = 100
	if column > most*3/4 && len(runes) > most {
		cut := min(column-most/2, len(runes)-1)
		runes, column = append([]rune("…"), runes[cut:]...), column-cut+1
	}
	if len(runes) > most {
		runes = append(runes[:most:most], '…')
	}
	if column < 1 || column > len(runes)+1 {
		return ""
	}
	number := fmt.Sprintf("%6d | ", lineNumber)
	pad := strings.Repeat(" ", len(number)+render.Columns(string(runes[:column-1])))
	shown := strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		return r
	}, string(runes))
	return number + render.Plain(shown) + "\n" + pad + "^"
}

// relativeIn shortens the file that a line begins with.
func (a *app) relativeIn(line string) string {
	file, rest, ok := strings.Cut(line, ".go:")
	if !ok {
		return line
	}
	return a.relative(file+".go") + ":" + rest
}

// modelFault is a place in a model that is no definition, or that the server
// does not take.
func modelFault(d *description, e *desired.Error) {
	d.File, d.Statement = e.Model.Name, clipStatement(e.Statement.Text)
	if e.Model.From == "" {
		d.Line, d.Column = e.Pos.Line, e.Pos.Column
	}
	d.Caret = caret(e.Statement.Text, e.Statement.Start, e.Pos)
	d.Server = map[string]string{}
	for k, v := range map[string]string{"code": e.Fault.Code, "detail": e.Fault.Detail, "hint": e.Fault.Hint, "context": e.Fault.Context} {
		if v != "" {
			d.Server[k] = v
		}
	}
	if e.Waiting > 0 {
		d.State = append(d.State, fmt.Sprintf("%d other statements could not be run either, which may need this one", e.Waiting))
	}
	d.Next = []string{cmp.Or(e.Hint, "mend the model")}
}

func clipStatement(s string) string {
	const most = 2000
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + fmt.Sprintf(" … (%d bytes more)", len(s)-most)
}

func (a *app) held(d *description, t *target, run *runError, e *lock.HeldError) {
	st := e.Status
	if at := heldSince(st); !at.IsZero() {
		d.State = append(d.State, fmt.Sprintf("held since %s (%s)", at.Format("2006-01-02 15:04:05 MST"), render.Duration(max(0, a.Now().Sub(at)))))
	}
	if e.Waited >= 1e9 {
		d.State = append(d.State, "waited "+render.Duration(e.Waited))
	}
	if why := whyHeld(st); why != "" {
		d.State = append(d.State, why)
	}
	report := dbwarden.LockReport{Status: st}
	typed := ""
	if run != nil && run.result != nil {
		report.Unfinished, report.Progress = run.result.Unfinished, run.result.Progress
		if run.goal != nil {
			typed = "dbwarden " + verbOf(run.result.Direction) + run.goal(0)
		}
	}
	d.Next = lockAdvice(t, report, typed)
}

// blocked is for a lock that another program's transaction kept from being
// taken.
func (a *app) blocked(d *description, t *target, run *runError, e *lock.BlockedError) {
	verb := "migrate"
	if run != nil && run.result != nil {
		verb = verbOf(run.result.Direction)
	}
	if t != nil {
		a.fault(d, t, e)
	}
	d.Code = "busy"
	d.State = []string{"waited " + render.Duration(e.Waited), "nothing was run"}
	d.Next = []string{"wait longer for it: " + a.again(verb, " --wait TIME (default 5m)", "wait", "no-wait")}
	if who := whoWrites(t); e.File && who != "" {
		d.Next = append(d.Next, who)
	}
}

// whoWrites is how to find out who writes to a database file: SQLite does not
// know. "" for another database.
func whoWrites(t *target) string {
	if t == nil || t.db == nil || !t.product.Engine.Caps.File {
		return ""
	}
	_, file, _ := strings.Cut(t.db.Label(), ":///")
	if runtime.GOOS == "windows" {
		return "find out which program has " + file + " open"
	}
	return "find out which program it is: fuser " + shellWord(file) + " (or: lsof " + shellWord(file) + ")"
}

// evicted says what helps where a holder's session could not be ended.
func (a *app) evicted(d *description, e *lock.EvictError, err error) {
	var denied *dbwarden.DeniedError
	switch {
	case errors.As(err, &denied) && denied.Who != "":
		d.Next = append(d.Next, denied.Who+" can end it: "+e.Hint, "or ask for the right: "+denied.Grant+" and: dbwarden unlock --force", "when it has ended: dbwarden unlock")
	case e.Ending:
		d.State = append(d.State, "its session was told to end, and ends when its statement lets it; the lock was not released")
		d.Next = append(d.Next, "dbwarden lock-status --watch shows when it has ended; then: dbwarden unlock")
	default:
		hint := e.Hint
		if !strings.HasPrefix(hint, "end ") {
			hint = "end it there: " + hint
		}
		d.Next = append(d.Next, hint, "then: dbwarden unlock")
	}
}

// connection explains why there is no session.
func (a *app) connection(d *description, t *target, e *dbwarden.ConnectError) {
	if t != nil {
		a.fault(d, t, e.Err)
		if _, ok := errors.AsType[*engine.PasswordError](e.Err); ok {
			d.Code = "login"
			d.Next = []string{"see to the program or the file that is to give the password; dbwarden config shows where it is named"}
		}
		f := t.product.Engine.Fault(e.Err)
		if f.Message != "" {
			d.Message = "connect to " + e.Label + ": " + f.Message
			if f.WaitedOut && t.product.Engine.Caps.SingleWriter {
				d.Message = "connect to " + e.Label + ": another program keeps the file from being read: " + f.Message
			}
		}
	}
}

// fault gives hints for an error of the database outside a migration.
func (a *app) fault(d *description, t *target, err error) {
	f := t.product.Engine.Fault(err)
	if f.Code != "" || f.Detail != "" || f.Hint != "" {
		d.Server = map[string]string{}
		for k, v := range map[string]string{"code": f.Code, "detail": f.Detail, "hint": f.Hint} {
			if v != "" {
				d.Server[k] = v
			}
		}
	}
	switch f.Kind {
	case engine.Unreachable:
		d.Code = "unreachable"
		d.Next = []string{"see that the server runs and that host and port in " + t.urlName() + " are right (dbwarden config shows them)"}
		if t.product.Engine.Caps.File {
			d.Next = []string{"see that the path in " + t.urlName() + " is right and leads to a database file (dbwarden config shows it)"}
		}
	case engine.Untrusted:
		d.Code = "tls"
		d.Next = []string{"see to the certificates, and to what " + t.urlName() + " says of TLS (dbwarden config shows it)"}
	case engine.Crowded:
		d.Code = "too_many_connections"
		d.Next = []string{"wait, or end some of the server's connections: it takes no more"}
	case engine.Login:
		d.Code = "login"
		d.Next = []string{"see user and password in " + t.urlName() + " (dbwarden config shows where it comes from)"}
	case engine.NoSuchDatabase:
		d.Code = "no_such_database"
		d.Next = []string{"create the database first, or correct its name in " + t.urlName()}
		if t.product.Engine.Caps.File {
			d.Next = []string{"dbwarden migrate creates the file; or correct its path in " + t.urlName()}
		}
	case engine.Denied:
		d.Code = "denied"
		d.Next = []string{"ask for the right that the message names"}
		var denied *dbwarden.DeniedError
		if errors.As(err, &denied) && denied.Grant != "" {
			d.Next = []string{"ask for the right: " + denied.Grant}
		}
	case engine.Busy:
		d.Code = "busy"
		d.Next = []string{"another program holds the database or the table: try again"}
		if who := whoWrites(t); who != "" {
			d.Next = append(d.Next, who)
		}
		var busy *dbwarden.BusyError
		if errors.As(err, &busy) {
			table := "one of our tables"
			if busy.Table != "" {
				table = "the table " + busy.Table
			}
			d.State = append(d.State, table+" is locked by "+engine.Blockers(busy.Blockers))
			d.Next = []string{"when that one is through, try again; or see why it has locked a table that is ours alone"}
		}
		var locked *lockedError
		if errors.As(err, &locked) {
			d.State = append(d.State, locked.who())
			d.Next = []string{"when that one is through, try again; if it is a migration, dbwarden lock-status shows how far it is"}
		}
	case engine.ReadOnly:
		d.Code = "read_only"
	}
}
