package dbwarden

import (
	"context"
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A ConditionError says that a condition of a migration's header did not hold. It names
// no value of a row: Answer has them.
type ConditionError struct {
	Kind   migration.ConditionKind
	Line   int
	Query  string // without secret values
	Answer *engine.Answer
}

func (e *ConditionError) Error() string {
	why := fmt.Sprintf("row %d of its answer is not true", e.Answer.Untrue)
	if len(e.Answer.Rows) == 0 {
		why = "it was answered with no row"
	}
	return fmt.Sprintf("%s in line %d does not hold: %s", e.Kind, e.Line, why)
}

// A failedCondition is a condition with the place at fault: it did not hold, or could
// not be asked.
type failedCondition struct {
	line int
	err  error
}

func (e *failedCondition) Error() string { return e.err.Error() }
func (e *failedCondition) Unwrap() error { return e.err }

// conditions asks a migration's conditions of one kind. What an upgrade has to fulfil
// says nothing of the way back.
func (r *runner) conditions(ctx context.Context, kind migration.ConditionKind) func(engine.Asking) error {
	queries := r.step.require
	if kind == migration.Ensure {
		queries = r.step.ensure
	}
	if len(queries) == 0 {
		return nil
	}
	return func(ask engine.Asking) error {
		for _, q := range queries {
			if err := r.holds(ctx, kind, q, ask); err != nil {
				return &failedCondition{q.Start.Line, err}
			}
		}
		return nil
	}
}

func (r *runner) holds(ctx context.Context, kind migration.ConditionKind, q sqltext.Statement, ask engine.Asking) error {
	answer, err := ask(ctx, q)
	if err != nil {
		return err
	}
	if !answer.Holds() {
		return &ConditionError{Kind: kind, Line: q.Start.Line, Query: q.Shown(), Answer: answer}
	}
	r.emit(event.ConditionHeld, func(e *event.Event) { e.Line, e.SQL, e.Detail = q.Start.Line, q.Shown(), string(kind) })
	return nil
}
