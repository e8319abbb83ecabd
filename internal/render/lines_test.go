package render

import (
	"strings"
	"testing"
)

func TestLinesShowsWhatIsGoneAndWhatIsNew(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, after, want string }{
		{"a\nb\nc", "a\nx\nc", "    a\n  - b\n  + x\n    c"},
		{"a", "a\r\nb", "    a\n  + b"},
		{"a\nb\nc\nd\ne\nf\ng\nh\ni\nj", "a\nb\nc\nd\ne\nf\ng\nh\ni\nJ", "  …\n    g\n    h\n    i\n  - j\n  + J"},
		{"1\nx\n2\n3\n4\n5\n6\n7\n8\n9\ny", "1\n2\n3\n4\n5\n6\n7\n8\n9", "    1\n  - x\n    2\n    3\n    4\n  …\n    7\n    8\n    9\n  - y"},
		{"p\nq\nr", "q\nr\np", "  - p\n    q\n    r\n  + p"},
	} {
		if got := Lines(c.before, c.after); got != c.want {
			t.Errorf("%q to %q:\n%s\nwant\n%s", c.before, c.after, got, c.want)
		}
	}
	many := strings.Repeat("a\nb\n", 2000)
	if got := Lines(many+"x", strings.Repeat("c\nd\n", 2000)+"x"); !strings.HasPrefix(got, "  - a") || !strings.HasSuffix(got, "    x") {
		t.Error("a long text is not compared")
	}
}
