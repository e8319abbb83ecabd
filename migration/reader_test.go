package migration_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// outlined is a file that was read to be run.
func outlined(t *testing.T, fsys fs.FS) (*migration.Section, *migration.Reader) {
	t.Helper()
	set, err := migration.Load(fsys, sqltext.PostgreSQL)
	if err != nil {
		t.Fatal(err)
	}
	s := &set.Migrations[0].Upgrade
	seal, err := s.Outline(func(migration.Piece) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	r := s.Reader(seal)
	t.Cleanup(r.Close)
	return s, r
}

// given are the statements that a reader gives, and its error.
func given(r *migration.Reader, from, to int) ([]string, error) {
	var out []string
	for st, err := range r.Statements(from, to) {
		if err != nil {
			return out, err
		}
		text := st.Text
		if st.Copy != nil {
			rows, err := io.ReadAll(st.Copy)
			if err != nil {
				return out, err
			}
			text += ": " + string(rows)
		}
		out = append(out, text)
	}
	return out, nil
}

// TestAFileThatChangesWhileItRunsIsNotRun: between plan and run somebody
// saves the file. Nothing that was not planned is given.
func TestAFileThatChangesWhileItRunsIsNotRun(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{"1_a.sql": {Data: []byte("-- upgrade\nA;\nB;\nC;\n")}}
	s, r := outlined(t, fsys)
	for _, text := range []string{"-- upgrade\nA;\nX;\nC;\n", "-- upgrade\nA;\nB;\nC;\nD;\n", "-- upgrade\nA;\n", "-- upgrade", ""} {
		fsys["1_a.sql"].Data = []byte(text)
		got, err := given(r, 0, s.Count)
		if !errors.Is(err, migration.ErrFileChanged) || len(got) > 0 {
			t.Errorf("%q: gave %q, %v", text, got, err)
		}
		if _, err := s.Outline(func(migration.Piece) error { return nil }); !errors.Is(err, migration.ErrFileChanged) {
			t.Errorf("%q: the outline gave %v", text, err)
		}
	}
	fsys["1_a.sql"].Data = []byte("-- upgrade\n-- a remark\nA; B;\nC")
	if got, err := given(r, 0, s.Count); err != nil || len(got) != 3 {
		t.Errorf("what stands around statements may change: %q, %v", got, err)
	}
}

// TestNothingOfALargeFileIsGivenThatWasNotPlanned changes each statement of a
// file that is read in many blocks, and some of its rows.
func TestNothingOfALargeFileIsGivenThatWasNotPlanned(t *testing.T) {
	t.Parallel()
	var statements []string
	for i := range 60 {
		switch {
		case i%13 == 12:
			statements = append(statements, fmt.Sprintf("COPY t FROM stdin;\n%d\n\\.\n", i))
		default:
			statements = append(statements, fmt.Sprintf("INSERT INTO t VALUES (%d, '%s');\n", i, strings.Repeat("x", 100+3000*(i%7))))
		}
	}
	file := func(statements []string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("-- upgrade\n" + strings.Join(statements, ""))}
	}
	fsys := fstest.MapFS{"1_a.sql": file(statements)}
	s, r := outlined(t, fsys)
	planned, err := given(r, 0, s.Count)
	if err != nil || len(planned) != len(statements) {
		t.Fatalf("%d statements, %v", len(planned), err)
	}
	for i := range statements {
		for what, changed := range map[string][]string{
			"another":  slices.Concat(statements[:i], []string{strings.Replace(statements[i], fmt.Sprint(i), "99", 1)}, statements[i+1:]),
			"one more": slices.Concat(statements[:i], []string{"SELECT 1;\n"}, statements[i:]),
			"one less": slices.Concat(statements[:i], statements[i+1:]),
		} {
			fsys["1_a.sql"] = file(changed)
			r.Close()
			got, err := given(r, 0, s.Count)
			if !errors.Is(err, migration.ErrFileChanged) {
				t.Errorf("%s at %d: %v", what, i, err)
			}
			// Of a COPY the rows have passed when the change in them is seen.
			if n := len(got); n > 0 && strings.HasPrefix(got[n-1], "COPY") {
				got = got[:n-1]
			}
			if len(got) > i || !slices.Equal(got, planned[:len(got)]) {
				t.Errorf("%s at %d: %d statements were given", what, i, len(got))
			}
		}
	}
}

// TestAReaderGoesWhereItIsAsked: forward, back, and twice to the same place.
func TestAReaderGoesWhereItIsAsked(t *testing.T) {
	t.Parallel()
	large := "SELECT '" + strings.Repeat("x", 70<<10) + "'"
	_, r := outlined(t, fstest.MapFS{"1_a.sql": {Data: []byte("-- upgrade\nA;\nB;\n" + large + ";\nCOPY t FROM stdin;\n1\n2\n\\.\nCOPY t FROM stdin;\n3\n\\.\nD;\n")}})
	all := []string{"A", "B", large, "COPY t FROM stdin: 1\n2\n", "COPY t FROM stdin: 3\n", "D"}
	for _, c := range [][2]int{{0, 6}, {2, 3}, {2, 3}, {3, 4}, {3, 4}, {5, 6}, {0, 1}, {1, 2}, {3, 6}, {4, 4}, {0, 6}} {
		peeked, _, err := r.Peek(c[0])
		if err != nil {
			t.Fatal(err)
		}
		got, err := given(r, c[0], c[1])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all[c[0]:c[1]], got, nil); diff != "" && len(got) > 0 {
			t.Errorf("%d to %d: %s", c[0], c[1], diff)
		}
		if c[0] < len(all) && !strings.HasPrefix(all[c[0]], peeked.Text) {
			t.Errorf("%d is %.20q", c[0], peeked.Text)
		}
	}
	for st, err := range r.Statements(3, 6) { // rows that nobody reads
		if err != nil || !strings.HasPrefix(all[3], st.Text) {
			t.Errorf("%s, %v", st.Text, err)
		}
		break
	}
	if got, err := given(r, 4, 6); err != nil || !slices.Equal(got, all[4:]) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := given(r, 5, 7); !errors.Is(err, migration.ErrFileChanged) {
		t.Errorf("behind the end: %v", err)
	}
}

// TestPeekTellsTheHash: the one that Outline gave.
func TestPeekTellsTheHash(t *testing.T) {
	t.Parallel()
	set, err := migration.Load(fstest.MapFS{"1_a.sql": {Data: []byte("-- upgrade\nA;\r\nSELECT\r\n1;\nB;\n")}}, sqltext.PostgreSQL)
	if err != nil {
		t.Fatal(err)
	}
	s := &set.Migrations[0].Upgrade
	var want []migration.Hash
	seal, err := s.Outline(func(p migration.Piece) error {
		want = append(want, p.Hash)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r := s.Reader(seal)
	defer r.Close()
	for i := range want {
		if _, got, err := r.Peek(i); err != nil || got != want[i] {
			t.Errorf("statement %d: %x, want %x; %v", i, got, want[i], err)
		}
	}
}
