package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

const (
	// cancelTime is what the server gets to end a cancelled statement before
	// the session is given up.
	cancelTime = 10 * time.Second

	// cancelAgain is the pause between two cancel requests: one that arrives
	// before the statement does is lost.
	cancelAgain = 500 * time.Millisecond

	// cancelSettles is the time a pooler may take to pass a request on. One
	// that comes late would hit the next statement.
	cancelSettles = 100 * time.Millisecond

	// commitTime is what COMMIT gets to finish after its context ended.
	commitTime = 20 * time.Second
)

// canceller asks the server to cancel the running statement when its context
// ends, and keeps the connection. pgx's own default closes it, and with the
// session would go the lock.
type canceller struct {
	conn *pgconn.PgConn
	stop chan struct{}
	done chan struct{}
}

func newCanceller(c *pgconn.PgConn) ctxwatch.Handler { return &canceller{conn: c} }

// HandleCancel is called when the context of a running statement ends.
func (c *canceller) HandleCancel(ctx context.Context) {
	c.stop, c.done = make(chan struct{}), make(chan struct{})
	if ctx.Value(uncancellable{}) != nil {
		// A cancel request would make the outcome of a COMMIT harder to know.
		c.conn.Conn().SetDeadline(time.Now())
		close(c.done)
		return
	}
	end := time.Now().Add(cancelTime)
	c.conn.Conn().SetDeadline(end)
	// The context that brought us here is over: the requests get their own.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	go func() {
		defer close(c.done)
		defer cancel()
		for {
			// An error means that the request did not get through: the next
			// one may, and the deadline above ends the waiting.
			_ = c.conn.CancelRequest(ctx)
			select {
			case <-c.stop:
				time.Sleep(cancelSettles)
				return
			case <-ctx.Done():
				return
			case <-time.After(cancelAgain):
			}
		}
	}()
}

// HandleUnwatchAfterCancel is called when the statement has ended. A request
// that is under way is waited for: the server hangs up once it has passed it
// on, so nothing is left that could hit the next statement.
func (c *canceller) HandleUnwatchAfterCancel() {
	close(c.stop)
	<-c.done
	c.conn.Conn().SetDeadline(time.Time{})
}

type uncancellable struct{}

// forCommit gives COMMIT a context that outlives ctx by commitTime and sends
// no cancel request when it ends: an interrupted COMMIT is a doubt that no
// rollback clears up.
func forCommit(ctx context.Context) (context.Context, context.CancelFunc) {
	ours, cancel := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), uncancellable{}, true))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-ours.Done():
		case <-time.After(commitTime):
			cancel()
		}
	})
	return ours, func() { stop(); cancel() }
}
