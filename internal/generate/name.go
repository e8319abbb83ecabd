package generate

import (
	"strconv"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Describe says in a few words what a migration does, for its name: "create
// users", "add email to users", "rename mail to email in users". fresh says
// that there is nothing yet.
func Describe(renamed []schema.Renaming, changes []schema.Change, fresh bool) string {
	var all []string
	var tables []string
	for _, r := range renamed {
		switch {
		case r.ID.Kind == schema.KindColumn:
			all = append(all, "rename "+r.ID.Name+" to "+r.To+" in "+r.ID.Of)
			tables = append(tables, r.ID.Of)
		case r.ID.Of == "":
			all = append(all, "rename "+r.ID.Name+" to "+r.To)
			tables = append(tables, r.ID.Name, r.To)
		}
	}
	views := map[schema.ID]bool{}
	for _, c := range changes {
		views[c.ID] = c.ID.Kind == schema.KindView
	}
	for _, kind := range toldFirst {
		for _, c := range changes {
			if c.ID.Kind == kind && !implied(c) && !views[schema.ID{Kind: schema.KindView, Schema: c.ID.Schema, Name: c.ID.Of}] {
				all = append(all, phrase(c))
				tables = append(tables, tableOf(c.ID))
			}
		}
	}
	if len(all) == 0 {
		for _, r := range renamed { // of a constraint, an index
			all = append(all, "rename "+r.ID.Name+" to "+r.To)
			tables = append(tables, r.ID.Of)
		}
	}
	switch n := len(all); {
	case n == 0:
		return "change schema"
	case n == 1:
		return all[0]
	case n == 2:
		return all[0] + " and " + all[1]
	case fresh:
		return "initial"
	case len(renamed) == 0 && alike(tables):
		return "change " + tables[0]
	default:
		return all[0] + " and " + strconv.Itoa(n-1) + " more"
	}
}

// toldFirst is the order in which changes are told.
var toldFirst = []schema.Kind{
	schema.KindTable, schema.KindColumn, schema.KindView, schema.KindType, schema.KindRoutine, schema.KindSequence, schema.KindEvent, schema.KindSchema, schema.KindExtension,
	schema.KindPrimaryKey, schema.KindForeignKey, schema.KindIndex, schema.KindCheck, schema.KindTrigger, schema.KindPolicy, schema.KindRule,
}

// implied is what comes with something else: the sequence of a column, the
// columns of a view, another order of columns.
func implied(c schema.Change) bool {
	for _, side := range []any{c.From, c.To} {
		if x, ok := side.(schema.Sequence); ok {
			return x.OwnedBy != ""
		}
	}
	return c.Op == schema.Changed && len(c.Fields) == 1 && c.Fields[0].Name == "columns"
}

func phrase(c schema.Change) string {
	name := c.ID.Name
	if c.ID.Kind == schema.KindPrimaryKey {
		name = "primary key"
	}
	if r, ok := c.To.(schema.Routine); ok {
		name = r.Name
	} else if r, ok := c.From.(schema.Routine); ok {
		name = r.Name
	}
	words := map[schema.Op][2]string{
		schema.Added: {"create ", "add "}, schema.Removed: {"drop ", "drop "}, schema.Changed: {"change ", "change "},
	}[c.Op]
	if c.ID.Of == "" {
		return words[0] + name
	}
	where := map[schema.Op]string{schema.Added: " to ", schema.Removed: " from ", schema.Changed: " of "}[c.Op]
	return words[1] + name + where + c.ID.Of
}

func tableOf(id schema.ID) string {
	if id.Of != "" {
		return id.Of
	}
	return id.Name
}

func alike(all []string) bool {
	for _, s := range all {
		if s != all[0] {
			return false
		}
	}
	return true
}
