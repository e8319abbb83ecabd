package plan_test

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/plan"
)

func TestPooledFindsWhatNeedsASessionOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   string
		done int
		at   int
		why  string // "": nothing is found
	}{
		"one transaction":               {"ddl dml", 0, 0, ""},
		"a setting in it":               {"swept dml", 0, 0, ""},
		"a setting before another":      {"begin swept commit begin dml commit", 0, 2, "whole session"},
		"a setting that ran before":     {"begin swept commit begin dml commit", 3, 2, "whole session"},
		"two transactions":              {"begin ddl commit begin dml commit", 0, 0, ""},
		"what cannot be swept":          {"ddl stuck", 0, 2, "belongs to its connection"},
		"what cannot, and ran before":   {"stuck ddl", 1, 0, ""},
		"a statement alone":             {"ddl cic", 0, 2, "outside a transaction"},
		"a statement alone that is run": {"cic ddl", 1, 0, ""},
		"a session setting alone":       {"pragma", 0, 1, "outside a transaction"},
		"commands of the file's own":    {"begin ddl commit", 0, 0, ""},
	} {
		o, err := cut(t, c.in, plan.Rules{DDL: true, Resume: plan.Progress{Done: c.done}})
		if err != nil {
			t.Fatal(err)
		}
		if at := o.Unpooled; at.Number != c.at || at.Line != c.at || (o.Why == "") != (c.why == "") || !strings.Contains(o.Why, c.why) {
			t.Errorf("%s: statement %d, %q; want %d, %q", name, at.Number, o.Why, c.at, c.why)
		}
	}
}
