package schema

import "slices"

// Theirs is the state without dbwarden's own bookkeeping.
func (s *State) Theirs() *State {
	t := *s
	t.Tables, t.Sequences = []Table{}, nil
	for _, x := range s.Tables {
		if !x.Own {
			t.Tables = append(t.Tables, x)
		}
	}
	for _, x := range s.Sequences {
		if !x.Own {
			t.Sequences = append(t.Sequences, x)
		}
	}
	return &t
}

// WithoutGrants is the state with nobody's rights in it.
func (s *State) WithoutGrants() *State {
	t := *s
	t.Schemas, t.Types, t.Sequences = slices.Clone(s.Schemas), slices.Clone(s.Types), slices.Clone(s.Sequences)
	t.Routines, t.Tables, t.Views = slices.Clone(s.Routines), slices.Clone(s.Tables), slices.Clone(s.Views)
	for i := range t.Schemas {
		t.Schemas[i].Grants = nil
	}
	for i := range t.Types {
		t.Types[i].Grants = nil
	}
	for i := range t.Sequences {
		t.Sequences[i].Grants = nil
	}
	for i := range t.Routines {
		t.Routines[i].Grants = nil
	}
	for i := range t.Tables {
		t.Tables[i].Grants, t.Tables[i].Columns = nil, ungranted(t.Tables[i].Columns)
	}
	for i := range t.Views {
		t.Views[i].Grants, t.Views[i].Columns = nil, ungranted(t.Views[i].Columns)
	}
	return &t
}

func ungranted(columns []Column) []Column {
	out := slices.Clone(columns)
	for i := range out {
		out[i].Grants = nil
	}
	return out
}

// Unseen are the objects whose definition the account could not read.
func (s *State) Unseen() (ids []ID) {
	trigger := func(of ID, all []Trigger) {
		for _, g := range all {
			if g.Definition == "" {
				ids = append(ids, inside(of, g.id(), s.Home))
			}
		}
	}
	for _, t := range s.Tables {
		trigger(s.Relative(t.ID()), t.Triggers)
	}
	for _, v := range s.Views {
		if v.Definition == "" {
			ids = append(ids, s.Relative(v.ID()))
		}
		trigger(s.Relative(v.ID()), v.Triggers)
	}
	for _, r := range s.Routines {
		if r.Definition == "" {
			ids = append(ids, s.Relative(r.ID()))
		}
	}
	return ids
}
