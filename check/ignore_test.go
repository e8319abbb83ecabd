package check

import (
	"fmt"
	"testing"
)

func TestCommentsThatIgnoreNameRulesAndAReason(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ignore drop-table nobody uses it":        "drop-table: nobody uses it",
		" IGNORE Drop-Table  nobody uses it":      "drop-table: nobody uses it",
		"ignore drop-table,drop-cascade it is so": "drop-table: it is so; drop-cascade: it is so",
		"ignore drop-table, drop-cascade it is":   "drop-table: it is; drop-cascade: it is",
		"ignore drop-table":                       "drop-table: ",
		"ignore drop-table,":                      "drop-table: ; : ",
		"ignore":                                  ": ",
		"allow drop-table":                        ": allow",
	} {
		got := ""
		for i, ig := range parseIgnore(text, 1) {
			if i > 0 {
				got += "; "
			}
			got += fmt.Sprintf("%s: %s", ig.rule, ig.reason)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
