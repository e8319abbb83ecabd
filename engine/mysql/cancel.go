package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
)

// haste says what the end of a context does to a running statement.
type haste int

const (
	interruptible haste = iota // it is killed; where it succeeds nevertheless, it has succeeded
	sleeping                   // as above, but success means that it was woken
	patient                    // its answer is waited for
)

const (
	// graceTime is how long a statement may take to end after it was told
	// to: an ALTER that copied for an hour has something to clean up. With
	// what follows it must fit into the 30 s that a container gets to end.
	graceTime = 20 * time.Second

	// reachTime is how long the server may be out of reach when it is to be
	// told; then the session is of no use to anybody.
	reachTime = 5 * time.Second

	// errandTime is what one errand on a connection of its own may take.
	errandTime = 5 * time.Second
)

// canceledError says that a statement was given up because a context ended.
type canceledError struct {
	cause   error // the context's
	server  error // what the server said about it, or nil
	running bool  // the statement may go on there
}

func (e *canceledError) Error() string {
	text := "cancelled: " + e.cause.Error()
	if e.running {
		text += "; the connection was given up, and the server may still be running the statement"
	}
	return text
}

func (e *canceledError) Unwrap() []error {
	if e.server == nil {
		return []error{e.cause}
	}
	return []error{e.cause, e.server}
}

// lostError is every call's answer after the connection is gone.
type lostError struct{ err error }

func (e *lostError) Error() string { return "the database session is gone: " + e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// call runs one call of the driver's.
//
// The driver answers the end of a context by closing the connection, while
// the server goes on with the statement and the locks of the session are
// freed under it. So the driver gets a context that does not end with ctx;
// instead the statement is killed on the server from a connection of its
// own, and its end is waited for. The session, and what it has locked,
// survives.
func (s *session) call(ctx context.Context, how haste, run func(context.Context) error) error {
	if s.lost != nil {
		return s.lost
	}
	if ctx.Err() != nil {
		return &canceledError{cause: context.Cause(ctx)}
	}
	inner, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()

	ended, watched := make(chan struct{}), make(chan bool)
	if ctx.Done() != nil {
		go func() {
			select {
			case <-ended:
				watched <- false
			case <-ctx.Done():
				killed := s.interrupt(inner, how, ended)
				abandon()
				watched <- killed
			}
		}()
	}
	err := run(inner)
	given := inner.Err() != nil
	close(ended)
	killed := false
	if ctx.Done() != nil {
		killed = <-watched
	}
	return s.settle(ctx, how, err, killed, given)
}

// settle tells what came of a call. given says that the connection was
// closed before the server answered.
func (s *session) settle(ctx context.Context, how haste, err error, killed, given bool) error {
	if err != nil && given {
		s.lost = &lostError{&canceledError{cause: context.Cause(ctx), running: true}}
		return s.lost
	}
	if isLost(err) {
		s.lost = &lostError{err}
		return s.lost
	}
	if killed {
		s.swallowKill(ctx)
		if err == nil && how == sleeping || wasInterrupted(err) {
			return &canceledError{cause: context.Cause(ctx), server: err}
		}
	}
	return err
}

// interrupt kills the running statement until it has ended, and returns
// whether a kill was sent. It returns early when the statement cannot be
// stopped in time.
func (s *session) interrupt(ctx context.Context, how haste, ended <-chan struct{}) (killed bool) {
	ctx, cancel := context.WithTimeout(ctx, s.grace)
	defer cancel()
	reach := time.Now().Add(s.reach)
	pause := 20 * time.Millisecond
	for {
		if how == patient || s.closing.Load() {
			wait(ctx, ended, s.grace)
			return killed
		}
		var sent bool
		var err error
		if sent, err = s.kill(ctx, ended); sent {
			killed = true
		}
		if err != nil && !fromServer(err) && time.Now().After(reach) {
			return killed
		}
		// A kill may come before the server has begun the statement, or find
		// it where it cannot stop: so again.
		if !wait(ctx, ended, pause) {
			return killed
		}
		pause = min(2*pause, time.Second)
	}
}

// wait reports whether to go on: false when the statement has ended or the
// grace is over.
func wait(ctx context.Context, ended <-chan struct{}, d time.Duration) bool {
	select {
	case <-ended:
		return false
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// kill stops the session's running statement, if it is still running, from a
// connection of its own. sent says that the server may have got the order.
func (s *session) kill(ctx context.Context, ended <-chan struct{}) (sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	looking, stop := context.WithCancel(ctx)
	defer stop()
	joined := make(chan struct{})
	go func() {
		defer close(joined)
		select {
		case <-ended:
			stop()
		case <-looking.Done():
		}
	}()
	defer func() { stop(); <-joined }()

	db := sql.OpenDB(s.errands)
	defer db.Close()
	conn, err := db.Conn(looking)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	// A server that was restarted, or another one behind the same address,
	// gives our number to somebody else.
	var host string
	err = conn.QueryRowContext(looking, fmt.Sprintf("SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = %d", s.id)).Scan(&host)
	if err != nil || host != s.host || looking.Err() != nil {
		return false, err
	}
	// Not on looking: an order that is under way cannot be called back, and
	// must not arrive after the next statement has begun.
	_, err = conn.ExecContext(ctx, fmt.Sprintf("KILL QUERY %d", s.id))
	return true, err
}

// swallowKill lets a kill that came too late for its statement hit one that
// does nothing.
func (s *session) swallowKill(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), errandTime)
	defer cancel()
	for range 3 {
		_, err := s.conn.ExecContext(ctx, "DO 0")
		if !wasInterrupted(err) {
			if isLost(err) || ctx.Err() != nil {
				s.lost = &lostError{err}
			}
			return
		}
	}
}

func fromServer(err error) bool {
	_, ok := errors.AsType[*mysqldriver.MySQLError](err)
	return ok || errors.Is(err, sql.ErrNoRows)
}

func isLost(err error) bool {
	return fault(err).Kind == engine.Lost
}
