package render_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/render"
)

func TestChangedShowsBothTexts(t *testing.T) {
	for _, c := range []struct{ before, after, want string }{
		{"a", "b", "  - a\n  + b"},
		{"a\nb\nc", "a\nx\nc", "    a\n  - b\n  + x\n    c"},
		{"a\na", "a", "    a\n  - a"},
		{"a\x1b[31m", "b", "  - a\uFFFD[31m\n  + b"},
	} {
		if got := render.Changed(c.before, c.after); got != c.want {
			t.Errorf("%q, %q:\n%s\nwant\n%s", c.before, c.after, got, c.want)
		}
	}
}
