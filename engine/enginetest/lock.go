package enginetest

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

func (x *exam) try(s engine.Session, k engine.Key) bool {
	x.Helper()
	var ok bool
	// Whoever waits inside the server has a snapshot there, and deadlocks
	// with an index that is built concurrently.
	err := x.within(soon, "trying for the lock", func(ctx context.Context) (err error) {
		ok, err = x.e.Native.Try(ctx, s, k)
		return err
	})
	if err != nil {
		x.Fatalf("try: %v", err)
	}
	return ok
}

func (x *exam) free(s engine.Session, k engine.Key) bool {
	x.Helper()
	ok, err := x.e.Native.Free(x.Context(), s, k)
	if err != nil {
		x.Fatalf("free: %v", err)
	}
	return ok
}

func (x *exam) look(s engine.Session, k engine.Key) engine.Owner {
	x.Helper()
	o, err := x.e.Native.Look(x.Context(), s, k)
	if err != nil {
		x.Fatalf("look: %v", err)
	}
	return o
}

// Everything else stands on this: one holder at a time, whom everybody can
// see, who holds the lock once however often it asks for it.
func (x *exam) excludes() {
	a, b := x.session(), x.session()
	k := x.key(a)
	if o := x.look(b, k); o.Held {
		x.Fatalf("held before anybody took it: %+v", o)
	}
	if x.free(a, k) {
		x.Error("freed what nobody held")
	}
	if !x.try(a, k) {
		x.Fatal("a free lock was refused")
	}
	if x.try(b, k) {
		x.Fatal("two sessions hold the lock")
	}
	for name, s := range map[string]engine.Session{"another session": b, "the holder": a} {
		o := x.look(s, k)
		if !o.Held || o.Session != a.ID() {
			x.Errorf("%s sees %+v, want the session %q", name, o, a.ID())
		}
		if a.ID() == "" && o.Pid != os.Getpid() {
			x.Errorf("%s sees process %d, want ours, %d", name, o.Pid, os.Getpid())
		}
	}
	if o := x.look(b, k); o.Held && x.e.Native.EvictHint(o) == "" {
		x.Error("no hint how to end the holder")
	}
	if x.free(b, k) {
		x.Error("a session freed a lock that another holds")
	}
	if x.try(b, k) {
		x.Fatal("two sessions hold the lock, after one tried to free it")
	}
	if !x.try(a, k) {
		x.Error("the holder was refused its own lock")
	}
	x.exec(a, x.e.Dialect.Begin)
	x.exec(a, "ROLLBACK")
	if x.try(b, k) {
		x.Fatal("a rollback freed the lock")
	}
	if !x.free(a, k) {
		x.Error("the holder could not free the lock")
	}
	if o := x.look(a, k); o.Held {
		x.Errorf("held after it was taken twice and freed once: %+v", o)
	}
	if x.free(a, k) {
		x.Error("freed twice")
	}
	if !x.try(b, k) {
		x.Error("a lock that was freed is refused")
	}
	if x.e.Native.Name == "session" && !x.try(a, x.key(a)) {
		x.Error("one lock keeps another, of another schema, from being taken")
	}
}

// At a deployment every instance starts at the same moment.
func (x *exam) survivesRace() {
	const many, rounds = 6, 10
	sessions := make([]engine.Session, many)
	for i := range sessions {
		sessions[i] = x.session()
	}
	k := x.key(sessions[0])
	for range rounds {
		var wait sync.WaitGroup
		var got [many]bool
		var errs [many]error
		start := make(chan struct{})
		for i, s := range sessions {
			wait.Go(func() {
				<-start
				got[i], errs[i] = x.e.Native.Try(x.Context(), s, k)
			})
		}
		close(start)
		wait.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			x.Fatal(err)
		}
		holders := 0
		for i, ok := range got {
			if ok {
				holders++
				if !x.free(sessions[i], k) {
					x.Error("the winner does not hold the lock")
				}
			}
		}
		if holders != 1 {
			x.Fatalf("%d sessions took the lock", holders)
		}
	}
}

// A run that dies must not lock everybody out, nor leave half a transaction.
func (x *exam) freesOnClose() {
	a, b := x.session(), x.session()
	table := x.numbers(a, "open")
	k := x.key(a)
	if !x.try(a, k) {
		x.Fatal("a free lock was refused")
	}
	x.exec(a, x.e.Dialect.Begin)
	x.exec(a, x.insert(table, 1))
	if err := a.Close(); err != nil {
		x.Errorf("close: %v", err)
	}
	x.until("the lock of a closed session", func() (bool, error) { return x.e.Native.Try(x.Context(), b, k) })
	if got := x.inside(table); got != "" {
		x.Errorf("the open transaction left %q", got)
	}
	if _, err := a.Exec(x.Context(), "SELECT 1"); err == nil {
		x.Error("a closed session goes on")
	}
}

// After unlock --force the old holder must be unable to do anything, above
// all on a connection that it quietly made anew. And whoever took the lock in
// the meantime must not be hit in its place.
func (x *exam) evicts() {
	a, b, c := x.session(), x.session(), x.session()
	table := x.numbers(a, "evicted")
	k := x.key(a)
	ctx, cancel := context.WithTimeout(x.Context(), patience)
	defer cancel()
	if !x.try(a, k) {
		x.Fatal("a free lock was refused")
	}
	o := x.look(b, k)
	x.free(a, k)
	if err := x.e.Native.Evict(ctx, b, k, o); err != nil {
		x.Errorf("evicting one who left by himself: %v", err)
	}
	if !x.try(a, k) {
		x.Fatal("the lock, or the session that gave it back, is gone")
	}
	o = x.look(b, k)
	x.exec(a, x.e.Dialect.Begin)
	x.exec(a, x.insert(table, 1))
	err := x.e.Native.Evict(ctx, b, k, o)
	if errors.Is(err, engine.ErrCannotEvict) {
		if now := x.look(b, k); !now.Held {
			x.Error("nobody can be evicted, and yet the lock is free")
		}
		x.exec(a, "COMMIT")
		return
	}
	if err != nil {
		x.Fatalf("evict: %v", err)
	}
	if !x.try(c, k) {
		x.Fatal("the lock is still held after its holder was evicted")
	}
	for range 3 {
		_, err := a.Exec(x.Context(), "SELECT 1")
		x.wants("the evicted session's next statement", err, engine.Lost)
	}
	unit := x.unitError(a.Run(x.Context(), engine.Unit{Begin: x.e.Dialect.Begin, Statements: statements(x.insert(table, 2))}))
	x.wants("the evicted session's next unit", unit, engine.Lost)
	if got := x.inside(table); got != "" {
		x.Errorf("the evicted session left %q", got)
	}

	late, cancel := context.WithTimeout(x.Context(), 2*time.Second)
	defer cancel()
	_ = x.e.Native.Evict(late, b, k, o) // may say that it is somebody else's, or wait
	if now := x.look(b, k); now.Session != c.ID() {
		x.Errorf("evicting the old holder again hit the new one: %+v", now)
	}
	x.exec(c, "SELECT 1")
}

// A machine that loses its power says no farewell; the server itself must
// end its session, and with it the lock.
func (x *exam) endsSilent() {
	if x.e.Native.Name != "session" {
		return // the operating system's lock, which ends with the process
	}
	a, b := x.connect(engine.ConnectOptions{Limits: engine.Limits{Idle: time.Second}}), x.session()
	if v := a.Server(); v.Product == "PostgreSQL" && v.Number < 140000 {
		return // it has idle_session_timeout since version 14
	} else if v.Pooled {
		return // the lock's own connection is never silent while we live
	}
	k := x.key(a)
	if !x.try(a, k) {
		x.Fatal("a free lock was refused")
	}
	x.until("the lock of a silent session", func() (bool, error) { return x.e.Native.Try(x.Context(), b, k) })
	_, err := a.Exec(x.Context(), "SELECT 1")
	x.wants("the silent session's next statement", err, engine.Lost)
	if err != nil && strings.Contains(err.Error(), "context") {
		x.Errorf("a lost session is blamed on a context: %v", err)
	}
}
