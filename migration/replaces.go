package migration

import (
	"fmt"
	"strings"
)

// Replaced is a migration that a squashed one stands for. One that was
// squashed itself names what it stood for: its row need not be in a history
// that has all of those.
type Replaced struct {
	Version Version
	Of      []Replaced
}

// Versions are all versions that stand in the list, those in parentheses too.
func Versions(all []Replaced) (out []Version) {
	for _, r := range all {
		out = append(append(out, r.Version), Versions(r.Of)...)
	}
	return out
}

// Place is the version by which a migration stands in the order: its own, or
// of a squashed one the highest that it replaces, so that what was not squashed
// and came behind those still does.
func (m *Migration) Place() Version {
	if len(m.Header.Replaces) == 0 {
		return m.Version
	}
	return highest(m.Header.Replaces)
}

func highest(all []Replaced) (at Version) {
	for _, r := range all {
		if v := r.place(); at.IsZero() || v.Compare(at) > 0 {
			at = v
		}
	}
	return at
}

// place is where it stood: of one that was squashed itself, where what that
// replaced did. Its own number says when it was written, and nothing of its place.
func (r Replaced) place() Version {
	if len(r.Of) == 0 {
		return r.Version
	}
	return highest(r.Of)
}

// Replacer is the migration that stands for the one of a version, nil where
// none does. Of one that was squashed again it is the outermost.
func (s *Set) Replacer(v Version) *Migration {
	if s.replacer == nil {
		return nil // without spelling a key for each of thousands
	}
	return s.replacer[v.Key()]
}

// Squashed says that a migration of the set stands for others.
func (s *Set) Squashed() bool { return s.replacer != nil }

// Place is where the migration of a version stands in the order.
func (s *Set) Place(v Version) Version {
	if s.replacer == nil {
		return v
	}
	if m := s.Find(v); m != nil {
		return m.Place()
	}
	if by := s.Replacer(v); by != nil { // whose file is gone, and whose row is not
		return placed(by.Header.Replaces, v)
	}
	return v
}

func placed(all []Replaced, v Version) Version {
	for _, r := range all {
		if r.Version.Equal(v) {
			return r.place()
		}
		if at := placed(r.Of, v); !at.Equal(v) {
			return at
		}
	}
	return v
}

// replace finds out who stands for whom.
func (s *Set) replace() (bad Problems) {
	for _, m := range s.Migrations {
		if len(m.Header.Replaces) == 0 {
			continue
		}
		fail := func(format string, args ...any) {
			bad = append(bad, Problem{File: m.File, Msg: "replaces: " + fmt.Sprintf(format, args...)})
		}
		if m.Kind != Versioned || m.Header.Seed || len(m.Header.Env) > 0 {
			fail("only a versioned migration can stand for others, and no seed, and in every environment")
			continue
		}
		if s.replacer == nil {
			s.replacer = map[string]*Migration{}
		}
		seen := map[string]bool{m.Version.Key(): true}
		for _, v := range Versions(m.Header.Replaces) {
			if seen[v.Key()] {
				fail("version %s is named twice, or is its own", v)
				continue
			}
			seen[v.Key()] = true
			switch other := s.replacer[v.Key()]; {
			case other == nil || names(m, other.Version):
				s.replacer[v.Key()] = m
			case !names(other, m.Version):
				fail("version %s is replaced by %s already", v, other.File)
			}
		}
	}
	return bad
}

// names says that a squashed migration stands for one of that version.
func names(m *Migration, v Version) bool {
	for _, w := range Versions(m.Header.Replaces) {
		if w.Equal(v) {
			return true
		}
	}
	return false
}

// listsVersions says that a header's value begins as a list of versions does,
// and not as a text.
func listsVersions(value string) bool {
	value = strings.TrimLeft(value, `[" `)
	return value != "" && '0' <= value[0] && value[0] <= '9'
}

// parseReplaces reads versions with commas between them; behind one, in
// parentheses, those that it replaced in its turn.
func parseReplaces(s string) ([]Replaced, error) {
	p := replacesParser{s}
	out, err := p.list()
	if err == nil && p.next() != 0 {
		err = fmt.Errorf("want a list of versions, like 0001, 0002, not %q", p.rest)
	}
	return out, err
}

type replacesParser struct{ rest string }

// next is what comes behind blanks, quotes and brackets, which are forgiven;
// 0 at the end.
func (p *replacesParser) next() byte {
	p.rest = strings.TrimLeft(p.rest, " \t\r\"[]")
	if p.rest == "" {
		return 0
	}
	return p.rest[0]
}

func (p *replacesParser) list() (out []Replaced, err error) {
	for {
		p.next()
		n := 0
		for n < len(p.rest) && '0' <= p.rest[n] && p.rest[n] <= '9' {
			n++
		}
		if n == 0 {
			return nil, fmt.Errorf("want a list of versions, like 0001, 0002: each of them by itself")
		}
		r := Replaced{Version: Version{p.rest[:n]}}
		p.rest = p.rest[n:]
		if p.next() == '(' {
			p.rest = p.rest[1:]
			if r.Of, err = p.list(); err != nil {
				return nil, err
			}
			if p.next() != ')' {
				return nil, fmt.Errorf("a closing parenthesis is missing")
			}
			p.rest = p.rest[1:]
		}
		out = append(out, r)
		if p.next() != ',' {
			return out, nil
		}
		p.rest = p.rest[1:]
		if p.next() == 0 { // the list goes on in the next line
			return out, nil
		}
	}
}

// ReplacesHeader is the header's lines, several versions in each.
func ReplacesHeader(all []Replaced) string {
	const most = 10
	var b strings.Builder
	for i, r := range all {
		switch {
		case i%most == 0:
			b.WriteString("-- replaces: ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(r.String())
		if i%most == most-1 || i == len(all)-1 {
			b.WriteString("\n")
		}
	}
	return b.String()
}

func (r Replaced) String() string {
	if len(r.Of) == 0 {
		return r.Version.String()
	}
	var of []string
	for _, o := range r.Of {
		of = append(of, o.String())
	}
	return r.Version.String() + " (" + strings.Join(of, ", ") + ")"
}
