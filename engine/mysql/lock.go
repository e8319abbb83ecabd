package mysql

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// lockName is the name under which GET_LOCK knows a key. Such names belong
// to the server, not to a database, hence the digest; they have at most 64
// characters, and whether their case counts differs between the products.
func lockName(k engine.Key) string {
	return "dbw:" + hex.EncodeToString(k.Digest[:20])
}

// tryLock takes the lock or says false at once.
//
// It never waits in the server: a waiter there takes part in deadlock
// detection, and the statement that is ended for it is the holder's ALTER.
// A lock taken twice would have to be given back twice, so a session that
// has it does not take it again.
func tryLock(ctx context.Context, s engine.Session, k engine.Key) (bool, error) {
	name := lockName(k)
	got, err := askNumber(ctx, s, "SELECT IF(IS_USED_LOCK(?) = CONNECTION_ID(), 1, GET_LOCK(?, 0))", name, name)
	if leaseOnly(s, err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("take the lock %s: %w", name, err)
	}
	if !got.Valid {
		return false, fmt.Errorf("take the lock %s: the server could not say whether it is free", name)
	}
	return got.Int64 == 1, nil
}

// freeLock gives the lock back; false says that this session did not have
// it.
func freeLock(ctx context.Context, s engine.Session, k engine.Key) (bool, error) {
	name := lockName(k)
	freed, err := askNumber(ctx, s, "SELECT RELEASE_LOCK(?)", name)
	if leaseOnly(s, err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("free the lock %s: %w", name, err)
	}
	return freed.Int64 == 1, nil // NULL: nobody has it
}

// lookLock says who has the lock. Without the PROCESS right, the holder's
// account and statement are seen only where it is one's own.
func lookLock(ctx context.Context, s engine.Session, k engine.Key) (engine.Owner, error) {
	var o engine.Owner
	var id, seconds sql.NullInt64
	var user, host, command, state, info sql.NullString
	err := s.Query(ctx, func(scan func(...any) error) error {
		return scan(&id, &user, &host, &command, &seconds, &state, &info)
	}, `SELECT l.id, p.USER, p.HOST, p.COMMAND, p.TIME, p.STATE, p.INFO
 FROM (SELECT IS_USED_LOCK(?) AS id) l LEFT JOIN information_schema.PROCESSLIST p ON p.ID = l.id`, lockName(k))
	if leaseOnly(s, err) {
		return engine.Owner{Blind: true}, nil
	}
	if err != nil {
		return o, fmt.Errorf("look who has the lock: %w", err)
	}
	if !id.Valid {
		return o, nil
	}
	o = engine.Owner{
		Held: true, Session: onNode(s, id.Int64),
		User: user.String, From: host.String, Doing: strings.TrimSpace(info.String),
		For: time.Duration(seconds.Int64) * time.Second,
	}
	if o.Doing == "" && command.String != "Sleep" {
		o.Doing = state.String
	}
	o.App = program(ctx, s, id.Int64)
	return o, nil
}

// program is what a session calls itself. Only a server with its
// performance schema switched on knows, and only with the right to read it.
func program(ctx context.Context, s engine.Session, id int64) string {
	var name sql.NullString
	err := s.Query(ctx, func(scan func(...any) error) error { return scan(&name) },
		"SELECT ATTR_VALUE FROM performance_schema.session_connect_attrs WHERE PROCESSLIST_ID = ? AND ATTR_NAME = 'program_name'", id)
	if err != nil {
		return "" // an ornament: who has the lock is known without it
	}
	return name.String
}

// evictPause is the time between two looks at a lock whose holder was ended.
const evictPause = 50 * time.Millisecond

// evictLock ends the session o while it has the lock, and waits until the
// lock is free: a killed ALTER may take its time to clean up.
func evictLock(ctx context.Context, s engine.Session, k engine.Key, o engine.Owner) error {
	if o.Session != "" && o.Session == s.ID() {
		return errors.New("evict the lock's holder: it is this very session")
	}
	number, _, _ := strings.Cut(o.Session, "@")
	id, unknown := strconv.ParseUint(number, 10, 63)
	name := lockName(k)
	killed := false
	var holder sql.NullInt64
	for {
		now, err := askNumber(ctx, s, "SELECT IS_USED_LOCK(?)", name)
		switch {
		case err != nil && ctx.Err() != nil:
			return stillHeld(ctx, s, k, holder, id)
		case err != nil:
			return fmt.Errorf("evict the lock's holder: %w", err)
		case !now.Valid:
			return nil
		case unknown != nil:
			return fmt.Errorf("evict the lock's holder: %q is not a connection number", o.Session)
		}
		holder = now
		if !killed && holder.Int64 == int64(id) {
			_, err := s.Exec(ctx, fmt.Sprintf("KILL %d", id))
			// A session that has just ended by itself is what we want.
			if err != nil && fault(err).Code != noSuchThread {
				return fmt.Errorf("evict the lock's holder, connection %d: %w", id, err)
			}
			killed = true
		}
		select {
		case <-ctx.Done():
			return stillHeld(ctx, s, k, holder, id)
		case <-time.After(evictPause):
		}
	}
}

const noSuchThread = "1094"

// stillHeld tells why the lock is not free in time.
func stillHeld(ctx context.Context, s engine.Session, k engine.Key, holder sql.NullInt64, id uint64) error {
	cause := context.Cause(ctx)
	if holder.Valid && holder.Int64 != int64(id) {
		return fmt.Errorf("evict the lock's holder: connection %d has gone, and connection %d has the lock now: %w", id, holder.Int64, cause)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), errandTime)
	defer cancel()
	o, err := lookLock(ctx, s, k)
	if err == nil && o.Held && o.Doing != "" {
		return fmt.Errorf("evict the lock's holder: connection %d was told to end, but its statement is still running, for %s now: %s: %w",
			id, o.For, engine.Shorten(o.Doing, 200), cause)
	}
	return fmt.Errorf("evict the lock's holder: connection %d was told to end, but has not yet: %w", id, cause)
}

// evictHint is what an administrator would run.
func evictHint(o engine.Owner) string {
	number, node, _ := strings.Cut(o.Session, "@")
	id, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return ""
	}
	if node != "" {
		return fmt.Sprintf("KILL %d; (on node %s)", id, node)
	}
	return fmt.Sprintf("KILL %d;", id)
}

// evictRight: a session of one's own account needs neither.
func evictRight(v engine.Server) (right, grant string) {
	right = "CONNECTION_ADMIN"
	if v.Product == "MariaDB" {
		right = "CONNECTION ADMIN"
		if v.Number < 100502 {
			right = "SUPER"
		}
	} else if v.Number < 80000 {
		right = "SUPER"
	}
	return "somebody with " + right, "GRANT " + right + ", PROCESS ON *.* TO " + v.User + ";"
}

// askNumber runs a query for one number.
func askNumber(ctx context.Context, s engine.Session, query string, args ...any) (n sql.NullInt64, err error) {
	found := false
	err = s.Query(ctx, func(scan func(...any) error) error {
		found = true
		return scan(&n)
	}, query, args...)
	if err == nil && !found {
		err = errors.New("the server returned nothing")
	}
	return n, err
}
