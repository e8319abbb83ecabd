package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/internal/diagram"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/schema"
)

// drawnFlags say what of a schema is drawn or written down, and where to.
type drawnFlags struct {
	tables  []string
	schemas []string
	file    string
}

func (f *drawnFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.tables, "table", nil, "only this `TABLE` or view; may be repeated")
	cmd.Flags().StringSliceVar(&f.schemas, "schema", nil, "this `SCHEMA` of the live database instead of the connection's; may be repeated")
	cmd.Flags().StringVar(&f.file, "file", "", "write to this `FILE`, over what an earlier call wrote there and over nothing else")
}

// drawnArgs are the words for what is read: nothing is the live database.
var drawnArgs = []string{"models", "migrations"}

func (a *app) diagramCommand() *cobra.Command {
	var f drawnFlags
	var changed bool
	cmd := &cobra.Command{
		Use:   "diagram [models|migrations]",
		Short: "Draw the schema: a page, SVG, Mermaid or Graphviz",
		Long: "Draws the tables and views with their columns and foreign keys: of the live schema, of the one that the models\n" +
			"describe, or of the one that the migrations make in a scratch database. The live database is only looked at.\n\n" +
			"-o html is a page of its own with search, pan and zoom, which needs no network. -o says the format; without it, the name\n" +
			"of --file does, and where there is none it is mermaid.\n\n" +
			"--changed draws the schema behind the pending migrations, and marks what they add (+), change (~) and drop (−). They are\n" +
			"run in a scratch database, behind the applied ones.",
		Example:     "  dbwarden diagram --file schema.html\n  dbwarden diagram models --file schema.svg\n  dbwarden diagram --changed --file pending.html\n  dbwarden diagram -o dot | dot -Tpng > schema.png",
		Annotations: map[string]string{formats: "mermaid,dot,svg,html"},
		Args:        cobra.MaximumNArgs(1),
		ValidArgs:   drawnArgs,
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&changed, "changed", false, "mark what the pending migrations add, change and drop")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.format(cmd, a); err != nil {
			return err
		}
		if changed {
			return a.changedDiagram(cmd, f, args)
		}
		return a.picture(cmd, f, args, func(ctx context.Context, t *target, state *schema.State) error {
			return a.put(f.file, diagramText(diagram.Of(state, diagram.Options{Tables: f.tables}), a.out))
		})
	}
	return cmd
}

// changedDiagram draws what the pending migrations lead to.
func (a *app) changedDiagram(cmd *cobra.Command, f drawnFlags, args []string) error {
	if len(args) > 0 || len(f.schemas) > 0 || a.all {
		return &usageError{"--changed is about the pending migrations of one database", "leave out models, migrations, --schema and --all"}
	}
	return a.each(cmd, wardenOptions{use: useFolder, folder: true}, func(ctx context.Context, t *target) error {
		state, changes, err := a.pendingChanges(ctx, t)
		if err != nil {
			return &runError{err: err, target: t}
		}
		if state.Database = t.Name; t.Name == "" {
			state.Database = "pending"
		}
		p := diagram.Of(state, diagram.Options{Tables: f.tables, Changes: changes})
		for _, name := range f.tables {
			if !slices.ContainsFunc(p.Boxes, func(b diagram.Box) bool { return b.Name == name }) {
				return &usageError{fmt.Sprintf("no table %s, before or after the pending migrations", name), "leave --table out to see those that are there"}
			}
		}
		return a.put(f.file, diagramText(p, a.out))
	})
}

// extensions of files say the format.
var extensions = map[string]string{".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg", ".html": "html", ".htm": "html"}

// format finds out what is to be written, where only the file's name says it.
func (f *drawnFlags) format(cmd *cobra.Command, a *app) error {
	if f.file == "" || cmd.Flags().Changed("out") {
		return nil
	}
	known := extensions[strings.ToLower(filepath.Ext(f.file))]
	if known == "" {
		return &usageError{fmt.Sprintf("--file %s: its name says no format", f.file), "say it with -o: " + strings.Join(formatsOf(cmd), ", ")}
	}
	a.out = known
	return nil
}

func diagramText(p *diagram.Picture, format string) string {
	switch format {
	case "dot":
		return p.DOT()
	case "svg":
		return p.SVG()
	case "html":
		return p.HTML()
	}
	return p.Mermaid()
}

// picture reads the schema that the words and flags name, without our own
// tables.
func (a *app) picture(cmd *cobra.Command, f drawnFlags, args []string, do func(context.Context, *target, *schema.State) error) error {
	if a.all {
		return &usageError{cmd.Name() + " is about one database", "name it with -d instead of --all"}
	}
	if len(args) > 0 && !slices.Contains(drawnArgs, args[0]) {
		return usagef("%s %s: want models or migrations, or nothing for the live database", cmd.Name(), args[0])
	}
	if len(args) > 0 && len(f.schemas) > 0 {
		return &usageError{"--schema is for the live database", fmt.Sprintf("%s has the schemas that they make", args[0])}
	}
	return a.each(cmd, wardenOptions{use: useFolder}, func(ctx context.Context, t *target) error {
		state, err := a.stateOf(ctx, t, f, args)
		if err != nil {
			return &runError{err: err, target: t}
		}
		for _, name := range f.tables {
			if !holds(state, name) {
				return &usageError{fmt.Sprintf("no table %s in %s", name, t.db.Label()), "dbwarden check-db shows those that are there"}
			}
		}
		// A file's folder and a scratch database's name say nothing of the schema.
		state.Database = filepath.Base(state.Database)
		if t.Name != "" {
			state.Database = t.Name
		}
		return do(ctx, t, state)
	})
}

func (a *app) stateOf(ctx context.Context, t *target, f drawnFlags, args []string) (*schema.State, error) {
	read := func(ctx context.Context, t *target) (*schema.State, error) {
		return a.inspect(ctx, t, schema.Options{Own: proven.OwnTables(), Schemas: f.schemas})
	}
	if len(args) > 0 {
		sources, err := a.sources(t, args)
		if err != nil {
			return nil, err
		}
		read = sources[0].read
	}
	state, err := read(ctx, t)
	if err != nil {
		return nil, err
	}
	if state.Home != "" && state.Home == state.Database {
		unnamed(state) // where a schema is a database, its name says nothing: in scratch it is a random one
	}
	if len(args) > 0 {
		state.Database = args[0]
	}
	return state.Theirs(), nil
}
