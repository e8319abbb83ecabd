// Package rebase finds new numbers for migrations that came in from two
// sides: what is applied, or is the others', stays; what is one's own goes
// behind it, in the order that it had.
//
// It decides from names and headers, and touches no file and no database.
package rebase

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/migration"
)

// Move is a file that gets another number.
type Move struct {
	Migration *migration.Migration
	To        migration.Version
	File      string // its new name
}

// Edit is a file whose depends_on or replaces names a version that has moved.
type Edit struct {
	File      string // its name before
	DependsOn map[string]string
}

// Result is what is to be done.
type Result struct {
	Moves []Move
	Edits []Edit
}

// An AmbiguousError says that two files have one number and nothing tells
// which of them is to keep it.
type AmbiguousError struct{ A, B string }

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%s and %s have the same number, and nothing tells which of them is to keep it", e.A, e.B)
}

// A TwiceError says that two files have one number which both of them are to
// keep.
type TwiceError struct{ A, B string }

func (e *TwiceError) Error() string {
	return fmt.Sprintf("%s and %s have the same number, and neither can get another one: both are applied, or are in what it is rebased onto", e.A, e.B)
}

// A MeantError says that File depends on a version which two files have, of which
// Moves is to get another one, and that nothing tells which of them it means.
type MeantError struct{ File, Version, Moves, Stays string }

func (e *MeantError) Error() string {
	return fmt.Sprintf("%s depends on %s, which is the number of %s and of %s, and nothing tells which of them it means", e.File, e.Version, e.Moves, e.Stays)
}

// Along adds to the files that are to get other numbers what goes along: what
// depends on one of them, and on that in its turn, as far as it has not run.
// Left where it is, it would come before what it needs, and its header would
// name the file that keeps the number. Of two files with one number it means
// the one that is shared or not, as it is itself. leaves says of a file that
// somebody has said that it means what stays.
//
// Errors: *MeantError.
func Along(all []*migration.Migration, mine map[string]bool, shared, ran, leaves func(*migration.Migration) bool) error {
	for grown := true; grown; {
		grown = false
		for _, m := range all {
			if m.Kind != migration.Versioned || mine[m.File] || ran(m) || leaves(m) {
				continue
			}
			for _, v := range needs(m) {
				goes, err := meansMine(all, m, v, mine, shared)
				if err != nil {
					return err
				}
				if goes {
					mine[m.File], grown = true, true
					break
				}
			}
		}
	}
	return nil
}

// needs are the versions that a header names.
func needs(m *migration.Migration) []migration.Version {
	return slices.Concat(m.Header.DependsOn, migration.Versions(m.Header.Replaces))
}

// meansMine says whether a version in the header of m is a file that gets another one.
func meansMine(all []*migration.Migration, m *migration.Migration, v migration.Version, mine map[string]bool, shared func(*migration.Migration) bool) (bool, error) {
	var of, alike []*migration.Migration
	for _, o := range all {
		if o.Kind == migration.Versioned && o.Version.Equal(v) {
			of = append(of, o)
			if shared(o) == shared(m) {
				alike = append(alike, o)
			}
		}
	}
	moves := func(o *migration.Migration) bool { return mine[o.File] }
	stays := func(o *migration.Migration) bool { return !mine[o.File] }
	first, other := slices.IndexFunc(of, moves), slices.IndexFunc(of, stays)
	switch {
	case first < 0 || other < 0:
		return first >= 0, nil
	case len(alike) == 0 || len(alike) == len(of) || slices.ContainsFunc(alike, moves) == slices.ContainsFunc(alike, stays):
		return false, &MeantError{m.File, v.String(), of[first].File, of[other].File}
	}
	return slices.ContainsFunc(alike, moves), nil
}

// Stuck is a migration of one's own that is applied here and needs another
// number all the same.
type Stuck struct {
	Migration *migration.Migration
	By        *migration.Migration // the others', for which it does
	Same      bool                 // they have one number; else it comes too late for who has run By
}

// Applied finds what must be taken back here before it can get another number:
// what is applied here, is not shared, and has the number of what is, or comes
// before it. Where what is shared has run already, as in production, it would
// be refused.
func Applied(all []*migration.Migration, shared, ran func(*migration.Migration) bool) (out []Stuck) {
	var top *migration.Migration
	of := map[string]*migration.Migration{}
	for _, m := range all {
		if m.Kind != migration.Versioned || !shared(m) {
			continue
		}
		of[m.Version.Key()] = m
		if top == nil || m.Version.Compare(top.Version) > 0 {
			top = m
		}
	}
	for _, m := range all {
		if m.Kind != migration.Versioned || shared(m) || !ran(m) {
			continue
		}
		if other := of[m.Version.Key()]; other != nil {
			out = append(out, Stuck{m, other, true})
		} else if top != nil && late(m, top.Version) && len(m.Header.Env) == 0 {
			out = append(out, Stuck{m, top, false})
		}
	}
	return out
}

// late says that a migration comes before a version and is not to. What is to
// run behind a later one runs late by right, and so does a seed.
func late(m *migration.Migration, top migration.Version) bool {
	waits := slices.ContainsFunc(m.Header.DependsOn, func(v migration.Version) bool { return v.Compare(m.Version) > 0 })
	return m.Version.Compare(top) < 0 && !m.Header.Seed && !waits
}

// Plan decides. stays says of a file that its number must not change; next
// gives the number behind another one.
//
// Errors: *AmbiguousError; *TwiceError where two files that stay have one
// number, which only their authors can put right.
func Plan(all []*migration.Migration, stays func(*migration.Migration) bool, next func(migration.Version) migration.Version) (*Result, error) {
	var theirs, mine []*migration.Migration
	kept := map[string]*migration.Migration{} // by version
	for _, m := range all {
		if m.Kind != migration.Versioned {
			continue
		}
		if !stays(m) {
			mine = append(mine, m)
			continue
		}
		if other := kept[m.Version.Key()]; other != nil {
			return nil, &TwiceError{other.File, m.File}
		}
		kept[m.Version.Key()] = m
		theirs = append(theirs, m)
	}
	inOrder := func(a, b *migration.Migration) int {
		return cmp.Or(a.Version.Compare(b.Version), strings.Compare(a.File, b.File))
	}
	slices.SortStableFunc(mine, inOrder)
	var top migration.Version
	for _, m := range theirs {
		if top.IsZero() || m.Version.Compare(top) > 0 {
			top = m.Version
		}
	}
	for i := 1; i < len(mine); i++ {
		if a, b := mine[i-1], mine[i]; a.Version.Equal(b.Version) && kept[a.Version.Key()] == nil {
			return nil, &AmbiguousError{a.File, b.File}
		}
	}
	first := slices.IndexFunc(mine, func(m *migration.Migration) bool {
		return kept[m.Version.Key()] != nil || !top.IsZero() && late(m, top)
	})
	out := &Result{}
	if first < 0 {
		return out, nil
	}
	last := top
	if first > 0 && mine[first-1].Version.Compare(last) > 0 {
		last = mine[first-1].Version
	}
	moved := map[string]migration.Version{}
	for _, m := range mine[first:] {
		if m.Version.Compare(last) > 0 {
			last = m.Version // it is behind all of them as it is
			continue
		}
		last = next(last)
		if len(m.File) < len(m.Version.String()) {
			return nil, errors.New(m.File + " does not begin with its version")
		}
		out.Moves = append(out.Moves, Move{m, last, last.String() + m.File[len(m.Version.String()):]})
		moved[m.Version.Key()] = last
	}
	for _, m := range mine {
		e := Edit{File: m.File, DependsOn: map[string]string{}}
		for _, v := range needs(m) {
			if to, ok := moved[v.Key()]; ok {
				e.DependsOn[v.String()] = to.String()
			}
		}
		if len(e.DependsOn) > 0 {
			out.Edits = append(out.Edits, e)
		}
	}
	return out, nil
}

// Rewrite is a migration's text with other versions in its depends_on and
// replaces headers; nothing else of it changes.
func Rewrite(text string, dependsOn map[string]string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		trimmed := strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		body, comment := strings.CutPrefix(trimmed, "--")
		if !comment {
			continue // above the first section, so a part of a comment in /* */
		}
		body = strings.ToLower(strings.TrimSpace(body))
		if body == string(migration.Up) || body == string(migration.Down) {
			break
		}
		name, _, ok := strings.Cut(body, ":")
		if name = strings.TrimSpace(name); !ok || name != "depends_on" && name != "replaces" {
			continue
		}
		lines[i] = renumber(line, dependsOn)
	}
	return strings.Join(lines, "")
}

// renumber replaces whole numbers in a line.
func renumber(line string, to map[string]string) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		end := i
		for end < len(line) && '0' <= line[end] && line[end] <= '9' {
			end++
		}
		if end == i {
			b.WriteByte(line[i])
			i++
			continue
		}
		number := line[i:end]
		b.WriteString(cmp.Or(to[number], number))
		i = end
	}
	return b.String()
}

// Increment adds one to digits of any length, keeping their width.
func Increment(digits string) string {
	b := []byte(digits)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != '9' {
			b[i]++
			return string(b)
		}
		b[i] = '0'
	}
	return "1" + string(b)
}
