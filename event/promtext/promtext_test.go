package promtext_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/event/promtext"
)

func written(t *testing.T, p *promtext.Page) string {
	t.Helper()
	var b strings.Builder
	if _, err := p.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAnyTextIsALabel(t *testing.T) {
	t.Parallel()
	p := &promtext.Page{}
	p.Gauge("a_bytes", "One \\ of\ntwo.", 0.25, promtext.Label{Name: "name", Value: "a\"b\\c\nd\xffé"}, promtext.Label{Name: "empty"})
	p.Gauge("b_timestamp_seconds", "When.", 1795724192.962)
	p.Gauge("a_bytes", "One \\ of\ntwo.", 3e15, promtext.Label{Name: "name", Value: "other"})
	want := `# HELP a_bytes One \\ of\ntwo.
# TYPE a_bytes gauge
a_bytes{name="a\"b\\c\nd` + "\uFFFD" + `é",empty=""} 0.25
a_bytes{name="other"} 3000000000000000
# HELP b_timestamp_seconds When.
# TYPE b_timestamp_seconds gauge
b_timestamp_seconds 1795724192.962
`
	if diff := cmp.Diff(want, written(t, p)); diff != "" {
		t.Error(diff)
	}
}

// A run that waits for the lock in vain has waited, one that is broken off has
// not succeeded, and a new run forgets the one before.
func TestTheLastRunCounts(t *testing.T) {
	t.Parallel()
	r := promtext.NewRecorder("migrate", "")
	at := time.UnixMilli(1_700_000_000_000)
	tell := func(after time.Duration, e event.Event) {
		e.At, e.Database = at.Add(after), "shop"
		r.Observe(e)
	}
	has := func(want ...string) {
		t.Helper()
		text := written(t, r.Page(promtext.Name{Database: "shop"}))
		for _, w := range want {
			if !strings.Contains(text, "\ndbwarden_"+strings.Replace(w, " ", `{database="shop",command="migrate"} `, 1)+"\n") {
				t.Errorf("%s is not in\n%s", w, text)
			}
		}
	}
	tell(0, event.Event{Kind: event.RunStarted, Run: "1"})
	tell(time.Second, event.Event{Kind: event.LockWaiting, Elapsed: time.Second / 2})
	tell(2*time.Second, event.Event{Kind: event.LockWaiting, Elapsed: 3 * time.Second / 2})
	if text := written(t, r.Page()); text != "" {
		t.Errorf("of a run that has not ended:\n%s", text)
	}
	tell(3*time.Second, event.Event{Kind: event.RunEnded, Elapsed: 3 * time.Second, Pending: 4, Err: errors.New("held")})
	has("run_lock_wait_seconds 2.5", "run_success 0", "pending_migrations 4", "run_duration_seconds 3", "run_start_timestamp_seconds 1700000000", "run_end_timestamp_seconds 1700000003")

	if text := written(t, r.Page()); strings.Contains(text, "drift") {
		t.Errorf("of a run that found none:\n%s", text)
	}

	tell(0, event.Event{Kind: event.RunStarted, Run: "2"})
	tell(0, event.Event{Kind: event.LockAcquired, Elapsed: time.Second})
	tell(0, event.Event{Kind: event.LockTimeout})
	tell(0, event.Event{Kind: event.Drifted, Total: 21})
	tell(0, event.Event{Kind: event.BackupDone, Bytes: 5})
	tell(0, event.Event{Kind: event.StatementDone, Rows: -1})
	tell(0, event.Event{Kind: event.StatementDone, Rows: 7})
	tell(0, event.Event{Kind: event.MigrationDone, Direction: "rollback"})
	tell(time.Second, event.Event{Kind: event.RunEnded, Pending: -1})
	has("run_lock_wait_seconds 1", "run_success 1", "run_lock_timeouts 1", "run_drift_objects 21", "run_backup_bytes 5", "run_statements 2", "run_rows 7", "run_migrations_rolled_back 1", "run_migrations_applied 0", "run_last_success_timestamp_seconds 1700000001")
	if text := written(t, r.Page()); strings.Contains(text, "pending") || !strings.Contains(text, `run="2"`) {
		t.Errorf("of the second run:\n%s", text)
	}
	r.Observe(event.Event{Kind: event.RunStarted, Database: "shop", Target: "acme", At: at})
	r.Observe(event.Event{Kind: event.RunEnded, Database: "shop", Target: "acme", At: at})
	if text := written(t, r.Page()); !strings.Contains(text, "\n"+`dbwarden_run_success{database="shop",target="acme",command="migrate"} 1`+"\n") {
		t.Errorf("of a target:\n%s", text)
	}
	if text := written(t, r.Page(promtext.Name{Database: "another"})); text != "" {
		t.Errorf("of another database:\n%s", text)
	}
}

// A failure must not take away when it last went well; what another program
// wrote into the file is not taken over.
func TestAFileRemembersTheLastSuccess(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "m.prom")
	write := func(command string, failed error) string {
		t.Helper()
		r := promtext.NewRecorder(command, "")
		r.Observe(event.Event{Kind: event.RunStarted, At: time.Unix(10, 0)})
		r.Observe(event.Event{Kind: event.RunEnded, At: time.Unix(20, 0), Err: failed})
		if err := r.Page().WriteFile(name); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const remembered = promtext.LastSuccess + `{database="default",command="migrate"} `
	if text := write("migrate", errors.New("no")); strings.Contains(text, promtext.LastSuccess) {
		t.Errorf("it never went well:\n%s", text)
	}
	write("migrate", nil)
	for range 2 {
		if text := write("migrate", errors.New("no")); strings.Count(text, remembered+"20\n") != 1 {
			t.Errorf("it went well at 20:\n%s", text)
		}
	}
	if text := write("rollback", errors.New("no")); strings.Contains(text, promtext.LastSuccess) {
		t.Errorf("of another command:\n%s", text)
	}
	if err := os.WriteFile(name, []byte(remembered+"soon\n"+remembered+"\n"+promtext.LastSuccess+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if text := write("migrate", errors.New("no")); strings.Contains(text, promtext.LastSuccess) {
		t.Errorf("of nonsense:\n%s", text)
	}
}
