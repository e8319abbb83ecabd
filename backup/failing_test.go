package backup_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/backup"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// refused has a migration wait for a backup that cannot be made, and looks
// that nothing was touched and nothing is left.
func (b *bench) refused(ctx context.Context) error {
	b.t.Helper()
	rows, state := b.rows(), b.state()
	b.put("0002_next.sql", "CREATE TABLE next_one (n INTEGER);")
	made, err := b.migrateWith(ctx)
	if err == nil || made != nil {
		b.t.Fatalf("a backup was made: %v, %v", made, err)
	}
	var none *backup.Error
	if !errors.As(err, &none) {
		b.t.Errorf("%T: %v", err, err)
	}
	b.same(rows, state)
	b.free()
	nothing(b.t, b.dir)
	return err
}

// TestAFailingDump: the client program's own words are told, and nothing is run.
func TestAFailingDump(t *testing.T) {
	t.Parallel()
	t.Run("PostgreSQL", func(t *testing.T) {
		b := newBench(t, pg(t), pg(t).url(t))
		b.put("0001_a.sql", "CREATE TABLE a (n INTEGER); CREATE TABLE hidden (n INTEGER);")
		b.migrate()
		user, password := b.p.server.NewRole(t)
		c := dbtest.Dial(t, b.url)
		c.Exec(t, "GRANT ALL ON SCHEMA public TO "+user+"; GRANT ALL ON ALL TABLES IN SCHEMA public TO "+user+"; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "+user,
			"REVOKE ALL ON hidden FROM "+user)
		own := newBench(t, b.p, b.p.server.WithUser(b.url, user, password))
		own.files = b.files
		rows := b.rows()
		own.put("0002_next.sql", "CREATE TABLE next_one (n INTEGER);")
		made, err := own.migrateWith(t.Context())
		if made != nil || err == nil || !strings.Contains(err.Error(), "permission denied for table hidden") {
			t.Errorf("%v, %v", made, err)
		}
		b.same(rows, b.state())
		b.free()
		nothing(t, own.dir)
	})
	t.Run("MariaDB", func(t *testing.T) {
		b := newBench(t, maria(t), maria(t).url(t))
		b.put("0001_a.sql", "CREATE TABLE a (n INTEGER); CREATE VIEW v AS SELECT n FROM a; ALTER TABLE a CHANGE n m INTEGER;")
		b.migrate()
		if err := b.refused(t.Context()); !strings.Contains(err.Error(), "View") {
			t.Errorf("%v", err)
		}
	})
	t.Run("SQLite", func(t *testing.T) {
		b := newBench(t, lite(), dbtest.SQLite(t))
		b.put("0001_a.sql", "CREATE TABLE a (n INTEGER);")
		b.migrate()
		b.dir = filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(b.dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b.dir = filepath.Join(b.dir, "below")
		b.put("0002_next.sql", "CREATE TABLE next_one (n INTEGER);")
		rows := b.rows()
		if made, err := b.migrateWith(t.Context()); made != nil || !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%v, %v", made, err)
		}
		b.same(rows, b.state())
		b.free()
	})
}

// small makes a folder for so many bytes at most.
func small(t *testing.T, bytes int) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d,mode=0700", bytes), "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("a small disk takes root's rights: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(dir, "copies")
}

// noise are rows that no program makes much smaller.
var noise = map[string]string{
	"sqlite":   "CREATE TABLE a (b BLOB); INSERT INTO a VALUES (randomblob(1000000));",
	"postgres": "CREATE TABLE a (b text); INSERT INTO a SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 1000) AS s (i), generate_series(1, 40) AS o (j) GROUP BY j;",
	"mysql":    "CREATE TABLE a (b MEDIUMBLOB); INSERT INTO a SELECT REPEAT('x', 50000) FROM seq_1_to_60;",
}

// TestAFullDisk: found before where it can be, and else when it is full.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, p.url(t))
		b.put("0001_a.sql", noise[p.engine.Name])
		b.migrate()
		if p.server != nil {
			b.exec(map[string]string{"postgres": "VACUUM ANALYZE a", "mysql": "ANALYZE TABLE a"}[p.engine.Name])
		}
		b.dir = small(t, 64<<10)
		var room *backup.RoomError
		if err := b.refused(t.Context()); !errors.As(err, &room) || room.Free > 64<<10 || room.Least < 100_000 {
			t.Errorf("before: %v", err)
		}
		if p.server == nil {
			return // there, what it takes is known to the page
		}
		// Room for what it takes at least, and not for what it takes.
		b.dir = small(t, map[string]int{"postgres": 400 << 10, "mysql": 2500 << 10}[p.engine.Name])
		if err := b.refused(t.Context()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("while it is written: %v", err)
		}
	})
}

// blocked keeps a dump from coming to its end until open is called.
func (b *bench) blocked(table string) (open func()) {
	b.t.Helper()
	c := dbtest.Dial(b.t, b.url)
	if b.p.engine.Name == "postgres" {
		c.Exec(b.t, "BEGIN; LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE")
	} else {
		c.Exec(b.t, "LOCK TABLES "+table+" WRITE")
	}
	return c.Close
}

// dumping says whether a dump waits for that table.
func (b *bench) dumping(admin *dbtest.Conn) bool {
	q := "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pg_dump' AND wait_event_type = 'Lock'"
	if b.p.engine.Name == "mysql" {
		q = "SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND STATE LIKE 'Waiting for table metadata lock%' AND ID <> CONNECTION_ID()"
	}
	return admin.Rows(b.t, q)[0][0] != "0"
}

// there says whether the dump's session is there at all.
func (b *bench) there(admin *dbtest.Conn) bool {
	q := "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pg_dump'"
	if b.p.engine.Name == "mysql" {
		q = "SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND INFO LIKE 'show create table%'"
	}
	return admin.Rows(b.t, q)[0][0] != "0"
}

// TestCanceledAndSecret: while a dump waits, nobody sees the password; when the
// run is told to stop, the program ends, and nothing is left: no file, no
// secret, no lock. Left alone, the run comes to its end, though its session had
// nothing to do for longer than the server lets a session be idle.
func TestCanceledAndSecret(t *testing.T) {
	for _, of := range []func(*testing.T) product{pg, maria} {
		p := of(t)
		t.Run(p.engine.Title, func(t *testing.T) {
			admin := newBench(t, p, p.url(t))
			user, _ := p.server.NewRole(t)
			const password = `p w:"\'#;$é@/%{none}[`
			const spelled = `p%20w%3A%22%5C%27%23%3B%24%C3%A9%40%2F%25%7Bnone%7D%5B`
			name := dbtest.DatabaseName(admin.url)
			if p.engine.Name == "postgres" {
				p.server.Exec(t, "ALTER ROLE "+user+" PASSWORD '"+strings.ReplaceAll(password, "'", "''")+"'", "ALTER DATABASE "+name+" OWNER TO "+user, "ALTER ROLE "+user+" SUPERUSER")
			} else {
				p.server.Exec(t, "ALTER USER "+user+" IDENTIFIED BY '"+strings.NewReplacer(`\`, `\\`, "'", "''").Replace(password)+"'", "GRANT ALL ON "+name+".* TO "+user)
			}
			b := newBench(t, p, p.server.WithUser(admin.url, user, "PASSWORD"))
			b.url = strings.Replace(b.url, "PASSWORD", spelled, 1)
			b.open(engine.OpenOptions{})
			b.limits.Idle = time.Second
			secrets := t.TempDir()
			t.Setenv("TMPDIR", secrets)
			// What the process has for somebody else must not get in the way.
			t.Setenv("PGPASSWORD", "another's")
			t.Setenv("MYSQL_PWD", "another's")
			b.put("0001_a.sql", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);")
			b.migrate()
			rows, state := b.rows(), b.state()
			b.put("0002_next.sql", "CREATE TABLE next_one (n INTEGER);")
			look := dbtest.Dial(t, admin.url)

			start := func(ctx context.Context) chan error {
				done := make(chan error, 1)
				go func() {
					_, err := b.migrateWith(ctx)
					done <- err
				}()
				eventually(t, "a dump that waits", func() bool { return b.dumping(look) })
				return done
			}
			open := b.blocked("a")
			ctx, cancel := context.WithCancelCause(t.Context())
			done := start(ctx)
			program := map[string]string{"postgres": "pg_dump", "mysql": "mariadb-dump"}[p.engine.Name]
			if seen := lines(t, program, name); len(seen) == 0 {
				t.Errorf("no process of %s is seen, so that nothing is shown of what is seen", program)
			}
			for _, part := range []string{`p w:"`, "p%20w"} {
				for _, line := range lines(t, part, program) {
					t.Errorf("the password is in %s", line)
				}
			}
			nothing(t, secrets) // the program has them open, and they have no name
			stopped := errors.New("stopped")
			cancel(stopped)
			if err := <-done; !errors.Is(err, stopped) {
				t.Errorf("stopped: %v", err)
			}
			nothing(t, b.dir)
			nothing(t, secrets)
			if seen := lines(t, program, name); len(seen) > 0 {
				t.Errorf("the program goes on: %v", seen)
			}
			open()
			eventually(t, "the end of the dump's session", func() bool { return !b.there(look) })
			b.same(rows, state)
			b.free()

			open = b.blocked("a")
			done = start(t.Context())
			time.Sleep(2500 * time.Millisecond) // longer than a session may be idle
			open()
			if err := <-done; err != nil {
				t.Errorf("a dump that took its time: %v", err)
			}
			nothing(t, secrets)
			if got := b.strings("SELECT COUNT(*) FROM next_one"); got[0] != "0" {
				t.Error("the migration behind it did not run")
			}
			b.free()
		})
	}
}

// TestNoProgram: without a client program, or with one that is too old, nothing
// is run.
func TestNoProgram(t *testing.T) {
	for _, of := range []func(*testing.T) product{pg, maria} {
		p := of(t)
		t.Run(p.engine.Title, func(t *testing.T) {
			b := newBench(t, p, p.url(t))
			b.put("0001_a.sql", "CREATE TABLE a (n INTEGER);")
			b.migrate()
			bin := t.TempDir()
			t.Setenv("PATH", bin)
			var none *engine.NoProgramError
			if err := b.refused(t.Context()); !errors.As(err, &none) {
				t.Errorf("%v", err)
			}
			if p.engine.Name != "postgres" {
				return
			}
			script := "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n"
			if err := os.WriteFile(filepath.Join(bin, "pg_dump"), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			var old *engine.OldProgramError
			if err := b.refused(t.Context()); !errors.As(err, &old) || old.Has != "9.6.24" {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestADumpThatIsCutShort: a program that ends without an error is not trusted.
func TestADumpThatIsCutShort(t *testing.T) {
	for _, of := range []func(*testing.T) product{pg, maria} {
		p := of(t)
		t.Run(p.engine.Title, func(t *testing.T) {
			b := newBench(t, p, p.url(t))
			b.put("0001_a.sql", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1), (2), (3); CREATE TABLE b (n INTEGER); INSERT INTO b VALUES (1);")
			b.migrate()
			program := map[string]string{"postgres": "pg_dump", "mysql": "mariadb-dump"}[p.engine.Name]
			dump, err := exec.LookPath(program)
			if err != nil {
				t.Fatal(err)
			}
			bin := t.TempDir()
			t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			says := map[string]string{"postgres": "what pg_dump wrote cannot be read again: pg_restore", "mysql": "mariadb-dump ended without an error, and its dump is empty or cut short"}[p.engine.Name]
			asIs := `exec "` + dump + `" "$@"`
			ways := map[string]string{"nothing": "exit 0"}
			for _, n := range []string{"50", "100", "700"} {
				ways["all but the last "+n+" bytes"] = `"` + dump + `" "$@" | head -c -` + n
			}
			if p.engine.Name == "mysql" {
				ways["the history cut"] = `case "$*" in *--no-create-info*) "` + dump + `" "$@" | head -c -100; exit 0;; esac; ` + asIs
			}
			for way, script := range ways {
				script = "#!/bin/sh\n[ \"$1\" = --version ] && " + asIs + "\n" + script + "\n"
				if err := os.WriteFile(filepath.Join(bin, program), []byte(script), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := b.refused(t.Context()); !strings.Contains(err.Error(), says) {
					t.Errorf("%s: %v", way, err)
				}
			}
			if err := os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\n"+asIs+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			made := b.mustMigrateWith()
			b.mustRestore(made.Path)
		})
	}
}

// TestARestoreThatFails: what is one transaction leaves everything as it was;
// on MariaDB the lock is kept, whatever migrates refuses, also behind an
// unlock, and another restore mends it all.
func TestARestoreThatFails(t *testing.T) {
	t.Parallel()
	onEvery(t, func(t *testing.T, p product) {
		b := newBench(t, p, p.url(t))
		b.limits.Lock = 100 * time.Millisecond
		b.put("0001_a.sql", "CREATE TABLE a (n INTEGER); CREATE TABLE z (n INTEGER); INSERT INTO a VALUES (1); INSERT INTO z VALUES (1);")
		b.migrate()
		before, had := b.rows(), b.state()
		b.put("0002_next.sql", "CREATE TABLE next_one (n INTEGER); DELETE FROM a;")
		made := b.mustMigrateWith()
		rows, state := b.rows(), b.state()

		var open func()
		if p.server == nil {
			s := b.session()
			for _, q := range []string{"BEGIN", "DELETE FROM z"} {
				if w, err := b.db.Connect(t.Context(), engine.ConnectOptions{App: "test"}); err != nil {
					t.Fatal(err)
				} else if q == "BEGIN" {
					s.Close()
					s = w
				} else {
					w.Close()
				}
				if _, err := s.Exec(t.Context(), q); err != nil {
					t.Fatal(err)
				}
			}
			open = func() { s.Close() }
		} else {
			open = b.blocked("z")
		}
		err := b.restore(made.Path)
		open()
		if p.server == nil {
			if err == nil {
				t.Fatal("restored beside somebody who writes")
			}
		} else if failed := (*dbwarden.RestoreError)(nil); !errors.As(err, &failed) || failed.Touched != (p.engine.Name == "mysql") {
			t.Fatalf("%v", err)
		}
		if p.engine.Name != "mysql" {
			b.same(rows, state)
			b.free()
		} else {
			refuses := func(verb string, err error) {
				t.Helper()
				var refusal *plan.Refusal
				if !errors.As(err, &refusal) || refusal.Code != plan.HalfRestored {
					t.Errorf("%s: %v", verb, err)
				}
			}
			w := b.warden(nil)
			_, err := w.Migrate(t.Context(), plan.Target{})
			var held *lock.HeldError
			if !errors.As(err, &held) || held.Status.Verdict != lock.Kept {
				t.Errorf("migrate: %v", err)
			}
			if _, err := w.Unlock(t.Context(), false, ""); err != nil {
				t.Fatal(err)
			}
			_, err = w.Migrate(t.Context(), plan.Target{})
			refuses("migrate", err)
			_, err = w.Rollback(t.Context(), plan.Target{})
			refuses("rollback", err)
		}
		b.mustRestore(made.Path)
		b.same(before, had)
		b.free()
		b.migrate()
	})
}

// TestTheLockIsNotTheBackups: a backup holds nothing of the lock, and a restore
// goes beside nobody: not even in the file that was copied by hand.
func TestTheLockIsNotTheBackups(t *testing.T) {
	t.Parallel()
	b := newBench(t, lite(), dbtest.SQLite(t))
	b.put("0001_a.sql", "CREATE TABLE a (n INTEGER);")
	made := b.mustMigrateWith()
	byHand := newBench(t, lite(), "sqlite:///"+made.Path)
	byHand.free()
	byHand.files = b.files
	byHand.migrate()
}

// TestTheLockIsTakenAway: a restore whose lock was released by hand brings
// nothing to its end beside a successor.
func TestTheLockIsTakenAway(t *testing.T) {
	t.Parallel()
	for _, of := range []func(*testing.T) product{pg, maria} {
		p := of(t)
		t.Run(p.engine.Title, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, p, p.url(t))
			b.limits.Lock = time.Minute
			b.put("0001_a.sql", "CREATE TABLE a (n INTEGER); CREATE TABLE z (n INTEGER); INSERT INTO a VALUES (1);")
			b.migrate()
			b.put("0002_next.sql", "CREATE TABLE next_one (n INTEGER);")
			made := b.mustMigrateWith()
			rows, state := b.rows(), b.state()
			open := b.blocked("z")
			defer open()
			done := make(chan error, 1)
			go func() { done <- b.restore(made.Path) }()
			look := dbtest.Dial(t, b.url)
			waiting := map[string]string{
				"postgres": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'DROP TABLE%'",
				"mysql":    "SELECT count(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND INFO LIKE 'DROP TABLE%'",
			}[p.engine.Name]
			eventually(t, "a restore that waits", func() bool { return look.Rows(t, waiting)[0][0] != "0" })
			look.Exec(t, "UPDATE dbwarden_lock SET locked = FALSE, release_at = NOW()")
			if err := <-done; !errors.Is(err, lock.ErrLost) {
				t.Errorf("%v", err)
			}
			open()
			b.free()
			if p.engine.Name == "postgres" {
				b.same(rows, state)
				b.migrate()
				return
			}
			var refusal *plan.Refusal
			if _, err := b.warden(nil).Migrate(t.Context(), plan.Target{}); !errors.As(err, &refusal) || refusal.Code != plan.HalfRestored {
				t.Errorf("migrate: %v", err)
			}
		})
	}
}
