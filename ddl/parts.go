package ddl

import (
	"slices"
	"strings"
)

// PartKind is what a named part of a table is.
type PartKind int

const (
	ColumnPart     PartKind = iota + 1
	IndexPart               // Name is zero for the primary key's (MySQL)
	ConstraintPart          // Name is zero for the primary key
	OptionsPart             // what the table is itself, which has no name
	PartitionsPart          // its partitions, taken together
	KeysPart                // its indexes and constraints, taken together: one of them gets its name from the server
)

// Fate is what becomes of a part.
type Fate int

const (
	Made Fate = iota + 1
	Gone
	Changed
)

// Part is a named part of a table, and what ALTER TABLE does to it.
type Part struct {
	Kind   PartKind
	Name   Name
	Fate   Fate
	Placed bool // with Changed: its place among the columns may be all that changes
}

// Parts are what ALTER TABLE touches of its table; nil where some of it cannot
// be told by name, or is not understood. As it does all or nothing, what it
// does besides to parts without a name is left out where there is one that
// comes or goes.
//
// A part that is dropped and made in one statement is changed.
func (s *Statement) Parts() []Part {
	if s.Verb != Alter || s.Object != "TABLE" || !s.Understood {
		return nil
	}
	var out []Part
	add := func(kind PartKind, name Name, fate Fate, placed bool) {
		for i, p := range out {
			if p.Kind == kind && p.Name.Key() == name.Key() {
				out[i].Fate, out[i].Placed = Changed, p.Placed || placed
				return
			}
		}
		out = append(out, Part{kind, name, fate, placed})
	}
	whole := true
	for _, a := range s.Actions {
		if a.Kind == RenameTable || a.Kind == SetSchema {
			return nil
		}
		whole = a.parts(add) && whole
	}
	decides := func(p Part) bool { return p.Fate != Changed }
	if !whole && !slices.ContainsFunc(out, decides) {
		return nil
	}
	return out
}

func (a Action) parts(add func(PartKind, Name, Fate, bool)) bool {
	named := func(kind PartKind, fate Fate) bool {
		if a.Name.IsZero() {
			return false
		}
		add(kind, a.Name, fate, false)
		return true
	}
	switch a.Kind {
	case AddColumn:
		return named(ColumnPart, Made)
	case DropColumn:
		return named(ColumnPart, Gone)
	case AlterType, SetNotNull, DropNotNull, SetDefault, DropDefault, AddIdentity, SetExpression, DropExpression:
		return a.Using == nil && named(ColumnPart, Changed)
	case ModifyColumn:
		if a.Name.Key() != a.Column.Name.Key() {
			add(ColumnPart, a.Name, Gone, false)
			add(ColumnPart, a.Column.Name, Made, false)
			return true
		}
		add(ColumnPart, a.Name, Changed, a.Column.Placed)
	case RenameColumn:
		add(ColumnPart, a.Name, Gone, false)
		add(ColumnPart, a.To, Made, false)
	case AddIndex:
		if a.Name.IsZero() {
			add(KeysPart, Name{}, Changed, false)
			return true
		}
		return named(IndexPart, Made)
	case DropIndex:
		return named(IndexPart, Gone)
	case AddConstraint:
		if a.Constraint.Kind == PrimaryKey {
			add(ConstraintPart, Name{}, Made, false)
			return true
		}
		if a.Name.IsZero() {
			add(KeysPart, Name{}, Changed, false)
			return true
		}
		return named(ConstraintPart, Made)
	case DropPrimaryKey:
		add(ConstraintPart, Name{}, Gone, false)
	case DropConstraint, DropForeignKey:
		return named(ConstraintPart, Gone)
	case ValidateConstraint:
		return named(ConstraintPart, Changed)
	case TableOption, ConvertCharset:
		add(OptionsPart, Name{}, Changed, false)
	case PartitionChange:
		add(PartitionsPart, Name{}, Changed, false)
	case RenameOther:
		kind := IndexPart
		if a.second() == "CONSTRAINT" {
			kind = ConstraintPart
		}
		add(kind, a.Name, Gone, false)
		add(kind, a.To, Made, false)
	case OtherAction:
		return a.Option == "how" // ALGORITHM and LOCK
	default:
		return false
	}
	return true
}

// second is the second word of an action.
func (a Action) second() string {
	words := strings.Fields(a.Text)
	if len(words) < 2 {
		return ""
	}
	return strings.ToUpper(words[1])
}
