package generate_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/generate"
	"github.com/dbwarden-go/dbwarden/schema"
)

// table is "users: id int, mail text".
func tables(all ...string) *schema.State {
	s := &schema.State{Home: "public"}
	for _, text := range all {
		name, columns, _ := strings.Cut(text, ": ")
		t := schema.Table{Schema: "public", Name: name}
		for _, c := range strings.Split(columns, ", ") {
			column, typ, _ := strings.Cut(c, " ")
			t.Columns = append(t.Columns, schema.Column{Name: column, Type: typ})
		}
		s.Tables = append(s.Tables, t)
	}
	return s
}

func TestWhatMayHaveBeenRenamedIsAsked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what     string
		from, to *schema.State
		want     string
	}{
		{"a column of the same type", tables("a: id int, mail text"), tables("a: id int, email text"), "a.mail -> a.email"},
		{"of a longer one", tables("a: id int, mail varchar(20)"), tables("a: id int, post text"), "a.mail -> a.post"},
		{"of a name that tells", tables("a: id int, price text"), tables("a: id int, price_cents int"), "a.price -> a.price_cents"},
		{"of another kind and name", tables("a: id int, age int"), tables("a: id int, photo bytea"), ""},
		{"of an interval", tables("a: id int, age interval"), tables("a: id int, n int"), ""},
		{"the likeliest first", tables("a: id int, mail varchar(20)"), tables("a: id int, note text, email varchar(20)"), "a.mail -> a.email a.note"},
		{"of another table", tables("a: id int, mail text", "b: id int"), tables("a: id int", "b: id int, mail text"), ""},
		{"one gone", tables("a: id int, mail text"), tables("a: id int"), ""},
		{"one new", tables("a: id int"), tables("a: id int, mail text"), ""},
		{"a table", tables("users: id int, mail text"), tables("people: id int, mail text"), "users -> people"},
		{"a table with other columns", tables("users: id int, mail text, age int"), tables("people: id int, email text, phone text"), "users -> people"},
		{"another table", tables("users: id int, mail text, age int"), tables("prices: amount numeric, day date, shop bytea, cut bytea"), ""},
		{"a table and another one", tables("users: id int, mail text"), tables("people: id int, mail text", "days: day date"), "users -> people"},
	} {
		got := ""
		for _, q := range generate.Questions(c.from, c.to, nil) {
			got += q.Gone.Path() + " ->"
			for _, id := range q.May {
				got += " " + id.Path()
			}
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
}

func TestEnumsAndSequencesAreAskedToo(t *testing.T) {
	t.Parallel()
	state := func(enum string, labels []string, sequence string) *schema.State {
		return &schema.State{Types: []schema.Type{{Name: enum, Kind: "enum", Labels: labels}}, Sequences: []schema.Sequence{{Name: sequence}}}
	}
	from := state("mood", []string{"ok", "bad"}, "numbers")
	if got := generate.Questions(from, state("feeling", []string{"ok", "bad", "so so"}, "counter"), nil); len(got) != 2 {
		t.Errorf("got %v", got)
	}
	if got := generate.Questions(from, state("size", []string{"s", "m"}, "numbers"), nil); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	said := map[schema.ID]bool{{Kind: schema.KindType, Name: "mood"}: true}
	if got := generate.Questions(from, state("feeling", []string{"ok", "bad"}, "numbers"), said); len(got) != 0 {
		t.Errorf("it was said already: %v", got)
	}
}

func TestNobodyIsAskedAboutTheColumnsOfAView(t *testing.T) {
	t.Parallel()
	view := func(column string) *schema.State {
		return &schema.State{Home: "public", Views: []schema.View{{Schema: "public", Name: "v", Columns: []schema.Column{{Name: column, Type: "text"}}}}}
	}
	if got := generate.Questions(view("mail"), view("email"), nil); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// An index that differs in its name alone is not built again, and a sequence
// does not begin again: nobody need be asked.
func TestWhatDiffersInNothingButItsNameIsRenamed(t *testing.T) {
	t.Parallel()
	state := func(suffix string, part string) *schema.State {
		s := tables("a: id int, n text")
		a := &s.Tables[0]
		a.PrimaryKey = &schema.Key{Name: "a_pkey" + suffix, Columns: []string{"id"}}
		a.Indexes = []schema.Index{{Name: "i" + suffix, Parts: []string{part}, Definition: "CREATE INDEX i" + suffix}}
		a.Checks = []schema.Check{{Name: "c" + suffix, Expression: part + " > 0", Definition: "CHECK"}}
		a.ForeignKeys = []schema.ForeignKey{{Name: "f" + suffix, Columns: []string{"id"}, RefTable: "b", RefColumns: []string{part}}}
		s.Sequences = []schema.Sequence{{Schema: "public", Name: "s" + suffix, OwnedBy: "a." + part, Max: 9}}
		return s
	}
	names := func(from, to *schema.State) string {
		var all []string
		for _, r := range generate.Follow(from, to) {
			all = append(all, r.String())
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	if got, want := names(state("", "id"), state("2", "id")), "a.:a. a.c:a.c2 a.f:a.f2 a.i:a.i2 s:s2"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := names(state("", "id"), state("2", "n")), "a.:a."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOneOfTwoAlikeGetsANameOnce(t *testing.T) {
	t.Parallel()
	index := func(names ...string) *schema.State {
		s := tables("a: id int")
		for _, n := range names {
			s.Tables[0].Indexes = append(s.Tables[0].Indexes, schema.Index{Name: n, Parts: []string{"id"}})
		}
		return s
	}
	if got := generate.Follow(index("i", "j"), index("k")); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestNamesArePathsOfObjects(t *testing.T) {
	t.Parallel()
	s := tables("users: id int, mail text", "id: users int")
	s.Tables = append(s.Tables, schema.Table{Schema: "crm", Name: "users", Columns: []schema.Column{{Name: "note"}}})
	s.Tables[0].Indexes = []schema.Index{{Name: "mail"}, {Name: "by_mail"}}
	s.Types = []schema.Type{{Schema: "public", Name: "mood", Kind: "enum"}, {Schema: "public", Name: "pair", Columns: []schema.Column{{Name: "a"}}}}
	for path, want := range map[string]string{
		"users": "table users", "users.mail": "column users.mail", "crm.users": "table crm.users", "crm.users.note": "column crm.users.note",
		"users.by_mail": "index users.by_mail", "mood": "type mood", "pair.a": "column pair.a", "nobody": "there is no nobody", "users.nobody": "there is no users.nobody", "mail": "there is no mail",
	} {
		id, err := generate.Named(s, path)
		got := id.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
