package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/backup"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

func (a *app) migrateCommand() *cobra.Command {
	var to targetFlags
	var wait waitFlags
	var limits limitFlags
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Apply pending migrations",
		Long: "Applies pending migrations in the order of their versions, under the lock.\n" +
			"While another run holds the lock it waits; with nothing to do it takes no lock.",
		Example: "  dbwarden migrate\n  dbwarden migrate --dry-run\n  dbwarden migrate -c 1\n  dbwarden migrate -t 0007\n  dbwarden migrate --baseline -t 0007\n  dbwarden migrate --plan plan.json\n  dbwarden migrate --sql > script.sql\n  dbwarden migrate -b --backup-dir /var/backups\n  dbwarden migrate --no-wait -d analytics",
	}
	to.add(cmd, "at most so `MANY` versioned migrations")
	to.addUp(cmd)
	wait.add(cmd)
	limits.add(cmd)
	var metrics metricsFlags
	metrics.add(cmd)
	var saved savedFlags
	cmd.Flags().StringVar(&saved.file, "plan", "", "run what plan --save wrote into this `FILE` and nothing else; refused when files, history or schema are others now")
	saved.addCheck(cmd)
	var with backupFlags
	with.add(cmd)
	var fleet fleetFlags
	fleet.addStops(cmd)
	cmd.Flags().Bool("allow-drift", false, "go on though the schema is not as the last run left it")
	var sql, baseline bool
	cmd.Flags().BoolVar(&sql, "sql", false, "write what would run as one script for psql, mariadb or sqlite3, with lock and history; runs nothing")
	cmd.Flags().BoolVar(&baseline, "baseline", false, "with -t: write what is pending up to that version into the history, and run none of it")
	a.completeVersions(cmd, "to-version")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := with.check(cmd); err != nil {
			return err
		}
		for name, one := range map[string]bool{"sql": sql, "plan": cmd.Flags().Changed("plan"), "baseline": baseline} {
			if one {
				if err := fleet.refused(cmd, name); err != nil {
					return err
				}
			}
		}
		if sql {
			return a.script(cmd, &to, &limits)
		}
		if cmd.Flags().Changed("plan") {
			return a.migratePlan(cmd, &saved, &wait, &limits, &with, &metrics)
		}
		if cmd.Flags().Changed("schema-check") {
			return usagef("--schema-check means nothing without --plan")
		}
		if baseline {
			return a.baseline(cmd, &to, &wait)
		}
		return a.run(cmd, migration.Up, &to, &wait, &limits, &with, &fleet, &metrics)
	}
	return cmd
}

func (a *app) rollbackCommand() *cobra.Command {
	var to targetFlags
	var wait waitFlags
	var limits limitFlags
	var yes bool
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Revert applied migrations, newest first",
		Long: "Reverts the newest migration by order of execution, or as many as asked for, under the lock.\n" +
			"A migration without a rollback section is refused before anything is touched. Of two files with one version, as a\n" +
			"merge leaves them, it takes the one that ran. On a terminal it says which tables, columns and rows would be lost, and\n" +
			"asks, before it takes the lock; --yes says so beforehand. A squashed migration takes back all that it stands for:\n" +
			"that is asked too, and where nobody can be asked, --yes says so, or -c, -t, --through or --to-empty says how far.",
		Example: "  dbwarden rollback\n  dbwarden rollback -c 2\n  dbwarden rollback -t 0003\n  dbwarden rollback --through migrations/0004_mine.sql\n  dbwarden rollback --to-empty --dry-run",
	}
	to.add(cmd, "so `MANY` migrations, newest first (default 1)")
	cmd.Flags().StringVarP(&to.to, "to-version", "t", "", "revert what ran after this `VERSION`, which stays applied")
	cmd.Flags().StringVar(&to.through, "through", "", "revert this `MIGRATION`, by its version or file, and what ran after it")
	cmd.Flags().BoolVar(&to.empty, "to-empty", false, "revert everything")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask, though rows would be lost")
	wait.add(cmd)
	limits.add(cmd)
	var metrics metricsFlags
	metrics.add(cmd)
	var fleet fleetFlags
	fleet.addStops(cmd)
	a.completeVersions(cmd, "to-version")
	a.completeVersions(cmd, "through")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		to.ask = !yes && a.asks()
		if !yes && !to.ask && !to.tells(cmd) {
			to.unasked = a.refuseSquashed
		}
		return a.run(cmd, migration.Down, &to, &wait, &limits, &backupFlags{}, &fleet, &metrics)
	}
	return cmd
}

// run is migrate and rollback: they differ in the words.
func (a *app) run(cmd *cobra.Command, d migration.Direction, to *targetFlags, wait *waitFlags, lim *limitFlags, with *backupFlags, fleet *fleetFlags, metrics *metricsFlags) error {
	t, err := to.target(cmd)
	if err != nil {
		return err
	}
	if to.dryRun {
		if err := wait.check(cmd); err != nil {
			return err
		}
		limits, retry, err := lim.limits(cmd)
		if err != nil {
			return err
		}
		opt := wardenOptions{folder: true, down: d == migration.Down, wait: wait, recover: wait.again, limits: limits, retry: retry}
		return a.over(cmd, fleet, opt, a.previewJob(opt, d, t), func(ctx context.Context, tg *target) error { return a.preview(ctx, cmd, tg, d, t, nil) })
	}
	return a.runs(cmd, d, wait, lim, running{
		do: func(ctx context.Context, w *dbwarden.Warden) (*dbwarden.Result, error) {
			if d == migration.Down {
				return w.Rollback(ctx, t)
			}
			return w.Migrate(ctx, t)
		},
		to:   t.To,
		with: with, metrics: metrics, unasked: to.unasked,
		ask: func(ctx context.Context, tg *target) error {
			if !to.ask {
				return nil
			}
			return a.consent(ctx, tg, t)
		},
		fleet:  fleet,
		askAll: a.consentToMany(cmd.Context(), to.ask, t),
	})
}

// running is what a run does.
type running struct {
	do     func(context.Context, *dbwarden.Warden) (*dbwarden.Result, error)
	to     migration.Version // how far it goes, zero for no limit
	plan   string            // the file of the saved plan that is run
	replan string            // the command that makes that plan anew

	schema bool // the plan knows the schema

	with *backupFlags // whether it begins with a backup

	fleet   *fleetFlags   // how it goes over many targets; nil: it is of one
	metrics *metricsFlags // where they go

	// ask asks before the lock whether it may run; nil: nobody is asked.
	ask func(context.Context, *target) error

	// unasked refuses, under the lock, what would have been asked; nil: nothing.
	unasked func(context.Context, dbwarden.Before) error

	// askAll asks it once, where there are many.
	askAll asking
}

// runs is whatever goes one way under the lock.
func (a *app) runs(cmd *cobra.Command, d migration.Direction, wait *waitFlags, lim *limitFlags, r running) error {
	if err := wait.check(cmd); err != nil {
		return err
	}
	limits, retry, err := lim.limits(cmd)
	if err != nil {
		return err
	}
	m, err := a.measure(cmd, r.metrics)
	if err != nil {
		return err
	}
	words := wordsOf(d)
	// Without that flag there is nothing to allow: a rollback is not refused.
	allowDrift, _ := cmd.Flags().GetBool("allow-drift")
	opt := wardenOptions{folder: true, down: d == migration.Down, wait: wait, recover: wait.again, limits: limits, retry: retry, schema: r.schema, runs: true, allowDrift: allowDrift, observe: m.beside(a.observer(words)), before: r.with.before(a), hooks: true}
	if r.unasked != nil {
		opt.before = func(*target) func(context.Context, dbwarden.Before) error { return r.unasked }
	}
	if r.fleet == nil {
		opt.use, r.fleet = useOne, &fleetFlags{}
	}
	many := a.runJob(opt, d, wait, r)
	return a.over(cmd, r.fleet, opt, many, func(ctx context.Context, tg *target) error {
		if r.ask != nil {
			if err := r.ask(ctx, tg); err != nil {
				return &runError{err: err, target: tg}
			}
		}
		res, err := r.do(ctx, tg.warden)
		a.letStop()
		a.noted(res.Noted)
		if a.json() {
			return a.runDocument(cmd, tg, res, tg.backup, a.ended(ctx, &r, tg, res, wait, err))
		}
		if err != nil {
			return a.ended(ctx, &r, tg, res, wait, err)
		}
		st := a.style(a.Stdout)
		if len(res.Completed) == 0 {
			fmt.Fprintln(a.Stdout, words.nothing)
			if n := len(res.Beyond); n > 0 && !a.quiet {
				fmt.Fprintf(a.Stderr, "pending above %s: %d (%s)\n", r.to, n, a.typed(tg, "dbwarden migrate applies them, dbwarden status lists them"))
			}
			return nil
		}
		fmt.Fprintln(a.Stdout, st.Good(fmt.Sprintf(words.finished, len(res.Completed))))
		return nil
	})
}

// noted tells which squashed migrations were written into the history without
// being run.
func (a *app) noted(all []*migration.Migration) {
	if a.json() || a.quiet {
		return
	}
	for _, m := range all {
		fmt.Fprintf(a.Stderr, "Noted in the history: %s stands for %s that have run here; nothing of it was run.\n", render.Plain(m.File), counted(len(m.Header.Replaces), "migration"))
	}
}

// ended is an error of a run, with what its report needs to know.
func (a *app) ended(ctx context.Context, r *running, tg *target, res *dbwarden.Result, wait *waitFlags, err error) error {
	if err == nil {
		return nil
	}
	e := &runError{err: err, target: tg, result: res, recover: wait.again, goal: a.goal, plan: r.plan, replan: r.replan, backup: tg.backup}
	if failed, ok := errors.AsType[*dbwarden.MigrationError](err); ok && existed(failed) && failed.State == dbwarden.Untouched && len(res.Completed) == 0 {
		h, err := tg.warden.History(ctx)
		e.unwritten = err == nil && len(h) == 0
	}
	return e
}

// words are what the two directions say.
type words struct{ pending, finished, nothing string }

func wordsOf(d migration.Direction) words {
	if d == migration.Down {
		return words{"Migrations to roll back (%d):", "Rollback completed successfully: %d migrations reverted.", "Nothing to rollback."}
	}
	return words{"Pending migrations (%d):", "Migrations completed successfully: %d migrations applied.", "Migrations are up to date."}
}

// observer shows a run as it goes: the list of what is planned on stdout,
// progress on stderr; as JSON lines on stderr with --out json.
func (a *app) observer(w words) event.Observer {
	show := a.shower(w)
	return func(e event.Event) {
		if e.Kind == event.LockAcquired {
			a.keepGoing()
		}
		show(e)
	}
}

func (a *app) shower(w words) event.Observer {
	if a.json() {
		return a.jsonLines
	}
	p := &render.Progress{W: a.Stderr, Style: a.style(a.Stderr), Verbose: a.verbose, Quiet: a.quiet, Mask: a.masked}
	return func(e event.Event) {
		switch {
		case e.Kind == event.Drifted:
			a.drifted(e)
		case e.Kind == event.PlanReady && e.Total > 0 && !a.quiet:
			a.list(w, e.Versions)
		}
		p.Observe(e)
	}
}

func (a *app) list(w words, names []string) {
	fmt.Fprintf(a.Stdout, w.pending+"\n", len(names))
	for _, n := range names {
		fmt.Fprintf(a.Stdout, "  - %s\n", render.Plain(n))
	}
}

// jsonLines writes events for machines.
func (a *app) jsonLines(e event.Event) {
	line := map[string]any{"format": 1, "event": e.Kind, "at": e.At.UTC()}
	put := func(k string, v any, there bool) {
		if there {
			line[k] = v
		}
	}
	put("database", e.Database, e.Database != "")
	put("target", e.Target, e.Target != "")
	put("run", e.Run, e.Run != "")
	put("direction", e.Direction, e.Direction != "")
	put("version", e.Version, e.Version != "")
	put("file", e.File, e.File != "")
	put("line", e.Line, e.Line > 0)
	put("number", e.Number, e.Number > 0)
	put("total", e.Total, e.Total > 0)
	put("statement", e.Statement, e.Statement > 0)
	put("statements", e.Statements, e.Statements > 0)
	put("sql", a.masked(e.SQL), e.SQL != "" && a.verbose)
	put("rows", e.Rows, e.Kind == event.StatementDone)
	put("shared", true, e.Shared)
	put("versions", e.Versions, len(e.Versions) > 0)
	put("objects", e.Objects, len(e.Objects) > 0)
	put("holder", e.Holder, e.Holder != "")
	put("elapsed_ms", e.Elapsed.Milliseconds(), e.Elapsed > 0)
	put("detail", a.masked(e.Detail), e.Detail != "")
	put("pending", e.Pending, e.Kind == event.RunEnded && e.Pending >= 0)
	put("percent", math.Round(10*e.Percent)/10, e.Kind == event.StatementRunning && e.Percent >= 0)
	put("bytes", e.Bytes, e.Bytes > 0)
	put("of_bytes", e.OfBytes, e.OfBytes > 0)
	put("blockers", a.masked(e.Blockers), e.Blockers != "")
	if e.Err != nil {
		line["error"] = a.masked(e.Err.Error())
	}
	json.NewEncoder(a.Stderr).Encode(line)
}

// runDocument is the result of a run for machines.
func (a *app) runDocument(cmd *cobra.Command, t *target, res *dbwarden.Result, made *backup.File, err error) error {
	fields := map[string]any{
		"run": res.Run, "direction": res.Direction, "elapsed_ms": res.Elapsed.Milliseconds(),
		"planned": migrationsOf(res.Planned), "beyond": migrationsOf(res.Beyond), "completed": migrationsOf(res.Completed), "warnings": append([]string{}, res.Warnings...),
	}
	if made != nil {
		fields["backup"] = backupDocument(made)
	}
	if len(res.Noted) > 0 {
		fields["noted"] = migrationsOf(res.Noted)
	}
	if d := res.Drift; d != nil {
		fields["drift"] = driftDocument(d)
	}
	if err != nil {
		fields["error"] = a.describe(err, cmd.Context()).document()
	}
	// That nobody reads the document any more does not change what was done.
	if e := a.document(cmd, t, fields); e != nil && err == nil && !errors.Is(e, syscall.EPIPE) {
		return e
	}
	if err != nil {
		a.shown = true
	}
	return err
}

func driftDocument(d *dbwarden.Drift) map[string]any {
	return map[string]any{"objects": d.Objects, "total": d.Total, "since": d.Since.UTC(), "by": d.By}
}

func migrationsOf(ms []*migration.Migration) []map[string]any {
	out := []map[string]any{}
	for _, m := range ms {
		out = append(out, map[string]any{"version": m.Version.String(), "file": m.File, "description": m.Description, "type": m.Kind})
	}
	return out
}

// preview is --dry-run. more are fields for its document.
func (a *app) preview(ctx context.Context, cmd *cobra.Command, t *target, d migration.Direction, to plan.Target, more map[string]any) error {
	p, err := t.warden.Preview(ctx, d, to)
	if err != nil {
		return &runError{err: err, target: t, result: &dbwarden.Result{Direction: d}}
	}
	if p.Lock.Active {
		a.warn(mayChange(p))
	}
	if a.json() {
		steps := []map[string]any{}
		for _, s := range p.Steps {
			statements := []string{}
			for sql, err := range s.SQL(s.Resume.Done, s.Statements) {
				if err != nil {
					return err
				}
				statements = append(statements, a.masked(sql))
			}
			groups := []map[string]any{}
			for g, err := range s.Groups() {
				if err != nil {
					return err
				}
				groups = append(groups, map[string]any{"mode": g.Mode, "from": g.From + 1, "to": g.To})
			}
			steps = append(steps, map[string]any{"version": s.Migration.Version.String(), "file": s.Migration.File, "statements": statements,
				"groups": groups, "already_done": s.Resume.Done, "skipped": s.Resume.Skipped, "require": a.maskedAll(s.Require()), "ensure": a.maskedAll(s.Ensure())})
		}
		fields := map[string]any{"dry_run": true, "atomic": p.Atomic, "direction": d, "steps": steps, "hooks": a.hooksDocument(t.Hooks), "lock_active": p.Lock.Active}
		maps.Copy(fields, more)
		return a.document(cmd, t, fields)
	}
	words := wordsOf(d)
	for _, s := range p.Steps {
		if s.Statements == 0 && d == migration.Up {
			a.warn(s.Migration.File + ": its upgrade section holds no statement")
		}
	}
	if len(p.Steps) == 0 {
		fmt.Fprintln(a.Stdout, words.nothing)
		return nil
	}
	var names []string
	for _, s := range p.Steps {
		names = append(names, s.Migration.Name())
	}
	a.list(words, names)
	st := a.style(a.Stdout)
	around := func(each bool, at dbwarden.Moment) {
		if each != p.Atomic {
			a.showCalls(t.Hooks, at)
		}
	}
	a.showCalls(t.Hooks, dbwarden.HookBeforeRun)
	around(false, dbwarden.HookBeforeMigration)
	if p.Atomic {
		fmt.Fprintln(a.Stdout, st.Dim("-- all of it in one transaction"))
	}
	for _, s := range p.Steps {
		fmt.Fprintf(a.Stdout, "\n%s\n", st.Bold("-- "+t.path(s.Migration.File)+" ("+string(d)+")"))
		for _, p := range s.Resume.Parts() {
			fmt.Fprintln(a.Stdout, "-- "+render.Plain(partWords(p)))
		}
		if s.Warning != "" {
			fmt.Fprintln(a.Stdout, "-- "+st.Warn(render.Plain(s.Warning)))
		}
		around(true, dbwarden.HookBeforeMigration)
		if err := a.previewGroups(s); err != nil {
			return &runError{err: err, target: t, result: &dbwarden.Result{Direction: d}}
		}
		around(true, dbwarden.HookAfterMigration)
	}
	around(false, dbwarden.HookAfterMigration)
	a.showCalls(t.Hooks, dbwarden.HookAfterRun)
	fmt.Fprintln(a.Stdout, "\nDry run: nothing was changed.")
	return nil
}

// partWords tell of statements that do not run any more.
func partWords(p plan.Part) string {
	who, have, were := fmt.Sprintf("statements %d to %d", p.From, p.To), "have", "were"
	if p.From == p.To {
		who, have, were = fmt.Sprintf("statement %d", p.From), "has", "was"
	}
	if p.SkippedBy != "" {
		return fmt.Sprintf("%s %s skipped by %s", who, were, p.SkippedBy)
	}
	return fmt.Sprintf("%s %s run already", who, have)
}

// mayChange says of a preview that somebody holds the lock.
func mayChange(p *dbwarden.Preview) string {
	return (&lock.HeldError{Status: p.Lock}).Error() + "; what is pending may change"
}

// previewGroups shows a step's statements, as they are read.
func (a *app) previewGroups(s dbwarden.PreviewStep) (err error) {
	defer s.Close()
	st := a.style(a.Stdout)
	conditions := func(kind migration.ConditionKind, queries []string) {
		for _, q := range a.maskedAll(queries) {
			fmt.Fprintf(a.Stdout, "-- %s: %s\n", kind, strings.ReplaceAll(render.Plain(q), "\n", "\n--   "))
		}
	}
	conditions(migration.Require, s.Require())
	defer func() {
		if err == nil {
			conditions(migration.Ensure, s.Ensure())
		}
	}()
	for g, err := range s.Groups() {
		if err != nil {
			return err
		}
		if g.To <= s.Resume.Done || g.Mode == plan.OwnCommands {
			continue
		}
		fmt.Fprintln(a.Stdout, st.Dim("-- "+modeWords(g)))
		for sql, err := range s.SQL(max(g.From, s.Resume.Done), g.To) {
			if err != nil {
				return err
			}
			fmt.Fprintln(a.Stdout, st.SQL(render.Plain(a.masked(sql)))+";")
		}
	}
	return nil
}

// maskedAll is masked for several texts.
func (a *app) maskedAll(texts []string) []string {
	all := []string{}
	for _, text := range texts {
		all = append(all, a.masked(text))
	}
	return all
}

func modeWords(g plan.Group) string {
	switch {
	case g.Sole:
		return "by itself, in one transaction with its journal entry"
	case g.Mode == plan.InTransaction:
		return "in one transaction"
	case g.Mode == plan.Settings:
		return "for this session only"
	}
	return "outside a transaction, by itself"
}

func (a *app) warn(text string) {
	if a.json() {
		a.jsonLines(event.Event{Kind: event.Warning, At: a.Now(), Detail: text})
		return
	}
	fmt.Fprintln(a.Stderr, a.style(a.Stderr).Warn("Warning: "+render.Plain(a.masked(text))))
}
