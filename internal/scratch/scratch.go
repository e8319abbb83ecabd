// Package scratch gives planning a database of its own, and takes it away
// again.
//
// On SQLite it is memory. Elsewhere it is the database of dev_url, which must
// be empty, or else a new one on the server that is planned for. The database
// that is planned for is at most read. This package decides which way is gone
// and who may use a dev_url; how a product does these things is its engine's
// business.
package scratch

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// A Scratch is an empty database for planning.
type Scratch struct {
	engine.Database

	// How tells a person what it is: "in memory", "a temporary database on …".
	How string

	close   func(context.Context) error
	abandon func() error // ends the session that holds a dev_url
}

// Close takes the database away, or empties the one of dev_url. It does so
// also when ctx has ended.
func (s *Scratch) Close(ctx context.Context) error {
	if s.close == nil {
		return nil
	}
	if err := engine.Cleanup(ctx, s.close); err != nil {
		return fmt.Errorf("clean up behind planning (%s): %w", s.How, err)
	}
	return nil
}

// A DeniedError says that no database can be made for planning.
type DeniedError struct {
	Grant string // the SQL that gives the right
	Err   error
}

func (e *DeniedError) Error() string {
	return "no right to make a database for planning: " + e.Err.Error()
}
func (e *DeniedError) Unwrap() error { return e.Err }

// An UnfitError says that the database of dev_url cannot be planned in.
type UnfitError struct{ Label, Why string }

func (e *UnfitError) Error() string {
	return "dev_url, " + e.Label + ", cannot be planned in: " + e.Why
}

// Open makes one for plans about main. dev is the database of dev_url, nil
// where there is none; schema is the current one that was configured, ""
// where none was.
func Open(ctx context.Context, e *engine.Engine, main, dev engine.Database, schema string) (*Scratch, error) {
	switch parts := e.Scratch; {
	case parts.Memory != nil:
		d, err := parts.Memory(main)
		if err != nil {
			return nil, err
		}
		return &Scratch{Database: d, How: "in memory"}, nil
	case dev != nil:
		return lend(ctx, e, main, dev, schema)
	default:
		d, drop, err := parts.Create(ctx, main)
		if e.Fault(err).Kind == engine.Denied {
			return nil, &DeniedError{Grant: parts.Right(server(ctx, main)), Err: err}
		}
		if err != nil {
			return nil, fmt.Errorf("make a database for planning: %w", err)
		}
		return &Scratch{Database: d, How: "a temporary database, " + d.Label(), close: drop}, nil
	}
}

// server asks who the user is, to name the right.
func server(ctx context.Context, d engine.Database) engine.Server {
	s, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden scratch", ReadOnly: true})
	if err != nil {
		return engine.Server{} // the grant names nobody then
	}
	defer s.Close()
	return s.Server()
}

// turn is how long another one who plans in the same database is waited for,
// and how often it is asked.
const (
	turn  = time.Minute
	asked = 200 * time.Millisecond
)

// key is the lock of those who plan in one database.
var key = sha256.Sum256([]byte("dbwarden scratch"))

// lend takes the database of dev_url. The session that holds the lock also
// sets the mark: what is found with the mark, and no lock, was left by a run
// that was killed.
func lend(ctx context.Context, e *engine.Engine, main, dev engine.Database, schema string) (_ *Scratch, err error) {
	parts := e.Scratch
	unfit := func(why string) error { return &UnfitError{dev.Label(), why} }
	if parts.Same(main, dev) {
		return nil, unfit("it is the database that is planned for")
	}
	s, err := dev.Connect(ctx, engine.ConnectOptions{App: "dbwarden scratch", Limits: engine.Limits{Idle: -1}})
	if err != nil {
		return nil, fmt.Errorf("connect to dev_url, %s: %w", dev.Label(), err)
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.Server().Pooled {
		return nil, unfit("it leads through a pooler, which would mix the plans of several: give the URL of the server itself")
	}
	if err := take(ctx, e, s); err != nil {
		return nil, err
	}
	switch one, err := oneDatabase(ctx, e, main, s); {
	case err != nil:
		return nil, err
	case one:
		return nil, unfit("it is the database that is planned for, by another name of its server")
	}
	found, marked, err := parts.Look(ctx, s)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 && !marked {
		return nil, unfit("it must be empty, and holds " + some(found))
	}
	if !marked {
		if err := parts.Mark(ctx, s, true); err != nil {
			return nil, err
		}
	}
	if err := empty(ctx, e, s, unfit); err != nil {
		return nil, err
	}
	if schema != "" && parts.Within != nil {
		if dev, err = parts.Within(ctx, s, dev, schema); err != nil {
			return nil, err
		}
	}
	return &Scratch{Database: dev, How: "dev_url, " + dev.Label(), abandon: s.Close, close: func(ctx context.Context) error {
		err := empty(ctx, e, s, unfit)
		if err == nil {
			// Only an empty database is without a mark: whoever uses it for
			// something else must not have it emptied one day.
			err = parts.Mark(ctx, s, false)
		}
		return errors.Join(err, s.Close())
	}}, nil
}

// reach is how long the database that is planned for may take to answer.
const reach = 3 * time.Second

// oneDatabase says that s is in main, whatever names lead there: main then sees
// a lock that s takes. It needs no right and no setting that a server might
// hide, and no proxy stands in its way. A main that does not answer is none: a
// plan with a dev_url needs none, and an address that cannot be reached from
// here is hardly the one that s was reached by. Nor is anything seen on a
// cluster that refuses native locks.
func oneDatabase(ctx context.Context, e *engine.Engine, main engine.Database, s engine.Session) (bool, error) {
	within, cancel := context.WithTimeout(ctx, reach)
	defer cancel()
	m, err := main.Connect(within, engine.ConnectOptions{App: "dbwarden scratch", ReadOnly: true, Foreign: true})
	if err != nil {
		return false, context.Cause(ctx)
	}
	defer m.Close()
	nonce := rand.Text()
	key := func(s engine.Session) engine.Key {
		text := nonce
		if e.Scratch.LocksServer {
			text += " " + s.Server().Schema
		}
		return engine.Key{Digest: sha256.Sum256([]byte(text))}
	}
	if ok, err := e.Native.Try(ctx, s, key(s)); err != nil || !ok {
		return false, err
	}
	owner, err := e.Native.Look(ctx, m, key(m))
	_, freed := e.Native.Free(ctx, s, key(s))
	return owner.Held, errors.Join(err, freed)
}

// take waits for its turn.
func take(ctx context.Context, e *engine.Engine, s engine.Session) error {
	for end := time.Now().Add(turn); ; {
		ok, err := e.Native.Try(ctx, s, engine.Key{Schema: s.Server().Schema, Digest: key})
		if ok || err != nil {
			return err
		}
		if time.Now().After(end) {
			return errors.New("another one plans in the database of dev_url, and has for a minute")
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(asked):
		}
	}
}

func empty(ctx context.Context, e *engine.Engine, s engine.Session, unfit func(string) error) error {
	if err := e.Scratch.Empty(ctx, s); err != nil {
		return err
	}
	found, _, err := e.Scratch.Look(ctx, s)
	if err == nil && len(found) > 0 {
		err = unfit("it could not be emptied, and holds " + some(found))
	}
	return err
}

// some are the first of many.
func some(found []string) string {
	const most = 5
	if len(found) <= most {
		return strings.Join(found, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(found[:most], ", "), len(found)-most)
}
