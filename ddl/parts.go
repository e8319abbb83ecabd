package ddl

import (
	"regexp"
	"slices"
	"strings"
)

// PartKind is what a named part of a table is.
type PartKind int

const (
	ColumnPart     PartKind = iota + 1
	IndexPart               // Name is zero for the primary key's (MySQL)
	ConstraintPart          // Name is zero for the primary key
	OptionPart              // what the table is itself; Name is the option's, zero where it has several
	PartitionPart           // Name is zero for its partitions, taken together
	KeysPart                // its indexes over the columns Over, one of which gets its name from the server; without Over, all its indexes and constraints
	ForeignPart             // as KeysPart, of its foreign keys
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
	Over   []Name
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
	add := func(p Part) {
		for i, o := range out {
			if o.Kind == p.Kind && o.Name.Key() == p.Name.Key() && o.Over == nil && p.Over == nil {
				out[i].Fate, out[i].Placed = Changed, o.Placed || p.Placed
				return
			}
		}
		out = append(out, p)
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

func (a Action) parts(add func(Part)) bool {
	named := func(kind PartKind, fate Fate) bool {
		if a.Name.IsZero() {
			return false
		}
		add(Part{Kind: kind, Name: a.Name, Fate: fate})
		return true
	}
	both := func(kind PartKind, from, to Name) {
		add(Part{Kind: kind, Name: from, Fate: Gone})
		add(Part{Kind: kind, Name: to, Fate: Made})
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
			both(ColumnPart, a.Name, a.Column.Name)
			return true
		}
		add(Part{Kind: ColumnPart, Name: a.Name, Fate: Changed, Placed: a.Column.Placed})
	case RenameColumn:
		both(ColumnPart, a.Name, a.To)
	case AddIndex:
		if a.Name.IsZero() {
			add(Part{Kind: KeysPart, Fate: Changed, Over: a.Index.over()})
			return true
		}
		return named(IndexPart, Made)
	case DropIndex:
		return named(IndexPart, Gone)
	case AddConstraint:
		switch c := a.Constraint; {
		case c.Kind == PrimaryKey:
			add(Part{Kind: ConstraintPart, Fate: Made})
			return true
		case !a.Name.IsZero():
		case c.Kind == ForeignKey && len(c.Columns) > 0:
			add(Part{Kind: ForeignPart, Fate: Changed, Over: c.Columns})
			return true
		case c.Kind == Unique && len(c.Columns) > 0:
			add(Part{Kind: KeysPart, Fate: Changed, Over: c.Columns})
			return true
		default:
			add(Part{Kind: KeysPart, Fate: Changed})
			return true
		}
		return named(ConstraintPart, Made)
	case DropPrimaryKey:
		add(Part{Kind: ConstraintPart, Fate: Gone})
	case DropConstraint, DropForeignKey:
		return named(ConstraintPart, Gone)
	case ValidateConstraint:
		return named(ConstraintPart, Changed)
	case TableOption:
		p := Part{Kind: OptionPart, Fate: Changed}
		if !strings.Contains(a.Option, " ") {
			p.Name = Name{Name: a.Option}
		}
		add(p)
	case ConvertCharset:
		add(Part{Kind: OptionPart, Name: Name{Name: "CHARSET"}, Fate: Changed})
	case PartitionChange:
		a.partitions(add)
	case RenameOther:
		kind := IndexPart
		if a.second() == "CONSTRAINT" {
			kind = ConstraintPart
		}
		both(kind, a.Name, a.To)
	case OtherAction:
		// ALGORITHM and LOCK; what else a column has, as SET STATISTICS.
		return a.Option == "how" || strings.HasPrefix(strings.ToUpper(a.Text), "ALTER") && named(ColumnPart, Changed)
	default:
		return false
	}
	return true
}

// They are compiled when they are needed, which is seldom: no start waits for it.
const (
	madePartition  = "(?i)[(,]\\s*PARTITION\\s+(`[^`]+`|[\\w$]+)"
	gonePartitions = "(?i)^DROP\\s+PARTITION\\s+(?:IF\\s+EXISTS\\s+)?((?:`[^`]+`|[\\w$]+)(?:\\s*,\\s*(?:`[^`]+`|[\\w$]+))*)\\s*$"
)

// partitions are those that ADD and DROP name; else all of them, which
// PARTITION BY makes and REMOVE PARTITIONING takes away.
func (a Action) partitions(add func(Part)) {
	var names []string
	fate := Changed
	switch a.Option {
	case "PARTITION": // BY
		fate = Made
	case "REMOVE":
		fate = Gone
	case "ADD":
		for _, m := range regexp.MustCompile(madePartition).FindAllStringSubmatch(a.Text, -1) {
			names, fate = append(names, m[1]), Made
		}
	case "DROP":
		if m := regexp.MustCompile(gonePartitions).FindStringSubmatch(a.Text); m != nil {
			names, fate = strings.Split(m[1], ","), Gone
		}
	}
	for _, name := range names {
		add(Part{Kind: PartitionPart, Name: Name{Name: strings.Trim(strings.TrimSpace(name), "`")}, Fate: fate})
	}
	if names == nil {
		add(Part{Kind: PartitionPart, Fate: fate})
	}
}

// over are the columns of an index; nil where one of them is an expression.
func (x *Index) over() (out []Name) {
	if x == nil || x.Kind != "" {
		return nil
	}
	for _, c := range x.Columns {
		if c.Name.IsZero() {
			return nil
		}
		out = append(out, c.Name)
	}
	return out
}

// second is the second word of an action.
func (a Action) second() string {
	words := strings.Fields(a.Text)
	if len(words) < 2 {
		return ""
	}
	return strings.ToUpper(words[1])
}
