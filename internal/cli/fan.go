package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/fleet"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
)

// fleetFlags say how a command goes over many targets.
type fleetFlags struct {
	parallel    int
	canary      string
	maxFailures int
	shard       string
}

func (f *fleetFlags) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.parallel, "parallel", 1, "so `MANY` targets at once")
	cmd.Flags().StringVar(&f.shard, "shard", "", "only one `PART` of the targets, like 2/8 on the second of eight machines")
}

// addStops is add for a command that changes something.
func (f *fleetFlags) addStops(cmd *cobra.Command) {
	f.add(cmd)
	cmd.Flags().StringVar(&f.canary, "canary", "", "`WHICH` targets go first, alone: a name, a pattern, or so many; when one fails, no other begins")
	cmd.Flags().IntVar(&f.maxFailures, "max-failures", 0, "begin no other target once so `MANY` have failed (default: go on)")
}

var fleetFlagNames = []string{"parallel", "canary", "max-failures", "shard"}

// given is the first of them on the command line, "" for none.
func (f *fleetFlags) given(cmd *cobra.Command) string {
	for _, name := range fleetFlagNames {
		if cmd.Flags().Changed(name) {
			return name
		}
	}
	return ""
}

// refused says that something is done to one database alone.
func (f *fleetFlags) refused(cmd *cobra.Command, by string) error {
	if name := f.given(cmd); name != "" {
		return usagef("--%s means nothing with --%s", name, by)
	}
	return nil
}

// job is what is done to each target of a fleet.
type job struct {
	opt  wardenOptions
	wait func(config.Database) time.Duration // for a lock that somebody has; nil: nobody waits

	// do does it, or says of an error what it has done nevertheless.
	do func(context.Context, *target) (did, error)

	writes bool                  // it takes the lock
	sum    func([]did) string    // what it comes to, "5 migrations applied"; nil: nothing
	ask    asking                // nil: nobody is asked
	exit   func(all []did) error // what becomes of it though nothing failed; nil: nothing
}

// asking asks whether these targets are meant, each of which open opens.
type asking func(targets []fleet.Target, open func(fleet.Target) (*target, error)) error

// did is what was done to one target.
type did struct {
	text   string         // "2 migrations applied"
	count  int            // of migrations
	idle   bool           // there was nothing to do
	fields map[string]any // for machines

	ran      map[string]bool // the files that it has run now
	current  bool            // nothing is pending any more
	warnings []string
}

// fans reports whether a command goes over its targets as over a fleet: side by
// side, a line each. Databases that are configured one by one are told of at
// length, unless a flag of fleets is given.
func (f *fleetFlags) fans(cmd *cobra.Command, targets []fleet.Target) bool {
	if f.given(cmd) != "" {
		return true
	}
	for _, t := range targets {
		if t.Database.Target != "" && len(targets) > 1 {
			return true
		}
	}
	return false
}

// arranged are the targets in the order in which they go.
func (f *fleetFlags) arranged(cmd *cobra.Command, targets []fleet.Target) (canaries, rest []fleet.Target, err error) {
	switch {
	case f.parallel < 1:
		return nil, nil, usagef("--parallel %d: want a number from 1", f.parallel)
	case cmd.Flags().Changed("max-failures") && f.maxFailures < 1:
		return nil, nil, usagef("--max-failures %d: want a number from 1", f.maxFailures)
	}
	if cmd.Flags().Changed("shard") {
		shard, err := fleet.ParseShard(f.shard)
		if err != nil {
			return nil, nil, usagef("--shard %q: %v", f.shard, err)
		}
		targets = shard.Keep(targets)
	}
	if len(targets) == 0 {
		return nil, nil, nil
	}
	if canaries, rest, err = fleet.Canaries(targets, f.canary); err != nil {
		e := &usageError{fmt.Sprintf("--canary %q: %v", f.canary, err), "dbwarden status --all shows them"}
		if f.shard != "" {
			e.hint = "each part has its own: migrate the canary by --target first, or give a number"
		}
		return nil, nil, e
	}
	return canaries, rest, nil
}

// fan does a job to many targets, and reports.
func (a *app) fan(cmd *cobra.Command, f *fleetFlags, targets []fleet.Target, j job) error {
	canaries, rest, err := f.arranged(cmd, targets)
	if err != nil {
		return err
	}
	n := len(canaries) + len(rest)
	if n == 0 {
		return a.noTargets(cmd)
	}
	all := append(canaries[:len(canaries):len(canaries)], rest...)
	a.metering.about(all)
	opt := j.opt
	opt.wait = &waitFlags{noWait: true} // who waits does so without a connection
	opt.folders = &folders{}
	if err := a.tryFolders(cmd, all, opt); err != nil {
		return err
	}
	if j.ask != nil {
		if err := j.ask(all, func(one fleet.Target) (*target, error) { return a.target(cmd, one.Database, opt) }); err != nil {
			return err
		}
	}
	if j.writes {
		a.keepGoing()
		defer a.letStop()
	}
	show := a.newFleetView(cmd.Context(), n, j)
	defer show.end()
	fl := fleet.Fleet[did]{
		Canaries: canaries, Rest: rest, Parallel: f.parallel, MaxFailures: f.maxFailures,
		Later: later, Observe: show.observe,
		Each: func(ctx context.Context, one fleet.Target) (did, error) {
			mine := opt
			log := &told{}
			mine.observe = a.metering.beside(show.watcher(one.Name, log))
			t, err := a.target(cmd, one.Database, mine)
			if err != nil {
				return did{}, err
			}
			d, err := j.do(ctx, t)
			if a.verbose || err != nil {
				show.log(one.Name, log)
			}
			d.warnings = append(log.warnings, d.warnings...)
			return d, err
		},
	}
	if j.wait != nil {
		for _, t := range targets {
			fl.Wait = max(fl.Wait, j.wait(t.Database))
		}
	}
	report := fl.Run(cmd.Context())
	show.end()
	return a.fleetReport(cmd, report, j)
}

// later says of an error that somebody only has the lock, and is not gone.
func later(err error) bool {
	if held, ok := errors.AsType[*lock.HeldError](err); ok {
		return held.Status.Verdict != lock.Gone && held.Status.Verdict != lock.Kept
	}
	// Another program's transaction, where one writes at a time.
	run, ok := errors.AsType[*runError](err)
	if _, failed := errors.AsType[*dbwarden.MigrationError](err); failed || !ok || run.target == nil {
		return false
	}
	return run.target.product.Engine.Fault(err).WaitedOut
}

// noTargets ends a command that has nothing to be about.
func (a *app) noTargets(cmd *cobra.Command) error {
	if a.json() {
		return a.document(cmd, nil, map[string]any{"targets": []any{}, "counts": map[string]int{"total": 0}})
	}
	fmt.Fprintln(a.Stdout, "No targets.")
	return nil
}

// folders are the folders of migrations, each read once for all targets.
type folders struct {
	mu   sync.Mutex
	sets map[string]*migration.Set // by the database's name
}

// of reads the folder of a target, unless it has been read.
func (f *folders) of(t *target, c *dbwarden.Config, down bool) (*migration.Set, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if set := f.sets[t.Name]; set != nil {
		return set, nil
	}
	load := c.Load
	if down {
		load = c.LoadMerged
	}
	set, err := load(c.Migrations)
	if err != nil {
		return nil, &runError{err: err, target: t}
	}
	if f.sets == nil {
		f.sets = map[string]*migration.Set{}
	}
	f.sets[t.Name] = set
	return set, nil
}

// tryFolders reads them before anything runs: what is wrong with a folder is
// one error, and not one for each target.
func (a *app) tryFolders(cmd *cobra.Command, targets []fleet.Target, opt wardenOptions) error {
	seen := map[string]bool{}
	for _, t := range targets {
		if seen[t.Database.Name] {
			continue
		}
		seen[t.Database.Name] = true
		if _, err := a.target(cmd, t.Database, opt); err != nil {
			return err
		}
	}
	return nil
}

// fleetView shows a fleet as it goes: a line for each target that ended, and on
// a terminal those that run.
type fleetView struct {
	app   *app
	job   job
	total int
	ended int
	board *render.Board
	mu    sync.Mutex
	logs  map[string]string // what targets have told, for their lines
	ctx   context.Context   // of the command: its cause is what stopped the targets
}

// told is what a target's run has told in its own words.
type told struct {
	bytes.Buffer
	warnings []string // which stand behind its line
}

func (a *app) newFleetView(ctx context.Context, total int, j job) *fleetView {
	v := &fleetView{app: a, ctx: ctx, job: j, total: total, logs: map[string]string{}}
	if !a.json() && !a.quiet {
		v.board = render.NewBoard(a.Stderr, a.style(a.Stderr), total, time.Now)
	}
	return v
}

// end takes the live part away.
func (v *fleetView) end() { v.board.Close() }

// watcher is what a target's run tells: with --verbose all of it, which is
// shown in one piece when the target ends. Without, warnings are, and what its
// hooks have said where it fails.
func (v *fleetView) watcher(name string, log *told) event.Observer {
	a := v.app
	if a.json() {
		return func(e event.Event) {
			switch e.Kind {
			case event.Warning, event.LockKept, event.Drifted, event.HookOutput:
			default:
				if !a.verbose {
					return
				}
			}
			v.mu.Lock()
			defer v.mu.Unlock()
			a.jsonLines(e)
		}
	}
	style := a.style(a.Stderr)
	style.Terminal = false // no bars
	p := &render.Progress{W: log, Style: style, Verbose: true, Mask: a.masked}
	return func(e event.Event) {
		switch {
		case a.verbose || e.Kind == event.HookOutput:
			p.Observe(e)
		case e.Kind == event.Warning:
			log.warnings = append(log.warnings, e.Detail)
		}
		if e.Kind == event.MigrationStarted {
			v.board.Doing(name, e.File)
		}
	}
}

// log keeps what a target has told for its line.
func (v *fleetView) log(name string, log *told) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.logs[name] += log.String()
}

func (v *fleetView) observe(e fleet.Event[did]) {
	o := e.Outcome
	switch e.Kind {
	case fleet.Started:
		v.board.Start(o.Target.Name)
	case fleet.Waiting:
		v.board.Wait(o.Target.Name)
	case fleet.Ended:
		v.ended++
		v.board.End(o.Target.Name, o.State == fleet.Failed)
		v.line(o)
	}
}

// line tells of one target that ended.
func (v *fleetView) line(o fleet.Outcome[did]) {
	a := v.app
	v.mu.Lock()
	defer v.mu.Unlock()
	if a.json() {
		e := event.Event{Kind: event.TargetDone, At: time.Now(), Database: o.Target.Database.Name, Target: cmp.Or(o.Target.Database.Target, o.Target.Name), Number: v.ended, Total: v.total, Elapsed: o.Elapsed, Err: o.Err}
		if o.State == fleet.Done {
			e.Detail = o.Result.text
		} else {
			e.Kind = event.TargetFailed
		}
		a.jsonLines(e)
		return
	}
	st := a.style(a.Stdout)
	text := ""
	switch o.State {
	case fleet.Done:
		if text = o.Result.text; !o.Result.idle {
			text += " in " + render.Duration(o.Elapsed)
		}
	case fleet.Failed:
		text = st.Bad("FAILED") + " in " + render.Duration(o.Elapsed) + ": " + a.firstLine(v.ctx, o.Err)
	case fleet.Broken:
		text = st.Warn("INTERRUPTED") + ": " + a.firstLine(v.ctx, o.Err)
	case fleet.NotStarted:
		text = "not started: " + a.firstLine(v.ctx, o.Err)
	}
	v.board.Above(func() {
		fmt.Fprint(a.Stderr, v.logs[o.Target.Name])
		delete(v.logs, o.Target.Name)
		if a.quiet && o.State == fleet.Done && len(o.Result.warnings) == 0 {
			return
		}
		width := len(fmt.Sprint(v.total))
		fmt.Fprintf(a.Stdout, "%s %s  %s\n", st.Dim(fmt.Sprintf("[%*d/%d]", width, v.ended, v.total)), render.Name(o.Target.Name), text)
		for _, w := range o.Result.warnings {
			fmt.Fprintf(a.Stderr, "  %s\n", a.style(a.Stderr).Warn("Warning: "+render.Plain(a.masked(w))))
		}
	})
}

// firstLine is an error in one line.
func (a *app) firstLine(ctx context.Context, err error) string {
	d := a.describe(err, ctx)
	line, _, _ := strings.Cut(d.Message, "\n")
	return line
}

// fleetReport says what became of all targets.
func (a *app) fleetReport(cmd *cobra.Command, r *fleet.Report[did], j job) error {
	var all []did
	var worst error
	for i, o := range r.Outcomes {
		if held, ok := errors.AsType[*lock.HeldError](o.Err); ok {
			held.Waited = max(held.Waited, o.Waited)
		}
		if o.State != fleet.NotStarted {
			a.metering.exit(o.Target.Database, exitCode(cmd.Context(), o.Err))
			all = append(all, o.Result) // also of one that failed behind its first migration
		}
		if o.Err != nil && o.State != fleet.NotStarted && (worst == nil || exitCode(cmd.Context(), o.Err) > exitCode(cmd.Context(), worst)) {
			worst = r.Outcomes[i].Err
		}
	}
	if worst == nil && r.Stopped == fleet.Interrupted {
		worst = context.Cause(cmd.Context())
	}
	if worst == nil && j.exit != nil {
		worst = j.exit(all)
	}
	share(r, a.all && !cmd.Flags().Changed("shard"))
	if a.json() {
		a.shown = true
		if err := a.fleetDocument(cmd, r, j, all); err != nil {
			return err
		}
		return worst
	}
	a.fleetWords(cmd, r, j, all)
	a.shown = true
	return worst
}

// states are what the report counts.
var states = []struct {
	state fleet.State
	name  string
}{{fleet.Done, "done"}, {fleet.Failed, "failed"}, {fleet.Broken, "interrupted"}, {fleet.NotStarted, "not started"}}

// mostAlike is how many targets that failed alike are named.
const mostAlike = 10

// fleetWords is the report for people: the failures on stderr, those that are
// alike together, and the sum on stdout, last.
func (a *app) fleetWords(cmd *cobra.Command, r *fleet.Report[did], j job, all []did) {
	type group struct {
		first fleet.Outcome[did]
		names []string
	}
	var groups []*group
	alike := map[string]*group{}
	for _, o := range r.Outcomes {
		if o.Err == nil || o.State == fleet.NotStarted {
			continue
		}
		key := string(o.State) + strings.ReplaceAll(a.describe(o.Err, cmd.Context()).Message, o.Target.Database.Target, "")
		if alike[key] == nil {
			alike[key] = &group{first: o}
			groups = append(groups, alike[key])
		}
		alike[key].names = append(alike[key].names, render.Name(o.Target.Name))
	}
	for _, g := range groups {
		fmt.Fprintln(a.Stderr)
		a.shown = false
		// What is allowed to one of them alone has the others refused again.
		a.whole = len(g.names) > 1 && aboutFiles(g.first.Err)
		a.report(cmd, &databaseError{g.first.Target, g.first.Err})
		a.whole = false
		if more := g.names[1:]; len(more) > 0 {
			text := strings.Join(more[:min(len(more), mostAlike)], ", ")
			if len(more) > mostAlike {
				text += fmt.Sprintf(" and %d more", len(more)-mostAlike)
			}
			fmt.Fprintf(a.Stderr, "  %s%s\n", a.style(a.Stderr).Dim("so did: "), render.Plain(text))
		}
	}
	left, gone := len(r.Outcomes)-r.Count(fleet.Done), 0
	first := "run it again"
	for _, o := range r.Outcomes {
		if held, ok := errors.AsType[*lock.HeldError](o.Err); ok && o.State == fleet.Failed && held.Status.Verdict == lock.Gone {
			gone++
		}
		if o.State == fleet.Failed && !later(o.Err) {
			first = "when that is seen to, run it again"
		}
	}
	if j.writes && left > 0 {
		if len(groups) > 0 {
			fmt.Fprintln(a.Stderr)
		}
		switch r.Stopped {
		case fleet.CanaryFailed:
			fmt.Fprintln(a.Stderr, "Stopped: a canary failed, and nothing behind it was begun.")
		case fleet.TooManyFailed:
			fmt.Fprintln(a.Stderr, "Stopped: as many failed as --max-failures allows.")
		}
		others := "the other one has its turn"
		if left > 1 {
			others = fmt.Sprintf("the other %d have their turn", left)
		}
		fmt.Fprintf(a.Stderr, "  %s%s: what is done is left alone, and %s\n", a.style(a.Stderr).Accent("next: "), first, others)
		if f := cmd.Flags().Lookup("recover"); gone > 0 && f != nil {
			a.whole = true
			again := a.typed(nil, a.again(cmd.Name(), " --recover", "recover"))
			a.whole = false
			fmt.Fprintf(a.Stderr, "  %sor have it take over what a run that is gone has left in %s: %s\n", a.style(a.Stderr).Accent("next: "), counted(gone, "target"), again)
		}
	}
	var counts []string
	st := a.style(a.Stdout)
	for _, s := range states {
		n := r.Count(s.state)
		if n == 0 && s.state != fleet.Done {
			continue
		}
		text := fmt.Sprintf("%d %s", n, s.name)
		switch s.state {
		case fleet.Done:
			text = st.Good(text)
		case fleet.Failed:
			text = st.Bad(text)
		default:
			text = st.Warn(text)
		}
		counts = append(counts, text)
	}
	text := fmt.Sprintf("Targets: %d in %s: %s", len(r.Outcomes), render.Duration(r.Elapsed), strings.Join(counts, ", "))
	if j.sum != nil {
		text += "; " + j.sum(all)
	}
	fmt.Fprintln(a.Stdout, text+".")
}

// fleetDocument is the report for machines.
func (a *app) fleetDocument(cmd *cobra.Command, r *fleet.Report[did], j job, all []did) error {
	list := make([]map[string]any, 0, len(r.Outcomes))
	for _, o := range r.Outcomes {
		row := map[string]any{"name": o.Target.Name, "state": o.State}
		if o.State != fleet.NotStarted {
			row["elapsed_ms"] = o.Elapsed.Milliseconds()
		}
		if o.Target.Database.Name != "" {
			row["database"] = o.Target.Database.Name
		}
		if o.Target.Database.Target != "" {
			row["target"] = o.Target.Database.Target
		}
		for k, v := range o.Result.fields {
			row[k] = v
		}
		if o.Err != nil {
			row["error"] = a.describe(o.Err, cmd.Context()).document()
		}
		list = append(list, row)
	}
	counts := map[string]int{"total": len(r.Outcomes)}
	for _, s := range states {
		counts[string(s.state)] = r.Count(s.state)
	}
	fields := map[string]any{"targets": list, "counts": counts, "elapsed_ms": r.Elapsed.Milliseconds()}
	if r.Stopped != "" {
		fields["stopped"] = r.Stopped
	}
	if j.writes {
		fields["migrations"] = sum(all)
	}
	a.several = false // one document
	return a.document(cmd, nil, fields)
}
