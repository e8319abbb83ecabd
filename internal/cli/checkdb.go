package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/foreign"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/schema"
)

func (a *app) checkDBCommand() *cobra.Command {
	var o schema.Options
	cmd := &cobra.Command{
		Use:   "check-db",
		Short: "Show the live schema: tables, views, routines and all else",
		Long: "Shows the live schema as the server spells it. As SQL it is a script that makes the same schema again in an\n" +
			"empty database, without dbwarden's own tables and those in which another tool keeps its history.",
		Example:     "  dbwarden check-db\n  dbwarden check-db --table users\n  dbwarden check-db --out json\n  dbwarden check-db --out sql > schema.sql",
		Annotations: map[string]string{formats: "txt,json,yaml,sql"},
	}
	cmd.Flags().StringSliceVar(&o.Tables, "table", nil, "only this `TABLE` or view; may be repeated")
	cmd.Flags().StringSliceVar(&o.Schemas, "schema", nil, "this `SCHEMA` instead of the connection's; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.each(cmd, wardenOptions{}, func(ctx context.Context, t *target) error {
			o := o
			o.Own = proven.OwnTables()
			state, err := a.inspect(ctx, t, o)
			if err != nil {
				return &runError{err: err, target: t}
			}
			for _, name := range o.Tables {
				if !holds(state, name) {
					return &usageError{fmt.Sprintf("no table %s in %s", name, t.db.Label()), "dbwarden check-db shows those that are there"}
				}
			}
			if a.out == "sql" && len(o.Tables) == 0 {
				var left []foreign.Bookkeeping
				state, left = foreign.WithoutBookkeeping(state)
				a.sayIgnored(left)
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
		if a.all && t.Name != "" {
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

// inspect reads the live schema. It waits for a table that somebody has locked
// as long as a migration's statement does: how some definitions are spelled is
// told only by who has the table.
func (a *app) inspect(ctx context.Context, t *target, o schema.Options) (state *schema.State, err error) {
	limits := engine.Limits{Lock: max(t.wants.Limits.Lock, 0)} // never without end
	connect := func(ctx context.Context) (engine.Session, error) {
		return t.db.Connect(ctx, engine.ConnectOptions{App: "dbwarden check-db", ReadOnly: true, Limits: limits})
	}
	s, err := connect(ctx)
	if errors.Is(err, engine.ErrNoDatabase) {
		return nil, fmt.Errorf("%s: %w", t.db.Label(), err)
	}
	if err != nil {
		return nil, &dbwarden.ConnectError{Label: t.db.Label(), Err: err}
	}
	defer s.Close()
	seen, err := engine.Watched(ctx, t.product.Engine, s, limits.WithDefaults().Lock, connect, func() (err error) {
		state, err = t.product.Inspect(ctx, s, o)
		return err
	})
	if len(seen.Blockers) > 0 {
		err = &lockedError{Activity: seen, err: err}
	}
	return state, err
}

// A lockedError says that the schema could not be read in time, and who has
// locked what of it.
type lockedError struct {
	engine.Activity
	err error
}

func (e *lockedError) Error() string { return e.err.Error() }
func (e *lockedError) Unwrap() error { return e.err }

// who names the object and those who have it.
func (e *lockedError) who() string {
	what := "the schema"
	if e.Object != "" {
		what = e.Object
	}
	return what + " is locked by " + engine.Blockers(e.Blockers)
}
