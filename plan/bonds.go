package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Bonds are what the statements of a section have to do with one another by
// way of the session, and what of it a run has to make again when it goes on
// in another one. Only statements with such ties are kept.
type Bonds struct {
	of []tied

	last  int // the last statement, from 0, that changes rows; -1: none
	any   int // the last one that is no setting
	lines [2]int
	left  map[string]int // who left a name last, by its index in of
}

// tied is a statement with ties.
type tied struct {
	engine.Ties
	at, line int // from 0
	setting  bool
	once     bool   // a setting for the next transaction alone
	takes    []bond // from statements before it
}

// bond is what one statement takes of another.
type bond struct {
	from, line int    // the statement that left it, from 0, and its line
	tied       int    // that one's index in Bonds.of, -1: it is not there
	what       string // "@total", "LAST_INSERT_ID()"
	ours       bool   // an entry of the journal's in between takes its place
}

// NewBonds knows no statement.
func NewBonds() *Bonds { return &Bonds{last: -1, any: -1, left: map[string]int{}} }

// Add takes statement i, from 0, in turn.
func (b *Bonds) Add(i, line int, tr engine.Traits, t engine.Ties) {
	setting := tr.Kind == engine.Setting
	if !setting {
		t.Sets = false
	}
	if t.Some() || tr.Once {
		s := tied{Ties: t, at: i, line: line, setting: setting, once: tr.Once}
		for _, name := range t.Takes {
			if k, ok := b.left[name]; ok {
				s.takes = append(s.takes, bond{b.of[k].at, b.of[k].line, k, name, false})
			}
		}
		if t.Rows && b.last >= 0 {
			s.takes = append(s.takes, bond{b.last, b.lines[0], -1, strings.Join(t.Reads, ", "), t.Ours})
		} else if t.Before && b.any >= 0 {
			s.takes = append(s.takes, bond{b.any, b.lines[1], -1, strings.Join(t.Reads, ", "), t.Ours})
		}
		for _, name := range t.Leaves {
			b.left[name] = len(b.of)
		}
		b.of = append(b.of, s)
	}
	switch tr.Kind {
	case engine.Setting, engine.Begin, engine.Commit, engine.Rollback:
		return
	case engine.Data, engine.Other:
		b.last, b.lines[0] = i, line
	}
	b.any, b.lines[1] = i, line
}

// Parted are the bonds that a section's groups take apart, told for people: a
// run that ends in between cannot be gone on with, and of some even a run that
// does not end gets another value.
func (b *Bonds) Parted(file string, groups []Group, last int) []string {
	var ends []int // how many statements are done where a run may end
	for _, g := range groups {
		if g.To < last && (g.Mode == InTransaction || g.Mode == Alone) {
			ends = append(ends, g.To)
		}
	}
	parted := func(from, to int) bool {
		i, _ := slices.BinarySearch(ends, from+1)
		return i < len(ends) && ends[i] <= to
	}
	var out []string
	more := 0
	say := func(format string, args ...any) {
		if len(out) == 3 {
			more++
			return
		}
		out = append(out, fmt.Sprintf(format, args...))
	}
	for k, t := range b.of {
		for _, x := range t.takes {
			switch {
			case t.Frees || !parted(x.from, t.at):
			case x.ours:
				say("%s:%d reads %s, which does not tell of line %d there, but of the journal's entry behind it: put both statements between BEGIN and COMMIT", file, t.line, x.what, x.line)
			case !b.again(x.tied):
				say("%s:%d reads %s of line %d, which ends with the session: should the run end between them, it cannot be gone on with", file, t.line, x.what, x.line)
			}
		}
		if t.setting && t.Sets && !b.again(k) && parted(t.at, last) {
			say("%s:%d sets something that is computed, for this session: should the run end behind it, it cannot be gone on with", file, t.line)
		}
	}
	if more > 0 {
		out = append(out, fmt.Sprintf("%s: and %d more of that kind", file, more))
	}
	return out
}

// again says whether what a statement leaves can be made again.
func (b *Bonds) again(k int) bool {
	if k < 0 || !b.of[k].setting || !b.of[k].Again {
		return false
	}
	for _, x := range b.of[k].takes {
		if !b.again(x.tied) {
			return false
		}
	}
	return true
}

// A Broken bond keeps a run from going on.
type Broken struct {
	Line   int // of the statement that left it
	Detail string
}

// Resume finds out what goes on behind the first done statements. skip are the
// settings, from 0, that need not, or must not, be run (again); broken, unless
// nil, is what is needed and cannot be made again.
func (b *Bonds) Resume(done int) (skip map[int]bool, broken *Broken) {
	needed := map[int]bool{}
	var need func(k int)
	need = func(k int) {
		if k < 0 || needed[k] || b.of[k].at >= done {
			return
		}
		needed[k] = true
		for _, x := range b.of[k].takes {
			need(x.tied)
		}
	}
	fail := func(line int, format string, args ...any) {
		if broken == nil {
			broken = &Broken{line, fmt.Sprintf(format, args...)}
		}
	}
	for k, t := range b.of {
		switch {
		case t.at < done && t.setting && t.Sets:
			need(k)
			if !b.again(k) {
				fail(t.line, "what it sets is computed, and was set in a session that is gone")
			}
		case t.at >= done && !t.Frees:
			for _, x := range t.takes {
				if x.from >= done {
					continue
				}
				if need(x.tied); !b.again(x.tied) {
					fail(x.line, "line %d reads %s of it, and that ended with its session", t.line, x.what)
				}
			}
		}
	}
	skip = map[int]bool{}
	for k, t := range b.of {
		gone := t.Frees && slices.ContainsFunc(t.takes, func(x bond) bool { return x.from < done && !needed[x.tied] })
		if t.at < done && (t.once || !needed[k]) || gone {
			skip[t.at] = true
		}
	}
	return skip, broken
}

// Join puts statements into one transaction that read what another one leaves
// in the session, where transactions take them: then nothing comes between, and
// a run that goes on begins at the first of them. off says that the file asks
// for no transactions: then only what reads the last change of rows is joined
// with it, which it could not read otherwise.
func (b *Bonds) Join(groups []Group, traits func(int) engine.Traits, off bool) []Group {
	for _, t := range b.of {
		for _, x := range t.takes {
			if off && x.tied >= 0 || b.again(x.tied) || t.Frees {
				continue
			}
			first := groupOf(groups, x.from)
			last := groupOf(groups, t.at)
			between := slices.ContainsFunc(groups[max(first, 0):max(last, 0)], func(g Group) bool { return g.Mode == InTransaction || g.Mode == Alone })
			if first < 0 || !between || slices.ContainsFunc(groups[first:last+1], func(g Group) bool { return !joins(g, traits) }) {
				continue
			}
			g := Group{Mode: InTransaction, From: groups[first].From, To: groups[last].To, Begin: -1, Atomic: true}
			groups = slices.Replace(groups, first, last+1, g)
		}
	}
	return groups
}

func groupOf(groups []Group, i int) int {
	return slices.IndexFunc(groups, func(g Group) bool { return g.From <= i && i < g.To })
}

// joins says whether a group may become a part of a transaction.
func joins(g Group, traits func(int) engine.Traits) bool {
	switch {
	case g.Mode == InTransaction:
		return g.Begin < 0
	case g.Mode == OwnCommands || g.To > g.From+1:
		return false
	}
	t := traits(g.From)
	switch t.Kind {
	case engine.Data, engine.Read, engine.Setting:
		return !t.Alone && !t.Commits && !t.Holds && !t.Frees && !t.Apart
	}
	return false
}
