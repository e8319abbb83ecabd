package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// checkFlags say what to check.
type checkFlags struct {
	every, offline, live, rules bool
	since, onto, version        string
	failOn                      string
}

// checkConnect is how long check tries to reach a database that it can do
// without.
const checkConnect = 10 * time.Second

func (a *app) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [FILE|VERSION...]",
		Short: "Name what is dangerous in pending migrations: locks, lost data, breaks",
		Long: "Reads the pending migrations, or the named ones, and says what in them locks a table for long, loses data, breaks the\n" +
			"running application or cannot be taken back, with the safer way as SQL. It runs nothing. docs/check.md has the rules.\n\n" +
			"A database that can be reached tells which migrations are pending, its version and the size of its tables. Without one,\n" +
			"every migration is checked.",
		Example: "  dbwarden check\n  dbwarden check 0042\n  dbwarden check migrations/0042_add_email.sql\n  dbwarden check --offline --since 0041 -o json\n  dbwarden check --offline --onto origin/main\n  dbwarden check --rules",
		Args:    cobra.ArbitraryArgs,

		Annotations: map[string]string{formats: "txt,json,sarif"},
	}
	cmd.Flags().BoolVar(&f.every, "every", false, "check every migration, applied or not")
	cmd.Flags().StringVar(&f.since, "since", "", "check those above this `VERSION`, and the repeatable ones")
	cmd.Flags().StringVar(&f.onto, "onto", "", "check the files that git knows as new or changed since this `BRANCH` or commit")
	cmd.Flags().BoolVar(&f.offline, "offline", false, "ask no database")
	cmd.Flags().BoolVar(&f.live, "live", false, "fail where the database cannot be asked")
	cmd.Flags().StringVar(&f.version, "server-version", "", "the server's `VERSION`, where none is asked")
	cmd.Flags().StringVar(&f.failOn, "fail-on", "warning", "exit with 6 for findings of this `SEVERITY` or worse: error, warning, info or never")
	cmd.Flags().BoolVar(&f.rules, "rules", false, "list the rules, with their severity as configured")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.check(args); err != nil {
			return err
		}
		if a.out == "sarif" && (a.all || f.rules) {
			return &usageError{"--out sarif writes the log of one check", "leave --all and --rules out; -d NAME names one of several databases"}
		}
		return a.each(cmd, wardenOptions{use: useFolder, folder: !f.rules}, func(ctx context.Context, t *target) error {
			return a.check(ctx, cmd, t, f, args)
		})
	}
	return cmd
}

func (f *checkFlags) check(args []string) error {
	if f.offline && f.live {
		return usagef("--offline and --live contradict each other")
	}
	chosen := 0
	for _, given := range []bool{f.every, f.since != "", f.onto != "", len(args) > 0} {
		if given {
			chosen++
		}
	}
	if chosen > 1 {
		return &usageError{"--every, --since, --onto and names of files contradict each other", "give one of them"}
	}
	if !slices.Contains([]string{"error", "warning", "info", "never"}, f.failOn) {
		return usagef("--fail-on %s: want error, warning, info or never", f.failOn)
	}
	return nil
}

// checkRules names the rules of all products, for the keys of [check].
func (a *app) checkRules() []string {
	var names []string
	for _, p := range a.Products {
		if p.Check == nil {
			continue
		}
		for _, r := range check.AllRules(p.Check()) {
			if !slices.Contains(names, r.ID) {
				names = append(names, r.ID)
			}
		}
	}
	return names
}

// checked is one look at a folder.
type checked struct {
	product *check.Product
	report  *check.Report
	server  engine.Server
	offline string // why no database was asked; "" where one was
	unsized string // why an asked one told the size of no table; "" where it did
	odd     bool   // the history is not what the folder has, so that migrate may refuse
	choice  string // what was chosen, for people
}

func (a *app) check(ctx context.Context, cmd *cobra.Command, t *target, f checkFlags, args []string) error {
	if t.product.Check == nil {
		return fmt.Errorf("there are no rules for %s", t.product.Engine.Title)
	}
	if f.rules {
		return a.listRules(cmd, t, t.product.Check(), severityOf(t))
	}
	c, err := a.judge(ctx, t, f, args)
	if err != nil {
		return err
	}
	refused := a.refuses(ctx, t, c)
	if refused != nil && len(c.report.Checked) == 0 {
		return refused
	}
	if said := c.said(); said != "" && !a.json() && !a.quiet {
		fmt.Fprintln(a.Stderr, a.style(a.Stderr).Warn(render.Plain(said)))
	}
	switch {
	case a.json():
		err = a.checkDocument(cmd, t, c, refused)
	case a.out == "sarif":
		err = a.sarif(t, c)
	default:
		a.showCheck(t, c)
	}
	if refused != nil && !a.json() && !a.quiet {
		a.warn("migrate refuses, as things are: " + a.describe(refused, ctx).Message + a.typed(t, "; dbwarden migrate --dry-run says what to do"))
	}
	if err == nil && f.failOn != "never" && c.report.Worst().Rank() >= check.Severity(f.failOn).Rank() {
		err = foundError{exitFound}
	}
	return err
}

// refuses is why migrate would run none of what is pending: then nothing that
// was found, or not found, says that it will go well. nil where it would, where
// that is not known, or where others than the pending ones were checked.
func (a *app) refuses(ctx context.Context, t *target, c *checked) error {
	if !c.odd || c.choice != "pending" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkConnect)
	defer cancel()
	p, err := t.warden.Preview(ctx, migration.Up, plan.Target{})
	if _, refused := errors.AsType[*plan.Refusal](err); refused {
		return &runError{err: err, target: t}
	}
	if err == nil {
		for _, step := range p.Steps {
			step.Close()
		}
	}
	return nil
}

// severityOf are the severities that are configured, by rule.
func severityOf(t *target) map[string]check.Severity {
	severity := map[string]check.Severity{}
	for rule, s := range t.Check {
		severity[rule] = check.Severity(s)
	}
	return severity
}

// judge looks at the folder, of a product that has rules, and at the database
// where it is to be asked.
func (a *app) judge(ctx context.Context, t *target, f checkFlags, args []string) (*checked, error) {
	p := t.product.Check()
	set, err := t.wants.Load(os.DirFS(t.MigrationsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &folderError{t.MigrationsDir}
	}
	if err != nil {
		return nil, &runError{err: err, target: t}
	}
	c := &checked{product: p, server: p.Oldest()}
	o := check.Options{Product: p, Engine: t.product.Engine, Severity: severityOf(t), Unjudged: a.verbose,
		NoLockTimeout: t.Run.LockTimeout == config.NoLimit, NoStatementTimeout: t.Run.StatementTimeout == config.NoLimit}

	pending, session, err := a.ask(ctx, t, f, c)
	if err != nil {
		if f.live || ctx.Err() != nil {
			return nil, err
		}
		c.offline = a.describe(err, ctx).Message
	}
	if f.offline {
		c.offline = "--offline"
	}
	if session != nil {
		defer session.Close()
		c.server = session.Server()
		o.Sizes = func(tables []ddl.Name) (map[string]check.Size, error) {
			sizes, err := p.Sizes(ctx, session, tables)
			if err == nil || ctx.Err() != nil {
				return sizes, err
			}
			// What is found stands all the same.
			c.unsized = a.describe(&runError{err: err, target: t}, ctx).Message
			return nil, nil
		}
	}
	if f.version != "" {
		if c.server, err = p.Number(f.version); err != nil {
			return nil, usagef("--server-version: %v", err)
		}
	}
	o.Server = c.server
	if err := a.choose(ctx, &o, c, t, set, f, args, pending); err != nil {
		return nil, err
	}
	if c.report, err = check.Run(set, o); err != nil {
		return nil, &runError{err: err, target: t}
	}
	return c, nil
}

// ask is what a database tells, where one can be asked: which files are
// pending, and a session for the sizes of tables.
func (a *app) ask(ctx context.Context, t *target, f checkFlags, c *checked) (pending map[string]bool, s engine.Session, err error) {
	if f.offline {
		return nil, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkConnect)
	defer cancel()
	status, err := t.warden.Status(ctx)
	if err != nil {
		return nil, nil, &runError{err: err, target: t}
	}
	pending = map[string]bool{}
	for _, m := range status.Migrations {
		switch m.State {
		case dbwarden.Missing, dbwarden.Changed, dbwarden.OutOfOrder, dbwarden.Waiting, dbwarden.HalfReverted, dbwarden.InDoubt:
			c.odd = true
		}
		switch m.State {
		case dbwarden.Applied, dbwarden.Missing, dbwarden.Changed, dbwarden.Elsewhere, dbwarden.Replaced, dbwarden.Waiting:
		default:
			pending[m.File] = true
		}
	}
	switch status.Lock.Verdict {
	case lock.Alive, lock.Silent, lock.Unknown:
		c.odd = false // a run may be at it: migrate would wait, and look then
	}
	s, err = t.db.Connect(ctx, engine.ConnectOptions{App: "dbwarden check", ReadOnly: true})
	if errors.Is(err, engine.ErrNoDatabase) {
		return pending, nil, nil
	}
	if err != nil {
		return nil, nil, &runError{err: err, target: t}
	}
	return pending, s, nil
}

// choose says which migrations are checked.
func (a *app) choose(ctx context.Context, o *check.Options, c *checked, t *target, set *migration.Set, f checkFlags, args []string, pending map[string]bool) error {
	switch {
	case len(args) > 0:
		named := map[string]bool{}
		for _, arg := range args {
			name := filepath.Base(arg)
			if v, err := migration.ParseVersion(arg); err == nil {
				m := set.Find(v)
				if m == nil {
					return &usageError{fmt.Sprintf("no migration in %s has version %s", a.relative(t.MigrationsDir), v), "dbwarden status lists the versions"}
				}
				name = m.File
			}
			i := slices.IndexFunc(set.Migrations, func(m *migration.Migration) bool { return m.File == name })
			if i >= 0 && set.Elsewhere(set.Migrations[i]) {
				return &usageError{fmt.Sprintf("%s is for other environments than this one (%s)", arg, strings.Join(set.Migrations[i].Header.Env, ", ")), "name one of them with --env"}
			}
			if i < 0 {
				return &usageError{fmt.Sprintf("%s is no migration in %s", arg, a.relative(t.MigrationsDir)), "name files or versions of that folder; --migrations-dir names another one"}
			}
			named[name] = true
		}
		c.choice, o.Together = "named", true
		o.Checked = func(m *migration.Migration) bool { return named[m.File] }
	case f.since != "":
		v, err := migration.ParseVersion(f.since)
		if err != nil {
			return usagef("--since: %v", err)
		}
		c.choice, o.Together = "since", true
		o.Checked = func(m *migration.Migration) bool { return m.Version.IsZero() || m.Version.Compare(v) > 0 }
	case f.onto != "":
		changed, err := changedFrom(ctx, t.MigrationsDir, f.onto)
		if err != nil {
			return err
		}
		c.choice, o.Together = "onto", true
		o.Checked = func(m *migration.Migration) bool { return changed[m.File] }
	case f.every || pending == nil:
		c.choice = "every"
		o.Checked = func(*migration.Migration) bool { return true }
	default:
		c.choice, o.Together = "pending", true
		o.Checked = func(m *migration.Migration) bool { return pending[m.File] }
	}
	return nil
}

func (a *app) listRules(cmd *cobra.Command, t *target, p *check.Product, severity map[string]check.Severity) error {
	rules := check.AllRules(p)
	for i, r := range rules {
		if s, ok := severity[r.ID]; ok {
			rules[i].Severity = s
		}
	}
	if a.json() {
		list := []map[string]any{}
		for _, r := range rules {
			list = append(list, map[string]any{"rule": r.ID, "severity": r.Severity, "title": r.Title, "why": r.Why, "sized": r.Sized})
		}
		return a.document(cmd, t, map[string]any{"rules": list})
	}
	table := render.Table{Head: []string{"RULE", "SEVERITY", "FINDS"}}
	for _, r := range rules {
		table.Rows = append(table.Rows, []render.Cell{render.Text(r.ID), {Text: string(r.Severity), Draw: a.drawn(r.Severity)}, render.Text(r.Title)})
	}
	table.Write(a.Stdout, a.style(a.Stdout))
	return nil
}

func (a *app) drawn(s check.Severity) func(string) string {
	st := a.style(a.Stdout)
	switch s {
	case check.Error:
		return st.Bad
	case check.Warning:
		return st.Warn
	case check.Info:
		return st.Accent
	}
	return st.Dim
}

// said is what everybody should know of how it was looked.
func (c *checked) said() string {
	server := c.server.Product + " " + c.server.Version
	switch {
	case c.unsized != "":
		return "the size of no table is known (" + c.unsized + "): each finding has the severity of its rule"
	case c.offline == "":
		return ""
	}
	what := "no database was asked"
	if c.offline != "--offline" {
		what += " (" + c.offline + ")"
	}
	text := what + ": judged as on " + server + ", and the size of no table is known"
	if c.choice == "every" {
		text += "; every migration is checked, since nobody says which are pending"
	}
	return text
}

func (a *app) showCheck(t *target, c *checked) {
	st := a.style(a.Stdout)
	lines := map[string][]string{}
	for _, f := range c.report.Findings {
		file := t.path(f.File)
		fmt.Fprintf(a.Stdout, "%s:%d:%d: %s: %s %s\n", file, f.Line, f.Column, a.drawn(f.Severity)(string(f.Severity)),
			render.Plain(a.masked(f.Message)), st.Dim("["+f.Rule.ID+"]"))
		if _, read := lines[f.File]; !read {
			text, err := os.ReadFile(filepath.Join(t.MigrationsDir, f.File))
			if err == nil { // without it there is no mark, and nothing else is missing
				lines[f.File] = strings.Split(string(text), "\n")
			}
		}
		if all := lines[f.File]; f.Line > 0 && f.Line <= len(all) {
			if shown := marked(strings.TrimRight(all[f.Line-1], "\r"), f.Line, f.Column); shown != "" {
				fmt.Fprintln(a.Stdout, a.masked(shown))
			}
		}
		fmt.Fprintf(a.Stdout, "  %s%s\n", st.Dim("why: "), f.Rule.Why)
		if e := effectWords(f.Effect); e != "" {
			fmt.Fprintf(a.Stdout, "  %s%s\n", st.Dim("lock: "), e)
		}
		if f.Size != nil {
			fmt.Fprintf(a.Stdout, "  %s%s\n", st.Dim("size: "), sizeWords(f.Table, *f.Size))
		}
		if f.Safer != "" {
			fmt.Fprintf(a.Stdout, "  %s\n    %s\n", st.Accent("safer:"), strings.ReplaceAll(render.Plain(a.masked(f.Safer)), "\n", "\n    "))
		}
		fmt.Fprintln(a.Stdout)
	}
	n := c.report.Counts()
	files := counted(len(c.report.Checked), "migration")
	switch {
	case len(c.report.Checked) == 0 && c.choice == "pending":
		fmt.Fprintln(a.Stdout, "Nothing to check: no migration is pending.")
	case len(c.report.Findings) == 0:
		fmt.Fprintf(a.Stdout, "Checked %s: nothing found.\n", files)
	default:
		fmt.Fprintf(a.Stdout, "Checked %s: %s, %s, %s.\n", files, counted(n[check.Error], "error"), counted(n[check.Warning], "warning"), counted(n[check.Info], "info"))
	}
	if k := len(c.report.Ignored); k > 0 {
		fmt.Fprintf(a.Stdout, "Ignored by comments: %d\n", k)
	}
	if c.report.Unjudged > 0 && !a.verbose {
		fmt.Fprintf(a.Stdout, "Not understood, and so not judged: %d (-v shows them)\n", c.report.Unjudged)
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func sizeWords(table string, s check.Size) string {
	var parts []string
	if s.Rows >= 0 {
		parts = append(parts, "about "+grouped(s.Rows)+" rows")
	}
	if s.Bytes >= 0 {
		parts = append(parts, bytesWords(s.Bytes))
	}
	if len(parts) == 0 {
		return table + ": unknown"
	}
	return table + ": " + strings.Join(parts, ", ")
}

func grouped(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func bytesWords(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", (n+1023)/1024)
}

func (a *app) checkDocument(cmd *cobra.Command, t *target, c *checked, refused error) error {
	list := []map[string]any{}
	for _, f := range c.report.Findings {
		list = append(list, a.finding(t, f))
	}
	ignored := []map[string]any{}
	for _, i := range c.report.Ignored {
		row := a.finding(t, i.Finding)
		row["reason"] = i.Reason
		ignored = append(ignored, row)
	}
	files := []string{}
	for _, f := range c.report.Checked {
		files = append(files, filepath.ToSlash(t.path(f)))
	}
	doc := map[string]any{"files": files, "findings": list, "ignored": ignored, "unjudged": c.report.Unjudged, "counts": c.report.Counts(),
		"choice": c.choice, "live": c.offline == "", "server": map[string]any{"product": c.server.Product, "version": c.server.Version}}
	if c.offline != "" {
		doc["offline_reason"] = c.offline
	}
	if c.unsized != "" {
		doc["unsized_reason"] = c.unsized
	}
	if refused != nil {
		doc["refused"] = a.describe(refused, cmd.Context()).document()
	}
	return a.document(cmd, t, doc)
}

func (a *app) finding(t *target, f check.Finding) map[string]any {
	row := map[string]any{"rule": f.Rule.ID, "severity": f.Severity, "file": filepath.ToSlash(t.path(f.File)), "line": f.Line, "column": f.Column,
		"message": a.masked(f.Message), "why": f.Rule.Why}
	put := func(k string, v any, there bool) {
		if there {
			row[k] = v
		}
	}
	put("section", f.Section, f.Section != "")
	put("number", f.Number, f.Number > 0)
	put("safer", a.masked(f.Safer), f.Safer != "")
	put("table", f.Table, f.Table != "")
	put("lock", f.Effect.Lock, f.Effect.Lock != "")
	put("rewrites", f.Effect.Rewrite, f.Effect.Rewrite)
	put("reads_all", f.Effect.Scan, f.Effect.Scan)
	if f.Size != nil {
		put("rows", f.Size.Rows, f.Size.Rows >= 0)
		put("bytes", f.Size.Bytes, f.Size.Bytes >= 0)
	}
	return row
}

func effectWords(e check.Effect) string {
	switch {
	case e.Lock == "":
		return ""
	case e.Rewrite:
		return e.Lock + ", while the whole table is written anew"
	case e.Scan:
		return e.Lock + ", while the whole table is read"
	}
	return e.Lock
}
