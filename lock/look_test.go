package lock_test

import (
	"context"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
)

// TestManyWhoComeAndGoAreNotCalledGone: a look reads the row and then the
// native lock. Where holds are brief and many, each look may meet one that ends
// in between, and each time another one.
func TestManyWhoComeAndGoAreNotCalledGone(t *testing.T) {
	t.Parallel()
	db, err := postgres.Engine().Open(dbtest.Postgres(t).NewDatabase(t), engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	connect := func() engine.Session {
		s, err := db.Connect(t.Context(), engine.ConnectOptions{App: "dbwarden test"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	holder, watcher := connect(), connect()
	l := lock.Lock{Engine: postgres.Engine(), Schema: "public"}
	take := func() *lock.Hold {
		h, err := l.Acquire(t.Context(), holder, lock.Holder{User: "ada", Host: "test"}, lock.Options{Wait: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	hold, rounds := take(), 0
	e := *postgres.Engine()
	look := e.Native.Look
	e.Native.Look = func(ctx context.Context, s engine.Session, k engine.Key) (engine.Owner, error) {
		if rounds++; rounds > 5 {
			return look(ctx, s, k)
		}
		if err := hold.Release(ctx); err != nil {
			return engine.Owner{}, err
		}
		owner, err := look(ctx, s, k)
		hold = take()
		return owner, err
	}
	status, err := lock.Lock{Engine: &e, Schema: "public"}.Inspect(t.Context(), watcher)
	if err != nil || status.Verdict != lock.Alive || status.Row.Run != hold.Run {
		t.Errorf("%s, %v after %d looks; want the last of six to be alive", status.Verdict, err, rounds)
	}
}
