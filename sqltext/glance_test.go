package sqltext_test

import (
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// sameAtAGlance verifies that Glance sees what Next returns, also by a scanner
// that has read another input before, which it has not finished.
func sameAtAGlance(t *testing.T, input string, l sqltext.Lexis, window int, want []piece, wantErr error) {
	t.Helper()
	s := sqltext.NewScanner(strings.NewReader("SET sql_mode = 'ANSI_QUOTES'; SELECT '"), l, sqltext.Options{Marker: isMarker})
	for range 2 {
		_, _ = s.Glance() // an unfinished string, in a mode that it has set
	}
	at := min(window, len(input))
	s.Restart([]byte(input[:at]), strings.NewReader(input[at:]))
	if at == len(input) {
		s.Restart([]byte(input), nil)
	}
	var got []piece
	for {
		g, err := s.Glance()
		if err == sqltext.ErrMarker {
			line, at := s.Marker()
			got = append(got, piece{marker: line, at: at, gap: s.Gap()})
			continue
		}
		if err == io.EOF {
			got = append(got, piece{gap: s.Gap(), last: true})
		}
		if err != nil {
			if !reflect.DeepEqual(err, wantErr) {
				t.Fatalf("at a glance: error %v, want %v\ninput: %q", err, wantErr, input)
			}
			break
		}
		p := piece{st: sqltext.Statement{Gap: string(g.Gap), Text: string(g.Text), Start: g.Start}}
		if g.Copy != nil {
			rows, err := io.ReadAll(g.Copy)
			if err != nil {
				if !reflect.DeepEqual(err, wantErr) {
					t.Fatalf("at a glance: error %v, want %v\ninput: %q", err, wantErr, input)
				}
				break
			}
			p.rows = string(rows)
		}
		got = append(got, p)
	}
	seen := make([]piece, len(want))
	for i, p := range want {
		p.st = sqltext.Statement{Gap: p.st.Gap, Text: p.st.Text, Start: p.st.Start}
		seen[i] = p
	}
	if len(got) != len(seen) || len(got) > 0 && !reflect.DeepEqual(got, seen) {
		t.Fatalf("(-next +glance):\n%s\ninput: %q", cmp.Diff(seen, got, cmp.AllowUnexported(piece{})), input)
	}
}
