package foreign

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expression, contexts string
		want                 bool
	}{
		{"test", "test", true}, {"test", "prod", false}, {"TEST", "test", true}, {"", "prod", true},
		{"test, prod", "prod", true}, {"test or prod", "prod", true}, {"test and prod", "prod", false}, {"test and prod", "prod test", true},
		{"!test", "prod", true}, {"not test", "test", false}, {"!(test or dev)", "dev", false}, {"!(test or dev)", "prod", true},
		{"a and b, c", "c", true}, {"a and (b, c)", "c", false}, {"a and (b, c)", "a c", true}, {"a or b and c", "a", true}, {"! a and ! b", "c", true},
	} {
		if got := holds(c.expression, strings.Fields(c.contexts)); got != c.want {
			t.Errorf("%q in %q is %v", c.expression, c.contexts, got)
		}
	}
}

func TestProducts(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"postgresql": "postgres", "mysql,mariadb": "mysql", "mariadb": "mysql", "!postgresql": "mysql sqlite", "h2, SQLite": "sqlite", "all": "postgres mysql sqlite", "oracle": "",
	} {
		var got []string
		for _, product := range []string{"postgres", "mysql", "sqlite"} {
			if runsOn(list, product) {
				got = append(got, product)
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q runs on %q, want %q", list, s, want)
		}
	}
}

func TestVersionsBecomeNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ versions, want string }{
		{"1 2 10", "1 2 10"}, {"001 002", "001 002"}, {"20150100000001000000 20150100000001000001", "20150100000001000000 20150100000001000001"},
		{"1 1.1 1.2 1.10 2", "1000 1001 1002 1010 2000"}, {"1.2.3 1.2.4.1 10", "01002003000 01002004001 10000000000"}, {"1.0 1.2000", "10000 12000"},
		{"1 x 2", ""}, {"2 1", ""}, {"1 01", ""}, {"1 1.0", ""},
	} {
		var changes []*Change
		for v := range strings.FieldsSeq(c.versions) {
			changes = append(changes, &Change{Version: v})
		}
		if diff := cmp.Diff(c.want, strings.Join(spelled(changes), " ")); diff != "" {
			t.Errorf("%s: %s", c.versions, diff)
		}
	}
}
