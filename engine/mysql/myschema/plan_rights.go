package myschema

import (
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// right is a grant, and what takes it back.
type right struct {
	on         string
	ofColumn   bool
	give, take string
}

// take withdraws rights that are to be no more. A table's are kept by the
// server when it is dropped, and would be those of the next one of its name.
// Who loses a right on the table loses it on its columns too: those that stay
// are given again.
func (p *planner) take() {
	wanted := map[string]bool{}
	for _, r := range p.is.rights() {
		wanted[r.give] = true
	}
	shaken := map[string]bool{}
	for _, ofColumn := range []bool{true, false} {
		for _, r := range p.was.rights() {
			if r.ofColumn == ofColumn && !wanted[r.give] {
				p.add("%s", r.take)
				shaken[r.on] = shaken[r.on] || !ofColumn
			}
		}
	}
	for _, r := range p.was.rights() {
		p.held[r.give] = !r.ofColumn || !shaken[r.on]
	}
}

// give gives what is not there yet.
func (p *planner) give() {
	for _, r := range p.is.rights() {
		if !p.held[r.give] {
			p.add("%s", r.give)
		}
	}
}

func (w *writer) rights() (all []right) {
	for _, t := range w.state.Tables {
		all = append(all, rightsOn(w.name(t.Schema, t.Name), t.Grants, t.Columns)...)
	}
	for _, v := range w.state.Views {
		all = append(all, rightsOn(w.name(v.Schema, v.Name), v.Grants, v.Columns)...)
	}
	return all
}

func rightsOn(on string, all []schema.Grant, columns []schema.Column) (out []right) {
	one := func(g schema.Grant, column string) {
		what := strings.Join(g.Privileges, column+", ") + column + " ON " + on
		give := "GRANT " + what + " TO " + g.To
		if g.Grantable {
			give += " WITH GRANT OPTION"
		}
		out = append(out, right{on, column != "", give, "REVOKE " + what + " FROM " + g.To})
	}
	for _, g := range all {
		one(g, "")
	}
	for _, c := range columns {
		for _, g := range c.Grants {
			one(g, " ("+quote(c.Name)+")")
		}
	}
	return out
}
