package fleet

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func of(names ...string) (out []Target) {
	for _, n := range names {
		out = append(out, Target{Name: n})
	}
	return out
}

func text(targets []Target) string {
	var out []string
	for _, t := range targets {
		out = append(out, t.Name)
	}
	return strings.Join(out, " ")
}

func TestANameThatStandsTwiceIsRefused(t *testing.T) {
	t.Parallel()
	if err := Distinct(of("a", "A", "ä", `a"b`)); err != nil {
		t.Error(err)
	}
	for want, list := range map[string][]Target{`target "b" stands in the list twice`: of("a", "b", "c", "b"), "a target's name is empty": of("a", "")} {
		if err := Distinct(list); err == nil || err.Error() != want {
			t.Errorf("%v, want: %s", err, want)
		}
	}
}

func TestTargetsAreSelectedByNameOrPattern(t *testing.T) {
	t.Parallel()
	all := of("tenant_2", "tenant_1", "tenant_10", "other", "odd*", "odd_x")
	for _, c := range []struct{ ask, want, missing string }{
		{"tenant_1", "tenant_1", ""},
		{"other tenant_2", "tenant_2 other", ""},
		{"tenant_*", "tenant_2 tenant_1 tenant_10", ""},
		{"tenant_?", "tenant_2 tenant_1", ""},
		{"*", "tenant_2 tenant_1 tenant_10 other odd* odd_x", ""},
		{"odd*", "odd*", ""}, // a name that is one is no pattern
		{"tenant other", "other", "tenant"},
		{"x* tenant_1", "tenant_1", "x*"},
		{"Tenant_1", "", "Tenant_1"},
	} {
		got, missing := Select(all, strings.Fields(c.ask))
		if text(got) != c.want || strings.Join(missing, " ") != c.missing {
			t.Errorf("%s: %s; missing %v", c.ask, text(got), missing)
		}
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"?", "", false}, {"?", "ä", true}, {"a*", "a", true}, {"a*b", "aXb", true}, {"a*b", "abX", false},
		{"*b*", "abc", true}, {"a*b*c", "aXXbYYbc", true}, {"**", "x", true}, {"a?c", "abc", true}, {"a?c", "ac", false}, {"", "", true}, {"", "a", false},
		{"[a]", "a", false}, {"*a", strings.Repeat("a", 50) + "b", false},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.name, got)
		}
	}
}

func TestCanariesAreANumberANameOrAPattern(t *testing.T) {
	t.Parallel()
	all := of("a", "b1", "b2", "c", "5")
	for _, c := range []struct{ which, first, rest string }{
		{"", "", "a b1 b2 c 5"},
		{"1", "a", "b1 b2 c 5"},
		{"9", "a b1 b2 c 5", ""},
		{"c", "c", "a b1 b2 5"},
		{"b*", "b1 b2", "a c 5"},
		{"5", "5", "a b1 b2 c"}, // a name that is a number is a name
	} {
		first, rest, err := Canaries(all, c.which)
		if err != nil || text(first) != c.first || text(rest) != c.rest {
			t.Errorf("%q: %s | %s, %v", c.which, text(first), text(rest), err)
		}
	}
	for _, which := range []string{"0", "-1", "d", "d*"} {
		if _, _, err := Canaries(all, which); err == nil {
			t.Errorf("%q was taken", which)
		}
	}
}

func TestTheFileOfNames(t *testing.T) {
	t.Parallel()
	got := Names("\ufeffa\r\n\n  # a comment\n b c \n#d\n\"e\"\nf#g")
	if want := []string{"a", "b c", `"e"`, "f#g"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestShards(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Shard{"1/1": {1, 1}, "2/8": {2, 8}} {
		if s, err := ParseShard(text); err != nil || s != want || s.String() != text {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "2", "0/8", "9/8", "1/0", "-1/2", "a/b", "1/2/3", "1 /2"} {
		if s, err := ParseShard(text); err == nil {
			t.Errorf("%q is %v", text, s)
		}
	}
	// The split is what it was: machines of two releases agree.
	if got := text(Shard{2, 3}.Keep(of("a", "b", "c", "tenant_1", "tenant_2", "tenant_3"))); got != "a b tenant_1 tenant_2" {
		t.Error(got)
	}
}

// However the list differs between two machines, whoever stands in both lists
// is done by one of the machines and by no other one.
func TestEveryTargetIsInOneShard(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfNDistinct(rapid.String(), 0, 60, rapid.ID[string]).Draw(t, "list")
		of := rapid.IntRange(1, 9).Draw(t, "of")
		times := map[string]int{}
		for n := range of {
			seen := slices.DeleteFunc(slices.Clone(list), func(string) bool { return rapid.IntRange(0, 9).Draw(t, "gone") == 0 })
			var all []Target
			for _, name := range seen {
				all = append(all, Target{Name: name})
			}
			for _, kept := range (Shard{n + 1, of}).Keep(all) {
				times[kept.Name]++
			}
			for _, name := range list {
				if !slices.Contains(seen, name) && (Shard{n + 1, of}).Has(name) {
					times[name]++ // it is this machine's to do, whenever it sees it
				}
			}
		}
		for _, name := range list {
			if times[name] != 1 {
				t.Fatalf("%q is in %d of %d shards", name, times[name], of)
			}
		}
	})
	var each [8]int
	for i := range 8000 {
		for n := range each {
			if (Shard{n + 1, 8}).Has(fmt.Sprintf("tenant_%d", i)) {
				each[n]++
			}
		}
	}
	if slices.Min(each[:]) < 850 || slices.Max(each[:]) > 1150 {
		t.Errorf("8,000 targets in shards of %v", each)
	}
}
