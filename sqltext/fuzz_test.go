package sqltext_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// inChunks gives a text in pieces of random size.
type inChunks struct {
	text string
	rand *rand.Rand
	most int
}

func (c *inChunks) Read(p []byte) (int, error) {
	if c.text == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.rand.IntN(c.most+1))], c.text)
	c.text = c.text[n:]
	return n, nil
}

// narrow makes the scanner begin with a window of its size, so that it has to
// move all the time.
type narrow struct {
	io.Reader
	size int
}

func (n narrow) Len() int { return n.size }

// sameInChunks verifies that it does not matter in which pieces a reader gives
// the input, and how often the scanner's window moves.
func sameInChunks(t *testing.T, input string, l sqltext.Lexis, window int) {
	t.Helper()
	want, wantErr := scan(strings.NewReader(input), l, isMarker)
	sameAtAGlance(t, input, l, window, want, wantErr)
	sameAtAGlance(t, input, l, len(input), want, wantErr)
	for name, r := range map[string]io.Reader{
		"byte by byte":  iotest.OneByteReader(strings.NewReader(input)),
		"narrow":        narrow{plainReader{strings.NewReader(input)}, window},
		"narrowest":     narrow{iotest.OneByteReader(strings.NewReader(input)), 0},
		"end with data": iotest.DataErrReader(strings.NewReader(input)),
		"random":        &inChunks{input, rand.New(rand.NewPCG(1, uint64(len(input)))), 7},
	} {
		got, err := scan(r, l, isMarker)
		if !reflect.DeepEqual(err, wantErr) {
			t.Fatalf("%s: error %v, want %v\ninput: %q", name, err, wantErr, input)
		}
		if want, got := plain(want), plain(got); !reflect.DeepEqual(want, got) {
			t.Fatalf("%s (-whole +chunks):\n%s\ninput: %q", name, cmp.Diff(want, got, cmp.AllowUnexported(piece{})), input)
		}
	}
}

// plain leaves readers out, which do not compare.
func plain(pieces []piece) []piece {
	out := make([]piece, len(pieces))
	for i, p := range pieces {
		p.st.Copy = nil
		out[i] = p
	}
	return out
}

func TestChunksMakeNoDifference(t *testing.T) {
	t.Parallel()
	for name, lexis := range lexes() {
		for _, s := range readStories(t, filepath.Join("testdata", name+".txt")) {
			for window := range 80 {
				// A piece in front puts everything at another place.
				sameInChunks(t, "SELECT ''; ;\n"+visible.Replace(s.input), lexis, window)
			}
		}
	}
}

func FuzzPostgreSQL(f *testing.F) { fuzz(f, "postgres") }
func FuzzMySQL(f *testing.F)      { fuzz(f, "mysql") }
func FuzzSQLite(f *testing.F)     { fuzz(f, "sqlite") }

func fuzz(f *testing.F, name string) {
	for _, s := range readStories(f, filepath.Join("testdata", name+".txt")) {
		f.Add(visible.Replace(s.input))
	}
	lexis := lexes()[name]
	f.Fuzz(func(t *testing.T, input string) {
		pieces, err := scan(strings.NewReader(input), lexis, isMarker)
		var e *sqltext.Error
		if err != io.EOF && !errors.As(err, &e) {
			t.Fatalf("unexpected error %v", err)
		}
		if e != nil && (e.Pos.Offset < 0 || e.Pos.Offset > int64(len(input)) || e.Pos.Line < 1 || e.Pos.Column < 1) {
			t.Errorf("%#v is outside the input", e.Pos)
		}
		if err := checkPieces(input, pieces, err == io.EOF); err != nil {
			t.Error(err)
		}
		if len(pieces) > len(input)+1 {
			t.Errorf("%d pieces of %d bytes", len(pieces), len(input))
		}
		sameInChunks(t, input, lexis, len(input)%50)
		linear(t, input, lexis)
		alone(t, input, pieces, lexis)
	})
}

// linear verifies that nothing is looked at again and again.
func linear(t *testing.T, input string, l sqltext.Lexis) {
	t.Helper()
	s := sqltext.NewScanner(iotest.HalfReader(strings.NewReader(input)), l, sqltext.Options{Marker: isMarker})
	var err error
	for err == nil || err == sqltext.ErrMarker {
		_, err = s.Next()
	}
	if looked, moved := s.Work(); looked > 3*int64(len(input))+16 || moved > 4*int64(len(input)) {
		t.Errorf("looked at %d bytes and moved %d, of %d", looked, moved, len(input))
	}
}

// alone verifies that each statement, cut once more, is one statement. Where
// the text says how the rest is to be read, that does not hold.
func alone(t *testing.T, input string, pieces []piece, l sqltext.Lexis) {
	t.Helper()
	upper := strings.ToUpper(input)
	for _, word := range []string{"SQL_MODE", "DELIMITER", "STANDARD_CONFORMING"} {
		if strings.Contains(upper, word) {
			return
		}
	}
	for _, p := range pieces {
		if p.st.Text == "" || p.st.Copy != nil || strings.HasPrefix(p.st.Text, "\ufeff") || strings.HasPrefix(p.st.Text, "\xff\xfe") || strings.HasPrefix(p.st.Text, "\xfe\xff") {
			continue // a byte order mark is one only at the very beginning
		}
		if l.DashNeedsSpace && strings.HasSuffix(p.st.Text, "--") {
			continue // the end of the input makes these a comment
		}
		again, err := sqltext.All(p.st.Text, l)
		if err != nil || len(again) != 1 || again[0].Text != p.st.Text || again[0].Gap != "" {
			t.Errorf("%+v alone gives %+v, %v", p.st.Text, again, err)
		}
	}
}
