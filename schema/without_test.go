package schema

import "testing"

func TestNobodysRightsAreLeft(t *testing.T) {
	t.Parallel()
	s := shop()
	g := []Grant{{To: "app", Privileges: []string{"SELECT"}}}
	s.Schemas[0].Grants, s.Types[0].Grants, s.Tables[0].Grants, s.Tables[0].Columns[0].Grants, s.Views[0].Grants = g, g, g, g, g
	s.Routines, s.Sequences = []Routine{{Name: "f", Grants: g}}, []Sequence{{Name: "s", Grants: g}}
	if got := Diff(s, s.WithoutGrants()); len(got) != 7 {
		t.Errorf("of seven grants these went: %s", lines(got))
	}
	if len(s.Tables[0].Columns[0].Grants) != 1 {
		t.Error("the state itself was changed")
	}
}

func TestOurOwnTablesAreNotTheirs(t *testing.T) {
	t.Parallel()
	s := shop()
	s.Tables[1].Own = true
	s.Sequences = []Sequence{{Name: "ours", Own: true}, {Name: "theirs"}}
	got := s.Theirs()
	if len(got.Tables) != 1 || got.Tables[0].Name != "customer" || len(got.Sequences) != 1 || got.Sequences[0].Name != "theirs" || len(s.Tables) != 2 {
		t.Errorf("got %+v", got)
	}
}

func TestWhatHasNoDefinitionWasNotSeen(t *testing.T) {
	t.Parallel()
	s := shop()
	s.Views[0].Definition, s.Tables[0].Triggers[0].Definition = "", ""
	s.Routines = []Routine{{Schema: "public", Name: "f"}}
	text := ""
	for _, id := range s.Unseen() {
		text += id.String() + "\n"
	}
	if text != "trigger customer.touch\nview far.big\nroutine f()\n" {
		t.Errorf("got\n%s", text)
	}
}

// Models say nothing of rights: what is made again keeps those that it had.
func TestRightsAreThoseOfTheOther(t *testing.T) {
	t.Parallel()
	g := func(to string) []Grant { return []Grant{{To: to, Privileges: []string{"SELECT"}}} }
	from, to := shop(), shop()
	from.Tables[0].Grants, from.Tables[0].Columns[0].Grants, from.Views[0].Grants = g("app"), g("app"), g("app")
	to.Tables[1].Grants = g("other")
	to.Tables = append(to.Tables, Table{Schema: "public", Name: "fresh"})
	got := to.WithGrantsOf(from)
	if left := lines(Diff(got, from)); left != "removed table fresh" {
		t.Errorf("got %s", left)
	}
	if len(to.Tables[0].Grants) != 0 || len(to.Tables[1].Grants) != 1 {
		t.Error("the state itself was changed")
	}
}

func TestWhatIsLeftOutIsNamed(t *testing.T) {
	t.Parallel()
	s := shop()
	view, of := ID{Kind: KindView, Schema: "far", Name: "big"}, ID{Kind: KindTable, Name: "orders"}
	s.Depends = []Dependency{{view, ID{Kind: KindTable, Schema: "public", Name: "orders"}}, {ID{Kind: KindType, Schema: "public", Name: "mood"}, ID{}}}
	got := s.Without(map[ID]bool{view: true, {Kind: KindTrigger, Of: "customer", Name: "touch"}: true})
	if left := lines(Diff(got, s)); left != "added trigger customer.touch\nadded view far.big" {
		t.Errorf("got %s", left)
	}
	if len(got.Depends) != 1 || len(s.Tables[0].Triggers) != 1 {
		t.Errorf("got %v", got.Depends)
	}
	if left := lines(Diff(s.Without(map[ID]bool{of: true, {Kind: KindType, Name: "mood"}: false}), s)); left != "added table orders" {
		t.Errorf("got %s", left)
	}
}
