package cli

import (
	"context"
	"maps"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
)

// ways are the plans there and back, without the renamings. Those are done
// first on the way there and last on the way back; what of the way back must
// be done behind them is apart.
//
// A view or a trigger is a text that names tables and columns. PostgreSQL keeps
// a view by what it means, and it follows a renaming. SQLite writes the text
// anew, in another spelling, and MariaDB and MySQL leave it as it was, so that
// it can be read no more: there the old text is right when the old names are.
func (g *generation) ways() (there, back, behind []schema.Step, left, leftBack []schema.Change) {
	there, left = g.t.product.Plan(g.from, g.wanted)
	target := g.from
	if texts := g.textsOfNames(); len(texts) > 0 {
		old := map[schema.ID]bool{}
		for id := range triggers(g.unrenamed) {
			old[id] = texts[nameOf(id)]
		}
		for _, v := range g.unrenamed.Views {
			id := g.unrenamed.Relative(v.ID())
			old[id] = texts[nameOf(id)]
		}
		now := map[schema.ID]bool{}
		for id := range triggers(g.from) {
			now[id] = texts[nameOf(id)]
		}
		for _, v := range g.from.Views {
			id := g.from.Relative(v.ID())
			now[id] = texts[nameOf(id)]
		}
		target = g.from.Without(now)
		behind, _ = g.t.product.Plan(g.unrenamed.Without(old), g.unrenamed)
	}
	back, leftBack = g.t.product.Plan(g.wanted, target)
	return there, back, behind, left, leftBack
}

// nameOf is an ID without the table that it belongs to, which may be renamed.
func nameOf(id schema.ID) schema.ID {
	return schema.ID{Kind: id.Kind, Schema: id.Schema, Name: id.Name}
}

// textsOfNames are the views and triggers that a renaming, or the models,
// made others, by nameOf, and what of these stands on such views.
func (g *generation) textsOfNames() map[schema.ID]bool {
	if len(g.renamed) == 0 || g.from.Engine == "postgres" {
		return nil
	}
	texts := map[schema.ID]bool{}
	note := func(from, to *schema.State, but schema.Op) {
		for _, c := range schema.Diff(from, to) {
			if (c.ID.Kind == schema.KindView || c.ID.Kind == schema.KindTrigger) && c.Op != but {
				texts[nameOf(c.ID)] = true
			}
		}
	}
	note(g.from, g.wanted, schema.Added)
	note(g.unrenamed, g.from, "")
	now := map[schema.ID]string{}
	for id, text := range triggers(g.from) {
		now[nameOf(id)] = text
	}
	for id, text := range triggers(g.unrenamed) { // of a table with another name, which is none to compare with
		if now[nameOf(id)] != text {
			texts[nameOf(id)] = true
		}
	}
	if g.from.Engine != "sqlite" {
		return texts
	}
	// SQLite renames nothing while a view is missing that another text names.
	all := maps.Clone(triggers(g.from))
	for _, v := range g.from.Views {
		all[g.from.Relative(v.ID())] = v.Definition
	}
	for more := true; more; {
		more = false
		for id, text := range all {
			for on := range texts {
				if on.Kind == schema.KindView && !texts[nameOf(id)] && strings.Contains(strings.ToLower(text), strings.ToLower(on.Name)) {
					texts[nameOf(id)], more = true, true
				}
			}
		}
	}
	return texts
}

// clearTexts drops the views and triggers of the scratch database, where this
// may help: SQLite renames no column that a view of a view gives on under its
// name. They are made again behind the renamings. What repeatable migrations
// made stays, for nothing would bring it back.
func (g *generation) clearTexts(ctx context.Context, s engine.Session) bool {
	if g.from.Engine != "sqlite" || g.cleared {
		return false
	}
	g.cleared = true
	quote := func(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
	var drops []schema.Step
	for _, t := range g.from.Tables {
		for _, x := range t.Triggers {
			drops = append(drops, schema.Step{SQL: "DROP TRIGGER " + quote(x.Name)})
		}
	}
	for _, v := range g.from.Views {
		drops = append(drops, schema.Step{SQL: "DROP VIEW " + quote(v.Name)})
	}
	for _, step := range drops {
		if _, err := s.Exec(ctx, step.SQL); err != nil {
			return false
		}
	}
	g.there = append(g.there, drops...)
	return len(drops) > 0
}

// triggers are all of a state with their texts.
func triggers(st *schema.State) map[schema.ID]string {
	all := map[schema.ID]string{}
	of := func(id schema.ID, on []schema.Trigger) {
		for _, g := range on {
			all[schema.ID{Kind: schema.KindTrigger, Schema: id.Schema, Of: id.Name, Name: g.Name}] = g.Definition
		}
	}
	for _, t := range st.Tables {
		of(st.Relative(t.ID()), t.Triggers)
	}
	for _, v := range st.Views {
		of(st.Relative(v.ID()), v.Triggers)
	}
	return all
}
