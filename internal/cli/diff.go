package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event/promtext"
	"github.com/dbwarden-go/dbwarden/internal/desired"
	"github.com/dbwarden-go/dbwarden/internal/foreign"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

func (a *app) diffCommand() *cobra.Command {
	var exit bool
	var metrics metricsFlags
	cmd := &cobra.Command{
		Use:   "diff [models|migrations|all]",
		Short: "Show how the database differs from the models or the migrations",
		Long: "Compares the live schema to the one that the models describe, or that the migrations make in a scratch database. The\n" +
			"live database is only looked at.\n\n" +
			"  +  is missing in the database\n  -  is in the database alone\n  ~  is another one",
		Example:     "  dbwarden diff\n  dbwarden diff migrations --exit-code   # 6 when there is a difference\n  dbwarden diff models -o sql",
		Annotations: map[string]string{formats: "txt,json,sql"},
		Args:        cobra.MaximumNArgs(1),
		ValidArgs:   []string{"models", "migrations", "all"},
	}
	cmd.Flags().BoolVar(&exit, "exit-code", false, "exit with 6 when there is a difference")
	metrics.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m, err := a.measure(cmd, &metrics)
		if err != nil {
			return err
		}
		seen := &diffMetrics{now: a.Now, all: map[promtext.Name][]difference{}}
		m.job, m.page, m.configured = "dbwarden_diff", seen.page, false // as those of the lock
		return a.each(cmd, wardenOptions{}, func(ctx context.Context, t *target) error {
			sources, err := a.sources(t, args)
			if err != nil {
				return err
			}
			all, err := a.diff(ctx, cmd, t, sources)
			if err != nil {
				return err
			}
			seen.all[metricName(t.Database)] = all
			if exit && slices.ContainsFunc(all, func(d difference) bool { return len(d.Changes) > 0 }) {
				return foundError{exitFound}
			}
			return nil
		})
	}
	return cmd
}

// source is something that says what the schema should be.
type source struct {
	name string
	read func(ctx context.Context, t *target) (*schema.State, error)
}

// sources are those that were asked for; without a word, the models where
// there are any, else the migrations.
func (a *app) sources(t *target, args []string) ([]source, error) {
	models, migrations := source{"models", a.desired}, source{"migrations", a.replayed}
	if len(args) == 0 {
		args = []string{"migrations"}
		if modelled(t) {
			args = []string{"models"}
		}
	}
	switch args[0] {
	case "models":
		return []source{models}, nil
	case "migrations":
		return []source{migrations}, nil
	case "all":
		return []source{models, migrations}, nil
	}
	return nil, usagef("diff %s: want models, migrations or all", args[0])
}

// modelled reports whether there are models.
func modelled(t *target) bool {
	return len(t.ModelPaths) > 0 || len(t.ModelCommand) > 0 ||
		slices.ContainsFunc(desired.DefaultFolders, func(name string) bool { return isFolder(filepath.Join(t.ModelDir, name)) })
}

// difference is how the database differs from one source.
type difference struct {
	Against string                `json:"against"`
	Changes []schema.Change       `json:"changes"`
	Ignored []foreign.Bookkeeping `json:"ignored,omitempty"` // in the database alone

	live, wanted *schema.State
}

func (a *app) diff(ctx context.Context, cmd *cobra.Command, t *target, sources []source) (all []difference, err error) {
	if a.out == "sql" && t.product.Plan == nil {
		return nil, usagef("diff -o sql is not there for %s yet: diff -o txt and -o json are", t.product.Engine.Title)
	}
	if a.out == "sql" && len(sources) > 1 {
		// Each leads elsewhere: one behind the other they lead nowhere.
		return nil, usagef("diff all -o sql would be two scripts in one: ask for diff models and diff migrations one by one")
	}
	for _, s := range sources {
		wanted, err := s.read(ctx, t)
		if err != nil {
			return nil, &runError{err: err, target: t}
		}
		live, err := a.inspect(ctx, t, schema.Options{Own: proven.OwnTables(), Schemas: spread(wanted)})
		if errors.Is(err, engine.ErrNoDatabase) {
			live, err = &schema.State{}, nil // as if it were empty
		}
		if err != nil {
			return nil, &runError{err: err, target: t}
		}
		if err := seen(t, live); err != nil {
			return nil, err
		}
		if wanted.Home == "" {
			unnamed(live) // as the models are, where a schema is a database
		}
		d := difference{Against: s.name, wanted: wanted.Theirs()}
		d.live, d.Ignored = foreign.WithoutBookkeeping(live.Theirs(), d.wanted)
		if bare := d.wanted.WithoutGrants(); len(schema.Diff(bare, d.wanted)) == 0 {
			d.live = d.live.WithoutGrants() // who may do what is said elsewhere
		}
		d.Changes = telling(d.live, d.wanted)
		all = append(all, d)
	}
	return all, a.showDiff(cmd, t, all)
}

// replayed is the schema that all migrations make, in a scratch database.
func (a *app) replayed(ctx context.Context, t *target) (state *schema.State, err error) {
	if !isFolder(t.MigrationsDir) {
		return nil, &folderError{t.MigrationsDir}
	}
	folder := os.DirFS(t.MigrationsDir)
	set, err := t.wants.Load(folder)
	if err != nil {
		return nil, err
	}
	err = a.inScratch(ctx, t, func(d *scratch.Scratch) error {
		p := a.prover(t, "diff", nil)
		if _, err := a.staying(ctx, t, p, d, set, migration.Up); err != nil {
			return err
		}
		if state, err = p.Replay(ctx, d, folder, plan.Target{}); err != nil {
			return fmt.Errorf("replay the migrations in a scratch database: %w", err)
		}
		return nil
	})
	return state, err
}

// staying refuses migrations that reach beyond the database that they run in.
func (a *app) staying(ctx context.Context, t *target, p proven.Prover, d engine.Database, set *migration.Set, ways ...migration.Direction) (engine.Server, error) {
	return p.Stays(ctx, d, set, t.path, ways...)
}

// spread are the schemas over which a state spreads, nil for one alone: that
// is the connection's own.
func spread(st *schema.State) (names []string) {
	if len(st.Schemas) < 2 {
		return nil
	}
	for _, n := range st.Schemas {
		names = append(names, n.Name)
	}
	return names
}

// telling leaves out what says nothing of the schema that was written down:
// the order of columns, which an added one changes.
func telling(live, wanted *schema.State) []schema.Change {
	return append([]schema.Change{}, schema.WithoutOrder(schema.Diff(live, wanted))...)
}

func (a *app) showDiff(cmd *cobra.Command, t *target, all []difference) error {
	style := a.style(a.Stdout)
	switch a.out {
	case "json":
		return a.document(cmd, t, map[string]any{"differences": all})
	}
	a.sayIgnored(all[0].Ignored)
	switch a.out {
	case "sql":
		for _, d := range all {
			fmt.Fprintf(a.Stdout, "-- What makes the database what the %s say.\n\n", d.Against)
			if err := a.showPlan(t, style, d); err != nil {
				return err
			}
		}
		return nil
	}
	for _, d := range all {
		if len(d.Changes) == 0 {
			fmt.Fprintf(a.Stdout, "The database is what the %s say.\n", d.Against)
			continue
		}
		fmt.Fprintf(a.Stdout, "%s\n", style.Bold(fmt.Sprintf("Differences from the %s: %d", d.Against, len(d.Changes))))
		render.Changes(a.Stdout, style, d.Changes)
	}
	return nil
}

// sayIgnored says which tables of another tool are not looked at.
func (a *app) sayIgnored(all []foreign.Bookkeeping) {
	for _, b := range all {
		if b.Object.Kind == schema.KindTable && !a.quiet {
			fmt.Fprintf(a.Stderr, "Note: %s is left out: it is the bookkeeping of %s\n", render.Plain(b.Object.String()), b.Tool)
		}
	}
}

func (a *app) showPlan(t *target, style render.Style, d difference) error {
	if len(d.Changes) == 0 {
		return nil
	}
	steps, _ := t.product.Plan(d.live, t.product.spelled(d.wanted))
	for _, s := range steps {
		if s.Loses != "" {
			fmt.Fprintf(a.Stdout, "-- Loses data: %s\n", s.Loses)
		}
		if err := render.Script(a.Stdout, style, []string{s.SQL}, t.product.Engine.Lexis); err != nil {
			return err
		}
	}
	return nil
}
