package migration_test

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/migration"
)

func TestReplacesHeader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ head, want, problem string }{
		{head: "-- replaces: 0001, 0002", want: "0001, 0002"},
		{head: `-- replaces: ["0001", "0002"]`, want: "0001, 0002"},
		{head: "-- replaces: 1\n-- replaces: 2, 3", want: "1, 2, 3"},
		{head: "-- replaces: 5 (1, 2 (0)), 6", want: "5 (1, 2 (0)), 6"},
		{head: "-- replaces: the old view", want: ""},
		{head: "-- replaces: 0001..0004", problem: "want a list of versions"},
		{head: "-- replaces: 5 (1, 2", problem: "a closing parenthesis is missing"},
		{head: "-- replace: 0001", problem: `did you mean "-- replaces: 0001"?`},
		{head: "-- replace: the old view", want: ""},
		{head: "-- replaces: 1, 1", problem: "named twice"},
		{head: "-- replaces: 7", problem: "is its own"},
		{head: "-- seed\n-- replaces: 1", problem: "no seed"},
		{head: "-- env: dev\n-- replaces: 1", problem: "every environment"},
	} {
		set, err := load(t, map[string]string{"7_s.sql": c.head + "\n-- upgrade\nSELECT 1;\n"})
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%q: error %v, want %q", c.head, err, c.problem)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.head, err)
			continue
		}
		var got []string
		for _, r := range set.Migrations[0].Header.Replaces {
			got = append(got, r.String())
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%q: got %s", c.head, got)
		}
		// What is written is read as the same.
		if text := migration.ReplacesHeader(set.Migrations[0].Header.Replaces); text != "" {
			again, err := load(t, map[string]string{"7_s.sql": text + "-- upgrade\nSELECT 1;\n"})
			if err != nil || migration.ReplacesHeader(again.Migrations[0].Header.Replaces) != text {
				t.Errorf("%q is not read as it was written: %v", text, err)
			}
		}
	}
}

func TestTwoThatReplaceTheSame(t *testing.T) {
	t.Parallel()
	const body = "-- upgrade\nSELECT 1;\n"
	if _, err := load(t, map[string]string{"5_s.sql": "-- replaces: 1, 2\n" + body, "6_s.sql": "-- replaces: 2, 3\n" + body}); err == nil || !strings.Contains(err.Error(), "version 2 is replaced by") {
		t.Errorf("two that replace version 2: %v", err)
	}
	set, err := load(t, map[string]string{"5_s.sql": "-- replaces: 1, 2\n" + body, "6_t.sql": "-- replaces: 5 (1, 2), 3\n" + body})
	if err != nil {
		t.Fatal(err)
	}
	two, _ := migration.ParseVersion("2")
	if by := set.Replacer(two); by == nil || by.File != "6_t.sql" {
		t.Errorf("version 2 is replaced by %v, want the outermost", by)
	}
}

// Migrations stand in the place of the last one that they replace.
func TestASquashedOneStandsWhereItsOldOnesStood(t *testing.T) {
	t.Parallel()
	const body = "-- upgrade\nSELECT 1;\n"
	for _, c := range []struct {
		replaces, want, eight string
	}{
		{"1, 2", "1 2 9 3", "8"},
		{"8 (1, 2)", "1 2 9 3", "2"}, // the number of a squashed one tells nothing of its place
		{"8 (1), 2", "1 2 9 3", "1"},
		{"8 (7 (1), 6)", "1 2 3 9", "6"},
	} {
		set, err := load(t, map[string]string{"1_a.sql": body, "2_b.sql": body, "3_c.sql": body, "9_s.sql": "-- replaces: " + c.replaces + "\n" + body})
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, m := range set.Migrations {
			order = append(order, m.Version.String())
		}
		if got := strings.Join(order, " "); got != c.want {
			t.Errorf("replaces %s: order %s, want %s", c.replaces, got, c.want)
		}
		eight, _ := migration.ParseVersion("8")
		if got := set.Place(eight).String(); got != c.eight {
			t.Errorf("replaces %s: 8 stood at %s, want %s", c.replaces, got, c.eight)
		}
	}
}
