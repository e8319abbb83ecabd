package proven

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A Stretch is statements that are run in a row, outside of any transaction
// but those which they open themselves.
type Stretch struct {
	Name       string // the file, for errors
	Statements []sqltext.Statement
}

// Run runs statements as they stand, with no history and nothing around them,
// and returns the state behind them.
func (p Prover) Run(ctx context.Context, d engine.Database, stretches []Stretch) (*schema.State, error) {
	s, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden " + p.Holder.Command, Limits: engine.Limits{Idle: -1}})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", d.Label(), err)
	}
	defer s.Close()
	for _, one := range stretches {
		err := s.Run(ctx, engine.Unit{Statements: func(yield func(sqltext.Statement, error) bool) {
			for _, st := range one.Statements {
				if !yield(st, nil) {
					return
				}
			}
		}})
		if u, ok := errors.AsType[*engine.UnitError](err); ok && u.Part == engine.PartStatement {
			return nil, fmt.Errorf("%s:%d: %w", one.Name, u.Statement.Start.Line, u.Err)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.Name, err)
		}
	}
	return p.state(ctx, d)
}
