package postgres

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// The native lock is a session-level advisory lock. It is tried for, never
// waited for: a session that waits inside the server has a snapshot, which
// CREATE INDEX CONCURRENTLY of the holder waits for in turn.

var errPooled = errors.New("a transaction-pooling pooler stands between this program and PostgreSQL: " +
	"a lock taken through it would stay on a connection that others use; give a URL that leads past it as direct_url")

// advisory finds the lock in pg_locks, where keys of other databases and keys
// of two integers look much the same. $1 and $2 are the halves of the key.
const advisory = `l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
	AND l.classid = $1 AND l.objid = $2
	AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`

// number is the key as the advisory functions take it.
func number(k engine.Key) int64 { return int64(binary.BigEndian.Uint64(k.Digest[:8])) }

func halves(k engine.Key) (high, low int64) {
	n := uint64(number(k))
	return int64(n >> 32), int64(n & 0xffffffff)
}

// tryLock takes the lock once: the server would count a second time, and let
// go only after as many releases.
func tryLock(ctx context.Context, s engine.Session, k engine.Key) (bool, error) {
	switch v := s.Server(); {
	case v.Pooled:
		return false, errPooled
	case v.ReadOnly != "":
		// A standby grants locks that its primary knows nothing of.
		return false, fmt.Errorf("take the advisory lock: a lock here guards nothing: %s", v.ReadOnly)
	}
	high, low := halves(k)
	ok, err := truth(ctx, s, `SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_locks AS l
		WHERE `+advisory+` AND l.pid = pg_catalog.pg_backend_pid())
		THEN true ELSE pg_catalog.pg_try_advisory_lock($3) END`, high, low, number(k))
	if err != nil {
		return false, fmt.Errorf("take the advisory lock: %w", err)
	}
	return ok, nil
}

// freeLock looks before it frees: the server warns about a lock that is not
// held.
func freeLock(ctx context.Context, s engine.Session, k engine.Key) (bool, error) {
	if s.Server().Pooled {
		return false, errPooled
	}
	high, low := halves(k)
	ok, err := truth(ctx, s, `SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_locks AS l
		WHERE `+advisory+` AND l.pid = pg_catalog.pg_backend_pid())
		THEN pg_catalog.pg_advisory_unlock($3) ELSE false END`, high, low, number(k))
	if err != nil {
		return false, fmt.Errorf("free the advisory lock: %w", err)
	}
	return ok, nil
}

func truth(ctx context.Context, s engine.Session, query string, args ...any) (bool, error) {
	var ok bool
	err := s.Query(ctx, func(scan func(...any) error) error { return scan(&ok) }, query, args...)
	return ok, err
}

// lookLock says who holds the lock. Of a session of another role only its
// process id, user and application name may be seen, unless one is a member
// of pg_read_all_stats: then Session is "" and Pid the backend's. Doing is
// set while a statement runs; For is how long it runs, or how long the
// session has been idle.
func lookLock(ctx context.Context, s engine.Session, k engine.Key) (engine.Owner, error) {
	for range 5 {
		o, whole, err := glance(ctx, s, k)
		if err != nil {
			return engine.Owner{}, fmt.Errorf("look at the advisory lock: %w", err)
		}
		if whole {
			return o, nil
		}
	}
	return engine.Owner{}, errors.New("look at the advisory lock: its holders come and go")
}

// glance is one look. The two views are read one after the other: a session
// that ends in between has a lock and no activity, and is not the whole truth.
func glance(ctx context.Context, s engine.Session, k engine.Key) (o engine.Owner, whole bool, err error) {
	whole = true
	high, low := halves(k)
	err = s.Query(ctx, func(scan func(...any) error) error {
		var pid, since sql.NullInt64
		var start, user, from, app, state, query sql.NullString
		if err := scan(&pid, &whole, &start, &user, &from, &app, &state, &query, &since); err != nil {
			return err
		}
		o = engine.Owner{Held: true, User: user.String, From: from.String, App: app.String}
		if start.Valid {
			o.Session = strconv.FormatInt(pid.Int64, 10) + "/" + start.String
		} else {
			o.Pid = int(pid.Int64)
		}
		if state.String == "active" || state.String == "fastpath function call" {
			o.Doing = query.String
		}
		o.For = time.Duration(since.Int64) * time.Millisecond
		return nil
	}, `SELECT l.pid, l.pid IS NULL OR a.pid IS NOT NULL, `+startOf+`, a.usename,
			CASE WHEN a.client_addr IS NOT NULL THEN pg_catalog.host(a.client_addr)
				WHEN a.client_port = -1 THEN 'local socket' END,
			a.application_name, a.state, CASE WHEN l.pid <> pg_catalog.pg_backend_pid() THEN a.query END,
			(EXTRACT(epoch FROM pg_catalog.clock_timestamp() -
				CASE WHEN a.state = 'active' THEN a.query_start ELSE a.state_change END) * 1000)::bigint
		FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
		WHERE `+advisory+` LIMIT 1`, high, low)
	return o, whole, err
}

// evictPoll is the pause between two looks at whether a session has ended.
const evictPoll = 50 * time.Millisecond

// evict ends the session o by pg_terminate_backend. A process id is used
// again, so the session must also have begun when o did, and hold the lock at
// that moment.
func evict(ctx context.Context, s engine.Session, k engine.Key, o engine.Owner) error {
	now, err := lookLock(ctx, s, k)
	if err != nil || !now.Held {
		return err
	}
	pid, start, ok := strings.Cut(o.Session, "/")
	switch {
	case o.Session == "" || now.Session == "":
		return &evictError{kind: engine.Denied, text: fmt.Sprintf(
			"the session that holds the lock (%s) belongs to another role and may not be seen: "+
				"that takes pg_read_all_stats, and ending it pg_signal_backend", who(now))}
	case !ok || now.Session != o.Session:
		return &evictError{text: fmt.Sprintf("the lock is held by another session now (%s)", who(now))}
	}
	high, low := halves(k)
	if _, err := truth(ctx, s, `SELECT pg_catalog.pg_terminate_backend(a.pid)
		FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
		WHERE `+advisory+` AND a.pid = $3 AND `+startOf+` = $4`, high, low, pid, start); err != nil {
		return fmt.Errorf("end session %s: %w", o.Session, err)
	}
	for {
		if now, err = lookLock(ctx, s, k); err != nil {
			return err
		}
		switch {
		case !now.Held:
			return nil
		case now.Session != o.Session:
			return &evictError{text: fmt.Sprintf("session %s has ended, and another took the lock (%s)", o.Session, who(now))}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("session %s was told to end and still holds the lock: %w", o.Session, context.Cause(ctx))
		case <-time.After(evictPoll):
		}
	}
}

func who(o engine.Owner) string {
	name := o.Session
	if name == "" {
		name = strconv.Itoa(o.Pid)
	}
	name = "backend " + name
	if o.User != "" {
		name += " of " + o.User
	}
	return name
}

// evictError says why a session was not ended.
type evictError struct {
	kind engine.FaultKind
	text string
}

func (e *evictError) Error() string { return e.text }

// evictHint is what a superuser, or a member of pg_signal_backend and
// pg_read_all_stats, would run.
func evictHint(o engine.Owner) string {
	const end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
	pid, start, _ := strings.Cut(o.Session, "/")
	switch {
	case sessionID.MatchString(o.Session):
		return end + "pid = " + pid + " AND backend_start = '" + start + "';"
	case o.Pid > 0:
		return "SELECT pg_terminate_backend(" + strconv.Itoa(o.Pid) + ");"
	case o.App != "":
		return end + "application_name = " + quoteLiteral(o.App) + ";"
	}
	return ""
}

var sessionID = regexp.MustCompile(`^[0-9]+/[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$`)
