package lock

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Foreseen is a hold of somebody who is not us: of a client that will run a
// script of ours. Whoever runs it takes the same lock, row and native lock,
// and its work bears the same fence.
type Foreseen struct {
	*Hold

	Row   Row // as it is now
	There bool

	// Columns is how many columns the lock's table has now, 0 where it is not
	// there; Whole, that Prepare leaves it as it is.
	Columns int
	Whole   bool
}

// Foresee looks at the row and says what the next hold will be, provided that
// nobody holds the lock before. known is the highest token that is known
// elsewhere. Without a session there is no database yet.
func (l Lock) Foresee(ctx context.Context, s engine.Session, h Holder, run string, known int64) (*Foreseen, error) {
	f := &Foreseen{}
	if s != nil {
		have, err := l.Engine.Columns(ctx, s, l.Schema, Table)
		if err != nil {
			return nil, fmt.Errorf("look at %s: %w", Table, err)
		}
		row, err := l.read(ctx, s)
		if err != nil {
			return nil, err
		}
		if row != nil {
			f.Row, f.There = *row, true
		}
		f.Columns = len(have)
		f.Whole = f.There && !slices.ContainsFunc(columns(), func(c column) bool { return !slices.Contains(have, c.name) })
	}
	f.Hold = &Hold{Run: run, Token: max(f.Row.Token, known) + 1, lock: l, session: s, holder: h}
	return f, nil
}

// Prepare runs, or has a session write down, what makes our tables.
func (f *Foreseen) Prepare(ctx context.Context, s engine.Session) error {
	if err := f.lock.ensure(ctx, s); err != nil || f.lock.Prepare == nil {
		return err
	}
	return f.lock.Prepare(ctx, s)
}

// Free is true while nobody holds the lock, Unmoved while nobody has held it
// since it was foreseen, and Taken once Claim has taken it.
func (f *Foreseen) Free() string { return f.row("locked IS NOT TRUE") }

// Unmoved: see Free.
func (f *Foreseen) Unmoved() string { return f.row(fmt.Sprintf("fencing_token = %d", f.Row.Token)) }

// Taken: see Free.
func (f *Foreseen) Taken() string { return "(" + f.withoutForUpdate() + ") IS NOT NULL" }

func (f *Foreseen) row(condition string) string {
	return "EXISTS (SELECT 1 FROM " + f.lock.table() + " WHERE id = 1 AND " + condition + ")"
}

func (f *Foreseen) withoutForUpdate() string {
	return fmt.Sprintf("SELECT fencing_token FROM %s WHERE id = 1 AND locked AND release_at IS NULL AND fencing_token = %d AND run_id = '%s'",
		f.lock.table(), f.Token, f.Run)
}

// scriptOf begins the name of a holder that is a script. Whose process runs it,
// and where, is not known to who writes it.
const scriptOf = "script of "

func (h Holder) script() string {
	return fmt.Sprintf("%s%s@%s (%s %s --sql)", scriptOf, h.User, h.Host, h.Program, h.Command)
}

// Script says that a script holds the lock, which somebody runs with the
// product's own client.
func (r Row) Script() bool { return strings.HasPrefix(r.Holder, scriptOf) }

// Claim writes the row, where it is free and unmoved. session is an
// expression for the id of whoever runs it, "" where it has no native lock to
// be known by.
func (f *Foreseen) Claim(session string) engine.Query {
	d := f.lock.Engine.Dialect
	native := "NULL"
	if session == "" {
		session = "NULL"
	} else {
		native = "'" + f.lock.Engine.Native.Name + "'"
	}
	return engine.Query{
		Text: "UPDATE " + f.lock.table() + " SET locked = TRUE, acquired_at = " + d.Now + ", release_at = NULL, fencing_token = " + d.Bind(1) +
			", run_id = " + d.Bind(2) + ", holder = " + d.Bind(3) + ", session_id = " + session + ", native = " + native + ", state = " + d.Bind(4) +
			", detail = NULL WHERE id = 1 AND " + free + " AND fencing_token = " + d.Bind(5),
		Args: []any{f.Token, f.Run, engine.Fit(f.holder.script(), 500), string(Running), f.Row.Token},
	}
}

// Give gives the row back.
func (f *Foreseen) Give() engine.Query {
	d := f.lock.Engine.Dialect
	return engine.Query{
		Text: "UPDATE " + f.lock.table() + " SET locked = FALSE, release_at = " + d.Now + ", run_id = NULL, session_id = NULL, native = NULL, state = " + d.Bind(1) +
			", detail = NULL WHERE id = 1 AND locked AND release_at IS NULL AND run_id = " + d.Bind(2) + " AND fencing_token = " + d.Bind(3),
		Args: []any{string(Released), f.Run, f.Token},
	}
}
