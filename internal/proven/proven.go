// Package proven runs migrations on databases for planning, and tells what
// schema they lead to and whether their way back leads back.
//
// A database that is given to it must be empty, and is not afterwards. States
// are read from its catalogue by the product's inspector; our own tables are
// left out of them. What a state should be is the caller's business.
package proven

import (
	"context"
	"io/fs"
	"slices"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// A Prover runs migrations of one product.
type Prover struct {
	Engine  *engine.Engine
	Inspect func(context.Context, engine.Session, schema.Options) (*schema.State, error)

	// Digest tells two states of a database apart for less than Inspect: where
	// it is the same, the state is. nil: nothing does.
	Digest func(context.Context, engine.Session) (string, error)

	// Options say what of a database is compared. Own must name our own tables.
	Options schema.Options

	Holder lock.Holder

	// Env and Vars are those of the database that is planned for.
	Env  string
	Vars map[string]migration.Value

	loaded *migration.Set // the folder that is proven; nil: each run reads it
}

// Ways are the states through which a migration took a database.
type Ways struct {
	Before *schema.State // behind the migrations below it
	There  *schema.State // behind it
	Back   *schema.State // behind its rollback
	Again  *schema.State // behind it, a second time
}

// An Error says on which of the ways a migration failed.
type Error struct {
	On  string // "the way there", "the way back", "the way there again"
	Err error
}

func (e *Error) Error() string { return "on " + e.On + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Walk runs all of below, then folder, which holds one versioned migration
// more; reverts that one, and runs it again. An *Error is that migration's
// fault, any other one is not.
func (p Prover) Walk(ctx context.Context, d engine.Database, below, folder fs.FS) (*Ways, error) {
	var w Ways
	var err error
	if w.Before, err = p.Replay(ctx, d, below, plan.Target{}); err != nil {
		return nil, err
	}
	if w.There, err = p.Replay(ctx, d, folder, plan.Target{}); err != nil {
		return &w, &Error{"the way there", err}
	}
	warden, err := p.warden(d, folder)
	if err != nil {
		return &w, err
	}
	if _, err = warden.Rollback(ctx, plan.Target{Count: 1}); err != nil {
		return &w, &Error{"the way back", err}
	}
	if w.Back, err = p.state(ctx, d); err != nil {
		return &w, err
	}
	if w.Again, err = p.Replay(ctx, d, folder, plan.Target{}); err != nil {
		return &w, &Error{"the way there again", err}
	}
	return &w, nil
}

// Replay runs the migrations of a folder that have not run in d yet, up to
// the target, and returns the state behind them.
func (p Prover) Replay(ctx context.Context, d engine.Database, folder fs.FS, t plan.Target) (*schema.State, error) {
	w, err := p.warden(d, folder)
	if err != nil {
		return nil, err
	}
	if _, err := w.Migrate(ctx, t); err != nil {
		return nil, err
	}
	return p.state(ctx, d)
}

func (p Prover) warden(d engine.Database, folder fs.FS) (*dbwarden.Warden, error) {
	return dbwarden.New(dbwarden.Config{Engine: p.Engine, Database: d, Migrations: folder, Holder: p.Holder, Env: p.Env, Vars: p.Vars, Loaded: p.loaded, SkipConditions: true})
}

func (p Prover) state(ctx context.Context, d engine.Database) (*schema.State, error) {
	v := sight{p: p, d: d}
	defer v.close()
	return v.state(ctx)
}

// Missed are the differences between the state that is and the one that was
// to be, but for those that are known to be left, and for the order of columns
// in a table: one that is added stands last, wherever it was written.
func Missed(is, wanted *schema.State, left []schema.Change) (missed []schema.Change) {
	if is == wanted {
		return nil // it was known again
	}
	for _, c := range schema.WithoutOrder(schema.Diff(is, wanted)) {
		known := func(f schema.Field) bool {
			return slices.ContainsFunc(left, func(l schema.Change) bool {
				return l.ID == c.ID && slices.ContainsFunc(l.Fields, func(x schema.Field) bool { return x.Name == f.Name })
			})
		}
		if c.Op == schema.Changed {
			if c.Fields = slices.DeleteFunc(slices.Clone(c.Fields), known); len(c.Fields) == 0 {
				continue
			}
		}
		missed = append(missed, c)
	}
	return missed
}
