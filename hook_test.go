package dbwarden_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/plan"
)

// hookBench has a table for the hooks' statements, three migrations that could
// share a round trip, and hooks at every moment that write down what they are
// told.
func hookBench(t *testing.T, p product) (b *bench, told *[]string) {
	b = newBench(t, p, map[string]string{"0001_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER);\nCREATE TABLE told (n INTEGER, v VARCHAR(20));\n"})
	b.migrate()
	for i := 2; i <= 4; i++ {
		b.put(fmt.Sprintf("%04d_b.sql", i), fmt.Sprintf("-- upgrade\nINSERT INTO a VALUES (%d);\n-- rollback\nDELETE FROM a WHERE n = %d;\n", i, i))
	}
	told = &[]string{}
	for _, at := range []dbwarden.Moment{dbwarden.HookBeforeRun, dbwarden.HookBeforeMigration, dbwarden.HookAfterMigration, dbwarden.HookAfterRun} {
		b.hooks = append(b.hooks,
			dbwarden.Hook{At: at, SQL: fmt.Sprintf("INSERT INTO told SELECT COUNT(*), '%s' FROM a; UPDATE told SET n = n", at)},
			dbwarden.Hook{At: at, Call: func(_ context.Context, f dbwarden.Facts, say func(string)) error {
				say("a line")
				line := fmt.Sprintf("%s %d/%d %s locked:%v rows:%s", f.Hook, len(f.Completed), len(f.Planned), f.Outcome, b.locked(), b.value("SELECT COUNT(*) FROM a"))
				if f.Migration != nil {
					line += fmt.Sprintf(" %d %s", f.Number, f.Migration.Version)
				}
				*told = append(*told, line)
				if text, err := json.Marshal(f); err != nil || f.Hook != at || f.Format != 1 || f.Run == "" || f.User != "ada" || !strings.Contains(string(text), `"hook":"`+string(at)) {
					t.Errorf("%s: %v", text, err)
				}
				return nil
			}})
	}
	return b, told
}

// TestHooksAreCalledAtTheirMoments: those before and behind a migration see the
// database without and with it, all under the lock but for the calls at the end.
func TestHooksAreCalledAtTheirMoments(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b, told := hookBench(t, p)
		b.migrate()
		want := `before_run 0/3  locked:true rows:0
before_migration 0/3  locked:true rows:0 1 0002
after_migration 1/3  locked:true rows:1 1 0002
before_migration 1/3  locked:true rows:1 2 0003
after_migration 2/3  locked:true rows:2 2 0003
before_migration 2/3  locked:true rows:2 3 0004
after_migration 3/3  locked:true rows:3 3 0004
after_run 3/3 succeeded locked:false rows:3`
		if got := strings.Join(*told, "\n"); got != want {
			t.Errorf("told:\n%s\nwanted:\n%s", got, want)
		}
		if v := b.value("SELECT COUNT(*) FROM told"); v != "8" {
			t.Errorf("%s of the statements ran", v)
		}
		*told = nil
		b.migrate() // has nothing to do, and calls nobody
		if len(*told) > 0 {
			t.Errorf("with nothing to do: %q", *told)
		}
		if _, err := b.warden().Rollback(t.Context(), plan.Target{Count: 2, Atomic: true}); err != nil {
			t.Fatal(err)
		}
		want = `before_run 0/2  locked:true rows:3
before_migration 0/2  locked:true rows:3 1 0004
before_migration 0/2  locked:true rows:3 2 0003
after_migration 2/2  locked:true rows:1 1 0004
after_migration 2/2  locked:true rows:1 2 0003
after_run 2/2 succeeded locked:false rows:1`
		if got := strings.Join(*told, "\n"); got != want {
			t.Errorf("an atomic rollback:\n%s\nwanted:\n%s", got, want)
		}
	})
}

// TestAHookThatFailsStopsTheRunThere, with nothing touched or with what came
// before it, and lets the lock go; one that does not end is ended. The end of
// the run is told in any case.
func TestAHookThatFailsStopsTheRunThere(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		for i, tt := range []struct {
			hook dbwarden.Hook
			rows string
			end  string
		}{
			{dbwarden.Hook{At: dbwarden.HookBeforeRun, SQL: "INSERT INTO told VALUES (1, 'x'); INSERT INTO nowhere VALUES (1)"}, "0", "failed"},
			{dbwarden.Hook{At: dbwarden.HookBeforeRun, Call: func(context.Context, dbwarden.Facts, func(string)) error { return errors.New("no") }}, "0", "failed"},
			{dbwarden.Hook{At: dbwarden.HookBeforeRun, Call: func(ctx context.Context, _ dbwarden.Facts, _ func(string)) error {
				<-ctx.Done()
				return context.Cause(ctx)
			}}, "0", "failed"},
			{dbwarden.Hook{At: dbwarden.HookBeforeMigration, Call: func(_ context.Context, f dbwarden.Facts, _ func(string)) error {
				if f.Number == 2 {
					return errors.New("no")
				}
				return nil
			}}, "1", "failed"},
			{dbwarden.Hook{At: dbwarden.HookAfterMigration, SQL: "INSERT INTO nowhere VALUES (1)"}, "1", "failed"},
			{dbwarden.Hook{At: dbwarden.HookAfterRun, Call: func(context.Context, dbwarden.Facts, func(string)) error { return errors.New("no") }}, "3", "succeeded"},
		} {
			b, told := hookBench(t, p)
			b.hooks = append([]dbwarden.Hook{tt.hook}, b.hooks[len(b.hooks)-1])
			b.hooking = 300 * time.Millisecond
			if tt.hook.At != dbwarden.HookBeforeRun || tt.hook.SQL != "" {
				b.hooking = 0
			}
			_, err := b.warden().Migrate(t.Context(), plan.Target{})
			var failed *dbwarden.HookError
			if !errors.As(err, &failed) || failed.At != tt.hook.At {
				t.Errorf("%d: %v", i, err)
			}
			if b.locked() || b.value("SELECT COUNT(*) FROM a") != tt.rows || b.value("SELECT COUNT(*) FROM told") != "0" {
				t.Errorf("%d: locked: %v, %s rows, %s told", i, b.locked(), b.value("SELECT COUNT(*) FROM a"), b.value("SELECT COUNT(*) FROM told"))
			}
			if tt.hook.At != dbwarden.HookAfterRun && (len(*told) != 1 || !strings.Contains((*told)[0], tt.end)) {
				t.Errorf("%d: the end was told as %q", i, *told)
			}
		}
	})
}
