package postgres_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func key(name string) engine.Key {
	return engine.Key{Schema: "public", Digest: sha256.Sum256([]byte(name))}
}

func native() engine.NativeLock { return postgres.Engine().Native }

func try(t *testing.T, s engine.Session, k engine.Key) bool {
	t.Helper()
	ok, err := native().Try(t.Context(), s, k)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func lock(t *testing.T, s engine.Session, k engine.Key) {
	t.Helper()
	if !try(t, s, k) {
		t.Fatal("the lock is held")
	}
}

func free(t *testing.T, s engine.Session, k engine.Key) bool {
	t.Helper()
	ok, err := native().Free(t.Context(), s, k)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func look(t *testing.T, s engine.Session, k engine.Key) engine.Owner {
	t.Helper()
	o, err := native().Look(t.Context(), s, k)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestTheLockIsHeldByOneSession(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	a := connect(t, url, engine.ConnectOptions{App: "first"})
	b := connect(t, url, engine.ConnectOptions{App: "second"})
	k := key("a")
	if o := look(t, b, k); o != (engine.Owner{}) {
		t.Errorf("held before it was taken: %+v", o)
	}
	lock(t, a, k)
	if try(t, b, k) {
		t.Fatal("two sessions have the lock")
	}
	if free(t, b, k) {
		t.Error("one frees what the other holds")
	}
	if !try(t, b, key("b")) {
		t.Error("keys stand in each other's way")
	}
	o := look(t, b, k)
	if !o.Held || o.Session != a.ID() || o.User != a.Server().User || o.App != "first" || o.From == "" || o.Doing != "" {
		t.Errorf("owner %+v", o)
	}
	if own := look(t, a, k); own.Session != a.ID() || own.Doing != "" {
		t.Errorf("seen by itself: %+v", own)
	}
	if !free(t, a, k) || free(t, a, k) {
		t.Error("the lock is freed once")
	}
	if !try(t, b, k) {
		t.Error("the lock is not free")
	}
}

func TestTakingTheLockTwiceNeedsOneRelease(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	lock(t, s, key("a"))
	lock(t, s, key("a"))
	if !free(t, s, key("a")) || look(t, s, key("a")).Held {
		t.Error("still held")
	}
}

func TestLockKeysUseAllTheirBits(t *testing.T) {
	t.Parallel()
	s := connect(t, server(t).NewDatabase(t), engine.ConnectOptions{})
	for _, first := range []string{"\x00", "\x7f", "\x80", "\xff"} {
		var k engine.Key
		copy(k.Digest[:], strings.Repeat(first, 8))
		lock(t, s, k)
		if o := look(t, s, k); o.Session != s.ID() {
			t.Errorf("%x: %+v", first, o)
		}
		if !free(t, s, k) {
			t.Errorf("%x: not freed", first)
		}
	}
}

func TestLocksOfOtherDatabasesAndOtherKindsDoNotInterfere(t *testing.T) {
	t.Parallel()
	pg := server(t)
	a := connect(t, pg.NewDatabase(t), engine.ConnectOptions{})
	b := connect(t, pg.NewDatabase(t), engine.ConnectOptions{})
	k := key("a")
	lock(t, a, k)
	if o := look(t, b, k); o.Held {
		t.Errorf("another database's: %+v", o)
	}
	lock(t, b, k)

	// A key of two integers has the same classid and objid.
	var pair engine.Key
	copy(pair.Digest[:], []byte{0, 0, 0, 1, 0, 0, 0, 2})
	ask(t, a, "SELECT pg_advisory_lock(1, 2)")
	if o := look(t, a, pair); o.Held {
		t.Errorf("another kind of key: %+v", o)
	}
}

func TestTheLockTellsWhatItsHolderDoes(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	a := connect(t, url, engine.ConnectOptions{})
	b := connect(t, url, engine.ConnectOptions{})
	lock(t, a, key("a"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Execute(ctx, statement("SELECT pg_sleep(60)"))
	}()
	until(t, b, "PgSleep", "SELECT coalesce(wait_event, '') FROM pg_stat_activity WHERE pid = "+pid(a))
	if o := look(t, b, key("a")); o.Doing != "SELECT pg_sleep(60)" || o.For < 0 || o.For > time.Minute {
		t.Errorf("owner %+v", o)
	}
	cancel()
	<-done
}

func TestEvictionEndsTheHolder(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	a := connect(t, url, engine.ConnectOptions{})
	b := connect(t, url, engine.ConnectOptions{})
	k := key("a")
	lock(t, a, k)
	exec(t, a, "BEGIN", "CREATE TABLE zombie (x int)")
	if err := native().Evict(within(t, 10*time.Second), b, k, look(t, b, k)); err != nil {
		t.Fatal(err)
	}
	if !try(t, b, k) {
		t.Error("the lock is not free")
	}
	if _, err := a.Exec(t.Context(), "COMMIT"); faultOf(err).Kind != engine.Lost {
		t.Errorf("the old holder commits: %v", err)
	}
	if got := ask(t, b, "SELECT to_regclass('zombie')"); got != "NULL" {
		t.Error("the old holder's table is there")
	}
	// Nobody holds it: nothing to do.
	free(t, b, k)
	if err := native().Evict(t.Context(), b, k, engine.Owner{Held: true, Session: a.ID()}); err != nil {
		t.Error(err)
	}
}

func TestEvictionSparesWhoeverIsNotTheHolder(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	a := connect(t, url, engine.ConnectOptions{})
	b := connect(t, url, engine.ConnectOptions{})
	bystander := connect(t, url, engine.ConnectOptions{})
	k := key("a")
	lock(t, a, k)
	_, start, _ := strings.Cut(a.ID(), "/")
	for name, session := range map[string]string{
		"a session without the lock": bystander.ID(),
		"an earlier backend":         pid(a) + "/2001-01-01T00:00:00.000000Z",
		"another process":            pid(bystander) + "/" + start,
		"no backend at all":          "nonsense",
	} {
		if err := native().Evict(t.Context(), b, k, engine.Owner{Held: true, Session: session}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, s := range []engine.Session{a, bystander} {
		if got := ask(t, s, "SELECT 1"); got != "1" {
			t.Error("a session was ended")
		}
	}
}

func TestEvictionSaysWhichRightIsMissing(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	a := connect(t, url, engine.ConnectOptions{App: "holder"})
	k := key("a")
	lock(t, a, k)

	// Without any right the holder's start is not seen, with the right to see
	// it the right to end it is missing.
	user, password := pg.NewRole(t)
	weak := connect(t, pg.WithUser(url, user, password), engine.ConnectOptions{})
	o := look(t, weak, k)
	if !o.Held || o.Session != "" || strconv.Itoa(o.Pid) != pid(a) || o.User != a.Server().User || o.App != "holder" || o.Doing != "" {
		t.Errorf("seen without rights: %+v", o)
	}
	if hint := native().EvictHint(o); hint != "SELECT pg_terminate_backend("+pid(a)+");" {
		t.Errorf("hint %s", hint)
	}
	for _, owner := range []engine.Owner{o, look(t, a, k)} {
		if err := native().Evict(t.Context(), weak, k, owner); err == nil || faultOf(err).Kind != engine.Denied {
			t.Errorf("fault %+v of %v", faultOf(err), err)
		}
	}
	pg.Exec(t, "GRANT pg_read_all_stats TO "+user)
	o = look(t, weak, k)
	if o.Session != a.ID() || o.Pid != 0 {
		t.Errorf("seen with rights: %+v", o)
	}
	if err := native().Evict(t.Context(), weak, k, o); err == nil || faultOf(err).Kind != engine.Denied {
		t.Errorf("fault %+v of %v", faultOf(err), err)
	}
	if got := ask(t, a, "SELECT 1"); got != "1" {
		t.Error("the holder was ended")
	}

	// What the hint says works for whoever has the rights.
	b := connect(t, url, engine.ConnectOptions{})
	if got := ask(t, b, strings.TrimSuffix(native().EvictHint(o), ";")); got != "t" {
		t.Errorf("hint: %s", got)
	}
	until(t, b, "0", "SELECT count(*) FROM pg_stat_activity WHERE pid = "+pid(a))
}

func TestEvictionWaitsForTheLockAndNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	url := server(t).NewDatabase(t)
	a := connect(t, url, engine.ConnectOptions{})
	b := connect(t, url, engine.ConnectOptions{})
	k := key("a")
	lock(t, a, k)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errOnPurpose)
	err := native().Evict(ctx, b, k, look(t, b, k))
	if !errors.Is(err, context.Canceled) && !errors.Is(err, errOnPurpose) {
		t.Errorf("error %v", err)
	}
	if got := ask(t, a, "SELECT 1"); got != "1" {
		t.Error("ended under a context that was over")
	}
}

func TestEvictHintsAreSafeToRun(t *testing.T) {
	for hint, o := range map[string]engine.Owner{
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = 30122 AND backend_start = '2026-11-23T14:02:11.123456Z';": {
			Session: "30122/2026-11-23T14:02:11.123456Z"},
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'it''s';": {
			Session: "1/x'; DROP TABLE t; --", App: "it's"},
		"": {},
	} {
		if got := native().EvictHint(o); got != hint {
			t.Errorf("%+v: %s", o, got)
		}
	}
}

func TestColumnsTellNothingThereFromNothingToSee(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	dbtest.Dial(t, url).Exec(t, `CREATE SCHEMA closed; CREATE TABLE closed.t (b int, "A" int, gone int, c int);
		ALTER TABLE closed.t DROP gone; CREATE TABLE public.empty (); CREATE TABLE public."T" (x int); CREATE INDEX i ON public."T" (x)`)
	user, password := pg.NewRole(t)
	s := connect(t, pg.WithUser(url, user, password), engine.ConnectOptions{})
	for _, c := range []struct{ schema, table, want string }{
		{"closed", "t", "[b A c]"},
		{"public", "empty", "[]"},
		{"public", "T", "[x]"},
		{"", "T", "[x]"},
		{"public", "t", "nil"},
		{"public", "i", "nil"},
		{"nope", "t", "nil"},
		{"closed", "t'; --", "nil"},
	} {
		names, err := postgres.Engine().Columns(t.Context(), s, c.schema, c.table)
		if err != nil {
			t.Fatal(err)
		}
		got := "nil"
		if names != nil {
			got = "[" + strings.Join(names, " ") + "]"
		}
		if got != c.want {
			t.Errorf("%s.%s: %s, want %s", c.schema, c.table, got, c.want)
		}
	}
}

func TestGrantGivesTheRightsThatAreMissing(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url := pg.NewDatabase(t)
	admin := dbtest.Dial(t, url)
	admin.Exec(t, `CREATE SCHEMA "My App"`, `CREATE TABLE "My App".t (id serial, x int)`)
	user, password := pg.NewRole(t)
	s := connect(t, pg.WithUser(url, user, password), engine.ConnectOptions{})
	v := s.Server()
	v.Schema = "My App"
	check := func(query string, allowed bool) {
		t.Helper()
		_, err := s.Exec(t.Context(), query)
		if allowed && err != nil || !allowed && faultOf(err).Kind != engine.Denied {
			t.Errorf("%s: %v", query, err)
		}
	}
	check(`SELECT x FROM "My App".t`, false)
	admin.Exec(t, postgres.Engine().Grant(v, false))
	check(`SELECT x FROM "My App".t`, true)
	check(`INSERT INTO "My App".t (x) VALUES (1)`, false)
	check(`CREATE TABLE "My App".u (x int)`, false)
	admin.Exec(t, postgres.Engine().Grant(v, true))
	check(`INSERT INTO "My App".t (x) VALUES (1)`, true)
	check(`CREATE TABLE "My App".u (x int)`, true)
}
