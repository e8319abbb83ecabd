package dbwarden_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// objects is a Config.Schema.
func objects(name string) func(context.Context, engine.Session) (map[string]string, error) {
	inspect := map[string]func(context.Context, engine.Session, schema.Options) (*schema.State, error){
		"sqlite": liteschema.Inspect, "postgres": pgschema.Inspect, "mysql": myschema.Inspect,
	}[name]
	return func(ctx context.Context, s engine.Session) (map[string]string, error) {
		st, err := inspect(ctx, s, schema.Options{Own: []string{lock.Table, lock.RunTable, journal.HistoryTable, journal.EntryTable}})
		out := map[string]string{}
		if err == nil {
			for id, d := range st.Theirs().Digests() {
				out[id.String()] = d
			}
		}
		return out, err
	}
}

// save makes a plan, and sends it through a file as it were.
func (b *bench) save(t plan.Target) *plan.Saved {
	b.t.Helper()
	p, err := b.warden().Plan(b.t.Context(), t)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		b.t.Fatal(err)
	}
	p = &plan.Saved{}
	if err := json.Unmarshal(text, p); err != nil {
		b.t.Fatal(err)
	}
	return p
}

func planned() map[string]string {
	return map[string]string{
		"1_a.sql":   "-- upgrade\nCREATE TABLE a (id INTEGER);\n-- rollback\nDROP TABLE a;",
		"2_b.sql":   "-- upgrade\nCREATE TABLE b (id INTEGER);\nINSERT INTO b VALUES (1);\n-- rollback\nDROP TABLE b;",
		"3_c.sql":   "-- upgrade\nINSERT INTO a VALUES (3);\n-- rollback\nDELETE FROM a;",
		"RA__r.sql": "-- upgrade\nINSERT INTO a VALUES (9);",
	}
}

func TestASavedPlanIsRefusedAfterAnySingleChange(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, planned())
		if _, err := b.warden().Migrate(t.Context(), plan.Target{Count: 1}); err != nil {
			t.Fatal(err)
		}
		b.schema = objects(p.engine.Name)
		saved := b.save(plan.Target{})
		if len(saved.Steps) != 3 || len(saved.World.Schema) == 0 || !strings.Contains(strings.Join(saved.Steps[0].Groups[0].SQL, ""), "CREATE TABLE b") {
			t.Fatalf("saved %+v", saved)
		}
		at := b.value("SELECT description FROM dbwarden_migrations")
		file := func(name, text string) func() {
			return func() {
				if text == "" {
					delete(b.files, name)
					return
				}
				b.put(name, text)
			}
		}
		sql := func(q string) func() { return func() { b.exec(q) } }
		old := planned()
		for _, c := range []struct {
			change, undo func()
			moved        plan.Moved
		}{
			{file("2_b.sql", old["2_b.sql"]+"\n-- a word"), file("2_b.sql", old["2_b.sql"]), plan.Moved{What: "file", Name: "2_b.sql", How: "changed"}},
			{file("1_a.sql", "-- a word\n"+old["1_a.sql"]), file("1_a.sql", old["1_a.sql"]), plan.Moved{What: "file", Name: "1_a.sql", How: "changed"}},
			{file("3_c.sql", ""), file("3_c.sql", old["3_c.sql"]), plan.Moved{What: "file", Name: "3_c.sql", How: "gone"}},
			{file("4_d.sql", "-- upgrade\nSELECT 1;"), file("4_d.sql", ""), plan.Moved{What: "file", Name: "4_d.sql", How: "new"}},
			{sql("UPDATE dbwarden_migrations SET description = 'x'"), sql("UPDATE dbwarden_migrations SET description = '" + at + "'"), plan.Moved{What: "history", Name: "1", How: "changed"}},
			{sql("INSERT INTO dbwarden_migrations (version, filename) VALUES ('99', 'z')"), sql("DELETE FROM dbwarden_migrations WHERE version = '99'"), plan.Moved{What: "history", Name: "99", How: "new"}},
			{sql("CREATE TABLE z (id INTEGER)"), sql("DROP TABLE z"), plan.Moved{What: "schema", Name: "table z", How: "new"}},
			{sql("ALTER TABLE a ADD COLUMN n INTEGER"), sql("ALTER TABLE a DROP COLUMN n"), plan.Moved{What: "schema", Name: "table a", How: "changed"}},
			{sql("CREATE INDEX i ON a (id)"), func() {
				b.exec(map[bool]string{true: "DROP INDEX i ON a", false: "DROP INDEX i"}[p.engine.Name == "mysql"])
			}, plan.Moved{What: "schema", Name: "table a", How: "changed"}},
			{sql("ALTER TABLE a RENAME TO aa"), sql("ALTER TABLE aa RENAME TO a"), plan.Moved{What: "schema", Name: "table a", How: "gone"}},
		} {
			c.change()
			_, err := b.warden().MigrateSaved(t.Context(), saved)
			var refused *plan.Refusal
			if !errors.As(err, &refused) || refused.Code != plan.PlanMoved || refused.Moved[0] != c.moved || !strings.Contains(err.Error(), c.moved.String()) {
				t.Errorf("behind %+v: %v", c.moved, err)
			}
			c.undo()
		}
		if b.locked() {
			t.Error("a refusal keeps the lock")
		}
		if n := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); n != "1" {
			t.Errorf("a refused plan ran: %s rows", n)
		}
		// Files of another system's line endings are the same files.
		for name, text := range old {
			b.put(name, strings.ReplaceAll(text, "\n", "\r\n"))
		}
		res, err := b.warden().MigrateSaved(t.Context(), saved)
		if err != nil || len(res.Completed) != 3 {
			t.Fatalf("completed %v: %v", res.Completed, err)
		}
		if res, err := b.warden().MigrateSaved(t.Context(), saved); err != nil || len(res.Completed) != 0 {
			t.Errorf("carried out already: %v, %v", res.Completed, err)
		}
		b.rollback(plan.Target{Count: 1})
		var refused *plan.Refusal
		if _, err := b.warden().MigrateSaved(t.Context(), saved); !errors.As(err, &refused) || refused.Code != plan.PlanMoved {
			t.Errorf("a plan of which a part was taken back: %v", err)
		}
	})
}

// What comes between the plan and the lock counts.
func TestASavedPlanIsCheckedUnderTheLock(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, planned())
		b.schema = objects(p.engine.Name)
		saved := b.save(plan.Target{})
		b.watch = func(e event.Event) {
			if e.Kind == event.LockAcquired {
				b.exec("CREATE TABLE between_them (id INTEGER)")
			}
		}
		_, err := b.warden().MigrateSaved(t.Context(), saved)
		var refused *plan.Refusal
		want := []plan.Moved{{What: "schema", Name: "table between_them", How: "new"}}
		if !errors.As(err, &refused) || cmp.Diff(want, refused.Moved) != "" {
			t.Errorf("refused with %v", err)
		}
	})
}

// Twenty replicas are given the same plan.
func TestOneOfManyRunsASavedPlan(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, planned())
		b.schema = objects(p.engine.Name)
		saved := b.save(plan.Target{})
		var all sync.WaitGroup
		var mu sync.Mutex
		completed := 0
		for range 4 {
			w := b.warden()
			all.Go(func() {
				res, err := w.MigrateSaved(t.Context(), saved)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				completed += len(res.Completed)
			})
		}
		all.Wait()
		if n := b.value("SELECT COUNT(*) FROM a"); completed != 4 || n != "2" {
			t.Errorf("%d migrations ran, a has %s rows", completed, n)
		}
	})
}

// A plan of what is half applied goes on behind what has run.
func TestASavedPlanGoesOnWithWhatIsHalfApplied(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		const head = "-- transaction: off\n-- upgrade\nCREATE TABLE a (id INTEGER);\n"
		b := newBench(t, p, map[string]string{"1_a.sql": head + "no sql;"})
		b.recover = true
		early := b.save(plan.Target{})
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("it ran")
		}
		_, err := b.warden().MigrateSaved(t.Context(), early)
		var refused *plan.Refusal
		if !errors.As(err, &refused) || cmp.Diff([]plan.Moved{{What: "history", Name: "1 (half done)", How: "new"}}, refused.Moved) != "" {
			t.Errorf("a plan from before: %v", err)
		}
		b.put("1_a.sql", head+"CREATE TABLE b (id INTEGER);")
		saved := b.save(plan.Target{})
		if st := saved.Steps[0]; st.Done != 1 || len(st.Groups) != 1 || st.Groups[0].From != 2 {
			t.Errorf("planned %+v", st)
		}
		if _, err := b.warden().MigrateSaved(t.Context(), saved); err != nil {
			t.Fatal(err)
		}
		if _, err := b.warden().MigrateSaved(t.Context(), saved); err != nil {
			t.Errorf("carried out already: %v", err)
		}
	})
}

// What a plan does not show of a statement is not compared as text: a variable in it
// is known by the digest of its value.
func TestASavedPlanIsForTheValuesOfItsVariables(t *testing.T) {
	const table = "CREATE TABLE a (id INTEGER, note VARCHAR(5000));\n"
	long := strings.Repeat("x", 4_500)
	cases := map[string]string{ // by the variable
		"token_ttl": "-- vars: on\n-- upgrade\n" + table + "INSERT INTO a VALUES (1, ${'token_ttl'});",
		"late":      "-- vars: on\n-- upgrade\n" + table + strings.Repeat("INSERT INTO a VALUES (3, '"+long+"');\n", 17) + "INSERT INTO a VALUES (4, ${'Late'});",
		"tail":      "-- vars: on\n-- upgrade\n" + table + "INSERT INTO a VALUES (2, '" + long + "${tail}');",
		"asked":     "-- vars: on\n-- require: SELECT 12345 <> ${'asked'}\n-- upgrade\n" + table,
		"shown":     "-- vars: on\n-- upgrade\n" + table + "INSERT INTO a VALUES (1, ${'shown'});",
	}
	onEvery(t, func(t *testing.T, p product) {
		for name, file := range cases {
			if !p.engine.Caps.File && (name == "tail" || name == "asked") {
				continue // a digest takes its time
			}
			b := newBench(t, p, map[string]string{"1_a.sql": file})
			give := func(value string) {
				b.vars = map[string]migration.Value{name: {Text: value, Secret: name == "token_ttl"}, "unused": {Text: value}}
			}
			give("3600")
			saved := b.save(plan.Target{})
			text, err := json.Marshal(saved)
			if shown := name == "shown"; err != nil || strings.Contains(string(text), "3600") != shown || len(saved.World.Variables) != map[bool]int{false: 1, true: 0}[shown] {
				t.Errorf("%s: %v: %s", name, err, text)
			}
			refused := func(moved plan.Moved) {
				t.Helper()
				_, err := b.warden().MigrateSaved(t.Context(), saved)
				var no *plan.Refusal
				if !errors.As(err, &no) || no.Code != plan.PlanMoved || cmp.Diff([]plan.Moved{moved}, no.Moved) != "" {
					t.Errorf("with another value of %s: %v", name, err)
				}
			}
			give("60")
			if name == "shown" {
				refused(plan.Moved{What: "plan", Name: "1_a.sql", How: "changed"})
				continue
			}
			refused(plan.Moved{What: "variable", Name: name, How: "changed"})
			b.vars = nil
			refused(plan.Moved{What: "variable", Name: name, How: "gone"})
			give("3600")
			if again, err := json.Marshal(b.save(plan.Target{})); err != nil || string(again) != string(text) {
				t.Errorf("the same plan is another file: %v\n%s\n%s", err, text, again)
			}
			b.vars["unused"] = migration.Value{Text: "another"}
			if res, err := b.warden().MigrateSaved(t.Context(), saved); err != nil || len(res.Completed) != 1 {
				t.Errorf("completed %v: %v", res.Completed, err)
			}
			give("60")
			if res, err := b.warden().MigrateSaved(t.Context(), saved); err != nil || len(res.Completed) != 0 {
				t.Errorf("carried out already: %v, %v", res.Completed, err)
			}
		}
	})
}

func TestASavedPlanHoldsNoSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t, sqliteProduct(), map[string]string{"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER, password TEXT DEFAULT 'hunter2');\nCREATE TABLE b (x TEXT DEFAULT '" + strings.Repeat("é", 3000) + "');"})
	p := b.save(plan.Target{})
	text, err := json.Marshal(p)
	if err != nil || strings.Contains(string(text), "hunter2") || !strings.Contains(string(text), "it says password") || !strings.Contains(string(text), "bytes more") {
		t.Errorf("%v: %s", err, text)
	}
	if _, err := b.warden().MigrateSaved(t.Context(), p); err != nil {
		t.Error(err)
	}
	if _, err := b.warden().MigrateSaved(t.Context(), &plan.Saved{Format: 2}); err == nil {
		t.Error("a plan of another format ran")
	}
}
