package dbwarden_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// scripted are migrations that a client may read in another way than we do.
func scripted(engine string) map[string]string {
	files := map[string]string{
		"1_a.sql":       "-- upgrade\nCREATE TABLE a (id INTEGER, note VARCHAR(100));\n-- rollback\nDROP TABLE a;",
		"2_words.sql":   "-- upgrade\nINSERT INTO a VALUES (1, 'a; b -- c');\n-- between\nINSERT INTO a VALUES (2, 'it''s :id /* \"x\" */ $1 ?') -- behind\n;\nINSERT INTO a VALUES (3, 'é\n-- no comment\n');",
		"3_nothing.sql": "-- upgrade\n-- rollback\n",
		"9_seed.sql":    "-- seed\n-- upgrade\nINSERT INTO a VALUES (9, 'seed');",
		"RA__r.sql":     "-- upgrade\nINSERT INTO a VALUES (100, 'always');",
		"ROC__v.sql":    "-- upgrade\nDROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT id FROM a WHERE id > 1;",
		"5_off.sql":     "-- transaction: off\n-- upgrade\nCREATE TABLE off_one (id INTEGER);\nINSERT INTO off_one VALUES (1);\nCREATE TABLE off_two (id INTEGER);",
		"6_own.sql":     "-- upgrade\nBEGIN;\nINSERT INTO a VALUES (6, 'own');\nCOMMIT;",
	}
	switch engine {
	case "postgres":
		files["4_code.sql"] = "-- upgrade\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$\nBEGIN\n  -- it stays; all of it\n  RETURN 1;\nEND $f$;\nSET search_path = pg_catalog;\nSET LOCAL work_mem = '5MB';\nINSERT INTO public.a VALUES (4, E'back\\\\slash');\nCOPY public.a FROM stdin;\n7\tcopied; \\\\. row\n8\t\\N\n\\.\n"
		files["7_index.sql"] = "-- lock_timeout: 1s\n-- upgrade\nCREATE INDEX CONCURRENTLY i ON a (id);\nINSERT INTO a VALUES (70, current_setting('lock_timeout'));"
		files["8_path.sql"] = "-- upgrade\nINSERT INTO a VALUES (80, current_setting('search_path'));"
	case "mysql":
		files["4_code.sql"] = "-- upgrade\nDELIMITER //\nCREATE PROCEDURE p()\nBEGIN\n  -- it stays; all of it\n  SELECT 1; /* and this */\nEND//\nDELIMITER ;\nINSERT INTO a VALUES (4, 'back\\\\slash \\' ; ');\nCREATE TRIGGER t BEFORE INSERT ON off_three FOR EACH ROW SET NEW.id = NEW.id + 1;"
		files["31_t.sql"] = "-- upgrade\nCREATE TABLE off_three (id INTEGER);"
		files["4_code.sql"], files["40_code.sql"] = "-- upgrade\nCREATE INDEX i ON a (id);", files["4_code.sql"]
	default:
		files["4_code.sql"] = "-- upgrade\nCREATE TRIGGER t AFTER INSERT ON a WHEN NEW.id = 6 BEGIN\n  -- it stays; all of it\n  INSERT INTO a VALUES (60, 'x;y');\n  DELETE FROM a WHERE id = 0;\nEND;\nINSERT INTO a VALUES (4, 'back\\slash');"
	}
	return files
}

// script writes one, and has the product's client run it.
func (b *bench) script(t plan.Target) string {
	b.t.Helper()
	var out bytes.Buffer
	if _, err := b.warden().Script(b.t.Context(), t, &out); err != nil {
		b.t.Fatal(err)
	}
	return out.String()
}

func (b *bench) client(script string) (string, error) {
	b.t.Helper()
	return dbtest.Client(b.t.Context(), b.t, b.url, script)
}

// standing is all that is to be the same behind migrate and behind a script.
func (b *bench) standing() map[string]string {
	b.t.Helper()
	out := map[string]string{}
	s := b.session()
	defer s.Close()
	state, err := objects(b.engine.Name)(b.t.Context(), s)
	if err != nil {
		b.t.Fatal(err)
	}
	maps.Copy(out, state)
	rows := func(name, query string) {
		all := ""
		err := s.Query(b.t.Context(), func(scan func(...any) error) error {
			var row string
			err := scan(&row)
			all += row + "\n"
			return err
		}, query)
		if err != nil && b.engine.Fault(err).Kind != engine.Missing {
			b.t.Fatalf("%s: %v", query, err)
		}
		out[name] = all
	}
	text := "COALESCE(note, 'none')"
	if b.engine.Name == "mysql" {
		rows("rows of a", "SELECT CONCAT(id, ' ', "+text+") FROM a ORDER BY id")
	} else {
		rows("rows of a", "SELECT id || ' ' || "+text+" FROM a ORDER BY id")
	}
	history, err := b.warden().History(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for i, r := range history {
		out[fmt.Sprintf("history %02d", i)] = fmt.Sprint(r.Version, r.File, r.Kind, r.Runs, r.Checksum, r.ChecksumKind, r.Description, r.Statements, r.By, r.Program, r.AppliedAt.IsZero())
	}
	rows("hashes", "SELECT COALESCE(statement_hashes, '') FROM dbwarden_migrations ORDER BY id")
	entries, err := b.warden().Attempts(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for i, e := range entries {
		out[fmt.Sprintf("journal %02d", i)] = fmt.Sprint(e.What, e.Direction, e.Version, e.File, e.From, e.To, e.Statements, e.Checksum, e.Detail, e.By)
	}
	st, err := b.warden().Status(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range st.Migrations {
		out["status of "+m.File] = fmt.Sprint(m.State, m.Detail)
	}
	out["lock"] = fmt.Sprint(st.Lock.Active)
	return out
}

// On a new database and on one with a history, the script does what migrate
// does; again it does nothing.
func TestAScriptDoesWhatMigrateDoes(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		for name, before := range map[string]int{"new": 0, "with a history": 2} {
			t.Run(name, func(t *testing.T) {
				byUs, byScript := newBench(t, p, scripted(p.engine.Name)), newBench(t, p, scripted(p.engine.Name))
				if before > 0 {
					for _, b := range []*bench{byUs, byScript} {
						if _, err := b.warden().Migrate(t.Context(), plan.Target{Count: before}); err != nil {
							t.Fatal(err)
						}
					}
				}
				byUs.plain = true // as the script, with an entry for each statement
				byUs.migrate()
				script := byScript.script(plan.Target{})
				if out, err := byScript.client(script); err != nil {
					t.Fatalf("%v: %s\n%s", err, out, script)
				}
				want, got := byUs.standing(), byScript.standing()
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("migrate leaves -, the script +:\n%s", diff)
				}
				out, err := byScript.client(script)
				if err == nil {
					t.Errorf("it ran twice: %s", out)
				}
				if diff := cmp.Diff(got, byScript.standing()); diff != "" {
					t.Errorf("the second time it changed something:\n%s", diff)
				}
				byScript.migrate() // RA__ alone
			})
		}
	})
}

// A script stops before anything else where somebody holds the lock, and where
// something was applied, or changed in the history, since it was written.
func TestAScriptStopsAtALockAndAtAnotherHistory(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		files := map[string]string{"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER, note VARCHAR(100));", "2_b.sql": "-- upgrade\nCREATE TABLE b (id INTEGER);", "3_c.sql": "-- upgrade\nCREATE TABLE c (id INTEGER);"}
		b := newBench(t, p, files)
		if _, err := b.warden().Migrate(t.Context(), plan.Target{Count: 1}); err != nil {
			t.Fatal(err)
		}
		script := b.script(plan.Target{})
		refused := func(why, want string) {
			t.Helper()
			before := b.standing()
			out, err := b.client(script)
			if err == nil || !strings.Contains(out, want) {
				t.Errorf("%s: %v, %s", why, err, out)
			}
			if diff := cmp.Diff(before, b.standing()); diff != "" {
				t.Errorf("%s: it changed something:\n%s", why, diff)
			}
		}
		b.exec("UPDATE dbwarden_lock SET locked = TRUE")
		refused("frozen by hand", "dbwarden: the migration lock is held")
		b.exec("UPDATE dbwarden_lock SET locked = FALSE")
		sum := b.value("SELECT checksum FROM dbwarden_migrations")
		b.exec("UPDATE dbwarden_migrations SET checksum = 'x'")
		refused("another checksum", "dbwarden: not the history that this script is for")
		b.exec("UPDATE dbwarden_migrations SET checksum = '" + sum + "'")
		b.exec("INSERT INTO dbwarden_migrations (version, filename) VALUES ('99', 'x')")
		refused("another row", "dbwarden: not the history that this script is for")
		b.exec("DELETE FROM dbwarden_migrations WHERE version = '99'")

		// While a run of ours is at it.
		held := false
		b.watch = func(e event.Event) {
			if e.Kind == event.PlanReady && !held {
				held = true
				b.watch = nil
				refused("a living holder", "dbwarden: the migration lock is held")
			}
		}
		if _, err := b.warden().Migrate(t.Context(), plan.Target{Count: 1}); err != nil || !held {
			t.Fatalf("held %v: %v", held, err)
		}
		refused("one was applied since", "dbwarden: not the history that this script is for")

		script = b.script(plan.Target{})
		if out, err := b.client(script); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if n := b.value("SELECT COUNT(*) FROM c"); n != "0" || b.locked() {
			t.Errorf("%s rows, locked %v", n, b.locked())
		}
	})
}

// A script that makes our tables, or adds to those of the original tool, stops
// before that for the same reasons, and says the same.
func TestAFirstScriptStopsAtALockAndAtAnotherHistory(t *testing.T) {
	const held, moved = "dbwarden: the migration lock is held", "dbwarden: not the history that this script is for"
	onEvery(t, func(t *testing.T, p product) {
		files := map[string]string{"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER, note VARCHAR(100));"}
		refused := func(b *bench, script, want string) {
			t.Helper()
			before := b.standing()
			out, err := b.client(script)
			if err == nil || !strings.Contains(out, want) {
				t.Errorf("%v, %s; want %q", err, out, want)
			}
			if diff := cmp.Diff(before, b.standing()); diff != "" {
				t.Errorf("it changed something:\n%s", diff)
			}
		}
		t.Run("again", func(t *testing.T) {
			b := newBench(t, p, files)
			script := b.script(plan.Target{})
			if out, err := b.client(script); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			refused(b, script, moved)
		})
		t.Run("beside a first run", func(t *testing.T) {
			b := newBench(t, p, files)
			script := b.script(plan.Target{})
			want, looked := held, false
			if p.engine.Caps.File {
				want = moved
			}
			b.watch = func(e event.Event) {
				if e.Kind == event.PlanReady && !looked {
					looked = true
					b.watch = nil
					if out, err := b.client(script); err == nil || !strings.Contains(out, want) {
						t.Errorf("%v, %s; want %q", err, out, want)
					}
				}
			}
			b.migrate()
			if !looked {
				t.Fatal("there was no plan")
			}
			refused(b, script, moved)
		})
		t.Run("on the original tool's tables", func(t *testing.T) {
			b := newBench(t, p, files)
			stamp := p.engine.Dialect.Types.Timestamp
			b.exec("CREATE TABLE dbwarden_lock (id INTEGER PRIMARY KEY, locked BOOLEAN DEFAULT FALSE, acquired_at " + stamp + " NULL)")
			b.exec("INSERT INTO dbwarden_lock (id, locked) VALUES (1, FALSE)")
			script := b.script(plan.Target{})
			b.exec("UPDATE dbwarden_lock SET locked = TRUE")
			if out, err := b.client(script); err == nil || !strings.Contains(out, held) {
				t.Errorf("%v, %s", err, out)
			}
			if _, err := b.tryValue("SELECT fencing_token FROM dbwarden_lock"); err == nil {
				t.Error("it changed the table of a lock that is held")
			}
			b.exec("UPDATE dbwarden_lock SET locked = FALSE")
			if out, err := b.client(script); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			refused(b, script, moved)
			b.migrate()
		})
	})
}

// While a script is half done, a run waits for it, and finds what it left.
func TestARunWaitsForAScriptThatIsHalfDone(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);", "2_b.sql": "-- upgrade\nCREATE TABLE b (id INTEGER);"})
		script := b.script(plan.Target{})
		half := strings.Index(script, "\n-- 2_b.sql\n") + 1
		if half == 0 {
			t.Fatal(script)
		}
		c := dbtest.ClientCommand(t.Context(), t, b.url)
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		write := func(text string) {
			t.Helper()
			if _, err := io.WriteString(in, text); err != nil {
				t.Errorf("%v: %s", err, out.String())
			}
		}
		write(script[:half])
		within30(t, "the first half of the script", func() bool {
			n, err := b.tryValue("SELECT COUNT(*) FROM dbwarden_migrations")
			return err == nil && n == "1"
		})
		b.wait = 0
		var held *lock.HeldError
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); !errors.As(err, &held) || !held.Status.Row.Script() {
			t.Errorf("beside a script: %v", err)
		}
		waits := make(chan struct{})
		b.wait = 30 * time.Second
		b.watch = func(e event.Event) {
			if e.Kind == event.LockWaiting {
				b.watch = nil
				close(waits)
			}
		}
		done := make(chan error, 1)
		go func() {
			res, err := b.warden().Migrate(t.Context(), plan.Target{})
			if len(res.Completed) > 0 {
				err = errors.Join(err, fmt.Errorf("it ran %v", res.Completed))
			}
			done <- err
		}()
		<-waits
		write(script[half:])
		in.Close()
		if err := c.Wait(); err != nil {
			t.Errorf("%v: %s", err, out.String())
		}
		if err := <-done; err != nil {
			t.Errorf("behind the script: %v", err)
		}
		if n := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); n != "2" || b.locked() {
			t.Errorf("%s migrations, locked %v", n, b.locked())
		}
	})
}

// It stops at the first error, and the lock tells.
func TestAScriptStopsAtTheFirstError(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER NOT NULL, note VARCHAR(100));", "2_b.sql": "-- upgrade\nINSERT INTO a VALUES (1, 'x');\nINSERT INTO a VALUES (NULL, 'x');", "3_c.sql": "-- upgrade\nCREATE TABLE c (id INTEGER);"})
		if out, err := b.client(b.script(plan.Target{})); err == nil {
			t.Fatalf("no error: %s", out)
		}
		if _, err := b.tryValue("SELECT COUNT(*) FROM c"); err == nil {
			t.Error("what stands behind the error ran")
		}
		st, err := b.warden().Status(t.Context())
		if err != nil || !st.Lock.Active || st.AppliedTotal != 1 || b.value("SELECT COUNT(*) FROM a") != "0" {
			t.Errorf("%+v, %v", st, err)
		}
		b.put("2_b.sql", "-- upgrade\nINSERT INTO a VALUES (1, 'x');")
		if _, err := b.warden().Unlock(t.Context(), p.engine.Caps.File, ""); err != nil {
			t.Fatal(err)
		}
		b.migrate()
	})
}

// Whoever was released cannot go on: here between two migrations of the
// script, which releases the lock itself.
func TestAScriptIsFenced(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, map[string]string{"1_a.sql": "-- upgrade\nCREATE TABLE a (id INTEGER);", "2_b.sql": "-- upgrade\nUPDATE dbwarden_lock SET locked = FALSE;", "3_c.sql": "-- upgrade\nINSERT INTO a VALUES (1);"})
		out, err := b.client(b.script(plan.Target{}))
		if err == nil {
			t.Errorf("it went on: %s", out)
		}
		if n := b.value("SELECT COUNT(*) FROM dbwarden_migrations"); n != "1" || b.value("SELECT COUNT(*) FROM a") != "0" {
			t.Errorf("%s migrations were written without the lock", n)
		}
	})
}

// It goes on with what is half applied, behind what has run.
func TestAScriptGoesOnWithWhatIsHalfApplied(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		const head = "-- transaction: off\n-- upgrade\nCREATE TABLE a (id INTEGER);\n"
		b := newBench(t, p, map[string]string{"1_a.sql": head + "no sql;"})
		if _, err := b.warden().Migrate(t.Context(), plan.Target{}); err == nil {
			t.Fatal("it ran")
		}
		b.put("1_a.sql", head+"CREATE TABLE b (id INTEGER);")
		script := b.script(plan.Target{})
		if out, err := b.client(script); err == nil {
			t.Fatalf("the lock is kept, and it ran: %s", out)
		}
		if _, err := b.warden().Unlock(t.Context(), false, ""); err != nil {
			t.Fatal(err)
		}
		// The release is in the journal, so that the script is of another history.
		if out, err := b.client(script); err == nil {
			t.Fatalf("the journal has moved on, and it ran: %s", out)
		}
		if out, err := b.client(b.script(plan.Target{})); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		st, err := b.warden().Status(t.Context())
		if err != nil || !st.Clean() || st.Lock.Active || b.value("SELECT COUNT(*) FROM b") != "0" {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// Where a script cannot put back what a file sets, no other file may follow.
func TestAScriptLetsNoSettingReachTheNextFile(t *testing.T) {
	onEvery(t, func(t *testing.T, p product) {
		set := map[string]string{"postgres": "SET search_path = pg_catalog", "mysql": "SET @x = 1", "sqlite": "PRAGMA foreign_keys = ON"}[p.engine.Name]
		b := newBench(t, p, map[string]string{"1_a.sql": "-- upgrade\n" + set + ";", "2_b.sql": "-- upgrade\nCREATE TABLE b (id INTEGER);"})
		if p.engine.Script.Undo == nil {
			var refused *plan.Refusal
			if _, err := b.warden().Script(t.Context(), plan.Target{}, io.Discard); !errors.As(err, &refused) || refused.Code != plan.NotScripted || refused.Items[0].Line != 2 {
				t.Errorf("refused with %v", err)
			}
			if out, err := b.client(b.script(plan.Target{Count: 1})); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		if out, err := b.client(b.script(plan.Target{})); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if n := b.value("SELECT COUNT(*) FROM b"); n != "0" {
			t.Error(n)
		}
		var refused *plan.Refusal
		if _, err := b.warden().Script(t.Context(), plan.Target{Atomic: true}, io.Discard); !errors.As(err, &refused) {
			t.Errorf("--atomic: %v", err)
		}
	})
}
