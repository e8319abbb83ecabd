package migration

import (
	"fmt"
	"slices"
)

// Twice says which files have a version that another one of the folder has,
// none but behind LoadMerged.
func (s *Set) Twice() (all Problems) {
	for _, m := range s.twice {
		all = append(all, Problem{File: m.File, Msg: fmt.Sprintf("version %s is taken by %s; give one of them another number", m.Version, s.Find(m.Version).File)})
	}
	return all
}

// All are the migrations of a version, more than one where a merge left them so.
func (s *Set) All(v Version) (all []*Migration) {
	if m := s.Find(v); m != nil {
		all = append(all, m)
	}
	for _, m := range s.twice {
		if m.Version.Equal(v) {
			all = append(all, m)
		}
	}
	return all
}

// Once is the set with one migration of each version: the one that pick takes
// of several, or none where it takes none. A set that has none twice is
// returned as it is. Problems are those of headers that name other versions.
func (s *Set) Once(pick func([]*Migration) *Migration) (*Set, error) {
	if len(s.twice) == 0 {
		return s, nil
	}
	picked := map[string]*Migration{}
	for _, m := range s.twice {
		if key := m.Version.Key(); picked[key] == nil {
			picked[key] = pick(s.All(m.Version))
		}
	}
	out := &Set{env: s.env}
	for _, m := range slices.Concat(s.Migrations, s.twice) {
		if !m.Version.IsZero() {
			if one, twice := picked[m.Version.Key()]; twice && one != m {
				continue
			}
			out.versions.Put(m.Version, m)
		}
		out.Migrations = append(out.Migrations, m)
	}
	if bad := out.replace(); len(bad) > 0 {
		return nil, bad
	}
	out.sort()
	return out, nil
}
