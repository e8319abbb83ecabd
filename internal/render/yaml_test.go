package render

import (
	"strings"
	"testing"
)

func TestYAMLSaysWhatJSONSays(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := YAML(&b, map[string]any{
		"a": 1, "b": []any{}, "c": map[string]any{}, "d": nil, "e": true,
		"list":  []any{"x", []any{1, 2}, map[string]any{"k": "v", "l": []any{"m"}}, map[string]any{"only": map[string]any{"deep": "no"}}},
		"texts": []any{"plain text", "yes", "", "1", "a: b", "# c", "- d", " e", "it's", "é", "tab\tend", "line\n", "{}", "~", "character varying(20)", "\u2028"},
		"sql":   "CREATE FUNCTION f()\n\n  AS $$ x: y # z\n$$", "blank": "a\n \nb ", "odd key: ": "\ttab\nfirst",
	}); err != nil {
		t.Fatal(err)
	}
	want := `---
a: 1
b: []
blank: "a\n \nb "
c: {}
d: null
e: true
list:
  - x
  - - 1
    - 2
  - k: v
    l:
      - m
  - only:
      deep: "no"
"odd key: ": "\ttab\nfirst"
sql: |-
  CREATE FUNCTION f()

    AS $$ x: y # z
  $$
texts:
  - plain text
  - "yes"
  - ""
  - "1"
  - "a: b"
  - "# c"
  - "- d"
  - " e"
  - "it's"
  - "é"
  - "tab\tend"
  - "line\n"
  - "{}"
  - "~"
  - character varying(20)
  - "\u2028"
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
