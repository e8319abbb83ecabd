package schema

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func text(s string) *string { return &s }

// shop is a small state to change.
func shop() *State {
	return &State{
		Home:    "public",
		Schemas: []Namespace{{Name: "public"}},
		Types:   []Type{{Schema: "public", Name: "mood", Kind: "enum", Labels: []string{"ok", "bad"}}},
		Tables: []Table{
			{
				Schema: "public", Name: "customer",
				Columns:    []Column{{Name: "id", Type: "integer"}, {Name: "name", Type: "text", Nullable: true, Default: text("''::text")}},
				PrimaryKey: &Key{Name: "customer_pkey", Columns: []string{"id"}},
				Indexes:    []Index{{Name: "by_name", Parts: []string{"name"}}},
				Triggers:   []Trigger{{Name: "touch", Definition: "CREATE TRIGGER touch  BEFORE UPDATE\n ON customer"}},
			},
			{
				Schema: "public", Name: "orders", Columns: []Column{{Name: "customer", Type: "integer"}},
				ForeignKeys: []ForeignKey{{Columns: []string{"customer"}, RefTable: "customer", RefColumns: []string{"id"}}},
				Checks:      []Check{{Expression: "customer > 0"}, {Expression: "customer > 0"}},
			},
		},
		Views: []View{{Schema: "far", Name: "big", Definition: "SELECT 1"}},
	}
}

func lines(changes []Change) string {
	var all []string
	for _, c := range changes {
		all = append(all, c.String())
	}
	return strings.Join(all, "\n")
}

func TestDiffNamesWhatChanged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what   string
		change func(*State)
		want   string
	}{
		{"nothing", func(*State) {}, ""},
		{"a table less", func(s *State) { s.Tables = s.Tables[:1] }, "removed table orders"},
		{"a view more", func(s *State) { s.Views = append(s.Views, View{Schema: "public", Name: "v"}) }, "added view v"},
		{"a column more", func(s *State) {
			s.Tables[0].Columns = slices.Insert(s.Tables[0].Columns, 1, Column{Name: "at"})
		}, "added column customer.at"},
		{"a type and a null", func(s *State) { s.Tables[0].Columns[1].Type, s.Tables[0].Columns[1].Nullable = "varchar", false }, "changed column customer.name: type, nullable"},
		{"a default", func(s *State) { s.Tables[0].Columns[1].Default = nil }, "changed column customer.name: default"},
		{"the order of columns", func(s *State) { slices.Reverse(s.Tables[0].Columns) }, "changed table customer: columns"},
		{"the order of tables", func(s *State) { slices.Reverse(s.Tables) }, ""},
		{"no primary key", func(s *State) { s.Tables[0].PrimaryKey = nil }, "removed primary key customer."},
		{"its columns", func(s *State) { s.Tables[0].PrimaryKey.Columns = []string{"id", "name"} }, "changed primary key customer.: columns"},
		{"a renamed index", func(s *State) { s.Tables[0].Indexes[0].Name = "x" }, "removed index customer.by_name\nadded index customer.x"},
		{"a label", func(s *State) { s.Types[0].Labels = []string{"ok", "so so", "bad"} }, "changed type mood: labels"},
		{"one of two checks alike", func(s *State) { s.Tables[1].Checks = s.Tables[1].Checks[:1] }, "removed check orders.(customer > 0)"},
		{"what a key refers to", func(s *State) { s.Tables[1].ForeignKeys[0].OnDelete = "CASCADE" }, "changed foreign key orders.(customer) to customer: on_delete"},
		{"blanks in a trigger", func(s *State) {
			s.Tables[0].Triggers[0].Definition = " CREATE TRIGGER touch BEFORE UPDATE ON customer\n"
		}, ""},
		{"a body", func(s *State) { s.Views[0].Definition = "SELECT 2" }, "changed view far.big: definition"},
		{"a table and what is in it", func(s *State) {
			s.Tables[0].Comment, s.Tables[0].Columns[0].Comment = "a", "b"
		}, "changed table customer: comment\nchanged column customer.id: comment"},
		{"a grant", func(s *State) { s.Tables[0].Grants = []Grant{{To: "app", Privileges: []string{"SELECT"}}} }, "added grant customer.app"},
		{"the server", func(s *State) { s.Version, s.Database = "18", "other" }, ""},
	} {
		to := shop()
		c.change(to)
		if got := lines(Diff(shop(), to)); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.what, got, c.want)
		}
	}
}

func TestDiffTellsBothSides(t *testing.T) {
	t.Parallel()
	to := shop()
	to.Tables[0].Columns[0].Type = "bigint"
	got := Diff(shop(), to)
	want := []Change{{
		Op: Changed, ID: ID{Kind: KindColumn, Of: "customer", Name: "id"}, Fields: []Field{{"type", "integer", "bigint"}},
		From: Column{Name: "id", Type: "integer"}, To: Column{Name: "id", Type: "bigint"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A scratch database has another name than the real one, a tenant's schema
// another one than the next.
func TestDiffKnowsTheSameHomeUnderTwoNames(t *testing.T) {
	t.Parallel()
	to := shop()
	to.Home, to.Schemas[0].Name, to.Types[0].Schema = "scratch", "scratch", "scratch"
	for i := range to.Tables {
		to.Tables[i].Schema = "scratch"
	}
	if got := Diff(shop(), to); len(got) != 0 {
		t.Errorf("got %s", lines(got))
	}
	to.Views[0].Schema = "scratch" // it was abroad
	if got := lines(Diff(shop(), to)); got != "added view big\nremoved view far.big" {
		t.Errorf("got %s", got)
	}
}

func TestBlanksMeanNothingBetweenWords(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"  a\n\t b ", "a b"}, {"a 'x  y' b", "a 'x  y' b"}, {`"x  y"  z`, `"x  y" z`}, {"f($a$  x  $a$,  $1  )", "f($a$  x  $a$, $1 )"},
		{"a -- b  c\n  d", "a -- b  c\n d"}, {"a  /* it's  */  'b  c'", "a /* it's  */ 'b  c'"}, {`'a\'  b'  c`, `'a\'  b'  c`}, {"$", "$"}, {"'", "'"}, {"a  # b  c", "a # b  c"},
	} {
		if got := squeeze(c[0]); got != c[1] {
			t.Errorf("%q: got %q, want %q", c[0], got, c[1])
		}
	}
}

func TestDiffOfAStateWithItselfIsEmpty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawn(t)
		if got := Diff(s, s); len(got) != 0 {
			t.Fatalf("got %s", lines(got))
		}
		if got := Diff(s, duplicate(s)); len(got) != 0 {
			t.Fatalf("of a copy: %s", lines(got))
		}
	})
}

// mutated draws a state and a copy of it that differs by one mutation, whose path
// it tells; "" where there is nothing in it to change.
func mutated(t *rapid.T) (from, to *State, path string) {
	from = drawn(t)
	to = duplicate(from)
	var all []mutation
	collect(reflect.ValueOf(to).Elem(), "", &all)
	if len(all) == 0 {
		return from, to, ""
	}
	m := rapid.SampledFrom(all).Draw(t, "mutation")
	m.do()
	return from, to, m.path
}

// Whatever is compared at all is found when it changes, in both directions,
// and always told in the same order.
func TestDiffFindsEveryMutation(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from, to, path := mutated(t)
		if path == "" {
			return
		}
		there, back := Diff(from, to), Diff(to, from)
		if len(there) == 0 {
			t.Fatalf("%s is not found", path)
		}
		if len(back) != len(there) {
			t.Fatalf("%s: %d changes there, %d back", path, len(there), len(back))
		}
		if diff := cmp.Diff(there, Diff(from, to)); diff != "" {
			t.Fatalf("told differently:\n%s", diff)
		}
	})
}

// What is not compared is told by other fields, or is no part of the schema.
// The list stands here so that nothing joins it by accident.
func TestWhatIsNotCompared(t *testing.T) {
	t.Parallel()
	var got []string
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(x reflect.Type) {
		if x.Kind() == reflect.Slice || x.Kind() == reflect.Pointer {
			walk(x.Elem())
			return
		}
		if x.Kind() != reflect.Struct || seen[x] {
			return
		}
		seen[x] = true
		for i := range x.NumField() {
			if f := x.Field(i); f.Tag.Get("diff") == "-" {
				got = append(got, x.Name()+"."+f.Name)
			} else {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[State]())
	slices.Sort(got)
	want := "Check.Definition Event.Definer Event.Schema Extension.Version ForeignKey.Definition Index.Definition Key.Definition Namespace.Name " +
		"Routine.Definer Routine.Schema Sequence.Own Sequence.Schema " +
		"State.Database State.Depends State.Engine State.Home State.Version Table.Definition Table.Own Table.Schema Type.Schema View.Broken View.Definer View.Schema"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

// drawn is a state out of nothing but types, with short texts, so that names
// are met twice.
func drawn(t *rapid.T) *State {
	v := reflect.New(reflect.TypeFor[State]()).Elem()
	draw(t, v, 3)
	s := v.Interface().(State)
	s.Home = "home"
	return &s
}

var word = rapid.SampledFrom([]string{"", "a", "b", "home", "a b", "'x'"})

func draw(t *rapid.T, v reflect.Value, most int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			draw(t, v.Field(i), most)
		}
	case reflect.Slice:
		n := rapid.IntRange(0, most).Draw(t, "length")
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			draw(t, v.Index(i), max(most-1, 1))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem(), most)
		}
	case reflect.String:
		v.SetString(word.Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int64:
		v.SetInt(int64(rapid.IntRange(0, 2).Draw(t, "number")))
	default:
		panic(v.Kind())
	}
}

func duplicate(s *State) *State {
	v := reflect.New(reflect.TypeFor[State]()).Elem()
	deepCopy(v, reflect.ValueOf(*s))
	out := v.Interface().(State)
	return &out
}

func deepCopy(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.Struct:
		for i := range from.NumField() {
			deepCopy(to.Field(i), from.Field(i))
		}
	case reflect.Slice:
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			deepCopy(to.Index(i), from.Index(i))
		}
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			deepCopy(to.Elem(), from.Elem())
		}
	default:
		to.Set(from)
	}
}

type mutation struct {
	path string
	do   func()
}

// collect lists the single steps by which v can become another one. What is
// not compared is left out; names that are a part of the ID are not.
func collect(v reflect.Value, path string, all *[]mutation) {
	add := func(what string, do func()) { *all = append(*all, mutation{path + what, do}) }
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Tag.Get("diff") != "-" {
				collect(v.Field(i), path+"."+f.Name, all)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			collect(v.Index(i), path+"[]", all)
		}
		if n := v.Len(); n > 0 {
			add(" one less", func() { v.Set(v.Slice(0, n-1)) })
		}
		add(" one more", func() { v.Set(reflect.Append(v, reflect.New(v.Type().Elem()).Elem())) })
	case reflect.Pointer:
		if v.IsNil() {
			add(" there", func() { v.Set(reflect.New(v.Type().Elem())) })
		} else {
			collect(v.Elem(), path, all)
			add(" gone", func() { v.SetZero() })
		}
	case reflect.String:
		add("", func() { v.SetString(v.String() + "!") })
	case reflect.Bool:
		add("", func() { v.SetBool(!v.Bool()) })
	case reflect.Int64:
		add("", func() { v.SetInt(v.Int() + 7) })
	}
}
