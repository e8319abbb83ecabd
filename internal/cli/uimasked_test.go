package cli

import (
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/dbwarden-go/dbwarden/internal/config"
)

// TestTextOfAnySizeIsMasked: wherever a secret stands in a file, and however
// long its lines are, the page shows the file without it.
func TestTextOfAnySizeIsMasked(t *testing.T) {
	t.Parallel()
	m := config.NewMask()
	m.Hide("s3cret-word")
	m.Hide("two\nlines of a secret")
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 40 {
		var b strings.Builder
		for b.Len() < 300<<10 {
			switch r.IntN(6) {
			case 0:
				b.WriteString("s3cret-word")
			case 1:
				b.WriteString("two\nlines of a secret")
			case 2:
				if n%2 == 0 { // others are one line
					b.WriteByte('\n')
				}
			default:
				b.WriteString(strings.Repeat("INSERT é ", r.IntN(3000)))
			}
		}
		text := b.String()
		for _, from := range []io.Reader{strings.NewReader(text), iotest.DataErrReader(strings.NewReader(text)), iotest.HalfReader(strings.NewReader(text))} {
			got, err := io.ReadAll(&maskedText{mask: m.Of, from: from})
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != m.Of(text) {
				t.Fatalf("text %d is not what it is as a whole", n)
			}
		}
	}
}

// TestTheBeginningOfAnEndlessLineIsThere, though no line of it has ended.
func TestTheBeginningOfAnEndlessLineIsThere(t *testing.T) {
	t.Parallel()
	m := config.NewMask()
	m.Hide("s3cret-word")
	head := make([]byte, 100<<10)
	if _, err := io.ReadFull(&maskedText{mask: m.Of, from: endless{}}, head); err != nil || strings.Trim(string(head), "x") != "" {
		t.Error(err, string(head[:20]))
	}
}

// endless is a line without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
