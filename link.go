package dbwarden

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A migration in Go gets the run's own session in the manners of database/sql:
// behind what it is given stands a driver whose one connection is that session.
// So its writes are in the transaction of the history, and under its lock; and
// what it may not do is refused here.

// wire is the run's session while a function has it. It is used by one goroutine
// at a time: of the function's, or of the run, which waits for it.
type wire struct {
	r     *runner
	plain engine.Plain // the session, as it is within the unit
	ctx   context.Context
	lose  context.CancelCauseFunc // ends ctx

	mu     sync.Mutex
	within bool   // a transaction is open
	owner  *link  // of InTx, whose statements alone are run; nil: whoever asks
	ended  error  // nothing is run any more, and why
	failed error  // the transaction is to be rolled back, and why
	wrong  error  // what the last statement met, nil where it ran
	last   string // the statement that was sent last
	sent   int    // how many were
	spoke  time.Time
}

// link is one way to the wire: of the function's Tx or Conn, or of one InTx.
type link struct {
	w    *wire
	over bool // its InTx has ended
}

var (
	errNoEnd     = errors.New("a migration in Go neither begins nor ends a transaction: it is committed when the function returns nil, and rolled back when it returns an error")
	errNoEndConn = errors.New("a migration in Go does not begin or end a transaction by a statement: use Conn.InTx")
	errOver      = errors.New("the migration's function has returned")
	errOverTx    = errors.New("the transaction of InTx has ended")
	errLeftOpen  = errors.New("the function returned while an InTx of another goroutine of its own was open, which was rolled back: wait for it")
	errInTx      = errors.New("a transaction is open: use what InTx has given")
)

// may says whether a statement may run, and cuts it.
func (l *link) may(ctx context.Context, query string) (st sqltext.Statement, err error) {
	w := l.w
	e := w.r.w.c.Engine
	all, err := sqltext.All(query, e.Lexis)
	switch {
	case w.ended != nil:
		return st, w.ended
	case l.over:
		return st, errOverTx
	case w.owner != nil && w.owner != l:
		return st, errInTx
	case err != nil:
		return st, err
	case len(all) != 1:
		return st, fmt.Errorf("a call takes one statement, and this text has %d", len(all))
	}
	st = all[0]
	st.Gap, st.Tail, st.Terminator = "", "", ""
	t := e.Classify(st.Words, w.r.s.Server())
	switch {
	case t.Refused != "":
		return st, errors.New(t.Refused)
	case st.Copy != nil:
		return st, errors.New("rows of COPY cannot be given to a migration in Go: INSERT them")
	case t.Kind == engine.Begin, t.Kind == engine.Commit, t.Kind == engine.Rollback:
		if w.r.step.Migration.Function(w.r.step.Direction).Conn != nil {
			return st, errNoEndConn
		}
		return st, errNoEnd
	case w.within && (t.Alone || t.Commits || t.Holds):
		return st, fmt.Errorf("%s does not run inside a transaction, or ends it by itself: give the migration an UpConn, or DownConn, and run it there", leading(st))
	case !w.within && t.Inside:
		return st, fmt.Errorf("%s is for the inside of a transaction: use Conn.InTx", leading(st))
	case t.Holds:
		return st, fmt.Errorf("%s would keep the history from being written", leading(st))
	case w.r.s.Server().Pooled && t.Residue == engine.Stuck:
		return st, errors.New("what it makes belongs to its connection, which the pooler gives to others")
	case w.failed != nil && !backTo(st):
		return st, fmt.Errorf("the transaction has failed before: %w", w.failed)
	}
	if w.within {
		return st, w.leaks(ctx, st, t)
	}
	good, err := w.r.hold.Good(ctx)
	if err == nil && !good {
		err = lock.ErrLost
		w.lose(err)
	}
	return st, err
}

// leading is how a statement begins, for people.
func leading(st sqltext.Statement) string {
	return strings.Join(st.Words[:min(len(st.Words), 3)], " ")
}

// backTo says that a statement goes back to a savepoint, which mends a
// transaction that has failed.
func backTo(st sqltext.Statement) bool {
	w := st.Words
	return len(w) > 1 && w[0] == "ROLLBACK" && (w[1] == "TO" || len(w) > 2 && w[2] == "TO")
}

// leaks refuses a statement that names a table which keeps no step with the
// transaction, where that was not written ahead of it.
func (w *wire) leaks(ctx context.Context, st sqltext.Statement, t engine.Traits) error {
	leak := w.r.w.c.Engine.Leak
	if leak == nil || w.r.leaky || w.r.w.c.Engine.Caps.File && t.Kind != engine.Setting { // by which a second file comes
		return nil
	}
	what, err := leak(ctx, w.r.s, func(yield func(sqltext.Statement, error) bool) { yield(st, nil) })
	if err == nil && what != "" {
		err = fmt.Errorf("%s takes no part in transactions: give the migration an UpConn, or DownConn, and run it there", what)
	}
	return err
}

// CheckNamedValue converts a value as database/sql does by itself. A statement
// that has one which cannot be sent has failed like any other.
func (l *link) CheckNamedValue(v *driver.NamedValue) (err error) {
	if v.Name != "" {
		err = errors.New("named values are not supported")
	} else {
		v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value)
	}
	if err != nil {
		l.w.mu.Lock()
		defer l.w.mu.Unlock()
		l.refused(err)
	}
	return err
}

// refused notes that a statement was not sent: in a transaction nobody is to go
// on as if it had run.
func (l *link) refused(err error) {
	if w := l.w; w.within && w.failed == nil && !l.over && (w.owner == nil || w.owner == l) {
		w.failed = err
	}
}

// do runs one statement.
func (l *link) do(ctx context.Context, query string, args []driver.NamedValue, rows bool) (*engine.Reply, error) {
	values := make([]any, len(args))
	for i, a := range args {
		values[i] = a.Value
	}
	w := l.w
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx, cancel := w.both(ctx)
	defer cancel()
	st, err := l.may(ctx, query)
	if err != nil {
		l.refused(err)
		return nil, err
	}
	w.sent++
	w.last = st.Text
	reply, err := w.plain.Do(ctx, engine.Call{Statement: st, Values: values, Rows: rows})
	w.spoke, w.wrong = time.Now(), err
	switch {
	case err != nil && w.within:
		w.failed = err
	case err == nil && backTo(st):
		w.failed = nil
	}
	return reply, err
}

// both ends with the function's context too.
func (w *wire) both(ctx context.Context) (context.Context, func()) {
	ctx, end := context.WithCancelCause(ctx)
	stop := context.AfterFunc(w.ctx, func() { end(context.Cause(w.ctx)) })
	return ctx, func() {
		stop()
		end(nil)
	}
}

// speak says to the server that the session lives, where the function has said
// nothing for so long: the server ends one that is silent, and with it the lock.
func (w *wire) speak(every time.Duration) {
	if !w.mu.TryLock() {
		return // it is at it
	}
	defer w.mu.Unlock()
	if time.Since(w.spoke) < every {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), cleanupTime)
	defer cancel()
	// A transaction that has failed says so; only that the session is gone counts.
	err := w.r.s.Query(ctx, func(func(...any) error) error { return nil }, "SELECT 1")
	if w.r.w.c.Engine.Fault(err).Kind == engine.Lost {
		w.lose(fmt.Errorf("%w: %w", lock.ErrLost, err))
	}
	w.spoke = time.Now()
}

// inTx runs do in a transaction of its own, whose COMMIT is fenced as all are.
func (w *wire) inTx(ctx context.Context, do func(context.Context, migration.Tx) error) (err error) {
	l := &link{w: w}
	if err := w.begin(ctx, l); err != nil {
		return err
	}
	db := sql.OpenDB(l)
	defer db.Close()
	over := false
	defer func() {
		if !over {
			err = errors.Join(err, w.rollback(l))
		}
	}()
	inside, cancel := context.WithCancelCause(ctx)
	defer cancel(errOverTx)
	tx, err := given(inside, db)
	if err != nil {
		return err
	}
	if err := do(inside, tx); err != nil {
		return err
	}
	over, err = w.commit(ctx, l)
	return err
}

func (w *wire) begin(ctx context.Context, l *link) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx, cancel := w.both(ctx)
	defer cancel()
	switch {
	case w.ended != nil:
		return w.ended
	case w.owner != nil:
		return errInTx
	}
	if _, err := w.plain.Exec(ctx, w.r.w.c.Engine.Dialect.Begin); err != nil {
		// The server may have begun one all the same, when ctx has ended.
		_ = w.back()
		return err
	}
	w.owner, w.within, w.spoke = l, true, time.Now()
	return nil
}

// commit reports whether there is nothing left to roll back.
func (w *wire) commit(ctx context.Context, l *link) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ctx, cancel := w.both(ctx)
	defer cancel()
	if w.owner != l {
		return true, errOver // the function did not wait for it: see judge
	}
	if w.failed != nil {
		return false, wentOn(w.failed)
	}
	good := false
	err := w.r.s.Query(ctx, func(scan func(...any) error) error {
		var token sql.NullInt64
		err := scan(&token)
		good = token.Valid
		return err
	}, "SELECT "+w.r.hold.Fence())
	if err == nil && !good {
		err = lock.ErrLost
		w.lose(err)
	}
	if err != nil {
		return false, err
	}
	w.sent++
	if _, err := w.plain.Exec(context.WithoutCancel(ctx), "COMMIT"); err != nil {
		return false, fmt.Errorf("commit: %w", err)
	}
	w.owner.over = true
	w.owner, w.within = nil, false
	return true, nil
}

func (w *wire) rollback(l *link) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.owner != l {
		return nil // the session is the run's again
	}
	return w.undo()
}

// undo rolls back what InTx has begun.
func (w *wire) undo() error {
	w.owner.over = true
	w.owner, w.within, w.failed = nil, false, nil
	return w.back()
}

// back leaves the session outside of a transaction, or says that it is lost.
func (w *wire) back() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), cleanupTime)
	defer cancel()
	_, err := w.plain.Exec(ctx, "ROLLBACK")
	if w.r.w.c.Engine.Fault(err).Kind != engine.Lost {
		err = nil // what can be said of its proof is of no use to the function
	}
	return err
}

func wentOn(failed error) error {
	return fmt.Errorf("the function went on though a statement had failed: %w", failed)
}

// given makes what a function gets of the one connection of db.
func given(ctx context.Context, db *sql.DB) (handle, error) {
	c, err := db.Conn(ctx)
	return handle{c}, err
}

// handle is a Tx. It hides what else a *sql.Conn has.
type handle struct{ conn *sql.Conn }

func (h handle) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return h.conn.ExecContext(ctx, query, args...)
}

func (h handle) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return h.conn.QueryContext(ctx, query, args...)
}

func (h handle) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return h.conn.QueryRowContext(ctx, query, args...)
}

func (h handle) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return h.conn.PrepareContext(ctx, query)
}

// outside is a Conn.
type outside struct {
	handle
	w *wire
}

func (o outside) InTx(ctx context.Context, do func(context.Context, migration.Tx) error) error {
	return o.w.inTx(ctx, do)
}

// The driver.

func (l *link) Connect(context.Context) (driver.Conn, error) { return l, nil }
func (l *link) Driver() driver.Driver                        { return l }
func (l *link) Open(string) (driver.Conn, error)             { return nil, errNoEnd }
func (l *link) Begin() (driver.Tx, error)                    { return nil, errNoEnd }
func (l *link) Close() error                                 { return nil }

func (l *link) Prepare(query string) (driver.Stmt, error) { return &prepared{l, query}, nil }

func (l *link) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	reply, err := l.do(ctx, query, args, false)
	if err != nil {
		return nil, err
	}
	return changes{reply, l.w.r.w.c.Engine.Title}, nil
}

func (l *link) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	reply, err := l.do(ctx, query, args, true)
	if err != nil {
		return nil, err
	}
	return &answered{reply}, nil
}

// prepared is a statement that is kept as its text.
type prepared struct {
	l     *link
	query string
}

func (p *prepared) Close() error  { return nil }
func (p *prepared) NumInput() int { return -1 } // the server counts them

func (p *prepared) Exec([]driver.Value) (driver.Result, error) { return nil, errors.ErrUnsupported }
func (p *prepared) Query([]driver.Value) (driver.Rows, error)  { return nil, errors.ErrUnsupported }

func (p *prepared) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return p.l.ExecContext(ctx, p.query, args)
}

func (p *prepared) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return p.l.QueryContext(ctx, p.query, args)
}

type changes struct {
	reply *engine.Reply
	title string
}

func (c changes) RowsAffected() (int64, error) { return c.reply.Changed, nil }

func (c changes) LastInsertId() (int64, error) {
	if !c.reply.HasID {
		return 0, fmt.Errorf("%s tells no last id: use INSERT ... RETURNING", c.title)
	}
	return c.reply.LastID, nil
}

type answered struct{ reply *engine.Reply }

func (a *answered) Columns() []string { return a.reply.Columns }
func (a *answered) Close() error      { return nil }

func (a *answered) Next(dest []driver.Value) error {
	if len(a.reply.Rows) == 0 {
		return io.EOF
	}
	copy(dest, a.reply.Rows[0])
	a.reply.Rows = a.reply.Rows[1:]
	return nil
}

var _ interface {
	driver.Connector
	driver.Conn
	driver.ExecerContext
	driver.QueryerContext
} = (*link)(nil)
