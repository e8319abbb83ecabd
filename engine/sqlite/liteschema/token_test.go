package liteschema

import (
	"strings"
	"testing"
)

// Any text at all is cut without a panic, into pieces that stand in it.
func FuzzTokensStandInTheText(f *testing.F) {
	for _, s := range []string{
		"CREATE TABLE t (a CHECK (a > ')'), \"b\"\"c\" [d] `e` DEFAULT x'00' -- end\n, /* ( */ FOREIGN KEY (a) REFERENCES q(b))",
		"CREATE INDEX i ON t (lower(a) DESC) WHERE a = '('", "'", "\"", "[", "`", "/*", "--", "(", ")", "((,", "CONSTRAINT", "REFERENCES", "ON DELETE", "é(",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at := 0
		for _, tok := range tokens(s) {
			if tok.start < at || tok.end <= tok.start || tok.end > len(s) || s[tok.start:tok.end] != tok.text {
				t.Fatalf("%q: token %+v behind %d", s, tok, at)
			}
			at = tok.end
			_ = tok.name()
		}
		readTable(s)
		readIndex(s)
	})
}

func TestNamesAreQuotedWhereTheyMustBe(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a": "a", "A_1": "A_1", "1a": `"1a"`, "order": `"order"`, "key": "key", "a b": `"a b"`, `"`: `""""`, "": `""`, "é": "é", "a$": `"a$"`,
	} {
		if got := plain(name); got != want {
			t.Errorf("%s: got %s", name, got)
		}
	}
	for _, c := range []struct{ written, want string }{{"a", "a"}, {`"a""b"`, `a"b`}, {"[a]", "a"}, {"`a``b`", "a`b"}, {"'it''s'", "it's"}} {
		if got := tokens(c.written)[0].name(); got != c.want {
			t.Errorf("%s: got %s", c.written, got)
		}
	}
	if !reserved["ORDER"] || strings.Contains(plain("release"), `"`) {
		t.Error("reserved words")
	}
}
