package schema

import (
	"maps"
	"testing"
)

func TestDigestsTellWhatDiffTells(t *testing.T) {
	t.Parallel()
	column := func(name, typ string) Column { return Column{Name: name, Type: typ} }
	state := func(change func(*State)) *State {
		s := &State{Home: "public", Tables: []Table{
			{Schema: "public", Name: "users", Columns: []Column{column("id", "integer"), column("email", "text")},
				Indexes: []Index{{Name: "a", Parts: []string{"id"}}, {Name: "b", Parts: []string{"email"}}}},
			{Schema: "public", Name: "orders", Columns: []Column{column("id", "integer")}},
		}, Views: []View{{Schema: "public", Name: "v", Definition: "SELECT 1"}}}
		if change != nil {
			change(s)
		}
		return s
	}
	base := state(nil)
	table, view := ID{Kind: KindTable, Name: "users"}, ID{Kind: KindView, Name: "v"}
	for name, c := range map[string]struct {
		change func(*State)
		moved  []ID
	}{
		"nothing": {nil, nil},
		"another home": {func(s *State) {
			s.Home = "x"
			s.Tables[0].Schema, s.Tables[1].Schema, s.Views[0].Schema = "x", "x", "x"
		}, nil},
		"blanks in a text":  {func(s *State) { s.Views[0].Definition = "SELECT\n  1" }, nil},
		"the server's word": {func(s *State) { s.Tables[0].Definition = "CREATE TABLE users" }, nil},
		"indexes the other way round": {func(s *State) {
			i := s.Tables[0].Indexes
			i[0], i[1] = i[1], i[0]
		}, nil},
		"columns the other way round": {func(s *State) {
			c := s.Tables[0].Columns
			c[0], c[1] = c[1], c[0]
		}, []ID{table}},
		"a column's type":     {func(s *State) { s.Tables[0].Columns[1].Type = "bytea" }, []ID{table}},
		"an index's column":   {func(s *State) { s.Tables[0].Indexes[1].Parts = []string{"id"} }, []ID{table}},
		"a name of an index":  {func(s *State) { s.Tables[0].Indexes[1].Name = "c" }, []ID{table}},
		"a comment":           {func(s *State) { s.Tables[0].Comment = "who" }, []ID{table}},
		"the words of a view": {func(s *State) { s.Views[0].Definition = "SELECT 2" }, []ID{view}},
		"one is gone":         {func(s *State) { s.Views = nil }, []ID{view}},
		"one has come":        {func(s *State) { s.Types = []Type{{Name: "t"}} }, []ID{{Kind: KindType, Name: "t"}}},
	} {
		t.Run(name, func(t *testing.T) {
			other := state(c.change)
			a, b := base.Digests(), other.Digests()
			if changes := Diff(base, other); (len(changes) == 0) != maps.Equal(a, b) {
				t.Errorf("Diff says %v, and the digests are equal: %v", changes, maps.Equal(a, b))
			}
			for id := range b {
				if a[id] == b[id] {
					delete(a, id)
				} else if a[id] == "" {
					a[id] = "new"
				}
			}
			if len(a) != len(c.moved) {
				t.Fatalf("moved: %v, want %v", a, c.moved)
			}
			for _, id := range c.moved {
				if a[id] == "" {
					t.Errorf("%s has not moved: %v", id, a)
				}
			}
		})
	}
}
