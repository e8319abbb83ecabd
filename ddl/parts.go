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
	remade // one of that name goes and another one comes, which may look alike
)

// Part is a named part of a table, and what ALTER TABLE does to it.
type Part struct {
	Kind   PartKind
	Name   Name
	Fate   Fate
	Placed bool // with Changed: its place among the columns may be all that changes
	Over   []Name
	If     bool // with Made and Gone: IF NOT EXISTS, IF EXISTS
}

// Parts are what ALTER TABLE touches of its table; nil where some of it cannot
// be told by name, or is not understood. As it does all or nothing, what it
// does besides to parts without a name is left out where there is one that
// comes or goes for certain.
//
// unseen says that some of it may leave everything looking as it did, and must
// not be done twice all the same: two columns that exchange their names, one
// that is dropped and made anew, an identity that begins again.
func (s *Statement) Parts() (parts []Part, unseen bool) {
	if s.Verb != Alter || s.Object != "TABLE" || !s.Understood {
		return nil, false
	}
	var out []Part
	add := func(p Part) {
		for i, o := range out {
			if o.Kind == p.Kind && o.Name.Key() == p.Name.Key() && o.Over == nil && p.Over == nil {
				out[i].Placed, out[i].If = o.Placed || p.Placed, o.If || p.If
				switch {
				case o.Fate == p.Fate, p.Fate == Changed:
				case o.Fate == Changed:
					out[i].Fate = p.Fate
				default:
					out[i].Fate = remade
				}
				return
			}
		}
		out = append(out, p)
	}
	whole := true
	for _, a := range s.Actions {
		if a.Kind == RenameTable || a.Kind == SetSchema {
			return nil, false
		}
		whole = a.parts(add) && whole
		unseen = unseen || a.Kind == OtherAction && a.Option != "how" && !a.seen()
	}
	out = slices.DeleteFunc(out, func(p Part) bool {
		unseen = unseen || p.Fate == remade
		return p.Fate == remade
	})
	decides := func(p Part) bool { return p.Fate != Changed && !p.If }
	if (!whole || unseen) && !slices.ContainsFunc(out, decides) {
		return nil, unseen
	}
	return out, unseen
}

// seen says of what else ALTER COLUMN does that it shows in the column.
func (a Action) seen() bool {
	words := strings.Fields(strings.ToUpper(a.Text))
	return !slices.Contains(words, "RESTART") && slices.ContainsFunc(words, func(w string) bool {
		return w == "STATISTICS" || w == "STORAGE" || w == "COMPRESSION"
	}) || len(words) > 0 && words[0] != "ALTER"
}

func (a Action) parts(add func(Part)) bool {
	named := func(kind PartKind, fate Fate) bool {
		if a.Name.IsZero() {
			return false
		}
		add(Part{Kind: kind, Name: a.Name, Fate: fate, If: a.IfExists || a.IfNotExists})
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
		return a.Option == "how" || strings.HasPrefix(strings.ToUpper(a.Text), "ALTER") && a.seen() && named(ColumnPart, Changed)
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
