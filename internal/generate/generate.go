// Package generate writes a migration that leads from one schema to another
// one, and back.
//
// Which statements lead there is the product's planner's business. This
// package decides what is the same object under another name, what a file is
// called, and how statements are written into it so that a run cuts them into
// the transactions that the plan wants. It runs nothing and reads no database.
package generate

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// LosesData begins the comment above a statement that throws data away.
const LosesData = "-- Loses data: "

// File is the text of a migration with these ways there and back.
func File(up, down []schema.Step, e *engine.Engine, v engine.Server) string {
	w := &writer{e: e, v: v}
	w.b.WriteString("-- upgrade\n")
	w.section(up)
	w.b.WriteString("\n-- rollback\n")
	w.section(down)
	return w.b.String()
}

// Section is the text of these steps alone.
func Section(steps []schema.Step, e *engine.Engine, v engine.Server) string {
	w := &writer{e: e, v: v}
	w.section(steps)
	return w.b.String()
}

type writer struct {
	b strings.Builder
	e *engine.Engine
	v engine.Server
}

// group are steps that share a transaction, or one that has none.
type group struct {
	steps []schema.Step
	bare  bool // the product itself runs it outside of transactions
}

// section writes steps as they are where a run cuts them as they want it:
// that is so where only statements stand alone that the product takes in no
// transaction. Where others do (one that reads a whole table, and whose lock
// or whose neighbour's lock must not last for as long), each transaction is
// written out.
func (w *writer) section(steps []schema.Step) {
	groups := w.groups(steps)
	written := w.e.Caps.TransactionalDDL && len(groups) > 1 && slices.ContainsFunc(groups, func(g group) bool { return !g.bare && g.steps[0].Alone })
	var local []schema.Step // settings that end with their transaction
	for i, g := range groups {
		if i > 0 {
			w.b.WriteString("\n")
		}
		long := false // the last statement has several lines
		if written && !g.bare {
			w.b.WriteString("BEGIN;\n")
		}
		if !g.bare && !g.steps[0].Alone {
			for _, s := range local {
				w.step(s)
			}
		}
		for i, s := range g.steps {
			was := long
			if long = strings.Contains(s.SQL, "\n"); i > 0 && (was || long) {
				w.b.WriteString("\n")
			}
			w.step(s)
			if words := w.words(s); len(words) > 1 && words[0] == "SET" && words[1] == "LOCAL" {
				local = append(local, s)
			}
		}
		if written && !g.bare {
			w.b.WriteString("COMMIT;\n")
		}
	}
}

func (w *writer) groups(steps []schema.Step) (all []group) {
	for _, s := range steps {
		bare := w.e.Classify(w.words(s), w.v).Alone
		if n := len(all); n > 0 && !s.Alone && !bare && !all[n-1].bare && !all[n-1].steps[0].Alone {
			all[n-1].steps = append(all[n-1].steps, s)
			continue
		}
		all = append(all, group{[]schema.Step{s}, bare})
	}
	return all
}

func (w *writer) words(s schema.Step) []string {
	if all, err := sqltext.All(s.SQL, w.e.Lexis); err == nil && len(all) > 0 {
		return all[0].Words
	}
	return nil
}

func (w *writer) step(s schema.Step) {
	if s.Loses != "" {
		w.b.WriteString(LosesData + oneLine(s.Loses) + "\n")
	}
	if w.e.Lexis.Delimiter && strings.Contains(s.SQL, ";") {
		mark := "$$"
		for strings.Contains(s.SQL, mark) {
			mark += "$"
		}
		w.b.WriteString("DELIMITER " + mark + "\n" + s.SQL + mark + "\nDELIMITER ;\n")
		return
	}
	w.b.WriteString(s.SQL + w.end(s.SQL) + "\n")
}

// end is the semicolon, on a line of its own where the text ends in a comment
// that would swallow it.
func (w *writer) end(text string) string {
	if all, err := sqltext.All(text+";\nSELECT 1;", w.e.Lexis); err == nil && len(all) == 2 {
		return ";"
	}
	return "\n;"
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
