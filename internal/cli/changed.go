package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// pendingChanges are what the pending migrations do to the schema, and the
// schema behind them: the applied ones are replayed in a scratch database,
// then the pending ones, and the server's catalogue is read before and after.
// Which are pending is what the history of the live database says.
func (a *app) pendingChanges(ctx context.Context, t *target) (*schema.State, []schema.Change, error) {
	st, err := t.warden.Status(ctx)
	if err != nil {
		return nil, nil, err
	}
	var pending []string
	plainlyPending := map[string]bool{}
	var again bool // a repeatable one that was applied with another text, which nobody has
	for _, m := range st.Migrations {
		switch m.State {
		case dbwarden.Applied, dbwarden.Elsewhere, dbwarden.Replaced:
		case dbwarden.Waiting:
			pending = append(pending, m.File) // its old ones have run in part
		case dbwarden.Pending, dbwarden.OutOfOrder, dbwarden.FailedPending:
			pending = append(pending, m.File)
			plainlyPending[m.File] = true
			again = again || !m.AppliedAt.IsZero()
		default:
			return nil, nil, &usageError{fmt.Sprintf("what the pending migrations change cannot be told: %s is %s", m.File, m.State), "dbwarden status"}
		}
	}
	folder := os.DirFS(t.MigrationsDir)
	set, err := t.wants.Load(folder)
	if err != nil {
		return nil, nil, err
	}
	// What a pending one stands for has not run either.
	for _, m := range set.Migrations {
		if by := set.Replacer(m.Version); by != nil && m.Kind == migration.Versioned && plainlyPending[by.File] {
			pending = append(pending, m.File)
		}
	}
	spaces, err := proven.SchemasOf(set)
	if err != nil {
		return nil, nil, err
	}
	var before, after *schema.State
	err = a.inScratch(ctx, t, func(d *scratch.Scratch) error {
		server, err := a.staying(ctx, t, a.prover(t, "diagram", nil), d, set)
		if err != nil {
			return err
		}
		if len(spaces) > 0 {
			spaces = append([]string{server.Schema}, spaces...)
		}
		p := a.prover(t, "diagram", spaces)
		if before, err = p.Replay(ctx, d, proven.Without(folder, pending), plan.Target{}); err != nil {
			return fmt.Errorf("replay the applied migrations in a scratch database: %w", err)
		}
		if after, err = p.Replay(ctx, d, folder, plan.Target{AllowOutOfOrder: true}); err != nil {
			return fmt.Errorf("replay the pending migrations in a scratch database: %w", err)
		}
		if server.Schema == server.Database { // a random name
			unnamed(before)
			unnamed(after)
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	changes := append([]schema.Change{}, schema.WithoutOrder(schema.Diff(before, after))...)
	if again {
		err = a.replaced(ctx, t, changes)
	}
	return after, changes, err
}

// replaced makes changed of added where the live database has the object: an
// earlier text of a repeatable migration made it.
func (a *app) replaced(ctx context.Context, t *target, changes []schema.Change) error {
	live, err := a.inspect(ctx, t, schema.Options{Own: proven.OwnTables()})
	if err != nil {
		return err
	}
	there := map[schema.ID]bool{}
	for _, x := range live.Tables {
		there[live.Relative(x.ID())] = true
	}
	for _, x := range live.Views {
		there[live.Relative(x.ID())] = true
	}
	for i := range changes {
		if changes[i].Op == schema.Added && there[changes[i].ID] {
			changes[i].Op = schema.Changed
		}
	}
	return nil
}
