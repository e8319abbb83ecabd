package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/schema"
)

func (a *app) checkDBCommand() *cobra.Command {
	var o schema.Options
	cmd := &cobra.Command{
		Use:   "check-db",
		Short: "Show the live schema: tables, views, routines and all else",
		Long: "Shows the live schema as the server spells it. As SQL it is a script that makes the same schema again in an\n" +
			"empty database, without dbwarden's own tables.",
		Example:     "  dbwarden check-db\n  dbwarden check-db --table users\n  dbwarden check-db --out json\n  dbwarden check-db --out sql > schema.sql",
		Annotations: map[string]string{formats: "txt,json,yaml,sql"},
	}
	cmd.Flags().StringSliceVar(&o.Tables, "table", nil, "only this `TABLE` or view; may be repeated")
	cmd.Flags().StringSliceVar(&o.Schemas, "schema", nil, "this `SCHEMA` instead of the connection's; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.each(cmd, wardenOptions{}, func(ctx context.Context, t *target) error {
			o := o
			o.Own = ownTables()
			state, err := a.inspect(ctx, t, o)
			if err != nil {
				return &runError{err: err, target: t}
			}
			for _, name := range o.Tables {
				if !holds(state, name) {
					return &usageError{fmt.Sprintf("no table %s in %s", name, t.db.Label()), "dbwarden check-db shows those that are there"}
				}
			}
			return a.showSchema(cmd, t, state)
		})
	}
	return cmd
}

func (a *app) showSchema(cmd *cobra.Command, t *target, state *schema.State) error {
	style := a.style(a.Stdout)
	switch a.out {
	case "json":
		return a.document(cmd, t, map[string]any{"schema": state})
	case "yaml":
		return render.YAML(a.Stdout, a.fields(cmd, t, map[string]any{"schema": state}))
	case "sql":
		if err := seen(t, state.Theirs()); err != nil {
			return err
		}
		if a.all {
			fmt.Fprintf(a.Stdout, "-- Database: %s\n\n", t.Name)
		}
		return render.Script(a.Stdout, style, t.product.Statements(state.Theirs()), t.product.Engine.Lexis)
	}
	render.Schema(a.Stdout, style, state)
	return nil
}

// seen refuses to go on with definitions that the account may not see.
func seen(t *target, state *schema.State) error {
	if unseen := state.Unseen(); len(unseen) > 0 {
		return &usageError{fmt.Sprintf("this account may not see the definition of %s in %s", unseen[0], t.db.Label()),
			"have the right granted: SHOW VIEW for views, TRIGGER for triggers, SELECT for sequences, SELECT on mysql.proc (MariaDB) or SHOW_ROUTINE (MySQL) for routines"}
	}
	return nil
}

func holds(state *schema.State, name string) bool {
	return slices.ContainsFunc(state.Tables, func(t schema.Table) bool { return t.Name == name }) ||
		slices.ContainsFunc(state.Views, func(v schema.View) bool { return v.Name == name })
}

func (a *app) inspect(ctx context.Context, t *target, o schema.Options) (*schema.State, error) {
	s, err := t.db.Connect(ctx, engine.ConnectOptions{App: "dbwarden check-db", ReadOnly: true})
	if errors.Is(err, engine.ErrNoDatabase) {
		return nil, fmt.Errorf("%s: %w", t.db.Label(), err)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", t.db.Label(), err)
	}
	defer s.Close()
	return t.product.Inspect(ctx, s, o)
}
