package pgschema

import (
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// A type that cannot become what it is to be, while columns have it, is made
// again: the old one gets another name, the new one is made, the columns are
// turned over to it by their texts, and the old one goes. A row that has a label
// which is no more stops that. What stands on such a column, and names the
// type, must go meanwhile.
type replaced struct {
	id   schema.ID
	from schema.Type
	old  string // its name meanwhile
}

// replace finds the types that are made again, and what has them; again gets
// the tables, whose views go, and functions that speak of the type go too.
func (p *planner) replace(again map[schema.ID]bool) {
	for _, c := range p.all {
		to, ok := c.To.(schema.Type)
		if !ok || c.Op != schema.Changed || has(c, "kind") {
			continue
		}
		from := c.From.(schema.Type)
		r := replaced{id: c.ID, from: from, old: ident(from.Name + "_old")}
		switch {
		case to.Kind == "enum" && has(c, "labels"):
			if _, ok := grown(from.Labels, to.Labels); ok {
				continue
			}
		case to.Kind == "domain" && has(c, "base", "collation"):
		default:
			continue
		}
		if from.Schema != p.from.Home {
			r.old = ident(from.Schema) + "." + r.old
		}
		p.replaced = append(p.replaced, r)
		spelled := p.was.name(from.Schema, from.Name)
		for _, t := range p.from.Tables {
			id := p.from.Relative(t.ID())
			now := p.table(p.to, id)
			if now == nil {
				continue
			}
			for _, x := range t.Columns {
				if strings.TrimSuffix(x.Type, "[]") == spelled {
					p.turned[part(id, schema.KindColumn, x.Name)] = true
					again[id] = true
				}
			}
		}
		for _, d := range p.from.Depends {
			if object := p.from.Relative(d.Object); object.Kind == schema.KindRoutine && p.from.Relative(d.Needs) == c.ID && p.op(object) != schema.Removed {
				p.gone[object] = true
			}
		}
	}
}

// makeReplacement makes the new type beside the old one.
func (p *planner) makeReplacement(id schema.ID, to schema.Type) bool {
	for _, r := range p.replaced {
		if r.id == id {
			p.add("ALTER %s %s RENAME TO %s", typeWord(r.from), p.was.name(r.from.Schema, r.from.Name), ident(r.from.Name+"_old"))
			p.written(func() { p.is.typ(to) })
			p.fresh[id] = true
			return true
		}
	}
	return false
}

// turn turns a table's columns over to the new types.
func (p *planner) turn(t schema.Table, was *schema.Table, table string) {
	id := p.to.Relative(t.ID())
	for _, c := range t.Columns {
		k := part(id, schema.KindColumn, c.Name)
		if !p.turned[k] || p.fresh[k] || c.Inherited || has(p.changes[k], "type") {
			continue
		}
		alter := "ALTER TABLE " + table + " ALTER COLUMN " + ident(c.Name) + " "
		for _, x := range was.Columns {
			if x.Name == c.Name && x.Default != nil {
				p.add("%sDROP DEFAULT", alter)
			}
		}
		through := "text"
		if strings.HasSuffix(c.Type, "[]") {
			through = "text[]"
		}
		p.add("%sTYPE %s%s USING %s::%s::%s", alter, c.Type, collate(c.Collation), ident(c.Name), through, c.Type)
		if c.Default != nil {
			p.add("%sSET DEFAULT %s", alter, *c.Default)
		}
	}
}

// dropReplaced drops the old types.
func (p *planner) dropReplaced() {
	for _, r := range p.replaced {
		p.add("DROP %s %s", typeWord(r.from), r.old)
	}
}

func typeWord(t schema.Type) string {
	if t.Kind == "domain" {
		return "DOMAIN"
	}
	return "TYPE"
}

type label struct{ label, place string }

// grown reports whether all labels are where they were, and which are new.
func grown(from, to []string) (added []label, ok bool) {
	n := 0
	for i, l := range to {
		switch {
		case n < len(from) && from[n] == l:
			n++
		case i == 0 && len(from) > 0:
			added = append(added, label{l, " BEFORE " + literal(from[0])})
		case i == 0:
			added = append(added, label{l, ""})
		default:
			added = append(added, label{l, " AFTER " + literal(to[i-1])})
		}
	}
	return added, n == len(from)
}
