package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// markerColumn tells a result of ours from those of the file's statements, as
// stateColumn does.
const markerColumn = "dbwarden_rows"

// sent is a packet under way.
type sent struct {
	*session
	*packet
	u       engine.Unit
	done    int // statements whose end was seen
	started time.Time
}

// runPacket sends a packet. again says that the server took nothing of it, and
// that the unit is to go step by step.
func (s *session) runPacket(ctx context.Context, u engine.Unit, p *packet) (again bool, err error) {
	d := &sent{session: s, packet: p, u: u}
	changed := u.Begin != "" && !s.used
	s.used = s.used || u.Begin != ""
	for _, st := range p.statements {
		t := classify(st.Words, s.server)
		s.leaks.note(st, t, s)
		s.litter.note(st, t)
	}
	s.insertID.theirs, s.insertID.covered = false, true
	d.begin()
	var state string
	s.closing.Store(false)
	err = d.send(ctx, p.text, &state)
	if err == nil && p.end != "" {
		s.closing.Store(true)
		err = d.send(ctx, p.end, &state)
	}
	s.closing.Store(false)
	if err == nil {
		if changed && state == s.begun.digest {
			s.used = false
		}
		return false, nil
	}
	return d.failed(ctx, err)
}

func (d *sent) send(ctx context.Context, text string, state *string) error {
	return d.call(ctx, interruptible, func(ctx context.Context) error {
		return d.conn.Raw(func(c any) error {
			rows, err := c.(driver.QueryerContext).QueryContext(ctx, text, nil)
			if err != nil {
				return err
			}
			return errors.Join(d.read(rows, state), rows.Close())
		})
	})
}

// read reads the results as they come.
func (d *sent) read(rows driver.Rows, state *string) error {
	for {
		columns := rows.Columns()
		values := make([]driver.Value, len(columns))
		for {
			err := rows.Next(values)
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			switch columns[0] {
			case markerColumn:
				if err := d.ended(values); err != nil {
					return err
				}
			case stateColumn:
				*state = asText(values[0])
			case "Level":
				if len(values) == 3 && d.done > 0 && d.notice != nil {
					d.notice(asText(values[0]), asText(values[2]))
				}
			}
		}
		more, ok := rows.(driver.RowsNextResultSet)
		if !ok {
			return nil
		}
		if err := more.NextResultSet(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (d *sent) begin() {
	if d.started = time.Now(); d.u.Watch != nil {
		d.u.Watch(engine.Progress{Index: d.done, Statement: d.statements[d.done]})
	}
}

// ended is told of a statement's end by the marker behind it.
func (d *sent) ended(values []driver.Value) error {
	rows, err := strconv.ParseInt(asText(values[0]), 10, 64)
	if err != nil {
		return err
	}
	if d.insertID.value, err = strconv.ParseUint(asText(values[1]), 10, 64); err != nil {
		return err
	}
	if d.done == len(d.statements)-1 && d.end == "" {
		// What follows is short and ours, and is not interrupted any more.
		d.closing.Store(true)
	}
	if d.u.Watch != nil {
		// -1 is what a statement with a result of its own has.
		d.u.Watch(engine.Progress{Index: d.done, Statement: d.statements[d.done], Done: true, Rows: max(0, rows), Elapsed: time.Since(d.started), Shared: true})
	}
	if d.done++; d.done < len(d.statements) {
		d.begin()
	}
	return nil
}

func asText(v driver.Value) string {
	var s sql.NullString
	_ = s.Scan(v) // takes whatever a driver returns
	return s.String
}

// failed finds out where the packet stopped, and leaves the session outside of
// any transaction.
func (d *sent) failed(ctx context.Context, err error) (again bool, _ error) {
	s, u := d.session, d.u
	r := &runner{session: s, begin: u.Begin, alone: u.Begin == "", ran: u.Begin == "" && d.done > 0}
	more := s.more(ctx, err)
	place, looked := d.place(ctx)
	if looked != nil {
		// Gone: how far it came nobody says any more.
		part := engine.PartStatement
		if d.done == len(d.statements) {
			part = engine.PartClosing
		}
		return false, d.unitError(part, err)
	}
	interrupted := wasInterrupted(err)
	index, number := strconv.Atoi(place)
	switch {
	case place == "":
		e := d.unitError(engine.PartOpening, err)
		if u.Begin != "" {
			e.Part, e.RolledBack = engine.PartBegin, r.rollback(ctx)
		}
		switch fault(err).Kind {
		case engine.NotNull, engine.Busy, engine.Canceled:
			return false, e
		}
		// A text that cannot stand in a compound statement, or not on this
		// server.
		s.packless = true
		return u.Begin == "" || e.RolledBack, e
	case number == nil && index == d.done && index < len(d.statements):
		st := d.statements[index]
		e := d.unitError(engine.PartStatement, &statementError{err: err, text: st.Text, words: st.Words, more: more})
		e.Index, e.Statement = index, st
		e.RolledBack = u.Begin != "" && r.rollback(ctx)
		return false, e
	case place == atState, place == atCommit && interrupted && !d.open(ctx):
		return false, nil // all was done
	}
	e := d.unitError(engine.PartClosing, err)
	if place == atCommit {
		e.Part = engine.PartCommit
	} else if _, n, ok := strings.Cut(place, " "); ok {
		e.Index, _ = strconv.Atoi(n) // as we wrote it
	}
	rolledBack := r.rollback(ctx)
	e.RolledBack = u.Begin != "" && rolledBack
	if u.Begin == "" && interrupted && rolledBack {
		// Meant for the statement, it came a moment too late. What has been
		// done must be written down.
		return false, engine.RunPlain(ctx, r, engine.Unit{Statements: engine.NoStatements, Closing: u.Closing}, begin)
	}
	return false, e
}

func (d *sent) unitError(p engine.Part, err error) *engine.UnitError {
	return &engine.UnitError{Part: p, Err: err}
}

// place is where the packet stopped; "" where nothing of the file's was begun,
// nor anything that stayed.
func (d *sent) place(ctx context.Context) (string, error) {
	var at sql.NullString
	err := d.ask(ctx, "SELECT "+atVariable+" LIMIT 1", &at)
	number, place, _ := strings.Cut(at.String, " ")
	if number != fmt.Sprint(d.number) {
		place = ""
	}
	return place, err
}

// open says whether a transaction is.
func (d *sent) open(ctx context.Context) bool {
	var open sql.NullBool
	err := d.ask(ctx, "SELECT @@in_transaction LIMIT 1", &open)
	return err != nil || open.Bool
}

func (d *sent) ask(ctx context.Context, query string, into any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	return d.query(ctx, func(scan func(...any) error) error { return scan(into) }, query)
}

// rollback reports whether nothing stayed.
func (r *runner) rollback(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	_, err := r.Exec(ctx, "ROLLBACK")
	return err == nil
}

// butFirst leaves out what was told already: that the first statement begins.
func butFirst(watch func(engine.Progress)) func(engine.Progress) {
	if watch == nil {
		return nil
	}
	first := true
	return func(p engine.Progress) {
		if !first {
			watch(p)
		}
		first = false
	}
}
