package proof_test

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/journal"
)

// The folder of the soak: six migrations whose sections are a row of witness,
// a change of the schema (in two of three) and another row. The table is the
// first migration's, which has no way back.

const soakLast = 7

// witness writes that statement n of a section runs, slowly enough to be
// killed at it, and whose session it is.
func witness(engine, version, direction string, n int) string {
	what := fmt.Sprintf("%s %s %d", version, direction, n)
	switch engine {
	case "postgres":
		return "INSERT INTO witness (what, session) SELECT '" + what + "', pid || '/' || backend_start FROM pg_stat_activity, pg_sleep(0.02) WHERE pid = pg_backend_pid()"
	case "mysql":
		return "INSERT INTO witness (what, session) SELECT '" + what + "', CONNECTION_ID() + 0 * SLEEP(0.02)"
	}
	return "INSERT INTO witness (what, session) SELECT '" + what + "', '' || MIN(0, COUNT(*)) FROM (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 20000) SELECT n FROM c)"
}

func soakFiles(engine string) map[string]string {
	id := map[string]string{
		"postgres": "id INTEGER GENERATED ALWAYS AS IDENTITY", "mysql": "id INTEGER AUTO_INCREMENT PRIMARY KEY", "sqlite": "id INTEGER PRIMARY KEY AUTOINCREMENT",
	}[engine]
	files := map[string]string{"0001_witness.sql": "-- upgrade\nCREATE TABLE witness (" + id + ", what VARCHAR(40), session VARCHAR(80));\n"}
	for v := 2; v <= soakLast; v++ {
		version := fmt.Sprintf("%04d", v)
		head, make, drop := "", "CREATE TABLE x"+version+" (n INTEGER)", "DROP TABLE IF EXISTS x"+version
		switch v % 3 {
		case 0:
			head = "-- transaction: off\n"
		case 1: // of rows alone
			make, drop = "", ""
		}
		section := func(direction, change string) string {
			text := "-- " + direction + "\n" + witness(engine, version, direction, 1) + ";\n"
			if change != "" {
				text += change + ";\n"
			}
			return text + witness(engine, version, direction, 2) + ";\n"
		}
		files[version+"_step.sql"] = head + section("upgrade", make) + section("rollback", drop)
	}
	return files
}

// tookEffect looks whether a statement that is in doubt did, and says it in
// the words of resolve.
func (b *bench) tookEffect(version, direction string, number int) string {
	b.t.Helper()
	done := false
	v, _ := strconv.Atoi(version) // of our own folder
	switch {
	case v%3 != 1 && number == 2:
		_, err := b.tryValue("SELECT COUNT(*) FROM x" + version)
		done = (err == nil) == (direction == "upgrade")
	default:
		row := fmt.Sprintf("%s %s %d", version, direction, min(number, 2))
		last, err := b.tryValue("SELECT what FROM witness ORDER BY id DESC LIMIT 1")
		done = err == nil && last == row
	}
	if done {
		return "--done"
	}
	return "--retry"
}

// settle brings what the processes left to its end, all migrations applied.
func (b *bench) settle() {
	b.t.Helper()
	for range 20 {
		if left := b.quiet(); left.Lock == "active" {
			b.must(0, "unlock")
		}
		doc, code := b.ask([]int{0, 1, 4}, "migrate")
		if code != 0 && doc.Error.Code == "half_rolled_back" {
			doc, code = b.ask([]int{0, 4}, "rollback")
		} else if code == 0 {
			return
		}
		if code != 0 && doc.Error.Code == "in_doubt" {
			version, n := inDoubt(doc)
			b.must(0, "resolve", version, b.tookEffect(version, doc.Direction, n))
		}
	}
	b.t.Fatal("the database does not come to rest")
}

// inDoubt is which statement of which migration a refusal names.
func inDoubt(refused seen) (version string, number int) {
	if m := doubted.FindStringSubmatch(refused.Error.Message); m != nil {
		number, _ = strconv.Atoi(m[1]) // it is a number
	}
	version, _, _ = strings.Cut(path.Base(refused.Error.File), "_")
	return version, number
}

// replay goes through the rows in the order in which they were written, and
// demands that they are the work of one run at a time: sections from their
// first statement to their last, each going on where the one before it
// stopped.
func (b *bench) replay() {
	b.t.Helper()
	applied := 1              // the newest migration that is
	at, way, done := 0, "", 0 // the open section: of which migration, which way, how far
	ups, downs := map[int]int{}, map[int]int{}
	rows := strings.Split(b.list("SELECT what FROM witness ORDER BY id"), ",")
	for i, row := range rows {
		var v, n int
		var direction string
		if _, err := fmt.Sscanf(row, "%04d %s %d", &v, &direction, &n); err != nil {
			b.t.Fatalf("row %d is %q", i+1, row)
		}
		opens := n == 1 && (direction == "upgrade" && v == applied+1 || direction == "rollback" && (v == applied || v == applied+1))
		switch {
		case way == "" && opens, way == "upgrade" && at == v && direction == "rollback" && n == 1:
			at, way, done = v, direction, 1
		case way == direction && at == v && n == done+1:
			done = n
		default:
			b.t.Errorf("row %d is %q, when %d was the newest and %s of %d had come to %d", i+1, row, applied, way, at, done)
			return
		}
		if done < 2 {
			continue
		}
		if way = ""; direction == "upgrade" {
			applied, ups[v] = v, ups[v]+1
		} else {
			applied, downs[v] = v-1, downs[v]+1
		}
	}
	if way != "" || applied != soakLast {
		b.t.Errorf("in the end %d is the newest, and a section of %d is open: %q", applied, at, way)
	}
	b.oneSessionAtATime()
	b.asTheJournalSays(ups, downs)
	for v := 2; v <= soakLast; v++ {
		table := fmt.Sprintf("x%04d", v)
		if got := there(table)(b); got != (v%3 != 1) {
			b.t.Errorf("is the table %s there: %v", table, got)
		}
	}
	if r := b.awaitQuiet(); r.Active || r.Owner.Held {
		b.t.Errorf("the lock is %s in the end, the native one held: %v", r.Verdict, r.Owner.Held)
	}
}

// oneSessionAtATime: a session that was followed by another never writes
// again. SQLite does not name its sessions.
func (b *bench) oneSessionAtATime() {
	b.t.Helper()
	if b.engine.Caps.File {
		return
	}
	past, last := map[string]bool{}, ""
	for i, s := range strings.Split(b.list("SELECT session FROM witness ORDER BY id"), ",") {
		if s != last {
			past[last] = true
		}
		if past[s] {
			b.t.Errorf("row %d is of session %s, and another had written since", i+1, s)
		}
		last = s
	}
}

// asTheJournalSays compares what the rows tell with the journal: what was
// applied and taken back so many times is told so many times.
func (b *bench) asTheJournalSays(ups, downs map[int]int) {
	b.t.Helper()
	entries, err := b.warden().Attempts(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	applied, reverted, halves := map[int]int{}, map[int]int{}, map[int]int{}
	for _, e := range entries {
		v, _ := strconv.Atoi(e.Version) // 0 for entries about no migration
		switch {
		case e.What == journal.Applied:
			applied[v]++
		case e.What == journal.Reverted && e.Detail == wasHalf:
			halves[v]++
			reverted[v]++
		case e.What == journal.Reverted:
			reverted[v]++
		}
	}
	for v := 2; v <= soakLast; v++ {
		if downs[v] != reverted[v] || ups[v] < applied[v] || ups[v] > applied[v]+halves[v] {
			b.t.Errorf("migration %d ran up %d times and down %d times; the journal has it applied %d times, and taken back %d times, %d of them half applied",
				v, ups[v], downs[v], applied[v], reverted[v], halves[v])
		}
	}
}

// wasHalf marks an entry that took a half-applied migration back.
const wasHalf = "was half applied"
