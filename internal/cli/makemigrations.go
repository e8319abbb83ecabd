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

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/generate"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

const nothingToGenerate = "No new migrations to generate - all models already covered by existing migrations."

// makeFlags are those of make-migrations.
type makeFlags struct {
	description    string
	version        string
	renames, drops []string
	dryRun, exit   bool
}

func (a *app) makeMigrationsCommand() *cobra.Command {
	var f makeFlags
	cmd := &cobra.Command{
		Use:   "make-migrations [DESCRIPTION]",
		Short: "Write the migration that makes of the schema what the models say",
		Long: "Compares what the migrations of the folder make, in a scratch database, to what the models describe, and writes one\n" +
			"migration that leads there and back. Before it is kept, it is run, rolled back and run again in another scratch\n" +
			"database, and the schema compared each time. The database that is migrated is not looked at. Without a\n" +
			"DESCRIPTION the name comes from the changes.\n\n" +
			"What is gone in the models while something like it appears may have been renamed: that is asked on a terminal, and\n" +
			"elsewhere said with --rename or --drop.",
		Example: "  dbwarden make-migrations\n  dbwarden make-migrations \"add orders\"\n  dbwarden make-migrations --rename users.mail:users.email\n" +
			"  dbwarden make-migrations --dry-run --exit-code   # 6 when one is missing",
		Args: atMostOne("make-migrations takes one description", "put it into quotes"),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.version, "version", "", "this `VERSION` instead of the next one")
	fs.StringArrayVar(&f.renames, "rename", nil, "`OLD:NEW`: users.mail:users.email, old_table:new_table; its data stays. May be repeated")
	fs.StringArrayVar(&f.drops, "drop", nil, "`NAME` of a table or column that was not renamed: it is dropped with its data. May be repeated")
	fs.BoolVar(&f.dryRun, "dry-run", false, "print the migration and write nothing")
	fs.BoolVar(&f.exit, "exit-code", false, "exit with 6 when there is something to generate")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if f.description, err = describedBy(args); err != nil {
			return err
		}
		return a.each(cmd, wardenOptions{use: useFolder}, func(ctx context.Context, t *target) error {
			found, err := a.makeMigrations(ctx, cmd, t, f)
			if err != nil {
				return &runError{err: err, target: t}
			}
			if found && f.exit {
				return foundError{exitFound}
			}
			return nil
		})
	}
	return cmd
}

// generation is one migration in the making.
type generation struct {
	*app
	t      *target
	flags  makeFlags
	folder fs.FS
	set    *migration.Set
	prover proven.Prover
	server engine.Server

	wanted   *schema.State
	modelled *schema.State // the same, with the rights that the models give
	from     *schema.State // with the renamings done
	empty    bool          // there was nothing yet

	unrenamed *schema.State // from, before the first of them
	cleared   bool          // of views and triggers, for a renaming

	// Objects that repeatable migrations alone make are theirs: the models
	// need not have them.
	theirs map[schema.ID]bool

	renamed []schema.Renaming
	there   []schema.Step // the renamings
	back    []schema.Step // and back, the last one first
	settled map[schema.ID]bool
}

// draft is a migration that is not written yet.
type draft struct {
	name     string
	text     string
	up, down []schema.Step
	changes  []schema.Change
	left     []schema.Change // what the plan cannot change, on the way there
	leftBack []schema.Change // and on the way back
}

func (a *app) makeMigrations(ctx context.Context, cmd *cobra.Command, t *target, f makeFlags) (found bool, err error) {
	if t.product.Plan == nil {
		return false, usagef("make-migrations is not there for %s yet", t.product.Engine.Title)
	}
	if !isFolder(t.MigrationsDir) {
		return false, &folderError{t.MigrationsDir}
	}
	g := &generation{app: a, t: t, flags: f, folder: os.DirFS(t.MigrationsDir), settled: map[schema.ID]bool{}}
	if g.set, err = t.wants.Load(g.folder); err != nil {
		return false, err
	}
	spaces, err := proven.SchemasOf(g.set)
	if err != nil {
		return false, err
	}
	if g.modelled, spaces, err = a.desiredWith(ctx, t, spaces); err != nil {
		return false, err
	}
	g.modelled = t.product.spelled(g.modelled)
	g.prover = a.prover(t, "make-migrations", spaces)
	if err := a.inScratch(ctx, t, func(d *scratch.Scratch) error { return g.replay(ctx, d) }); err != nil {
		return false, err
	}
	d := g.plan()
	for _, c := range schema.WithoutOrder(d.left) {
		fmt.Fprintf(a.Stderr, "%s no statement makes this change: %s\n", a.style(a.Stderr).Warn("Warning:"), c)
	}
	if len(d.changes) == 0 && len(g.renamed) == 0 || len(d.up) == 0 {
		if a.json() {
			return false, a.document(cmd, t, map[string]any{"file": nil, "written": false, "changes": []schema.Change{}})
		}
		fmt.Fprintln(a.Stdout, nothingToGenerate)
		return false, nil
	}
	if err := g.name(d); err != nil {
		return true, err
	}
	if err := g.prove(ctx, d); err != nil {
		if _, ok := errors.AsType[*unprovenError](err); ok && !a.json() {
			fmt.Fprint(a.Stdout, a.style(a.Stdout).SQL(d.text)) // what can be mended by hand
		}
		return true, err
	}
	path := filepath.Join(t.MigrationsDir, d.name)
	if !f.dryRun {
		made, err := create(path, d.text)
		if err != nil {
			return true, err
		}
		if !made {
			return true, fmt.Errorf("%s exists already", a.relative(path))
		}
	}
	return true, g.show(cmd, d, a.relative(path))
}

// replay finds out what the migrations make, and what of it was renamed.
func (g *generation) replay(ctx context.Context, d *scratch.Scratch) error {
	var err error
	if g.server, err = g.staying(ctx, g.t, g.prover, d, g.set, migration.Up); err != nil {
		return err
	}
	run := func(t plan.Target) (*schema.State, error) {
		state, err := g.prover.Replay(ctx, d, g.folder, t)
		if err != nil {
			return nil, fmt.Errorf("replay the migrations in a scratch database: %w", err)
		}
		return state, nil
	}
	all, err := g.replayAll(run)
	if err != nil {
		return err
	}
	g.take(all)
	g.unrenamed = g.from
	g.empty = len(schema.Diff(&schema.State{Home: g.from.Home, Schemas: g.from.Schemas}, g.from)) == 0
	return g.rename(ctx, d)
}

// replayAll runs what is versioned and then what is repeatable, and finds out
// what the latter alone makes.
func (g *generation) replayAll(run func(plan.Target) (*schema.State, error)) (*schema.State, error) {
	var last, at migration.Version
	for _, m := range g.set.Migrations {
		if m.Kind == migration.Versioned && (last.IsZero() || m.Place().Compare(at) > 0) {
			last, at = m.Version, m.Place()
		}
	}
	before := &schema.State{}
	if g.repeats() && !last.IsZero() {
		var err error
		if before, err = run(plan.Target{To: last}); err != nil {
			return nil, err
		}
	}
	all, err := run(plan.Target{})
	if err != nil || !g.repeats() {
		return all, err
	}
	if before.Home == "" {
		before.Home = all.Home
	}
	g.theirs = map[schema.ID]bool{}
	for _, c := range schema.Diff(before, all) {
		g.theirs[c.ID] = c.Op == schema.Added
	}
	unmodelled := map[schema.ID]bool{}
	for _, c := range schema.Diff(g.modelled, all) {
		unmodelled[c.ID] = c.Op == schema.Added
	}
	for id := range g.theirs {
		g.theirs[id] = g.theirs[id] && unmodelled[id]
	}
	return all, nil
}

// repeats reports whether there are repeatable migrations.
func (g *generation) repeats() bool {
	return slices.ContainsFunc(g.set.Migrations, func(m *migration.Migration) bool { return m.Kind != migration.Versioned })
}

// take makes a state the one to start from.
func (g *generation) take(state *schema.State) {
	g.from = g.comparable(state)
	g.wanted = g.modelled
	if len(schema.Diff(g.wanted.WithoutGrants(), g.wanted)) == 0 {
		// The models say nothing of rights: whoever has some keeps them.
		g.wanted = g.wanted.WithGrantsOf(g.from)
	}
}

// comparable is a state with what is compared of it.
func (g *generation) comparable(state *schema.State) *schema.State {
	out := state.Without(g.theirs)
	if g.server.Schema == g.server.Database {
		unnamed(out)
	}
	return out
}

func (g *generation) plan() *draft {
	d := &draft{changes: telling(g.from, g.wanted)}
	steps, back, behind, left, leftBack := g.ways()
	// What a session must be set to outside of transactions stands before the
	// renamings, which share one with the rest.
	outside := 0
	for outside < len(steps) && g.setsOutside(steps[outside].SQL) {
		outside++
	}
	d.up, d.left = slices.Concat(steps[:outside], g.there, steps[outside:]), left
	d.down, d.leftBack = slices.Concat(back, g.back, behind), leftBack
	return d
}

// setsOutside reports whether a statement is a setting that no transaction
// takes.
func (g *generation) setsOutside(statement string) bool {
	e := g.t.product.Engine
	all, err := sqltext.All(statement, e.Lexis)
	if err != nil || len(all) != 1 {
		return false
	}
	traits := e.Classify(all[0].Words, g.server)
	return traits.Alone && traits.Kind == engine.Setting
}

// name gives the draft its name and writes its text.
func (g *generation) name(d *draft) error {
	version, err := g.nextVersion(g.t.MigrationsDir, g.flags.version)
	if err != nil {
		return err
	}
	slug := slugOf(g.flags.description)
	if slug == "" {
		slug = slugOf(generate.Describe(g.renamed, d.changes, g.empty))
	}
	d.name = version + "_" + slug + ".sql"
	d.text = generate.File(d.up, d.down, g.t.product.Engine, g.server)
	return nil
}

// show tells of a migration that was written, or would be.
func (g *generation) show(cmd *cobra.Command, d *draft, path string) error {
	var loses []string
	for _, s := range d.up {
		if s.Loses != "" {
			loses = append(loses, s.Loses)
		}
	}
	if g.json() {
		doc := map[string]any{"file": path, "written": !g.flags.dryRun, "changes": d.changes, "sql": d.text}
		if len(loses) > 0 {
			doc["loses"] = loses
		}
		if len(g.renamed) > 0 {
			doc["renamed"] = g.renamed
		}
		return g.document(cmd, g.t, doc)
	}
	if g.flags.dryRun {
		fmt.Fprint(g.Stdout, g.style(g.Stdout).SQL(d.text))
	} else {
		fmt.Fprintf(g.Stdout, "Created migration: %s\n", path)
	}
	if g.quiet {
		return nil
	}
	st := g.style(g.Stderr)
	for _, r := range g.renamed {
		fmt.Fprintf(g.Stderr, "renames %s to %s\n", strings.TrimSuffix(r.ID.String(), "."), r.To)
	}
	for _, l := range loses {
		fmt.Fprintf(g.Stderr, "%s loses data: %s\n", st.Warn("Warning:"), l)
	}
	if g.flags.dryRun {
		fmt.Fprintf(g.Stderr, "Dry run: %s was not written.\n", path)
	} else {
		fmt.Fprintln(g.Stderr, "next: read it, then: "+g.typed(g.t, "dbwarden migrate"))
	}
	return nil
}
