package diagram

import (
	"slices"

	"github.com/dbwarden-go/dbwarden/schema"
)

// marks are what happens to objects.
type marks map[schema.ID]schema.Op

// marksOf marks each object that changes, and the table or view that a
// changed one belongs to.
func marksOf(changes []schema.Change) marks {
	m := marks{}
	for _, c := range changes {
		m[c.ID] = c.Op
	}
	for _, c := range changes {
		if c.ID.Of == "" {
			continue
		}
		for _, kind := range []schema.Kind{schema.KindTable, schema.KindView} {
			owner := schema.ID{Kind: kind, Schema: c.ID.Schema, Name: c.ID.Of}
			if m[owner] == "" {
				m[owner] = schema.Changed
			}
		}
	}
	return m
}

func (m marks) of(id schema.ID) schema.Op { return m[id] }

// inside is the mark of what belongs to the object; of one that comes or goes,
// all of it does.
func (m marks) inside(of schema.ID, kind schema.Kind, name string) schema.Op {
	if op := m[of]; op == schema.Added || op == schema.Removed {
		return op
	}
	return m[schema.ID{Kind: kind, Schema: of.Schema, Of: of.Name, Name: name}]
}

// withRemoved puts back what changes take out of a table, behind what stays.
func withRemoved(t *schema.Table, changes []schema.Change, s *schema.State) {
	id := s.Relative(t.ID())
	for _, c := range changes {
		if c.Op != schema.Removed || c.ID.Of != t.Name || c.ID.Schema != id.Schema {
			continue
		}
		switch x := c.From.(type) {
		case schema.Column:
			t.Columns = append(slices.Clip(t.Columns), x)
		case schema.ForeignKey:
			t.ForeignKeys = append(slices.Clip(t.ForeignKeys), x)
		}
	}
}

// sign is a mark that needs no colour.
func sign(op schema.Op) string {
	switch op {
	case schema.Added:
		return "+"
	case schema.Removed:
		return "−"
	case schema.Changed:
		return "~"
	}
	return ""
}

// word is the mark in words.
func word(op schema.Op) string {
	if op == schema.Removed {
		return "dropped"
	}
	return string(op)
}
