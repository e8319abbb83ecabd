package migration

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Load reads the migrations that stand in the top folder of fsys, cutting
// their statements by lexis. Everything that is wrong with the folder comes
// back as one Problems. A folder that does not exist gives fs.ErrNotExist;
// one without migrations gives an empty set.
func Load(fsys fs.FS, lexis sqltext.Lexis) (*Set, error) { return load(fsys, lexis, false) }

// LoadMerged reads them as Load does, but takes two of one version, as a merge
// leaves them. The set goes by the first of them; Twice tells of the others, and
// Once makes a set of those that are meant.
func LoadMerged(fsys fs.FS, lexis sqltext.Lexis) (*Set, error) { return load(fsys, lexis, true) }

func load(fsys fs.FS, lexis sqltext.Lexis, merged bool) (*Set, error) {
	found, all, err := readFolder(fsys, lexis)
	if err != nil {
		return nil, err
	}
	set := &Set{Migrations: make([]*Migration, 0, len(found)), versions: *NewIndex[Migration](len(found))}
	for _, m := range found {
		if m == nil {
			continue
		}
		if !m.Version.IsZero() {
			if set.versions.Find(m.Version) != nil {
				set.twice = append(set.twice, m)
				continue
			}
			set.versions.Put(m.Version, m)
		}
		set.Migrations = append(set.Migrations, m)
	}
	if !merged {
		all = append(all, set.Twice()...)
	}
	all = append(all, set.replace()...)
	if len(all) > 0 {
		return nil, all
	}
	set.sort()
	return set, nil
}

func (s *Set) sort() {
	if !slices.IsSortedFunc(s.Migrations, InOrder) { // as a folder is whose numbers have one width
		slices.SortStableFunc(s.Migrations, InOrder)
	}
}

// LoadLoose reads them as Load does, but takes two of one version, as a merge
// leaves them. They come in the order of their names.
func LoadLoose(fsys fs.FS, lexis sqltext.Lexis) ([]*Migration, error) {
	found, all, err := readFolder(fsys, lexis)
	if err != nil {
		return nil, err
	}
	if len(all) > 0 {
		return nil, all
	}
	return slices.DeleteFunc(found, func(m *Migration) bool { return m == nil }), nil
}

func readFolder(fsys fs.FS, lexis sqltext.Lexis) ([]*Migration, Problems, error) {
	entries, err := entriesOf(fsys)
	if err != nil {
		return nil, nil, err
	}
	found, all := readAll(fsys, entries, lexis)
	return found, all, nil
}

// entriesOf are the entries of the top folder that are meant to be migrations, by
// their names.
func entriesOf(fsys fs.FS) ([]fs.DirEntry, error) {
	other := func(e fs.DirEntry) bool { return !isCandidate(e) }
	usual := func() ([]fs.DirEntry, error) {
		entries, err := fs.ReadDir(fsys, ".")
		return slices.DeleteFunc(entries, other), err
	}
	dir := dirOf(fsys)
	if dir == "" {
		return usual()
	}
	// As fs.ReadDir does, but what it takes most of its time for: names are
	// compared by their first bytes, as a number, where these differ.
	f, err := os.Open(dir)
	if err != nil {
		return usual() // which says what is wrong
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return usual()
	}
	entries = slices.DeleteFunc(entries, other)
	type keyed struct {
		key uint64
		e   fs.DirEntry
	}
	all := make([]keyed, len(entries))
	for i, e := range entries {
		var first [8]byte
		copy(first[:], e.Name())
		all[i] = keyed{binary.BigEndian.Uint64(first[:]), e}
	}
	slices.SortFunc(all, func(a, b keyed) int {
		if c := cmp.Compare(a.key, b.key); c != 0 {
			return c
		}
		return strings.Compare(a.e.Name(), b.e.Name())
	})
	for i := range all {
		entries[i] = all[i].e
	}
	return entries, nil
}

// InOrder puts versioned migrations first, then seeds, then repeatables.
func InOrder(a, b *Migration) int {
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)),
		a.Place().Compare(b.Place()),
		a.Version.Compare(b.Version),
		strings.Compare(a.File, b.File))
}

func rank(m *Migration) int {
	switch {
	case !m.Kind.Once():
		return 2
	case m.Header.Seed:
		return 1
	}
	return 0
}

// parseName reads what a file name says: NNNN_description.sql, RA__name.sql or
// ROC__name.sql.
func (m *Migration) parseName(name string) error {
	*m = Migration{File: name, Kind: Versioned}
	body := name[:max(0, len(name)-len(".sql"))]
	digits := 0
	for digits < len(body) && '0' <= body[digits] && body[digits] <= '9' {
		digits++
	}
	var description string
	ok := strings.EqualFold(name[len(body):], ".sql") && !strings.Contains(body, "\n")
	if rest := body[digits:]; digits > 0 {
		m.Version = Version{body[:digits]}
		if rest != "" {
			ok = ok && (rest[0] == '_' || rest[0] == '-')
			description = rest[1:]
		}
	} else {
		prefix, after, found := strings.Cut(body, "__")
		m.Kind, description = RunsAlways, after
		if prefix == "ROC" {
			m.Kind = RunsOnChange
		}
		ok = ok && found && after != "" && (prefix == "RA" || prefix == "ROC")
	}
	if !ok {
		return errors.New("not a migration's name: want NNNN_description.sql, RA__name.sql or ROC__name.sql (move other SQL files to another folder)")
	}
	m.Description = strings.TrimSpace(strings.ReplaceAll(description, "_", " "))
	if len(name) > maxName {
		return fmt.Errorf("the name is longer than %d bytes", maxName)
	}
	if digits > maxVersion {
		return fmt.Errorf("the version has more than %d digits", maxVersion)
	}
	return nil
}

// maxName and maxVersion are what the history's columns hold. Neither can be cut:
// a migration is known by them.
const (
	maxName    = 500
	maxVersion = 255
)
