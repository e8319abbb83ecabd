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
	for i := range t.Tables {
		t.Tables[i].Columns = slices.Clone(t.Tables[i].Columns)
	}
	for i := range t.Views {
		t.Views[i].Columns = slices.Clone(t.Views[i].Columns)
	}
	t.grants(func(_ ID, g *[]Grant) { *g = nil })
	return &t
}

// Unseen reports whether nothing but the sequence's name could be read. No
// sequence has one number alone.
func (x Sequence) Unseen() bool { return x.Min == x.Max }

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
	for _, q := range s.Sequences {
		if q.Unseen() {
			ids = append(ids, s.Relative(q.ID()))
		}
	}
	for _, r := range s.Routines {
		if r.Definition == "" {
			ids = append(ids, s.Relative(r.ID()))
		}
	}
	return ids
}

// Without is the state without these objects of its own, and these triggers.
func (s *State) Without(gone map[ID]bool) *State {
	t := *s
	at := func(id ID) bool { return gone[s.Relative(id)] }
	t.Types = slices.DeleteFunc(slices.Clone(s.Types), func(x Type) bool { return at(x.ID()) })
	t.Sequences = slices.DeleteFunc(slices.Clone(s.Sequences), func(x Sequence) bool { return at(x.ID()) })
	t.Routines = slices.DeleteFunc(slices.Clone(s.Routines), func(x Routine) bool { return at(x.ID()) })
	t.Views = slices.DeleteFunc(slices.Clone(s.Views), func(x View) bool { return at(x.ID()) })
	t.Events = slices.DeleteFunc(slices.Clone(s.Events), func(x Event) bool { return at(x.id()) })
	t.Tables = slices.DeleteFunc(slices.Clone(s.Tables), func(x Table) bool { return at(x.ID()) })
	triggers := func(of ID, all []Trigger) []Trigger {
		return slices.DeleteFunc(slices.Clone(all), func(g Trigger) bool { return gone[inside(of, g.id(), s.Home)] })
	}
	for i := range t.Tables {
		t.Tables[i].Triggers = triggers(s.Relative(t.Tables[i].ID()), t.Tables[i].Triggers)
	}
	for i := range t.Views {
		t.Views[i].Triggers = triggers(s.Relative(t.Views[i].ID()), t.Views[i].Triggers)
	}
	t.Depends = slices.DeleteFunc(slices.Clone(s.Depends), func(d Dependency) bool { return at(d.Object) || at(d.Needs) })
	return &t
}

// WithoutOrder are the changes but for the order of columns in a table: one
// that is added stands last, wherever it was written.
func WithoutOrder(changes []Change) (rest []Change) {
	for _, c := range changes {
		if c.ID.Kind == KindTable && c.Op == Changed {
			c.Fields = slices.DeleteFunc(slices.Clone(c.Fields), func(f Field) bool { return f.Name == "columns" })
			if len(c.Fields) == 0 {
				continue
			}
		}
		rest = append(rest, c)
	}
	return rest
}
