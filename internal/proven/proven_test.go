package proven_test

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/schema"
)

// walk takes a table a (id, n) and one migration more there, back and there.
func walk(t *testing.T, name, more string) (*proven.Ways, error) {
	t.Helper()
	e := sqlite.Engine()
	main, err := e.Open("sqlite:///never.db", engine.OpenOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	d, err := scratch.Open(t.Context(), e, main, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	below := fstest.MapFS{
		"0001_a.sql":     {Data: []byte("-- upgrade\nCREATE TABLE a (id INTEGER PRIMARY KEY, n TEXT);\n-- rollback\nDROP TABLE a;\n")},
		"RA__again.sql":  {Data: []byte("-- upgrade\nDROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id FROM a;\n")},
		"0003_fill.sql":  {Data: []byte("-- seed\n-- upgrade\nINSERT INTO a VALUES (1, 'x');\n")},
		"notes/read.txt": {Data: []byte("no migration")},
	}
	p := proven.Prover{Engine: e, Inspect: liteschema.Inspect, Holder: lock.Holder{Command: "verify"}, Options: schema.Options{
		Own: []string{lock.Table, lock.RunTable, journal.HistoryTable, journal.LaterHistoryTable, journal.EntryTable},
	}}
	return p.Walk(t.Context(), d, below, proven.With(below, name, []byte(more)))
}

func TestAWayBackThatLeadsBack(t *testing.T) {
	t.Parallel()
	w, err := walk(t, "0004_b.sql", "-- upgrade\nALTER TABLE a ADD COLUMN b TEXT;\nCREATE TABLE c (id INTEGER);\n-- rollback\nDROP TABLE c;\nALTER TABLE a DROP COLUMN b;\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := proven.Missed(w.Back, w.Before, nil); len(got) > 0 {
		t.Errorf("back: %v", got)
	}
	if got := proven.Missed(w.Again, w.There, nil); len(got) > 0 {
		t.Errorf("again: %v", got)
	}
	if got := schema.Diff(w.Before, w.There); len(got) != 2 {
		t.Errorf("there: %v", got)
	}
}

func TestAWayBackThatLeadsElsewhere(t *testing.T) {
	t.Parallel()
	w, err := walk(t, "0004_b.sql", "-- upgrade\nCREATE TABLE b (id INTEGER);\nCREATE INDEX i ON a (n);\n-- rollback\nDROP TABLE b;\nDROP INDEX i;\nCREATE INDEX i ON a (id);\n")
	var e *proven.Error
	if !errors.As(err, &e) || e.On != "the way there again" {
		t.Errorf("got %v", err)
	}
	if got := proven.Missed(w.Back, w.Before, nil); len(got) != 1 || got[0].ID.Name != "i" {
		t.Errorf("back: %v", got)
	}
}

func TestAWayThatFailsIsNamed(t *testing.T) {
	t.Parallel()
	for text, on := range map[string]string{
		"-- upgrade\nDROP TABLE nowhere;\n-- rollback\n":                             "the way there",
		"-- upgrade\nCREATE TABLE b (id INTEGER);\n-- rollback\nDROP TABLE ghost;\n": "the way back",
		"-- upgrade\nCREATE TABLE b (id INTEGER);\n":                                 "the way back",
		"-- upgrade\nCREATE TABLE b (id INTEGER);\n-- rollback\n":                    "the way there again",
	} {
		_, err := walk(t, "0004_b.sql", text)
		var e *proven.Error
		if !errors.As(err, &e) || e.On != on {
			t.Errorf("%s\ngot %v, want %s", text, err, on)
		}
	}
}

// What a plan said it would leave is no difference, nor is the order of
// columns, and nothing else is forgiven with them.
func TestWhatWasLeftIsNotMissed(t *testing.T) {
	t.Parallel()
	state := func(comment, kind string, columns ...string) *schema.State {
		table := schema.Table{Name: "a", Comment: comment, Kind: kind}
		for _, c := range columns {
			table.Columns = append(table.Columns, schema.Column{Name: c})
		}
		return &schema.State{Tables: []schema.Table{table}}
	}
	is := state("", "", "x", "y")
	for _, c := range []struct {
		wanted *schema.State
		left   []schema.Change
		want   string
	}{
		{state("", "", "y", "x"), nil, ""},
		{state("", "", "y", "x", "z"), nil, "added column a.z"},
		{state("other", "", "y", "x"), nil, "changed table a: comment"},
		{state("other", "", "x", "y"), schema.Diff(is, state("other", "", "x", "y")), ""},
		{state("other", "virtual", "x", "y"), schema.Diff(is, state("other", "", "x", "y")), "changed table a: kind"},
	} {
		got := ""
		for _, m := range proven.Missed(is, c.wanted, c.left) {
			got += m.String()
		}
		if got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
