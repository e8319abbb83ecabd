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
