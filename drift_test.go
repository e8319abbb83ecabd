package dbwarden_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql/myschema"
	"github.com/dbwarden-go/dbwarden/engine/postgres/pgschema"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// prints is a fingerprint by the product's inspector, which counts.
type prints struct {
	taken, compared int

	// take is called before each one; nil for nothing.
	take func(n int, s engine.Session) error
}

func (p *prints) of(e *engine.Engine) *dbwarden.Fingerprint {
	inspect := map[string]func(context.Context, engine.Session, schema.Options) (*schema.State, error){
		"sqlite": liteschema.Inspect, "postgres": pgschema.Inspect, "mysql": myschema.Inspect,
	}[e.Name]
	return &dbwarden.Fingerprint{
		Take: func(ctx context.Context, s engine.Session) (string, error) {
			p.taken++
			if p.take != nil {
				if err := p.take(p.taken, s); err != nil {
					return "", err
				}
			}
			state, err := inspect(ctx, s, schema.Options{Own: []string{lock.Table, lock.RunTable, journal.HistoryTable, journal.EntryTable, journal.FingerprintTable}})
			if err != nil {
				return "", err
			}
			text, err := json.Marshal(schema.Fingerprint(state.Theirs()))
			return string(text), err
		},
		Compare: func(kept, now string) (out []string) {
			p.compared++
			var was, is schema.Prints
			if err := errors.Join(json.Unmarshal([]byte(kept), &was), json.Unmarshal([]byte(now), &is)); err != nil {
				panic(err)
			}
			for _, c := range was.Changes(is) {
				out = append(out, c.String())
			}
			return out
		},
	}
}

// aTable is a migration that makes a table, and drops it.
func aTable(n int) (name, text string) {
	return fmt.Sprintf("%04d_t.sql", n), fmt.Sprintf("-- upgrade\nCREATE TABLE t%d (id INTEGER NOT NULL PRIMARY KEY, n INTEGER);\n-- rollback\nDROP TABLE t%[1]d;\n", n)
}

// printed is a bench with one table, whose fingerprint is kept.
func printed(t *testing.T, p product) (*bench, *prints) {
	t.Helper()
	b, f := newBench(t, p, nil), &prints{}
	b.fingerprint = f.of(p.engine)
	b.put(aTable(1))
	if res := b.run(migration.Up, plan.Target{}); res.Drift != nil || len(res.Warnings) > 0 || f.taken != 1 {
		t.Fatalf("the first run: drift %v, warnings %v, %d fingerprints", res.Drift, res.Warnings, f.taken)
	}
	return b, f
}

func (b *bench) run(d migration.Direction, to plan.Target) *dbwarden.Result {
	b.t.Helper()
	verb := b.warden().Migrate
	if d == migration.Down {
		verb = b.warden().Rollback
	}
	res, err := verb(b.t.Context(), to)
	if err != nil {
		b.t.Fatalf("%s: %v", d, err)
	}
	return res
}

// drifts says what the next migration finds.
func (b *bench) drifts(n int) []string {
	b.t.Helper()
	b.put(aTable(n))
	res := b.run(migration.Up, plan.Target{AllowOutOfOrder: true})
	if len(res.Completed) == 0 {
		b.t.Fatal("nothing was run")
	}
	if len(res.Warnings) > 0 {
		b.t.Fatalf("warnings: %v", res.Warnings)
	}
	if res.Drift == nil {
		return nil
	}
	return res.Drift.Objects
}

func TestDriftIsToldBeforeAnythingRunsAndOnce(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b, f := printed(t, p)
		if res := b.run(migration.Up, plan.Target{}); f.taken != 1 || res.Drift != nil {
			t.Errorf("with nothing to do %d fingerprints were taken", f.taken-1)
		}
		b.exec("ALTER TABLE t1 ADD COLUMN note VARCHAR(10)")
		b.exec("CREATE TABLE stray (id INTEGER)")
		var seen []string
		b.watch = func(e event.Event) {
			switch e.Kind {
			case event.Drifted:
				seen = append(seen, fmt.Sprintf("%s %d %q", e.Kind, e.Total, e.Objects))
			case event.PlanReady, event.MigrationStarted:
				seen = append(seen, string(e.Kind))
			}
		}
		want := []string{"added table stray", "added column t1.note"} // by name
		if got := b.drifts(2); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if want := []string{fmt.Sprintf("drift 2 %q", want), "plan_ready", "migration_started"}; !slices.Equal(seen, want) {
			t.Errorf("told %q, want %q", seen, want)
		}
		b.watch = nil
		if got := b.drifts(3); got != nil {
			t.Errorf("told again: %q", got)
		}
		b.exec("DROP TABLE stray")
		res := b.run(migration.Down, plan.Target{})
		if res.Drift == nil || !strings.HasPrefix(res.Drift.String(), "the schema is not as the last run left it (ada@test, 20") || !strings.HasSuffix(res.Drift.String(), " UTC): removed table stray") {
			t.Errorf("a rollback says: %v", res.Drift)
		}
	})
}

func TestOfMuchDriftAFewAreNamed(t *testing.T) {
	t.Parallel()
	b, _ := printed(t, sqliteProduct())
	for n := range dbwarden.MostDrifted + 3 {
		b.exec(fmt.Sprintf("CREATE TABLE stray%02d (id INTEGER)", n))
	}
	b.put(aTable(2))
	d := b.run(migration.Up, plan.Target{}).Drift
	if len(d.Objects) != dbwarden.MostDrifted || d.Total != dbwarden.MostDrifted+3 || !strings.HasSuffix(d.String(), ", added table stray19, and 3 more") {
		t.Errorf("%d of %d: %s", len(d.Objects), d.Total, d)
	}
}

func TestDriftIsRefusedAndNothingRuns(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b, _ := printed(t, p)
		b.exec("CREATE TABLE stray (id INTEGER)")
		b.put(aTable(2))
		b.refuse = true
		for range 2 { // it is told until something is done about it
			res, err := b.warden().Migrate(t.Context(), plan.Target{})
			var drift *dbwarden.DriftError
			if !errors.As(err, &drift) || !slices.Equal(drift.Drift.Objects, []string{"added table stray"}) {
				t.Fatalf("got %v, want drift", err)
			}
			if len(res.Completed) > 0 || b.value("SELECT COUNT(*) FROM dbwarden_migrations") != "1" || b.locked() {
				t.Errorf("completed %d, the lock is held: %v", len(res.Completed), b.locked())
			}
		}
		if _, err := b.tryValue("SELECT COUNT(*) FROM t2"); err == nil {
			t.Error("the migration was run")
		}
		// A rollback may be what mends.
		if res := b.run(migration.Down, plan.Target{}); res.Drift == nil || len(res.Completed) != 1 {
			t.Errorf("a rollback: drift %v, %d reverted", res.Drift, len(res.Completed))
		}
		if got := b.drifts(3); got != nil {
			t.Errorf("told again: %q", got)
		}
	})
}

// What runs have done, whoever's and however they ended, is no drift; and behind
// it drift is told again.
func TestWhatARunHasDoneIsNoDrift(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		for _, c := range []struct {
			what string
			do   func(t *testing.T, b *bench, f *prints)
		}{
			{"a rollback", func(t *testing.T, b *bench, f *prints) { b.run(migration.Down, plan.Target{}) }},
			{"a rollback to nothing", func(t *testing.T, b *bench, f *prints) { b.run(migration.Down, plan.Target{Empty: true}) }},
			{"a run out of order", func(t *testing.T, b *bench, f *prints) {
				b.put("0000_early.sql", "-- upgrade\nCREATE TABLE early (id INTEGER);\n-- rollback\n")
				b.run(migration.Up, plan.Target{AllowOutOfOrder: true})
			}},
			{"an atomic run", func(t *testing.T, b *bench, f *prints) {
				if p.engine.Caps.TransactionalDDL {
					b.put(aTable(2))
					b.put(aTable(3))
					b.run(migration.Up, plan.Target{Atomic: true})
				}
			}},
			{"a run that failed behind another migration", func(t *testing.T, b *bench, f *prints) {
				b.put(aTable(2))
				b.put("0003_bad.sql", "-- upgrade\nCREATE TABLE part (id INTEGER);\nSELECT * FROM nowhere;\n-- rollback\n")
				if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
					t.Fatal("it did not fail")
				}
				b.put("0003_bad.sql", "-- upgrade\nCREATE TABLE part (id INTEGER);\nSELECT 1;\n-- rollback\n")
				b.recover = true
			}},
			{"a run that was killed inside a migration", func(t *testing.T, b *bench, f *prints) {
				b.put("0002_two.sql", "-- transaction: off\n-- upgrade\nCREATE TABLE a (id INTEGER);\nCREATE TABLE b (id INTEGER);\n-- rollback\n")
				b.killed(func(e event.Event) bool { return e.Kind == event.StatementDone })
			}},
			{"a run that was killed before it took its fingerprint", func(t *testing.T, b *bench, f *prints) {
				b.put(aTable(2))
				b.killed(func(e event.Event) bool { return e.Kind == event.RunDone })
			}},
			{"a run that takes none", func(t *testing.T, b *bench, f *prints) {
				own := b.fingerprint
				b.fingerprint = nil
				b.put(aTable(2))
				b.migrate()
				b.fingerprint = own
			}},
			{"a baseline", func(t *testing.T, b *bench, f *prints) {
				b.put(aTable(2))
				b.exec("CREATE TABLE t2 (id INTEGER NOT NULL PRIMARY KEY, n INTEGER)")
				v, _ := migration.ParseVersion("2")
				if _, err := b.warden().Baseline(t.Context(), plan.Target{To: v}); err != nil {
					t.Fatal(err)
				}
			}},
			{"the original tool's upgrade", func(t *testing.T, b *bench, f *prints) {
				b.put(aTable(2))
				b.exec("CREATE TABLE t2 (id INTEGER NOT NULL PRIMARY KEY, n INTEGER)")
				b.exec("INSERT INTO dbwarden_migrations (version, filename, migration_type, applied_at) VALUES ('0002', '0002_t.sql', 'versioned', CURRENT_TIMESTAMP)")
			}},
			{"the original tool's rollback", func(t *testing.T, b *bench, f *prints) {
				b.exec("DROP TABLE t1")
				b.exec("DELETE FROM dbwarden_migrations")
			}},
			{"what a file has set in its session", func(t *testing.T, b *bench, f *prints) {
				b.put("0002_view.sql", "-- upgrade\nCREATE VIEW v AS SELECT n FROM t1;\n-- rollback\n")
				b.migrate()
				set := map[string]string{"postgres": "SET quote_all_identifiers = on", "mysql": "SET sql_mode = 'ANSI_QUOTES'", "sqlite": "PRAGMA case_sensitive_like = 1"}[p.engine.Name]
				b.put("0003_set.sql", "-- upgrade\nCREATE TABLE x (id INTEGER);\n"+set+";\n-- rollback\n")
				b.migrate()
			}},
		} {
			t.Run(c.what, func(t *testing.T) {
				t.Parallel()
				b, f := printed(t, p)
				b.t = t
				c.do(t, b, f)
				if got := b.drifts(7); got != nil {
					t.Fatalf("it is told as drift: %q", got)
				}
				b.exec("CREATE TABLE stray (id INTEGER)")
				if got := b.drifts(8); !slices.Equal(got, []string{"added table stray"}) {
					t.Errorf("behind it: %q", got)
				}
			})
		}
	})
}

// killed has a run end as a kill does, with its session, where at says so. The
// next ones recover from that.
func (b *bench) killed(at func(event.Event) bool) {
	b.t.Helper()
	func() {
		defer func() {
			if recover() == nil {
				b.t.Fatal("it was not killed")
			}
		}()
		b.watch = func(e event.Event) {
			if at(e) {
				panic("killed")
			}
		}
		_, _ = b.warden().Migrate(b.t.Context(), plan.Target{})
	}()
	b.watch, b.recover = nil, true
}

// A run that left nothing behind leaves the fingerprint as good as it was.
func TestDriftBehindARunThatLeftNothingIsTold(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		for _, c := range []struct {
			what string
			do   func(t *testing.T, b *bench)
		}{
			{"failed and rolled back", func(t *testing.T, b *bench) {
				name, _ := aTable(2)
				b.put(name, "-- upgrade\nSELECT * FROM nowhere;\n-- rollback\n")
				if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
					t.Fatal("it did not fail")
				}
			}},
			{"killed inside a transaction, and recovered from", func(t *testing.T, b *bench) {
				b.killed(func(e event.Event) bool { return e.Kind == event.PlanReady })
			}},
			{"adopted a changed file", func(t *testing.T, b *bench) {
				name, text := aTable(1)
				b.put(name, strings.Replace(text, "(id", "( id", 1))
				found, err := b.warden().Differences(t.Context())
				if err != nil || len(found) != 1 {
					t.Fatalf("got %v, %v", found, err)
				}
				if res, err := b.warden().Repair(t.Context(), found); err != nil || len(res.Completed) != 1 {
					t.Fatalf("repair: %v", err)
				}
			}},
			{"killed inside a transaction, and unlocked", func(t *testing.T, b *bench) {
				b.killed(func(e event.Event) bool { return e.Kind == event.PlanReady })
				b.recover = false
				if _, err := b.warden().Unlock(t.Context(), false, ""); err != nil {
					t.Fatal(err)
				}
			}},
		} {
			t.Run(c.what, func(t *testing.T) {
				t.Parallel()
				b, _ := printed(t, p)
				b.t = t
				b.put(aTable(2))
				c.do(t, b)
				b.exec("CREATE TABLE stray (id INTEGER)")
				if got := b.drifts(2); !slices.Equal(got, []string{"added table stray"}) {
					t.Errorf("got %q", got)
				}
			})
		}
	})
}

// Who waited for the lock is behind who had it, also with what is drift.
func TestOfTwoRunnersTheOnesWorkIsNoDriftForTheOther(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b, other, f := twoRunners(t, p)
		other.put(aTable(3))
		res, err := other.runBehind(b)
		if err != nil || len(res.Completed) != 1 || res.Drift != nil || f.compared != 1 {
			t.Errorf("completed %d, drift %v, compared %d times, %v", len(res.Completed), res.Drift, f.compared, err)
		}
	})
}

func TestAWaiterWithNothingLeftToDoLooksAtNoSchema(t *testing.T) {
	t.Parallel()
	b, other, f := twoRunners(t, sqliteProduct())
	other.refuse = true
	res, err := other.runBehind(b)
	if err != nil || len(res.Completed) > 0 || f.taken > 0 {
		t.Errorf("completed %d, %d fingerprints taken, %v", len(res.Completed), f.taken, err)
	}
}

// twoRunners are two on one database, with a migration that is pending. The
// second one counts its fingerprints.
func twoRunners(t *testing.T, p product) (b, other *bench, f *prints) {
	t.Helper()
	b, _ = printed(t, p)
	b.put(aTable(2))
	copied := *b
	other, f = &copied, &prints{}
	other.fingerprint, other.files = f.of(p.engine), maps.Clone(b.files)
	return b, other, f
}

// runBehind has other wait for b's run, and run behind it.
func (other *bench) runBehind(b *bench) (*dbwarden.Result, error) {
	t := b.t
	begun, waits, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	b.watch = func(e event.Event) {
		if e.Kind == event.MigrationStarted {
			close(begun)
			<-waits
		}
	}
	waiting := waits
	other.watch = func(e event.Event) {
		if e.Kind == event.LockWaiting && waiting != nil {
			close(waiting)
			waiting = nil
		}
	}
	go func() {
		defer close(done)
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err != nil {
			t.Error(err)
		}
	}()
	<-begun
	res, err := other.warden().Migrate(t.Context(), plan.Target{})
	<-done
	return res, err
}

func TestASchemaThatCannotBeReadFailsNoMigration(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b, f := printed(t, p)
		broken := func(_ int, s engine.Session) error {
			_, err := s.Exec(context.Background(), "SELECT * FROM nowhere")
			return err
		}
		f.take = broken
		b.put(aTable(2))
		var told []string
		b.watch = func(e event.Event) {
			if e.Kind == event.Warning {
				told = append(told, e.Detail)
			}
		}
		res := b.run(migration.Up, plan.Target{})
		if len(res.Completed) != 1 || b.locked() {
			t.Fatalf("completed %d, locked %v", len(res.Completed), b.locked())
		}
		if len(told) != 2 || !strings.HasPrefix(told[0], "whether the schema is as the last run left it cannot be seen: ") || !strings.Contains(told[0], "nowhere") {
			t.Errorf("before: %q", told)
		}
		if len(res.Warnings) != 1 || !strings.HasPrefix(res.Warnings[0], "what the schema looks like now was not kept, ") || len(told) == 2 && told[1] != res.Warnings[0] {
			t.Errorf("behind: %q, and as an event %q", res.Warnings, told)
		}

		// Where drift is to be refused, not to know is no better.
		f.take = nil
		b.run(migration.Down, plan.Target{})
		f.take, b.refuse = broken, true
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil || !strings.HasPrefix(err.Error(), "look for drift: ") || b.locked() {
			t.Errorf("got %v, locked %v", err, b.locked())
		}
		if got := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); got != "1" {
			t.Errorf("%s migrations are applied", got)
		}
	})
}

// Whose hold was taken away keeps nothing.
func TestAFingerprintStandsBehindTheFence(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b, f := printed(t, p)
		b.put(aTable(2))
		was := b.value("SELECT run_id FROM dbwarden_schema")
		f.take = func(n int, s engine.Session) error {
			if n == 3 { // behind the run
				now := map[string]string{"sqlite": "CURRENT_TIMESTAMP"}[p.engine.Name]
				if now == "" {
					now = "NOW()"
				}
				b.exec("UPDATE dbwarden_lock SET locked = FALSE, release_at = " + now)
			}
			return nil
		}
		res, err := b.warden().Migrate(t.Context(), plan.Target{})
		if !errors.Is(err, lock.ErrLost) || len(res.Completed) != 1 || len(res.Warnings) > 0 {
			t.Errorf("completed %d, warnings %q, %v", len(res.Completed), res.Warnings, err)
		}
		if got := b.value("SELECT run_id FROM dbwarden_schema"); got != was || f.taken != 3 {
			t.Errorf("run %s has kept a fingerprint, want still that of %s", got, was)
		}
	})
}

// An account that stops a run while its fingerprint is taken loses nothing.
func TestARunThatIsStoppedAtItsFingerprintHasRun(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b, f := printed(t, p)
		ctx, stop := context.WithCancel(t.Context())
		f.take = func(n int, s engine.Session) error {
			if n == 3 {
				stop()
			}
			return nil
		}
		b.put(aTable(2))
		res, err := b.warden().Migrate(ctx, plan.Target{})
		if err != nil || len(res.Completed) != 1 || len(res.Warnings) != 1 || b.locked() {
			t.Errorf("completed %d, warnings %q, locked %v, %v", len(res.Completed), res.Warnings, b.locked(), err)
		}
		f.take = nil
		if got := b.drifts(3); got != nil {
			t.Errorf("told as drift: %q", got)
		}
	})
}
