package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestAFingerprintNamesWhatChanged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what   string
		change func(*State)
		want   string
	}{
		{"nothing", func(*State) {}, ""},
		{"a table less", func(s *State) { s.Tables = s.Tables[:1] }, "removed table orders"},
		{"a view more", func(s *State) { s.Views = append(s.Views, View{Schema: "public", Name: "v"}) }, "added view v"},
		{"a view in place of a table", func(s *State) {
			s.Tables, s.Views = s.Tables[1:], append(s.Views, View{Schema: "public", Name: "customer", Columns: s.Tables[0].Columns})
		}, "removed table customer\nadded view customer"},
		{"a column more", func(s *State) {
			s.Tables[0].Columns = slices.Insert(s.Tables[0].Columns, 1, Column{Name: "at"})
		}, "added column customer.at"},
		{"a type", func(s *State) { s.Tables[0].Columns[1].Type = "varchar" }, "changed column customer.name"},
		{"a default", func(s *State) { s.Tables[0].Columns[1].Default = nil }, "changed column customer.name"},
		{"an empty default", func(s *State) { s.Tables[0].Columns[0].Default = text("") }, "changed column customer.id"},
		{"the order of columns", func(s *State) { slices.Reverse(s.Tables[0].Columns) }, ""},
		{"the order of tables", func(s *State) { slices.Reverse(s.Tables) }, ""},
		{"its columns", func(s *State) { s.Tables[0].PrimaryKey.Columns = []string{"id", "name"} }, "changed primary key customer."},
		{"names that run together", func(s *State) { s.Types[0].Labels = []string{"okb", "ad"} }, "changed type mood"},
		{"one of two checks alike", func(s *State) { s.Tables[1].Checks = s.Tables[1].Checks[:1] }, "removed check orders.(customer > 0)"},
		{"blanks in a trigger", func(s *State) {
			s.Tables[0].Triggers[0].Definition = " CREATE TRIGGER touch BEFORE UPDATE ON customer\n"
		}, ""},
		{"a body", func(s *State) { s.Views[0].Definition = "SELECT 2" }, "changed view far.big"},
		{"the server", func(s *State) { s.Version, s.Database = "18", "other" }, ""},
		{"no list and an empty one", func(s *State) { s.Tables[0].Indexes[0].Include = []string{} }, ""},
	} {
		to := shop()
		c.change(to)
		if got := lines(kept(t, Fingerprint(shop())).Changes(Fingerprint(to))); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.what, got, c.want)
		}
	}
}

// kept is a fingerprint that was written down and read again.
func kept(t interface {
	Helper()
	Fatal(...any)
}, d Prints) (out Prints) {
	t.Helper()
	text, err := json.Marshal(d)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAFingerprintIsNoTellerOfSecrets(t *testing.T) {
	t.Parallel()
	s := shop()
	s.Routines = []Routine{{Schema: "public", Name: "f", Definition: "SELECT 'hunter2'"}}
	if text, err := json.Marshal(Fingerprint(s)); err != nil || strings.Contains(string(text), "hunter2") {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestWhatIsNoFingerprintIsAnError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", `[["table","","","a",0]]`, `[["table","","","a","0","x"]]`} {
		var d Prints
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s was read", text)
		}
	}
}

// What Diff finds a fingerprint finds, and nothing else.
func TestAFingerprintFindsWhatDiffFinds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from, to, path := mutated(t)
		if path == "" {
			return
		}
		found := unordered(Diff(from, to))
		before := kept(t, Fingerprint(from))
		got := before.Changes(Fingerprint(to))
		if (len(got) > 0) != (len(found) > 0) {
			t.Fatalf("%s: got %s, and Diff finds %s", path, lines(got), lines(found))
		}
		if diff := cmp.Diff(before, Fingerprint(duplicate(from))); diff != "" {
			t.Fatalf("of a copy it is another one:\n%s", diff)
		}
	})
}

// unordered are changes but for the order of columns, of whatever has some.
func unordered(changes []Change) []Change {
	return slices.DeleteFunc(changes, func(c Change) bool {
		return c.Op == Changed && len(c.Fields) == 1 && c.Fields[0].Name == "columns" && c.ID.Kind != KindPrimaryKey && c.ID.Kind != KindForeignKey
	})
}

// BenchmarkFingerprint is of 200 tables.
func BenchmarkFingerprint(b *testing.B) {
	s := &State{}
	for i := range 200 {
		t := Table{Name: fmt.Sprint("t", i), PrimaryKey: &Key{Columns: []string{"id"}}, Indexes: []Index{{Name: "a", Parts: []string{"x"}}, {Name: "b", Parts: []string{"x"}}}}
		for c := range 10 {
			t.Columns = append(t.Columns, Column{Name: fmt.Sprint("c", c), Type: "character varying(40)", Default: text("'x'")})
		}
		s.Tables = append(s.Tables, t)
	}
	b.ReportAllocs()
	for b.Loop() {
		text, err := json.Marshal(Fingerprint(s))
		var back Prints
		if err != nil || json.Unmarshal(text, &back) != nil || len(back) != 200*14 {
			b.Fatal(len(back), err)
		}
	}
}
