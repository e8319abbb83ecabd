package cli_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// tenants are many schemas of one database, with a folder of migrations.
type tenants struct {
	t   *testing.T
	url string
	dir string
	c   *dbtest.Conn
}

// Each migration notes in its schema that it ran.
const notingSQL = "-- upgrade\nCREATE TABLE t%[1]d (id INTEGER);\nINSERT INTO ran VALUES (%[1]d);\n\n-- rollback\nDROP TABLE t%[1]d;\nDELETE FROM ran WHERE n = %[1]d;\n"

func newTenants(t *testing.T, n int, migrations ...string) *tenants {
	url := dbtest.Postgres(t).NewDatabase(t)
	te := &tenants{t: t, url: url, dir: t.TempDir(), c: dbtest.Dial(t, url)}
	for i := range n {
		te.c.Exec(t, fmt.Sprintf("CREATE SCHEMA tenant_%04d; CREATE TABLE tenant_%04[1]d.ran (n INTEGER)", i+1))
	}
	te.write("warden.toml", "[targets]\nquery = \"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tenant%' ORDER BY 1\"\n")
	for i, text := range migrations {
		te.write(fmt.Sprintf("migrations/%04d_x.sql", i+1), text)
	}
	return te
}

func (te *tenants) write(name, text string) {
	te.t.Helper()
	path := filepath.Join(te.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		te.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		te.t.Fatal(err)
	}
}

func (te *tenants) command(args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(program, "dbwarden"), args...)
	c.Dir, c.Env = te.dir, append(os.Environ(), "DBWARDEN_DATABASE_URL="+te.url)
	return c
}

// run runs a command to its end.
func (te *tenants) run(args ...string) (out string, code int) {
	c := te.command(args...)
	text, _ := c.CombinedOutput() // the code says how it went
	return string(text), c.ProcessState.ExitCode()
}

func (te *tenants) count(query string) int {
	te.t.Helper()
	n, err := strconv.Atoi(te.c.Rows(te.t, query)[0][0])
	if err != nil {
		te.t.Fatal(err)
	}
	return n
}

// ours are the sessions that the program has.
func (te *tenants) ours() int {
	return te.count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'dbwarden%'")
}

// await waits until a query's number is n.
func (te *tenants) await(n int, query string) {
	te.t.Helper()
	for deadline := time.Now().Add(patience); te.count(query) != n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			te.t.Fatalf("%s did not become %d", query, n)
		}
	}
}

// TestAFleetThatIsKilledIsFinishedByTheNextRun: nothing is applied twice and
// nothing is left out, and so many at once are so many connections, whatever
// the number of tenants. DBWARDEN_TEST_TARGETS says how many tenants there are.
func TestAFleetThatIsKilledIsFinishedByTheNextRun(t *testing.T) {
	t.Parallel()
	const migrations, parallel = 5, 8
	n := 60
	if text := os.Getenv("DBWARDEN_TEST_TARGETS"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	var files []string
	for i := range migrations {
		files = append(files, fmt.Sprintf(notingSQL, i+1))
	}
	te := newTenants(t, n, files...)
	first := te.command("--all", "migrate", "--parallel", strconv.Itoa(parallel))
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	ended, most := 0, 0
	for lines := bufio.NewScanner(out); ended < n/3 && lines.Scan(); ended++ {
		most = max(most, te.ours())
	}
	if err := first.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	first.Wait() // it was killed
	if most > 2*parallel || most == 0 {
		t.Errorf("%d connections at %d targets at once", most, parallel)
	}

	// Whoever was under way may have left a lock behind, and nobody else. It is
	// named, and stops the work that is left there, until it is taken over.
	const gone = "whose process is gone"
	text, code := te.run("--all", "migrate", "--parallel", strconv.Itoa(parallel))
	failed := strings.Count(text, "  FAILED in ")
	if left := te.locked(); left > parallel || strings.Count(text, "Warning: the migration lock is held by")+failed != left {
		t.Errorf("%d locks are left of %d targets at once\n%s", left, parallel, text)
	}
	if failed > 0 != (code == 4) || failed == 0 != (code == 0) || failed > 0 && !strings.Contains(text, gone) {
		t.Errorf("%d targets are locked; exit code %d\n%s", failed, code, text)
	}
	if text, code := te.run("--all", "migrate", "--parallel", strconv.Itoa(parallel), "--recover"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	for i := range n {
		schema := fmt.Sprintf("tenant_%04d", i+1)
		rows := te.c.Rows(t, fmt.Sprintf(`SELECT (SELECT string_agg(n::text, ' ' ORDER BY n) FROM %[1]s.ran),
			(SELECT string_agg(version, ' ' ORDER BY version) FROM %[1]s.dbwarden_migrations),
			(SELECT count(*) FROM %[1]s.dbwarden_journal WHERE event = 'applied')`, schema))
		if got := strings.Join(rows[0], ", "); got != "1 2 3 4 5, 0001 0002 0003 0004 0005, 5" {
			t.Errorf("%s: %s", schema, got)
		}
	}
	text, code = te.run("--all", "migrate", "--parallel", strconv.Itoa(parallel))
	if want := fmt.Sprintf(": %d done; 0 migrations applied.", n); code != 0 || !strings.Contains(text, want) || strings.Count(text, "up to date") != n {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

// locked is how many tenants' locks are held.
func (te *tenants) locked() (n int) {
	te.t.Helper()
	for _, row := range te.c.Rows(te.t, "SELECT schemaname FROM pg_tables WHERE tablename = 'dbwarden_lock'") {
		n += te.count("SELECT count(*) FROM " + row[0] + ".dbwarden_lock WHERE locked")
	}
	return n
}

// gated waits for whoever has the gate's lock.
const gated = "-- upgrade\nINSERT INTO ran VALUES (1);\nSELECT pg_advisory_xact_lock_shared(4711)::text;\n"

const atTheGate = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted"

// TestAFleetThatIsStoppedEndsInOrder: those that run are cancelled and rolled
// back, no other begins, and the report says which is which.
func TestAFleetThatIsStoppedEndsInOrder(t *testing.T) {
	t.Parallel()
	te := newTenants(t, 6, gated)
	gate := dbtest.Dial(t, te.url)
	gate.Exec(t, "SELECT pg_advisory_lock(4711)")
	c := te.command("--all", "migrate", "--parallel", "2")
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	te.await(2, atTheGate)
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	c.Wait() // the code says how it went
	if code := c.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"[1/6] tenant_000", "[2/6] tenant_000", "INTERRUPTED: ", ": 0 done, 2 interrupted, 4 not started; 0 migrations applied.",
		"next: run it again: what is done is left alone, and the other 6 have their turn",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say: %s\n%s", want, &out)
		}
	}
	if n := te.locked(); n != 0 || te.count("SELECT count(*) FROM pg_tables WHERE tablename = 'dbwarden_lock'") != 2 {
		t.Errorf("%d locks are held, or others than two were begun", n)
	}
	gate.Close()
	if text, code := te.run("--all", "migrate", "--parallel", "3"); code != 0 || !strings.Contains(text, ": 6 done; 6 migrations applied.") {
		t.Errorf("exit code %d\n%s", code, text)
	}
}

// TestAHeldTargetKeepsNobodyWaiting, though one runs at a time: it waits at the
// end, without a connection, and is done when the other run lets go.
func TestAHeldTargetKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	te := newTenants(t, 4, fmt.Sprintf(notingSQL, 1))
	te.write("slow/0001_x.sql", gated)
	gate := dbtest.Dial(t, te.url)
	gate.Exec(t, "SELECT pg_advisory_lock(4711)")
	holder := te.command("--target", "tenant_0001", "--migrations-dir", "slow", "migrate")
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	te.await(1, atTheGate)

	text, code := te.run("--target", "tenant_0001", "--target", "tenant_0002", "migrate", "--no-wait")
	if code != 4 || !strings.Contains(text, ": 1 done, 1 failed; 1 migrations applied.") || !strings.Contains(text, "tenant_0001  FAILED in") {
		t.Errorf("exit code %d\n%s", code, text)
	}

	c := te.command("--all", "migrate", "--allow-changed", "--wait", "1m")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for i, want := range []string{"[1/4] tenant_0002  up to date", "[2/4] tenant_0003  1 applied", "[3/4] tenant_0004  1 applied"} {
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), want) {
			t.Fatalf("line %d is %q, want %q", i+1, lines.Text(), want)
		}
	}
	// Only the holder's two are left, once the waiter's last try is over.
	te.await(2, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'dbwarden%'")
	gate.Close()
	if err := holder.Wait(); err != nil {
		t.Errorf("the holder: %v", err)
	}
	if !lines.Scan() || lines.Text() != "[4/4] tenant_0001  up to date" {
		t.Errorf("the last line is %q", lines.Text())
	}
	for lines.Scan() {
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}
