package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// traits by the letters of a test's line.
var traits = map[string]engine.Traits{
	"ddl":     {Kind: engine.Definition},                // PostgreSQL, SQLite
	"dml":     {Kind: engine.Data, Atomic: true},        //
	"loose":   {Kind: engine.Data},                      // keeps what it did before it failed
	"set":     {Kind: engine.Setting},                   // may stand in a transaction
	"pragma":  {Kind: engine.Setting, Alone: true},      // has no effect in one
	"cic":     {Kind: engine.Definition, Alone: true},   // CREATE INDEX CONCURRENTLY
	"myddl":   {Kind: engine.Definition, Commits: true}, // MySQL
	"begin":   {Kind: engine.Begin},
	"commit":  {Kind: engine.Commit},
	"undo":    {Kind: engine.Rollback},
	"locktab": {Kind: engine.Other, Commits: true, Holds: true},
	"call":    {Kind: engine.Other, Commits: true},
	"reads":   {Kind: engine.Data, Atomic: true}, // last_insert_rowid() and the like
	"temp":    {Kind: engine.Definition, Fleeting: true},
	"copy":    {Kind: engine.Data, Atomic: true},
	"swept":   {Kind: engine.Setting, Residue: engine.Swept},
	"stuck":   {Kind: engine.Other, Residue: engine.Stuck},
	"xa":      {Refused: "not in a migration"},
	"unlock":  {Kind: engine.Other, Commits: true, Frees: true},
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		mysql    bool
		off      bool
		want     string
	}{
		{name: "one transaction", in: "ddl dml set ddl", want: "transaction 1-4"},
		{name: "nothing", in: "", want: ""},
		{name: "an index built concurrently stands alone", in: "ddl cic ddl", want: "transaction 1-1, alone 2-2, transaction 3-3"},
		{name: "transaction off", in: "ddl dml dml loose set", off: true, want: "alone 1-1, transaction 2-2, transaction 3-3, alone 4-4, session 5-5"},
		{name: "pragmas around a rebuild", in: "pragma ddl dml ddl pragma", want: "session 1-1, transaction 2-4, session 5-5"},
		{name: "the file's own transaction", in: "pragma begin ddl dml commit pragma", want: "session 1-1, transaction 3-4 with 2, file's own 5-5, session 6-6"},
		{name: "two of them", in: "begin ddl commit begin dml commit", want: "transaction 2-2 with 1, file's own 3-3, transaction 5-5 with 4, file's own 6-6"},
		{name: "an empty one", in: "begin commit", want: "transaction 2-1 with 1, file's own 2-2"},
		{name: "own transactions in a file without", in: "cic begin ddl commit ddl", off: true, want: "alone 1-1, transaction 3-3 with 2, file's own 4-4, alone 5-5"},
		{name: "COMMIT without BEGIN ends the group", in: "ddl dml commit ddl dml", want: "transaction 1-2, file's own 3-3, alone 4-4, transaction 5-5"},
		{name: "what reads the last row is joined with it", off: true, in: "ddl dml dml reads dml", want: "alone 1-1, transaction 2-2, transaction 3-4, transaction 5-5"},
		{name: "and what reads that, too", off: true, in: "dml set reads reads ddl dml reads", want: "transaction 1-4, alone 5-5, transaction 6-7"},
		{name: "but not over what no transaction takes", off: true, in: "dml ddl reads", want: "transaction 1-1, alone 2-2, transaction 3-3"},
		{name: "MySQL: joined behind DDL", mysql: true, in: "myddl dml reads myddl reads", want: "alone 1-1, transaction 2-3, alone 4-4, transaction 5-5"},
		{name: "BEGIN without end", in: "ddl begin ddl", want: "line 2: BEGIN without COMMIT"},
		{name: "BEGIN in BEGIN", in: "begin ddl begin commit", want: "line 3: BEGIN inside the transaction that begins in line 1"},
		{name: "what takes the transaction away", in: "begin ddl xa commit", want: "line 3: not in a migration"},
		{name: "ROLLBACK", in: "begin ddl undo", want: "line 3: a transaction that ends with ROLLBACK does nothing: leave it out"},
		{name: "ROLLBACK without BEGIN", in: "ddl undo", want: "line 2: a ROLLBACK without BEGIN: it would undo the migration that it stands in"},
		{name: "an index built concurrently in a transaction", in: "begin cic commit", want: "line 2: this statement cannot run inside the transaction that begins in line 1"},
		{name: "MySQL: data alone is one transaction", mysql: true, in: "dml set dml", want: "transaction 1-3"},
		{name: "MySQL: DDL commits, so every statement stands alone", mysql: true, in: "set myddl dml", want: "session 1-1, alone 2-2, transaction 3-3"},
		{name: "MySQL: own transaction between", mysql: true, in: "myddl begin dml dml commit myddl", want: "alone 1-1, transaction 3-4 with 2, file's own 5-5, alone 6-6"},
		{name: "MySQL: DDL in a transaction", mysql: true, in: "begin myddl commit", want: "file's own 1-1, alone 2-2, file's own 3-3"},
		{name: "MySQL: DDL amid a transaction", mysql: true, in: "set begin dml myddl dml commit dml", want: "session 1-1, transaction 3-3 with 2, alone 4-4, transaction 5-5, file's own 6-6, transaction 7-7"},
		{name: "MySQL: a procedure in a transaction may commit", mysql: true, in: "begin call commit", want: "line 2: this statement ends the transaction that begins in line 1 by itself: take it out of there"},
		{name: "MySQL: locked tables are one group", mysql: true, in: "myddl locktab dml dml unlock dml", want: "alone 1-1, alone 2-5, transaction 6-6"},
		{name: "MySQL: locked to the end", mysql: true, in: "locktab dml", want: "alone 1-2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			outline, err := cut(t, c.in, plan.Rules{DDL: !c.mysql, Off: c.off})
			var got []string
			if err != nil {
				got = append(got, err.Error())
			}
			for _, g := range outline.Groups {
				got = append(got, describe(c.in, g)...)
			}
			if got := strings.Join(got, ", "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// section reads a test's line: a statement a word, and a line each.
func section(in string) func(func(migration.Piece) error) error {
	return func(each func(migration.Piece) error) error {
		for i, word := range strings.Fields(in) {
			p := migration.Piece{Hash: migration.Hash{byte(i)}}
			p.Start, p.Words = sqltext.Pos{Line: i + 1, Column: 1}, []string{word}
			if word == "copy" {
				p.Copy = strings.NewReader("")
			}
			if err := each(p); err != nil {
				return err
			}
		}
		return nil
	}
}

func cut(t *testing.T, in string, r plan.Rules) (*plan.Outline, error) {
	t.Helper()
	r.Classify = func(words []string) engine.Traits {
		tr, ok := traits[words[0]]
		if !ok {
			t.Fatalf("unknown word %q", words[0])
		}
		return tr
	}
	r.Ties = func(st sqltext.Statement) engine.Ties {
		return engine.Ties{Rows: st.Words[0] == "reads", Ours: true, Reads: []string{"lastval()"}}
	}
	o, err := plan.Cut(section(in), r)
	if err != nil {
		return &plan.Outline{}, err
	}
	if n := len(strings.Fields(in)); o.Statements != n {
		t.Errorf("%d statements, want %d", o.Statements, n)
	}
	return o, nil
}

// describe names a group, or each of those that stand one by one.
func describe(in string, g plan.Group) []string {
	if g.Mode == plan.OneByOne {
		var out []string
		for i := g.From; i < g.To; i++ {
			out = append(out, describe(in, plan.Single(i, traits[strings.Fields(in)[i]]))...)
		}
		return out
	}
	text := fmt.Sprintf("%s %d-%d", g.Mode, g.From+1, g.To)
	if g.Mode == plan.InTransaction && g.Begin >= 0 {
		text += fmt.Sprintf(" with %d", g.Begin+1)
	}
	return []string{text}
}

// TestChecksumsOfGroups: each is over the statements that are still to run, as
// they are when the group is in hand.
func TestChecksumsOfGroups(t *testing.T) {
	t.Parallel()
	hashes := func(from, to int) migration.Checksum {
		var hs []migration.Hash
		for i := from; i < to; i++ {
			hs = append(hs, migration.Hash{byte(i)})
		}
		return migration.SumOf(hs...)
	}
	for _, c := range []struct {
		in   string
		off  bool
		done int
	}{
		{in: "ddl dml cic ddl begin dml ddl commit set dml"},
		{in: "ddl dml dml cic ddl", done: 2},
		{in: "begin dml ddl commit", done: 2},
		{in: "begin commit ddl"},
		{in: "copy copy dml copy", off: true},
		{in: "dml reads dml reads ddl", off: true},
	} {
		o, err := cut(t, c.in, plan.Rules{DDL: true, Off: c.off, Resume: plan.Progress{Done: c.done}})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range o.Groups {
			want := hashes(max(g.From, c.done), g.To)
			switch {
			case g.To <= c.done && g.To > 0, g.Mode == plan.OwnCommands:
				continue
			case g.Mode == plan.OneByOne:
				want = ""
			}
			if g.Checksum != want {
				t.Errorf("%s, %d done: statements %d-%d have checksum %.8s, want %.8s", c.in, c.done, g.From+1, g.To, g.Checksum, want)
			}
		}
	}
}

// TestOutlineDoesNotGrow: what is kept of a file is by its groups, and
// statements that stand alone are one.
func TestOutlineDoesNotGrow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in     string
		mysql  bool
		off    bool
		groups int
	}{
		{in: strings.Repeat("dml ddl ", 100), groups: 1},
		{in: strings.Repeat("dml set loose pragma ", 100), off: true, groups: 1},
		{in: strings.Repeat("dml dml set ", 100) + "myddl", mysql: true, groups: 1},
		{in: strings.Repeat("myddl dml ", 100), mysql: true, groups: 1},
		{in: "myddl locktab " + strings.Repeat("dml ", 100) + "unlock", mysql: true, groups: 2},
	} {
		o, err := cut(t, c.in, plan.Rules{DDL: !c.mysql, Off: c.off})
		if err != nil {
			t.Fatal(err)
		}
		if len(o.Groups) != c.groups {
			t.Errorf("%.20s...: %d groups, want %d", c.in, len(o.Groups), c.groups)
		}
	}
}

func TestOutlineNotesPlaces(t *testing.T) {
	t.Parallel()
	none := plan.Place{}
	at := func(n int) plan.Place { return plan.Place{Number: n, Line: n} }
	for _, c := range []struct {
		in                       string
		mysql, off               bool
		doubt, last              int
		apart, setting, fleeting plan.Place
	}{
		{in: "", apart: none},
		{in: "ddl set dml", last: 3, setting: at(2)},
		{in: "ddl cic pragma", apart: at(2), setting: at(3)}, // a setting is last: nothing to share a transaction with
		{in: "ddl begin dml commit", last: 3, apart: at(2)},
		{in: "ddl begin commit", last: 2, apart: at(2)},
		{in: "myddl dml", mysql: true, last: 2, apart: at(1)},
		{in: "temp dml", last: 2},
		{in: "temp dml", off: true, last: 2, fleeting: at(1)},
		{in: "dml temp cic", last: 3, apart: at(3), fleeting: at(2)},
		{in: "dml temp pragma", apart: at(3), setting: at(3)},
		{in: "begin temp commit begin dml temp commit", last: 6, apart: at(1), fleeting: at(2)},
		{in: "cic temp", last: 2, apart: at(1)},
	} {
		o, err := cut(t, c.in, plan.Rules{DDL: !c.mysql, Off: c.off, Resume: plan.Progress{Doubt: 2}})
		if err != nil {
			t.Fatal(err)
		}
		doubt := none
		if o.Statements > 1 {
			doubt = at(2)
		}
		got := plan.Outline{Last: o.Last, Apart: o.Apart, Setting: o.Setting, Fleeting: o.Fleeting, Doubt: o.Doubt}
		want := plan.Outline{Last: c.last, Apart: c.apart, Setting: c.setting, Fleeting: c.fleeting, Doubt: doubt}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(plan.Outline{})); diff != "" {
			t.Errorf("%s: %s", c.in, diff)
		}
	}
}

func TestMendedFindsTheFirst(t *testing.T) {
	t.Parallel()
	sum := func(is ...byte) string {
		var hs []migration.Hash
		for _, i := range is {
			hs = append(hs, migration.Hash{i})
		}
		return string(migration.SumOf(hs...))
	}
	each := func(is ...byte) string {
		s := migration.NewSum()
		for _, i := range is {
			s.AddChecksum(migration.Checksum(sum(i)))
		}
		return string(s.Checksum())
	}
	for name, c := range map[string]struct {
		marks []plan.Mark
		want  *plan.Mended
	}{
		"nothing ran":            {},
		"as it ran":              {marks: []plan.Mark{{From: 1, To: 2, Checksum: sum(0, 1)}, {From: 4, To: 4, Checksum: sum(3)}}},
		"another":                {marks: []plan.Mark{{From: 1, To: 1, Checksum: sum(0)}, {From: 2, To: 3, Checksum: sum(1, 1)}}, want: &plan.Mended{Mark: plan.Mark{From: 2, To: 3, Checksum: sum(1, 1)}, Now: migration.Checksum(sum(1, 2)), Line: 2}},
		"two others":             {marks: []plan.Mark{{From: 2, To: 2, Checksum: sum(7)}, {From: 3, To: 3, Checksum: sum(7)}}, want: &plan.Mended{Mark: plan.Mark{From: 2, To: 2, Checksum: sum(7)}, Now: migration.Checksum(sum(1)), Line: 2}},
		"the file ends before":   {marks: []plan.Mark{{From: 4, To: 5, Checksum: sum(3, 4)}}, want: &plan.Mended{Mark: plan.Mark{From: 4, To: 5, Checksum: sum(3, 4)}}},
		"each as it ran":         {marks: []plan.Mark{{From: 1, To: 3, Checksum: each(0, 1, 2), Each: true}}},
		"one of each":            {marks: []plan.Mark{{From: 1, To: 3, Checksum: each(0, 7, 2), Each: true}}, want: &plan.Mended{Mark: plan.Mark{From: 1, To: 3, Checksum: each(0, 7, 2), Each: true}, Now: migration.Checksum(each(0, 1, 2)), Line: 1}},
		"one that cannot be one": {marks: []plan.Mark{{From: 0, To: 1, Checksum: sum(0)}}, want: &plan.Mended{Mark: plan.Mark{From: 0, To: 1, Checksum: sum(0)}, Now: migration.Checksum(sum(0))}},
	} {
		o, err := cut(t, "dml ddl dml ddl", plan.Rules{DDL: true, Resume: plan.Progress{Marks: c.marks}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, o.Mended); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
