package postgres

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// The native lock is a session-level advisory lock. It is tried for, never
// waited for: a session that waits inside the server has a snapshot, which
// CREATE INDEX CONCURRENTLY of the holder waits for in turn.
//
// Behind a pooler it is a transaction-level lock of the same key, held by a
// connection of its own; see pooledlock.go. The transactions that work under
// such a lock hold a second key each, so that one which outlived its lock is
// seen: whoever takes the lock looks for it, and it looks for the lock.

// advisory finds a key in pg_locks, where keys of other databases and keys of
// two integers look much the same. high and low spell the halves of the key.
func advisory(high, low string) string {
	return `l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
	AND l.classid = ` + high + ` AND l.objid = ` + low + `
	AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())`
}

// eitherKey finds a lock by its key or by that of its work; $1 to $4 are
// their halves.
var eitherKey = "(" + advisory("$1", "$2") + " OR " + advisory("$3", "$4") + ")"

// number is the key as the advisory functions take it.
func number(k engine.Key) int64 { return int64(binary.BigEndian.Uint64(k.Digest[:8])) }

// workNumber is the key of a transaction that works under a pooled lock: never
// the lock's own.
func workNumber(k engine.Key) int64 { return ^number(k) }

func halves(number int64) (high, low int64) {
	n := uint64(number)
	return int64(n >> 32), int64(n & 0xffffffff)
}

// own finds our session below whatever was put around it.
func own(s engine.Session) (*session, error) {
	for {
		switch v := s.(type) {
		case *session:
			return v, nil
		case interface{ Unwrap() engine.Session }:
			s = v.Unwrap()
		default:
			return nil, fmt.Errorf("a session of type %T is not PostgreSQL's", s)
		}
	}
}

// tryLock takes the lock once: the server would count a second time, and let
// go only after as many releases. It takes none beside the open transaction
// of a run that lost its lock.
func tryLock(ctx context.Context, s engine.Session, k engine.Key) (bool, error) {
	switch v := s.Server(); {
	case v.ReadOnly != "":
		// A standby grants locks that its primary knows nothing of.
		return false, fmt.Errorf("take the advisory lock: a lock here guards nothing: %s", v.ReadOnly)
	case v.Pooled:
		mine, err := own(s)
		if err != nil {
			return false, err
		}
		return mine.tryPooled(ctx, k)
	}
	high, low := halves(number(k))
	workHigh, workLow := halves(workNumber(k))
	ok, err := truth(ctx, s, `SELECT CASE
		WHEN EXISTS (SELECT FROM pg_catalog.pg_locks AS l
			WHERE `+advisory("$1", "$2")+` AND l.pid = pg_catalog.pg_backend_pid()) THEN true
		WHEN NOT pg_catalog.pg_try_advisory_lock($5) THEN false
		WHEN EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE `+advisory("$3", "$4")+`)
			THEN NOT pg_catalog.pg_advisory_unlock($5)
		ELSE true END`, high, low, workHigh, workLow, number(k))
	if err != nil {
		return false, fmt.Errorf("take the advisory lock: %w", err)
	}
	return ok, nil
}

// freeLock looks before it frees: the server warns about a lock that is not
// held.
func freeLock(ctx context.Context, s engine.Session, k engine.Key) (bool, error) {
	if s.Server().Pooled {
		mine, err := own(s)
		if err != nil {
			return false, err
		}
		return mine.freePooled(k)
	}
	high, low := halves(number(k))
	ok, err := truth(ctx, s, `SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_locks AS l
		WHERE `+advisory("$1", "$2")+` AND l.pid = pg_catalog.pg_backend_pid())
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

// holder is who holds a lock.
type holder struct {
	engine.Owner

	// remains is set for a transaction that outlived the lock it works under.
	remains bool
}

// lookLock says who holds the lock. Of a session of another role only its
// process id, user and application name may be seen, unless one is a member
// of pg_read_all_stats: then Session is "" and Pid the backend's. Doing is
// set while a statement runs; For is how long it runs, or how long the
// session has been idle. Behind a pooler they are those of the connection
// that works, while it does.
func lookLock(ctx context.Context, s engine.Session, k engine.Key) (engine.Owner, error) {
	h, err := look(ctx, s, k)
	return h.Owner, err
}

func look(ctx context.Context, s engine.Session, k engine.Key) (holder, error) {
	for range 5 {
		h, whole, err := glance(ctx, s, k)
		if err != nil {
			return holder{}, fmt.Errorf("look at the advisory lock: %w", err)
		}
		if whole {
			return h, nil
		}
	}
	return holder{}, errors.New("look at the advisory lock: its holders come and go")
}

// glance is one look. The two views are read one after the other: a session
// that ends in between has a lock and no activity, and is not the whole truth.
func glance(ctx context.Context, s engine.Session, k engine.Key) (h holder, whole bool, err error) {
	whole = true
	high, low := halves(number(k))
	workHigh, workLow := halves(workNumber(k))
	err = s.Query(ctx, func(scan func(...any) error) error {
		var pid, since sql.NullInt64
		var works, seen bool
		var start, user, from, app, state, query sql.NullString
		if err := scan(&works, &pid, &seen, &start, &user, &from, &app, &state, &query, &since); err != nil {
			return err
		}
		whole = whole && seen
		if !h.Held {
			h = holder{engine.Owner{Held: true, User: user.String, From: from.String, App: app.String}, works}
			if start.Valid {
				h.Session = strconv.FormatInt(pid.Int64, 10) + "/" + start.String
			} else {
				h.Pid = int(pid.Int64)
			}
		}
		if state.String == "active" || state.String == "fastpath function call" {
			h.Doing = query.String
		}
		h.For = time.Duration(since.Int64) * time.Millisecond
		return nil
	}, `SELECT NOT (l.classid = $1 AND l.objid = $2) AS works, l.pid, l.pid IS NULL OR a.pid IS NOT NULL, `+startOf+`, a.usename,
			CASE WHEN a.client_addr IS NOT NULL THEN pg_catalog.host(a.client_addr)
				WHEN a.client_port = -1 THEN 'local socket' END,
			a.application_name, a.state, CASE WHEN l.pid <> pg_catalog.pg_backend_pid() THEN a.query END,
			(EXTRACT(epoch FROM pg_catalog.clock_timestamp() -
				CASE WHEN a.state = 'active' THEN a.query_start ELSE a.state_change END) * 1000)::bigint
		FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
		WHERE `+eitherKey+` ORDER BY works`, high, low, workHigh, workLow)
	return h, whole, err
}

// evictPoll is the pause between two looks at whether a session has ended.
const evictPoll = 50 * time.Millisecond

// evict ends the session o by pg_terminate_backend. A process id is used
// again, and behind a pooler one backend serves many, so the session must also
// have begun when o did, bear o's name, and hold the lock at that moment. With
// it goes the transaction that works under its lock on another connection.
func evict(ctx context.Context, s engine.Session, k engine.Key, o engine.Owner) error {
	now, err := look(ctx, s, k)
	if err != nil || !now.Held {
		return err
	}
	switch {
	case o.Session == "" || now.Session == "":
		return unseen(now.Owner)
	case now.Session != o.Session || now.App != o.App:
		return &evictError{text: fmt.Sprintf("the lock is held by another session now (%s)", who(now.Owner))}
	}
	told := ""
	for {
		if now.Session != told {
			told = now.Session
			if err := terminate(ctx, s, k, now.Owner); err != nil {
				return err
			}
		}
		if now, err = look(ctx, s, k); err != nil && ctx.Err() != nil {
			// Its time is over in the middle of a look.
			return fmt.Errorf("session %s was told to end and still holds the lock: %w", told, context.Cause(ctx))
		} else if err != nil {
			return err
		}
		switch {
		case !now.Held:
			return nil
		case now.remains && now.Session == "":
			return unseen(now.Owner)
		case !now.remains && now.Session != told:
			return &evictError{text: fmt.Sprintf("session %s has ended, and another took the lock (%s)", told, who(now.Owner))}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("session %s was told to end and still holds the lock: %w", told, context.Cause(ctx))
		case <-time.After(evictPoll):
		}
	}
}

// terminate tells the session o to end, if it still holds the lock.
func terminate(ctx context.Context, s engine.Session, k engine.Key, o engine.Owner) error {
	pid, start, _ := strings.Cut(o.Session, "/")
	high, low := halves(number(k))
	workHigh, workLow := halves(workNumber(k))
	if _, err := truth(ctx, s, `SELECT pg_catalog.pg_terminate_backend(a.pid)
		FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
		WHERE `+eitherKey+` AND a.pid = $5 AND `+startOf+` = $6 AND pg_catalog.concat(a.application_name) = $7
		LIMIT 1`, high, low, workHigh, workLow, pid, start, o.App); err != nil {
		return fmt.Errorf("end session %s: %w", o.Session, err)
	}
	return nil
}

func unseen(o engine.Owner) error {
	return &evictError{kind: engine.Denied, text: fmt.Sprintf(
		"the session that holds the lock (%s) belongs to another role and may not be seen: "+
			"that takes pg_read_all_stats, and ending it pg_signal_backend", who(o))}
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
	case sessionID().MatchString(o.Session):
		return end + "pid = " + pid + " AND backend_start = '" + start + "';"
	case o.Pid > 0:
		return "SELECT pg_terminate_backend(" + strconv.Itoa(o.Pid) + ");"
	case o.App != "":
		return end + "application_name = " + quoteLiteral(o.App) + ";"
	}
	return ""
}

// evictRight: a session of one's own role needs neither; one of a superuser
// is ended by superusers alone.
func evictRight(v engine.Server) (right, grant string) {
	return "a superuser, or a member of pg_signal_backend and pg_read_all_stats",
		"GRANT pg_signal_backend, pg_read_all_stats TO " + quoteIdent(v.User) + ";"
}

var sessionID = lazily(`^[0-9]+/[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$`)
