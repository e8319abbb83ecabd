package schema

import "slices"

// WithGrantsOf is the state with the rights that other has on the objects of
// both, and no other ones.
func (s *State) WithGrantsOf(other *State) *State {
	held := map[ID][]Grant{}
	other.grants(func(id ID, g *[]Grant) { held[id] = *g })
	t := s.WithoutGrants()
	t.grants(func(id ID, g *[]Grant) { *g = slices.Clone(held[id]) })
	return t
}

// grants goes through the lists of rights of all objects.
func (s *State) grants(each func(ID, *[]Grant)) {
	columns := func(of ID, all []Column) {
		for i := range all {
			each(inside(of, all[i].id(), s.Home), &all[i].Grants)
		}
	}
	for i := range s.Schemas {
		each(inside(ID{}, s.Schemas[i].id(), s.Home), &s.Schemas[i].Grants)
	}
	for i := range s.Types {
		each(s.Relative(s.Types[i].ID()), &s.Types[i].Grants)
	}
	for i := range s.Sequences {
		each(s.Relative(s.Sequences[i].ID()), &s.Sequences[i].Grants)
	}
	for i := range s.Routines {
		each(s.Relative(s.Routines[i].ID()), &s.Routines[i].Grants)
	}
	for i := range s.Tables {
		each(s.Relative(s.Tables[i].ID()), &s.Tables[i].Grants)
		columns(s.Relative(s.Tables[i].ID()), s.Tables[i].Columns)
	}
	for i := range s.Views {
		each(s.Relative(s.Views[i].ID()), &s.Views[i].Grants)
		columns(s.Relative(s.Views[i].ID()), s.Views[i].Columns)
	}
}
