package plan

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Bonds are what the statements of a section have to do with one another by
// way of the session, and what of it a run has to make again when it goes on
// in another one. Only statements with such ties are kept, and of those in one
// transaction only the ones that others may take something of.
type Bonds struct {
	of   []tied
	done int // where a run goes on
	ends int // how many groups end before the section does, so that a run may end there

	last spot           // of the last statement that changes rows
	any  spot           // of the last one that is no setting
	left map[string]int // who left a name last, by its index in of
}

// spot is where a statement stands.
type spot struct {
	at, line int // at: from 0; -1: there is none
	ended    int // how many groups end before it, behind which a run may end
}

// tied is a statement with ties.
type tied struct {
	engine.Ties
	spot
	free    int // the first statement from which on one transaction takes all up to this one
	setting bool
	once    bool   // a setting for the next transaction alone
	takes   []bond // from statements before it
}

// bond is what one statement takes of another, the spot of which it has.
type bond struct {
	spot
	tied int    // that one's index in Bonds.of, -1: it is not there
	what string // "@total", "LAST_INSERT_ID()"
	ours bool   // an entry of the journal's in between takes its place
}

func newBonds(done int) *Bonds {
	return &Bonds{done: done, last: spot{at: -1}, any: spot{at: -1}, left: map[string]int{}}
}

// add takes the next statement; in is the first of its transaction.
func (b *Bonds) add(at spot, in, free int, tr engine.Traits, t engine.Ties) {
	setting := tr.Kind == engine.Setting
	if !setting {
		t.Sets = false
	}
	if t.Some() || tr.Once {
		s := tied{Ties: t, spot: at, free: free, setting: setting, once: tr.Once}
		for _, name := range t.Takes {
			if k, ok := b.left[name]; ok {
				s.takes = append(s.takes, bond{b.of[k].spot, k, name, false})
			}
		}
		if t.Rows && b.last.at >= 0 {
			s.takes = append(s.takes, bond{b.last, -1, strings.Join(t.Reads, ", "), t.Ours})
		} else if t.Before && b.any.at >= 0 {
			s.takes = append(s.takes, bond{b.any, -1, strings.Join(t.Reads, ", "), t.Ours})
		}
		outside := func(x bond) bool { return x.at < in || x.at < b.done && b.done <= at.at }
		if setting || len(t.Leaves) > 0 || slices.ContainsFunc(s.takes, outside) {
			for _, name := range t.Leaves {
				b.left[name] = len(b.of)
			}
			b.of = append(b.of, s)
		}
	}
	switch tr.Kind {
	case engine.Setting, engine.Begin, engine.Commit, engine.Rollback:
		return
	case engine.Data, engine.Other:
		b.last = at
	}
	b.any = at
}

// Parted are the bonds that a section's groups take apart, told for people: a
// run that ends in between cannot be gone on with, and of some even a run that
// does not end gets another value.
func (b *Bonds) Parted(file string) []string {
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
			case t.Frees || x.ended == t.ended:
			case x.ours:
				say("%s:%d reads %s, which does not tell of line %d there, but of the journal's entry behind it: put both statements between BEGIN and COMMIT", file, t.line, x.what, x.line)
			case !b.again(x.tied):
				say("%s:%d reads %s of line %d, which ends with the session: should the run end between them, it cannot be gone on with", file, t.line, x.what, x.line)
			}
		}
		if t.setting && t.Sets && !b.again(k) && t.ended < b.ends {
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
				if x.at >= done {
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
		gone := t.Frees && slices.ContainsFunc(t.takes, func(x bond) bool { return x.at < done && !needed[x.tied] })
		if t.at < done && (t.once || !needed[k]) || gone {
			skip[t.at] = true
		}
	}
	return skip, broken
}

// A span is of statements that share a transaction though they stand outside
// of any.
type span struct{ from, to, ended int }

// spans joins statements into one transaction that read what another one leaves
// in the session, where transactions take them: then nothing comes between, and
// a run that goes on begins at the first of them. off says that the file asks
// for no transactions: then only what reads the last change of rows is joined
// with it, which it could not read otherwise.
func (b *Bonds) spans(groups []Group, off bool) []span {
	var joined []span
	// of is the span, or the group, that a statement is in.
	of := func(at spot) span {
		for _, s := range slices.Backward(joined) {
			if s.from <= at.at && at.at < s.to {
				return s
			}
		}
		i := sort.Search(len(groups), func(i int) bool { return groups[i].To > at.at })
		if i == len(groups) || groups[i].Mode == OneByOne {
			return span{at.at, at.at + 1, at.ended}
		}
		return span{groups[i].From, groups[i].To, at.ended}
	}
	for _, t := range b.of {
		for _, x := range t.takes {
			first, last := of(x.spot), of(t.spot)
			if off && x.tied >= 0 || b.again(x.tied) || t.Frees || first.ended == last.ended || first.from < t.free {
				continue
			}
			for len(joined) > 0 && joined[len(joined)-1].from >= first.from {
				joined = joined[:len(joined)-1]
			}
			joined = append(joined, span{first.from, last.to, first.ended})
		}
	}
	return joined
}

// joins says whether a transaction takes a statement that stands outside of any.
func joins(t engine.Traits) bool {
	switch t.Kind {
	case engine.Data, engine.Read, engine.Setting:
		return !t.Alone && !t.Commits && !t.Holds && !t.Frees && !t.Apart
	}
	return false
}
