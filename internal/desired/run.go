package desired

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Run runs the models on an empty database and returns their definitions in
// an order that works. Its errors are *Error, where a model is at fault.
//
// The order is found by trying: what fails is tried again as long as
// something else succeeded meanwhile. The server alone knows what needs what.
func Run(ctx context.Context, e *engine.Engine, d engine.Database, models []Model) ([]Made, error) {
	s, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden models", Limits: limits})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", d.Label(), err)
	}
	defer s.Close()
	r := &runner{e: e, s: s}
	for i := range models {
		items, err := cut(e, s.Server(), &models[i])
		if err != nil {
			return nil, err
		}
		r.waiting = append(r.waiting, items...)
	}
	if err := r.run(ctx); err != nil {
		return nil, err
	}
	if e.Scratch.Dangling == nil {
		return r.made, nil
	}
	dangling, err := e.Scratch.Dangling(ctx, s)
	if err == nil && len(dangling) > 0 {
		err = errors.New("the models: " + strings.Join(dangling, "; "))
	}
	return r.made, err
}

// limits: nobody else is in the database.
var limits = engine.Limits{Idle: -1}

type runner struct {
	e *engine.Engine
	s engine.Session

	waiting []*item
	made    []Made

	under []sqltext.Statement // the settings that are in force
	loose bool                // references may lead to what is not there yet
}

func (r *runner) run(ctx context.Context) error {
	for len(r.waiting) > 0 {
		before := len(r.waiting)
		var failed []*item
		for _, it := range r.waiting {
			if it.err = r.try(ctx, it); it.err == nil {
				r.made = append(r.made, Made{it.model, it.st})
				continue
			}
			f := r.e.Fault(it.err)
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case f.Kind == engine.Lost:
				return it.err
			case f.Kind == engine.Syntax && f.Refused, f.Kind == engine.Syntax && f.Near != "":
				return r.explain(it, 0)
			}
			failed = append(failed, it)
		}
		r.waiting = failed
		if len(failed) < before {
			continue
		}
		if r.loose || r.e.Scratch.Loosen == nil {
			return r.explain(root(failed), len(failed)-1)
		}
		r.loose = true
		if err := r.e.Scratch.Loosen(ctx, r.s); err != nil {
			return err
		}
	}
	return nil
}

// try runs one definition under the settings of its file.
func (r *runner) try(ctx context.Context, it *item) error {
	if !same(r.under, it.under) {
		if err := r.settle(ctx, it.under); err != nil {
			return err
		}
	}
	return r.run1(ctx, it.st)
}

func same(a, b []sqltext.Statement) bool {
	return slices.EqualFunc(a, b, func(x, y sqltext.Statement) bool { return x.Start == y.Start && x.Text == y.Text })
}

func (r *runner) settle(ctx context.Context, under []sqltext.Statement) error {
	if len(r.under) > 0 {
		if err := r.s.Reset(ctx, limits); err != nil {
			return err
		}
		if r.loose {
			if err := r.e.Scratch.Loosen(ctx, r.s); err != nil {
				return err
			}
		}
	}
	r.under = nil
	for _, st := range under {
		if err := r.run1(ctx, st); err != nil {
			return err
		}
		r.under = append(r.under, st)
	}
	return nil
}

// run1 runs one statement outside of a transaction: a failure then undoes
// itself alone, and what no transaction takes can run as well.
func (r *runner) run1(ctx context.Context, st sqltext.Statement) error {
	err := r.s.Run(ctx, engine.Unit{Statements: func(yield func(sqltext.Statement, error) bool) { yield(st, nil) }})
	if unit, ok := errors.AsType[*engine.UnitError](err); ok {
		return unit.Err
	}
	return err
}

// root is the one of several failed definitions that the others are likely
// to wait for: its error names nothing that another one would make.
func root(failed []*item) *item {
	for _, it := range failed {
		msg := it.err.Error()
		if !slices.ContainsFunc(failed, func(other *item) bool {
			name := created(other.st)
			return other != it && name != "" && names(msg, name)
		}) {
			return it
		}
	}
	return failed[0]
}

// names says whether a message has a name as a word of its own.
func names(msg, name string) bool {
	_, ok := sqltext.Statement{Text: msg}.Once(name)
	return ok
}

func (r *runner) explain(it *item, waiting int) error {
	f := r.e.Fault(it.err)
	e := &Error{Model: it.model, Statement: it.st, Pos: f.Place(it.st), Msg: f.Message, Fault: f, Err: it.err, Waiting: waiting}
	if e.Msg == "" {
		e.Msg = it.err.Error()
	}
	return e
}
