package proven_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/schema"
)

// proving is a prover with a folder that is loaded, and a database that is never
// made.
func proving(t *testing.T, folder fs.FS) (proven.Prover, *migration.Set, engine.Database) {
	t.Helper()
	e := sqlite.Engine()
	set, err := migration.Load(folder, e.Lexis)
	if err != nil {
		t.Fatal(err)
	}
	main, err := e.Open("sqlite:///never.db", engine.OpenOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return proven.Prover{Engine: e, Inspect: liteschema.Inspect, Holder: lock.Holder{Command: "verify"}, Options: schema.Options{
		Own: []string{lock.Table, lock.RunTable, journal.HistoryTable, journal.LaterHistoryTable, journal.EntryTable},
	}}, set, main
}

// prove gives a line for each proof, and the one of all together. stop ends it
// before the first one.
func prove(t *testing.T, files map[string]string, data, stop bool, wanted ...string) (lines []string, err error) {
	t.Helper()
	folder := fstest.MapFS{}
	for name, text := range files {
		folder[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, set, main := proving(t, folder)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f := proven.Folder{FS: folder, Set: set, Data: data}
	if len(wanted) > 0 {
		f.Wanted = func(m *migration.Migration) bool { return strings.Contains(strings.Join(wanted, " "), m.File) }
	}
	if stop {
		f.Told = func(int, int, *migration.Migration) { cancel() }
	}
	all, err := f.Prove(ctx, func(do func(proven.Prover, engine.Database) error) error {
		d, err := scratch.Open(ctx, p.Engine, main, nil, "")
		if err != nil {
			return err
		}
		return errors.Join(do(p, d), d.Close(ctx))
	})
	if err != nil {
		return nil, err
	}
	for _, one := range all.Each {
		lines = append(lines, one.Migration.File+" "+line(one))
	}
	if all.Whole != nil {
		lines = append(lines, "together "+line(*all.Whole))
	}
	for id, why := range all.Unfilled {
		lines = append(lines, id.String()+" unfilled: "+why)
	}
	return lines, nil
}

func line(p proven.Proof) string {
	text := string(p.Verdict)
	if p.On != "" {
		text += " on " + p.On
	}
	for _, c := range p.Back {
		text += "; " + c.String()
	}
	for _, c := range p.Again {
		text += "; again " + c.String()
	}
	for _, l := range p.Lost {
		text += fmt.Sprintf("; lost %s %d of %d", l.Object, l.Had-l.Kept, l.Had)
		if l.Since {
			text += " since"
		}
	}
	return text
}

func TestGeneratedRowsTellWhatARollbackLoses(t *testing.T) {
	t.Parallel()
	lines, err := prove(t, map[string]string{
		"1_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER PRIMARY KEY, word TEXT, state TEXT NOT NULL CHECK (state IN ('on', 'off')));\n" +
			"CREATE TABLE b (a INTEGER NOT NULL REFERENCES a (n), at TIMESTAMP NOT NULL, amount NUMERIC(3, 1) NOT NULL UNIQUE);\n-- rollback\nDROP TABLE b;\nDROP TABLE a;\n",
		"2_b.sql": "-- upgrade\nALTER TABLE a DROP COLUMN word;\nCREATE TABLE c (t TEXT);\nALTER TABLE b ADD COLUMN more TEXT;\n-- rollback\nALTER TABLE b DROP COLUMN more;\nDROP TABLE c;\nALTER TABLE a ADD COLUMN word TEXT;\n",
		"3_c.sql": "-- upgrade\nDELETE FROM b WHERE a = (SELECT MIN(a) FROM b);\n-- rollback\n",
		"4_d.sql": "-- upgrade\nCREATE TABLE never (n INTEGER NOT NULL CHECK (n > 5 AND n < 3));\n-- rollback\nDROP TABLE never;\n",
		"5_e.sql": "-- upgrade\nUPDATE a SET state = 'on';\nALTER TABLE a ADD COLUMN later TEXT;\n-- rollback\nALTER TABLE a DROP COLUMN later;\n",
	}, true, false)
	want := `1_a.sql proven; lost table a 3 of 3 since; lost table b 3 of 3 since
2_b.sql proven; lost column a.word 3 of 3; lost column b.more 3 of 3 since; lost table c 3 of 3 since
3_c.sql proven; lost table b 2 of 6
4_d.sql proven
5_e.sql proven; lost column a.later 3 of 3 since; lost column a.state 2 of 3
together proven
table never unfilled: CHECK constraint failed: n > 5 AND n < 3`
	if got := strings.Join(lines, "\n"); err != nil || got != want {
		t.Errorf("got\n%s\nwant\n%s\n%v", got, want, err)
	}
}

func TestAFolderIsProvenOneByOneAndTogether(t *testing.T) {
	t.Parallel()
	const table = "-- upgrade\nCREATE TABLE %[1]s (n INTEGER);\n-- rollback\nDROP TABLE %[1]s;\n"
	a, b, c := fmt.Sprintf(table, "a"), fmt.Sprintf(table, "b"), fmt.Sprintf(table, "c")
	for _, test := range []struct {
		name   string
		files  map[string]string
		wanted []string
		want   string
	}{
		{"nothing", nil, nil, ""},
		{"in the order of what they depend on", map[string]string{"1_a.sql": "-- depends_on: [\"3\"]\n" + a, "2_b.sql": b, "3_c.sql": c, "4_s.sql": "-- seed\n-- upgrade\nINSERT INTO a VALUES (1);\n-- rollback\nDELETE FROM a;\n"}, nil,
			"3_c.sql proven, 1_a.sql proven, 2_b.sql proven, 4_s.sql proven, together proven"},
		{"behind one that leaves something", map[string]string{"1_a.sql": "-- upgrade\nCREATE TABLE IF NOT EXISTS a (n INTEGER);\n-- rollback\n", "2_b.sql": b, "3_c.sql": "-- upgrade\nCREATE TABLE c (n INTEGER);\n-- rollback\nDROP TABLE b;\nDROP TABLE c;\n"}, nil,
			"1_a.sql differs; removed table a, 2_b.sql proven, 3_c.sql differs; added table b; again added table b, together failed on the way back"},
		{"another one the second time", map[string]string{"1_a.sql": a, "2_b.sql": "-- upgrade\nCREATE TABLE IF NOT EXISTS b (n INTEGER);\n-- rollback\nDROP TABLE b;\nCREATE TABLE b (other TEXT);\n"}, nil,
			"1_a.sql proven, 2_b.sql differs; removed table b; again added column b.n; again removed column b.other, together differs; removed table b; again added column b.n; again removed column b.other"},
		{"together alone", map[string]string{
			"1_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER);\nCREATE TABLE guard (n INTEGER CHECK (n = 0));\n-- rollback\nINSERT INTO guard SELECT n FROM a;\nDROP TABLE a;\nDROP TABLE guard;\n",
			"2_b.sql": "-- upgrade\nINSERT INTO a VALUES (1);\n-- rollback\n",
		}, nil, "1_a.sql proven, 2_b.sql proven, together failed on the way back"},
		{"down to the newest without a way back", map[string]string{"1_a.sql": a, "2_b.sql": "-- upgrade\nCREATE TABLE b (n INTEGER);\n", "3_c.sql": c}, nil,
			"1_a.sql proven, 2_b.sql irreversible, 3_c.sql proven, together proven"},
		{"the last without a way back", map[string]string{"1_a.sql": a, "2_b.sql": "-- upgrade\nCREATE TABLE b (n INTEGER);\n"}, nil,
			"1_a.sql proven, 2_b.sql irreversible, together irreversible"},
		{"what runs always and leads further", map[string]string{"1_a.sql": a, "RA__r.sql": "-- upgrade\nALTER TABLE a RENAME TO a1;\nCREATE TABLE a AS SELECT * FROM a1;\nDROP TABLE IF EXISTS old;\nALTER TABLE a1 RENAME TO old;\n", "ROC__v.sql": "-- upgrade\nCREATE VIEW v AS SELECT 1;\n"}, nil,
			"1_a.sql proven, RA__r.sql differs; again changed column old.n: type, ROC__v.sql repeats, together proven"},
		{"a repeatable that fails", map[string]string{"1_a.sql": a, "RA__a.sql": "-- upgrade\nSELECT 1;\n", "RA__b.sql": "-- upgrade\nDROP TABLE ghost;\n", "ROC__v.sql": "-- upgrade\nCREATE VIEW v AS SELECT 1;\n"}, nil,
			"1_a.sql proven, RA__a.sql repeats, RA__b.sql failed on the way there, ROC__v.sql unreached, together unreached"},
		{"named ones, past what is wrong behind them", map[string]string{"1_a.sql": a, "2_b.sql": b, "3_c.sql": "-- upgrade\nDROP TABLE ghost;\n-- rollback\n"}, []string{"2_b.sql"}, "2_b.sql proven"},
		{"named ones, behind one that fails", map[string]string{"1_a.sql": a, "2_b.sql": "-- upgrade\nDROP TABLE ghost;\n-- rollback\n", "3_c.sql": c}, []string{"3_c.sql"},
			"2_b.sql failed on the way there, 3_c.sql unreached"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			lines, err := prove(t, test.files, false, false, test.wanted...)
			if got := strings.Join(lines, ", "); got != test.want || err != nil {
				t.Errorf("got  %s\nwant %s\nerr: %v", got, test.want, err)
			}
		})
	}
}

// Whoever stops a proof gets no verdict that says a migration fails.
func TestAStoppedProofBlamesNobody(t *testing.T) {
	t.Parallel()
	lines, err := prove(t, map[string]string{"1_a.sql": "-- upgrade\nCREATE TABLE a (n INTEGER);\n-- rollback\nDROP TABLE a;\n"}, false, true)
	if !errors.Is(err, context.Canceled) || len(lines) > 0 {
		t.Errorf("got %v, %v", lines, err)
	}
}
