package dbwarden_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// TestVariablesReachTheServerAsTheyAre: whatever is in a value, and whatever
// the file has set of quotes, ${'x'} is that text and ${"x"} that name.
func TestVariablesReachTheServerAsTheyAre(t *testing.T) {
	values := []string{"plain", "it's", `back\slash`, `a\'b\\`, `say "hi"`, "two\nlines", "$$; DROP TABLE k --", "ünïcode ☂", "back`tick", "", "${x}", `\`}
	settings := map[string][]string{
		"sqlite":   {""},
		"postgres": {"", "SET standard_conforming_strings = off;", "SET backslash_quote = off;"},
		"mysql":    {"", "SET sql_mode = 'NO_BACKSLASH_ESCAPES';", "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';"},
	}
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"0001_k.sql": "-- upgrade\nCREATE TABLE k (n INTEGER, v VARCHAR(100));\n"})
		b.vars = map[string]migration.Value{}
		n := 0
		for _, set := range settings[p.engine.Name] {
			file := "-- vars: on\n-- upgrade\n" + set + "\n"
			for i, v := range values {
				b.vars[fmt.Sprintf("v%d", i)] = migration.Value{Text: v}
				file += fmt.Sprintf("INSERT INTO k VALUES (%d, ${'v%d'});\n", n, i)
				if v != "" {
					file += fmt.Sprintf("CREATE TABLE q%d (${\"v%d\"} INTEGER);\n", n, i)
				}
				n++
			}
			b.put(fmt.Sprintf("%04d_v.sql", 2+n), file)
		}
		b.migrate()
		for i := range n {
			v := values[i%len(values)]
			if got := b.value(fmt.Sprintf("SELECT v FROM k WHERE n = %d", i)); got != v {
				t.Errorf("%q arrived as %q", v, got)
			}
			if v != "" {
				b.exec(fmt.Sprintf("INSERT INTO q%d (%s) VALUES (1)", i, p.engine.Dialect.Quote(v)))
			}
		}
	})
}

// TestNoSecretValueIsToldOrKept: what a server says of a statement, with the
// statement cut in the middle of the value or not, is told and kept without it;
// of the statement there is what the file has.
func TestNoSecretValueIsToldOrKept(t *testing.T) {
	const secret = "s3cr3t'of\\value"
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{
			"0001_t.sql": "-- upgrade\nCREATE TABLE t (n INTEGER PRIMARY KEY, v VARCHAR(200) UNIQUE);\n",
			"0002_v.sql": "-- vars: on\n-- transaction: off\n-- upgrade\nCREATE TABLE w (v VARCHAR(200) DEFAULT ${'word'});\nINSERT INTO t VALUES (1, ${'word'});\nINSERT INTO t VALUES (2, ${'word'});\n",
		})
		b.vars = map[string]migration.Value{"word": {Text: secret, Secret: true}, "long": {Text: strings.Repeat(secret, 20), Secret: true}}
		var told []string
		b.watch = func(e event.Event) {
			told = append(told, e.SQL, e.Detail)
			if e.Err != nil {
				told = append(told, e.Err.Error())
			}
		}
		look := func(err error) {
			t.Helper()
			var failed *dbwarden.MigrationError
			if !errors.As(err, &failed) || !strings.Contains(failed.Statement, "${'word'}") && !strings.Contains(failed.Statement, "${'long'}") {
				t.Fatalf("%v, and %+v", err, failed)
			}
			told = append(told, fmt.Sprintf("%v %+v", err, failed.Fault), failed.Summary(), failed.Statement)
			entries, err := b.warden().Attempts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				told = append(told, fmt.Sprintf("%+v", e))
			}
			all := strings.Join(told, "\n")
			for _, part := range []string{"s3cr3t", fmt.Sprintf("%X", "s3cr3t")} {
				if i := strings.Index(all, part); i >= 0 {
					t.Errorf("a secret is told: …%s…", all[max(0, i-200):min(len(all), i+100)])
				}
			}
		}
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		look(err)
		if v := b.value("SELECT v FROM t"); v != secret {
			t.Errorf("it arrived as %q", v)
		}
		b.exec("UPDATE dbwarden_lock SET locked = FALSE")
		b.put("0002_v.sql", "-- vars: on\n-- transaction: off\n-- upgrade\nCREATE TABLE w (v VARCHAR(200) DEFAULT ${'word'});\nINSERT INTO t VALUES (1, ${'word'});\nSELECT 1 FRM ${'long'};\n")
		_, err = b.warden().Migrate(t.Context(), plan.Target{})
		look(err)
	})
}

// TestNoNoticeHasASecretValue: what a server says beside a statement's results
// names what the statement names.
func TestNoNoticeHasASecretValue(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		if p.engine.Name == "sqlite" {
			t.Skip("SQLite says nothing beside results")
		}
		b := newBench(t, p, map[string]string{"0001_a.sql": "-- vars: on\n-- upgrade\n" +
			"CREATE TABLE IF NOT EXISTS ${\"word\"} (n INTEGER);\nCREATE TABLE IF NOT EXISTS ${\"word\"} (n INTEGER);\n"})
		b.vars = map[string]migration.Value{"word": {Text: "s3cr3t", Secret: true}}
		var said []string
		b.watch = func(e event.Event) {
			if e.Kind == event.Notice {
				said = append(said, e.Detail)
			}
		}
		b.migrate()
		if all := strings.Join(said, "\n"); !strings.Contains(all, "***") || strings.Contains(all, "s3cr3t") {
			t.Errorf("it said %q", said)
		}
	})
}

// TestAScriptHasNoSecretAndAsksNothing: what it cannot do is refused.
func TestAScriptHasNoSecretAndAsksNothing(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"0001_a.sql": "-- vars: on\n-- upgrade\nSELECT 1;\nSELECT ${'word'};\n"})
		b.vars = map[string]migration.Value{"word": {Text: "it's", Secret: true}}
		var out strings.Builder
		refused := func(line int) {
			t.Helper()
			_, err := b.warden().Script(t.Context(), plan.Target{}, &out)
			var r *plan.Refusal
			if !errors.As(err, &r) || r.Code != plan.NotScripted || r.Items[0].Line != line || strings.Contains(out.String()+err.Error(), "it''s") {
				t.Errorf("%v\n%s", err, out.String())
			}
		}
		refused(4)
		b.put("0001_a.sql", "-- ensure: SELECT 1\n-- upgrade\nSELECT 1;\n")
		refused(1)
		b.put("0001_a.sql", "-- vars: on\n-- upgrade\nSELECT ${'word'};\n")
		b.vars["word"] = migration.Value{Text: "it's"}
		if _, err := b.warden().Script(t.Context(), plan.Target{}, &out); err != nil || !strings.Contains(out.String(), "SELECT 'it''s';") {
			t.Errorf("%v\n%s", err, out.String())
		}
	})
}

// TestWhatIsForAnotherEnvironmentWaits, without being pending, missing or late;
// and where the environment becomes its own, it runs though newer ones have.
func TestWhatIsForAnotherEnvironmentWaits(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{
			"0001_a.sql":        "-- upgrade\nCREATE TABLE a (n INTEGER);\n-- rollback\nDROP TABLE a;\n",
			"0002_rows.sql":     "-- env: dev, Staging\n-- vars: on\n-- upgrade\nINSERT INTO a VALUES (${only_there});\n-- rollback\n",
			"0003_b.sql":        "-- upgrade\nCREATE TABLE b (n INTEGER);\n-- rollback\nDROP TABLE b;\n",
			"RA__refresh.sql":   "-- env: dev\n-- upgrade\nINSERT INTO a VALUES (100);\n",
			"ROC__on_dev_x.sql": "-- env: staging\n-- upgrade\nINSERT INTO a VALUES (1000);\n",
		})
		states := func() string {
			st, err := b.warden().Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, m := range st.Migrations {
				all = append(all, string(m.State))
			}
			return fmt.Sprintf("%s %d %d %v", strings.Join(all, " "), st.AppliedTotal, st.PendingTotal, st.Clean())
		}
		b.env = "prod"
		if got := states(); got != "pending elsewhere pending elsewhere elsewhere 0 2 false" {
			t.Errorf("in prod: %s", got)
		}
		b.migrate()
		if got := states(); got != "applied elsewhere applied elsewhere elsewhere 2 0 true" {
			t.Errorf("in prod, behind migrate: %s", got)
		}
		b.env = ""
		if got := states(); got != "applied elsewhere applied elsewhere elsewhere 2 0 true" {
			t.Errorf("without an environment: %s", got)
		}
		b.env, b.vars = "staging", map[string]migration.Value{"ONLY_there": {Text: "10"}}
		if got := states(); got != "applied pending applied elsewhere pending 2 2 false" {
			t.Errorf("in staging: %s", got)
		}
		b.migrate()
		if v := b.value("SELECT SUM(n) FROM a"); v != "1010" {
			t.Errorf("the rows are %s", v)
		}
		b.env = "prod"
		if got := states(); got != "applied applied applied elsewhere applied 4 0 true" {
			t.Errorf("in prod again: %s", got)
		}
		b.put("0004_c.sql", "-- depends_on: [\"0005\"]\n-- upgrade\n")
		b.put("0005_dev.sql", "-- env: dev\n-- upgrade\n")
		_, err := b.warden().Migrate(t.Context(), plan.Target{})
		var r *plan.Refusal
		if !errors.As(err, &r) || r.Code != plan.BadDependency || !strings.Contains(r.Detail, "for other environments (dev)") {
			t.Errorf("what depends on another environment's: %v", err)
		}
	})
}
