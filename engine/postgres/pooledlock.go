package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Behind a pooler that hands each transaction to another backend, what is
// taken for a session stays on whichever backend it fell. So the lock is held
// by a transaction, on a second connection through the same pooler: while the
// transaction is open that backend is ours, and when this program dies the
// pooler or the server rolls it back. It is READ COMMITTED and idle between
// its keepalives, so it holds no snapshot and no index build waits for it.
//
// The connection that works is another one. That the lock is still held is
// therefore asked anew at the beginning of each of its transactions, which
// take a key of their own first: if this program sleeps and loses the lock,
// either its transaction finds the lock gone, or whoever took the lock finds
// the transaction.

const (
	// keepEvery is the time between two signs of life of the lock's
	// transaction, silentTime how long the server waits for one.
	keepEvery  = 10 * time.Second
	silentTime = 60 * time.Second

	// lockTime is what a try may take, most of it waiting for a server
	// connection in the pooler's queue.
	lockTime = 10 * time.Second

	// secondTime is what the working connection gets to find a server
	// connection besides that of the lock.
	secondTime = 5 * time.Second

	// remainsTime is how long a transaction waits for one of an earlier run
	// that is still open, remainsPause the time between two looks.
	remainsTime  = 10 * time.Second
	remainsPause = 100 * time.Millisecond
)

// holding is a lock that is held by the open transaction of conn.
type holding struct {
	key  engine.Key
	conn *session
	id   string // of its backend, as session.ID

	stop chan struct{}
	done chan struct{}

	mu  sync.Mutex
	err error // why the transaction has ended without us
}

// tryPooled takes the lock on a connection of its own, which stays open for
// the next try when the lock is not free.
func (s *session) tryPooled(ctx context.Context, k engine.Key) (bool, error) {
	if h := s.hold; h != nil {
		switch {
		case h.key != k:
			return false, errors.New("take the advisory lock: this session holds another one")
		case h.lost() != nil:
			return false, fmt.Errorf("take the advisory lock: it was lost: %w", h.lost())
		}
		return true, nil
	}
	if s.conn.IsClosed() {
		return false, fmt.Errorf("take the advisory lock: %w", &lostError{pgconn.ErrConnClosed})
	}
	h, err := s.beginLock(ctx, k)
	if err != nil || h == nil {
		return false, err
	}
	if err := s.seesLock(ctx, h); err != nil {
		h.conn.Close()
		s.locker = nil
		return false, err
	}
	s.hold, s.id, s.locker = h, h.id, nil
	go h.keep(s.database.keepEvery)
	return true, nil
}

// beginLock opens the lock's transaction and tries for the lock in it. When
// the lock is not free it rolls back: between two tries no backend is kept
// from others.
func (s *session) beginLock(ctx context.Context, k engine.Key) (*holding, error) {
	limited, cancel := context.WithTimeoutCause(ctx, lockTime, errNoFirst)
	defer cancel()
	fail := func(err error) (*holding, error) {
		if s.locker != nil {
			s.locker.Close()
			s.locker = nil
		}
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case limited.Err() != nil:
			err = errNoFirst
		}
		return nil, fmt.Errorf("take the advisory lock: %w", err)
	}
	if s.locker == nil {
		c, err := s.database.lockConn(limited)
		if err != nil {
			return fail(err)
		}
		s.locker = c
	}
	workHigh, workLow := halves(workNumber(k))
	settings := []setting{
		{"idle_in_transaction_session_timeout", milliseconds(silentTime), false},
		{"transaction_timeout", "0", false},
		{"statement_timeout", milliseconds(lockTime), false},
	}
	if s.app != "" {
		settings = append(settings, setting{"application_name", appName(s.app), false})
	}
	text := begin + "; " + setSQL(settings, true, "") + "; SELECT pg_catalog.pg_backend_pid(), " + startOf +
		" FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a" +
		fmt.Sprintf("; SELECT pg_catalog.pg_try_advisory_xact_lock(%d)", number(k)) +
		"; SELECT EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE " + advisory(spell(workHigh), spell(workLow)) + ")"
	results, err := s.locker.conn.Exec(limited, text).ReadAll()
	if err == nil && (len(results) != 5 || len(results[2].Rows) != 1 || len(results[3].Rows) != 1 || len(results[4].Rows) != 1) {
		err = errStranger
	}
	if err != nil {
		return fail(s.locker.explain(limited, err))
	}
	if texts(results[3].Rows[0])[0] != "t" || texts(results[4].Rows[0])[0] == "t" {
		if _, err := s.locker.drain(limited, "ROLLBACK"); err != nil {
			return fail(err)
		}
		return nil, nil
	}
	row := texts(results[2].Rows[0])
	return &holding{key: k, conn: s.locker, id: row[0] + "/" + row[1], stop: make(chan struct{}), done: make(chan struct{})}, nil
}

// seesLock asks on the working connection whether the lock is there: a pool
// must have a second backend for it, and that must be of the same server.
func (s *session) seesLock(ctx context.Context, h *holding) error {
	gaveUp := make(chan struct{})
	timer := time.AfterFunc(secondTime, func() {
		defer close(gaveUp)
		// This gives the backend back, and with it the question below gets
		// its answer and the working connection stays as it was.
		h.rollback()
	})
	ok, err := truth(ctx, s, "SELECT "+h.heldSQL())
	if !timer.Stop() {
		<-gaveUp
		if ctx.Err() == nil {
			return errNoSecond
		}
	}
	if err == nil && !ok {
		err = errors.New("the connection that took it leads to another server than the one that is to work: " +
			"the pooler, or the URL, spreads connections over several")
	}
	if err != nil {
		return fmt.Errorf("take the advisory lock: %w", err)
	}
	return nil
}

// lockConn connects a second time through the pooler. It waits for nothing
// that needs cancelling: when a context ends, the connection does.
func (d *database) lockConn(ctx context.Context) (*session, error) {
	config := d.config.Copy()
	config.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn()}
	}
	conn, err := d.dial(ctx, config)
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, quiet: true}, nil
}

// heldSQL says whether the lock's own backend still holds it.
func (h *holding) heldSQL() string {
	high, low := halves(number(h.key))
	return "EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE " + advisory(spell(high), spell(low)) +
		" AND l.pid = " + h.pid() + ")"
}

func (h *holding) pid() string {
	pid, _, _ := strings.Cut(h.id, "/")
	return pid
}

// keep says every now and then that the transaction is not forgotten. It ends
// with stop, or with the transaction.
func (h *holding) keep(every time.Duration) {
	defer close(h.done)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-h.stop:
			return
		case <-ticker.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), keepEvery)
		_, err := h.conn.drain(ctx, "SELECT 1")
		cancel()
		if err != nil {
			h.mu.Lock()
			h.err = err
			h.mu.Unlock()
			h.conn.Close()
			return
		}
	}
}

// lost says why the lock is no longer held, as far as that is known.
func (h *holding) lost() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// end waits for the keepalive, ends the transaction and says whether it was
// still open.
func (h *holding) end() bool {
	close(h.stop)
	<-h.done
	held := h.lost() == nil && h.rollback() == nil
	h.conn.Close()
	return held
}

// rollback ends the transaction, whatever became of the run's context.
func (h *holding) rollback() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	_, err := h.conn.drain(ctx, "ROLLBACK")
	return err
}

// freePooled gives the lock back.
func (s *session) freePooled(k engine.Key) (bool, error) {
	if s.hold == nil || s.hold.key != k {
		return false, nil
	}
	h := s.hold
	s.hold, s.id = nil, ""
	return h.end(), nil
}

// endLock closes what the lock needed, held or not.
func (s *session) endLock() {
	if s.hold != nil {
		s.hold.end()
		s.hold, s.id = nil, ""
	}
	if s.locker != nil {
		s.locker.Close()
		s.locker = nil
	}
}

var (
	errNoFirst = &poolerError{
		text: fmt.Sprintf("the pooler had no server connection for the lock within %s", lockTime),
		hint: poolHint,
	}
	errNoSecond = &poolerError{
		text: fmt.Sprintf("the pooler had no second server connection within %s: "+
			"the lock is held by one all the time, and the migrations need another", secondTime),
		hint: poolHint,
	}
)

const poolHint = "give this user and database a pool of at least 3 server connections (one for the lock, one for the migrations, " +
	"one to watch over both), or a URL that leads past the pooler, as direct_url"
