package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/schema"
)

func (a *app) checkDBCommand() *cobra.Command {
	var o schema.Options
	cmd := &cobra.Command{
		Use:     "check-db",
		Short:   "Show the live schema: tables, columns, indexes, keys",
		Example: "  dbwarden check-db\n  dbwarden check-db --table users\n  dbwarden check-db --out json",
	}
	cmd.Flags().StringSliceVar(&o.Tables, "table", nil, "only this `TABLE`; may be repeated")
	cmd.Flags().StringSliceVar(&o.Schemas, "schema", nil, "this `SCHEMA` instead of the connection's; may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.each(cmd, wardenOptions{}, func(ctx context.Context, t *target) error {
			o := o
			o.Own = []string{lock.Table, lock.RunTable, journal.HistoryTable, journal.LaterHistoryTable, journal.EntryTable}
			state, err := a.inspect(ctx, t, o)
			if err != nil {
				return &runError{err: err, target: t}
			}
			for _, name := range o.Tables {
				if !slices.ContainsFunc(state.Tables, func(t schema.Table) bool { return t.Name == name }) {
					return &usageError{fmt.Sprintf("no table %s in %s", name, t.db.Label()), "dbwarden check-db shows those that are there"}
				}
			}
			if a.json() {
				return a.document(cmd, t, map[string]any{"schema": state})
			}
			render.Schema(a.Stdout, a.style(a.Stdout), state)
			return nil
		})
	}
	return cmd
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
