package sqltext_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

var rewrite = flag.Bool("rewrite", false, "write what the scanner does into testdata")

// lexes are the products by the names of their files in testdata.
func lexes() map[string]sqltext.Lexis {
	return map[string]sqltext.Lexis{
		"postgres": sqltext.PostgreSQL,
		"mysql":    sqltext.MySQL,
		"sqlite":   sqltext.SQLite,
	}
}

var markerPattern = regexp.MustCompile(`(?i)^--\s*(upgrade|rollback)\s*$`)

func isMarker(line string) bool { return markerPattern.MatchString(line) }

// A story is one case of a file in testdata:
//
//	==== what the case promises
//	input
//	----
//	line:column text of a statement
//	  ...
//
// Characters that a text file would not show are written ␍ (carriage return),
// ␀ (NUL), ⊙ (byte order mark), ⌫ (an invalid byte) and ⌁ (the line feed here
// is not part of the input). In what is expected ⏎ is a line feed.
type story struct {
	title, input, want string
}

var visible = strings.NewReplacer("␍", "\r", "␀", "\x00", "⊙", "\ufeff", "⌫", "\xff", "⌁\n", "", "⌁", "")

func readStories(t testing.TB, file string) []story {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []story
	for _, part := range strings.Split("\n"+string(text), "\n==== ")[1:] {
		title, rest, _ := strings.Cut(part, "\n")
		input, want, ok := strings.Cut("\n"+rest, "\n----\n")
		if !ok {
			input, want, ok = strings.Cut("\n"+rest, "\n----")
		}
		if !ok {
			t.Fatalf("%s: %q has no line of dashes", file, title)
		}
		if input != "" {
			input = input[1:] + "\n"
		}
		all = append(all, story{title, input, strings.TrimRight(want, "\n") + "\n"})
	}
	return all
}

func TestScannerCutsAsItsProductReads(t *testing.T) {
	for name, lexis := range lexes() {
		file := filepath.Join("testdata", name+".txt")
		stories := readStories(t, file)
		var out strings.Builder
		for _, s := range stories {
			got := tell(t, visible.Replace(s.input), lexis, strings.HasSuffix(s.title, "+words"))
			fmt.Fprintf(&out, "==== %s\n%s----\n%s\n", s.title, s.input, got)
			if *rewrite {
				continue
			}
			t.Run(name+"/"+s.title, func(t *testing.T) {
				if diff := cmp.Diff(s.want, got); diff != "" {
					t.Errorf("input:\n%s\n(-want +got)\n%s", s.input, diff)
				}
			})
		}
		if *rewrite {
			if err := os.WriteFile(file, []byte(strings.TrimRight(out.String(), "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// tell writes down what the scanner makes of an input.
func tell(t testing.TB, input string, l sqltext.Lexis, words bool) string {
	t.Helper()
	var b strings.Builder
	show := strings.NewReplacer("\x00", "␀", "\n", "⏎", "\r", "␍", "\xff", "⌫")
	pieces, err := scan(strings.NewReader(input), l, isMarker)
	for _, p := range pieces {
		if p.last {
			continue
		}
		if p.marker != "" {
			fmt.Fprintf(&b, "%s marker %s\n", p.at, show.Replace(p.marker))
			continue
		}
		st := p.st
		fmt.Fprintf(&b, "%s %s", st.Start, show.Replace(st.Text))
		if st.Terminator != ";" && st.Copy == nil {
			fmt.Fprintf(&b, " «%s»", show.Replace(st.Terminator))
		}
		b.WriteByte('\n')
		if st.Copy != nil {
			fmt.Fprintf(&b, "  rows %s\n", show.Replace(p.rows))
		}
		if words {
			fmt.Fprintf(&b, "  words %s\n", show.Replace(strings.Join(st.Words, " ")))
		}
	}
	var e *sqltext.Error
	switch {
	case errors.As(err, &e):
		fmt.Fprintf(&b, "%s error: %s\n", e.Pos, e.Msg)
		if err := checkPieces(input, pieces, false); err != nil {
			t.Error(err)
		}
	case err != io.EOF:
		t.Errorf("scan: %v", err)
	default:
		if err := checkPieces(input, pieces, true); err != nil {
			t.Error(err)
		}
	}
	return b.String()
}

// A piece is what one call of Next gave.
type piece struct {
	st     sqltext.Statement
	rows   string
	marker string
	at     sqltext.Pos
	gap    string // of a marker, or of the end
	last   bool
}

// scan reads everything. The last piece holds the last gap when err is EOF.
func scan(r io.Reader, l sqltext.Lexis, marker func(string) bool) ([]piece, error) {
	var pieces []piece
	s := sqltext.NewScanner(r, l, sqltext.Options{Marker: marker})
	for {
		st, err := s.Next()
		switch {
		case err == sqltext.ErrMarker:
			line, at := s.Marker()
			pieces = append(pieces, piece{marker: line, at: at, gap: s.Gap()})
			continue
		case err == io.EOF:
			return append(pieces, piece{gap: s.Gap(), last: true}), err
		case err != nil:
			return pieces, err
		}
		p := piece{st: st}
		if st.Copy != nil {
			rows, err := io.ReadAll(st.Copy)
			if err != nil {
				return pieces, err
			}
			p.rows = string(rows)
		}
		pieces = append(pieces, p)
	}
}

// checkPieces verifies what holds for every input: the pieces joined are the
// input (or, before an error, its beginning), and places are where they say.
func checkPieces(input string, pieces []piece, whole bool) error {
	w := walker{rest: input, at: sqltext.Pos{Line: 1, Column: 1}}
	for _, p := range pieces {
		if p.st.Text == "" {
			if err := w.follow("gap", p.gap); err != nil {
				return err
			}
			continue
		}
		if err := errors.Join(
			w.follow("gap", p.st.Gap),
			w.is("start", p.st.Start),
			w.follow("text", p.st.Text),
			w.is("end", p.st.End),
			w.follow("tail", p.st.Tail),
			w.follow("terminator", p.st.Terminator),
			w.follow("rows", p.rows),
		); err != nil {
			return err
		}
		if n := len(p.st.Words); n == 0 || n > sqltext.MaxWords {
			return fmt.Errorf("%q has %d words", p.st.Text, n)
		}
	}
	if whole && w.rest != "" {
		return fmt.Errorf("the input's end is missing: %q", w.rest)
	}
	return nil
}

// A walker goes through an input and counts lines and characters.
type walker struct {
	rest string
	at   sqltext.Pos
}

// follow goes over a text that must be next.
func (w *walker) follow(what, text string) error {
	after, ok := strings.CutPrefix(w.rest, text)
	if !ok {
		return fmt.Errorf("%s %q does not follow at %#v", what, text, w.at)
	}
	for i, r := range text {
		switch {
		case r == '\n':
			w.at.Line++
			w.at.Column = 1
		case r == '\ufeff' && w.at.Offset == 0 && i == 0: // not a character
		default:
			w.at.Column++
		}
	}
	w.at.Offset += int64(len(text))
	w.rest = after
	return nil
}

func (w *walker) is(what string, got sqltext.Pos) error {
	if got != w.at {
		return fmt.Errorf("%s is %#v, want %#v", what, got, w.at)
	}
	return nil
}

func TestAllHoldsRowsInMemory(t *testing.T) {
	t.Parallel()
	all, err := sqltext.All("COPY a FROM stdin;\n1\n2\n\\.\nCOPY b FROM stdin;\n\\.\nSELECT 1", sqltext.PostgreSQL)
	if err != nil || len(all) != 3 {
		t.Fatalf("got %d statements, %v", len(all), err)
	}
	for i, want := range []string{"1\n2\n", ""} {
		if got, err := io.ReadAll(all[i].Copy); err != nil || string(got) != want {
			t.Errorf("rows %d: %q, %v", i, got, err)
		}
	}
	if all[2].Copy != nil || all[2].Text != "SELECT 1" {
		t.Errorf("last: %+v", all[2])
	}
}

func TestRowsNobodyReadsArePassedOver(t *testing.T) {
	t.Parallel()
	text := "COPY a FROM stdin;\n" + strings.Repeat("1\tx\n", 100_000) + "\\.\nSELECT 1;"
	for _, read := range []int{0, 1, 5, 70_000} {
		s := sqltext.NewScanner(strings.NewReader(text), sqltext.PostgreSQL, sqltext.Options{})
		st, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(st.Copy, make([]byte, read)); err != nil {
			t.Fatal(err)
		}
		next, err := s.Next()
		if err != nil || next.Text != "SELECT 1" || next.Start.Line != 100_003 {
			t.Errorf("after %d bytes: %q at %v, %v", read, next.Text, next.Start, err)
		}
		if n, err := st.Copy.Read(make([]byte, 8)); n != 0 || err != io.EOF {
			t.Errorf("old rows gave %d, %v", n, err)
		}
	}
}

func TestErrorsAreFinal(t *testing.T) {
	t.Parallel()
	s := sqltext.NewScanner(strings.NewReader("SELECT 1; \\i x\nSELECT 2;"), sqltext.PostgreSQL, sqltext.Options{})
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	_, first := s.Next()
	_, second := s.Next()
	if first == nil || first != second {
		t.Errorf("got %v, then %v", first, second)
	}
}

func TestReadersOwnErrorIsNotTakenForTheEnd(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk gone")
	for _, text := range []string{"SELECT 1", "SELECT 'a", "-- a", "/* a", "COPY a FROM stdin", "COPY a FROM stdin;\n1\n", "COPY a FROM stdin;\n\\.", "CREATE FUNCTION f() BEGIN ATOMIC", ""} {
		for name, lexis := range lexes() {
			if strings.Contains(text, "\\") && !lexis.CopyRows {
				continue // an error before the reader's
			}
			r := io.MultiReader(strings.NewReader(text), failing{broken})
			pieces, err := scan(r, lexis, isMarker)
			if !errors.Is(err, broken) {
				t.Errorf("%s %q: got %v and %d pieces", name, text, err, len(pieces))
			}
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestBytesAreNeverChanged(t *testing.T) {
	t.Parallel()
	text := "CREATE FUNCTION f() AS $$\r\nBEGIN\xff\r\nEND\r\n$$;\r\n"
	all, err := sqltext.All(text, sqltext.PostgreSQL)
	if err != nil || len(all) != 1 || !bytes.Contains([]byte(text), []byte(all[0].Text)) {
		t.Errorf("got %+v, %v", all, err)
	}
}
