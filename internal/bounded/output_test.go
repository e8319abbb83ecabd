package bounded_test

import (
	"io"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/bounded"
)

func TestMoreThanTheBoundIsNotKept(t *testing.T) {
	t.Parallel()
	o := &bounded.Output{Most: 4 << 10}
	if _, err := io.Copy(o, strings.NewReader(strings.Repeat("x", 4<<10))); err != nil || o.Err() != nil || len(o.String()) != 4<<10 {
		t.Errorf("%v, %v, %d", err, o.Err(), len(o.String()))
	}
	if _, err := io.Copy(o, strings.NewReader("x")); err == nil || err != o.Err() || len(o.String()) != 4<<10 || err.Error() != "it printed more than 4 KiB" {
		t.Errorf("%v, %v, %d", err, o.Err(), len(o.String()))
	}
}
