package migration

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// readers is how many files are read at once.
const readers = 8

// Load reads the migrations that stand in the top folder of fsys, cutting
// their statements by lexis. Everything that is wrong with the folder comes
// back as one Problems. A folder that does not exist gives fs.ErrNotExist;
// one without migrations gives an empty set.
func Load(fsys fs.FS, lexis sqltext.Lexis) (*Set, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		n := e.Name()
		if !e.IsDir() && strings.EqualFold(path.Ext(n), ".sql") && !strings.HasPrefix(n, ".") {
			names = append(names, n)
		}
	}
	found := make([]*Migration, len(names))
	bad := make([]Problems, len(names))
	var g errgroup.Group
	g.SetLimit(readers)
	for i, n := range names {
		g.Go(func() error {
			found[i], bad[i] = read(fsys, n, lexis)
			return nil
		})
	}
	g.Wait()
	var all Problems
	for _, b := range bad {
		all = append(all, b...)
	}
	set := &Set{byKey: map[string]*Migration{}}
	for _, m := range found {
		if m == nil {
			continue
		}
		if !m.Version.IsZero() {
			if other := set.byKey[m.Version.Key()]; other != nil {
				all = append(all, Problem{File: m.File, Msg: fmt.Sprintf("version %s is taken by %s; give one of them another number", m.Version, other.File)})
				continue
			}
			set.byKey[m.Version.Key()] = m
		}
		set.Migrations = append(set.Migrations, m)
	}
	if len(all) > 0 {
		return nil, all
	}
	slices.SortStableFunc(set.Migrations, inOrder)
	return set, nil
}

// inOrder puts versioned migrations first, then seeds, then repeatables.
func inOrder(a, b *Migration) int {
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)),
		a.Version.Compare(b.Version),
		strings.Compare(a.File, b.File))
}

func rank(m *Migration) int {
	switch {
	case m.Kind != Versioned:
		return 2
	case m.Header.Seed:
		return 1
	}
	return 0
}

var (
	versionedName  = regexp.MustCompile(`^([0-9]+)(?:[_-](.*))?\.(?i:sql)$`)
	repeatableName = regexp.MustCompile(`^(RA|ROC)__(.+)\.(?i:sql)$`)
)

// parseName reads what a file name says.
func parseName(name string) (*Migration, error) {
	m := &Migration{File: name, Kind: Versioned}
	var description string
	if p := versionedName.FindStringSubmatch(name); p != nil {
		m.Version, description = Version{p[1]}, p[2]
	} else if p := repeatableName.FindStringSubmatch(name); p != nil {
		m.Kind, description = RunsAlways, p[2]
		if p[1] == "ROC" {
			m.Kind = RunsOnChange
		}
	} else {
		return nil, errors.New("not a migration's name: want NNNN_description.sql, RA__name.sql or ROC__name.sql (move other SQL files to another folder)")
	}
	m.Description = strings.TrimSpace(strings.ReplaceAll(description, "_", " "))
	if len(name) > maxName {
		return nil, fmt.Errorf("the name is longer than %d bytes", maxName)
	}
	return m, nil
}

// maxName is what the history's columns hold.
const maxName = 500

// read reads one file: its header, its sections and their checksums.
func read(fsys fs.FS, name string, lexis sqltext.Lexis) (*Migration, Problems) {
	m, err := parseName(name)
	if err != nil {
		return nil, Problems{{File: name, Msg: err.Error()}}
	}
	// A pipe would keep us waiting for somebody to write into it.
	if info, err := fs.Stat(fsys, name); err != nil {
		return nil, Problems{{File: name, Msg: reason(err)}}
	} else if !info.Mode().IsRegular() {
		return nil, Problems{{File: name, Msg: "not a regular file"}}
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, Problems{{File: name, Msg: reason(err)}}
	}
	defer f.Close()

	var bad Problems
	fail := func(line, column int, format string, args ...any) {
		bad = append(bad, Problem{name, line, column, fmt.Sprintf(format, args...)})
	}
	sc := sqltext.NewScanner(f, lexis, sqltext.Options{Marker: isMarker})
	var section *Section
	sum := sha256.New()
	finish := func() {
		if section != nil {
			section.Checksum = Checksum(hex.EncodeToString(sum.Sum(nil)))
			sum.Reset()
		}
	}
	for {
		from := sc.Pos()
		st, err := sc.Next()
		switch {
		case errors.Is(err, sqltext.ErrMarker):
			finish()
			line, at := sc.Marker()
			if section == nil && len(bad) == 0 {
				h, problems := parseHeader(strings.TrimSuffix(sc.Gap(), line), 1)
				m.Header = h
				for _, p := range problems {
					fail(p.line, 0, "%s", p.msg)
				}
			}
			d, _ := marker(line)
			if section != nil {
				misplaced(sc.Gap(), from, fail)
			}
			section = m.Section(d)
			if section.Present {
				fail(at.Line, 0, "a second -- %s section; the first is in line %d", d, section.Line)
				return nil, bad
			}
			*section = Section{Present: true, Line: at.Line, from: source{fsys, name}, start: sc.Pos(), lexis: lexis}
			continue
		case errors.Is(err, io.EOF):
			finish()
			if section != nil {
				misplaced(sc.Gap(), from, fail)
			}
			if !m.Upgrade.Present && len(bad) == 0 {
				fail(1, 0, "no -- upgrade section; a migration has the line %q above its statements", "-- upgrade")
			}
			if len(bad) > 0 {
				return nil, bad
			}
			return m, nil
		case err != nil:
			var cut *sqltext.Error
			if errors.As(err, &cut) {
				fail(cut.Pos.Line, cut.Pos.Column, "%s", cut.Msg)
			} else {
				fail(0, 0, "%s", reason(err))
			}
			return nil, bad
		}
		if section == nil {
			fail(st.Start.Line, st.Start.Column, "SQL above the first section; put the line %q above it", "-- upgrade")
			return nil, bad
		}
		misplaced(st.Gap, from, fail)
		h, err := hashOf(st)
		if err != nil {
			var cut *sqltext.Error
			if errors.As(err, &cut) {
				fail(cut.Pos.Line, cut.Pos.Column, "%s", cut.Msg)
			} else {
				fail(st.Start.Line, 0, "%s", reason(err))
			}
			return nil, bad
		}
		sum.Write(h[:])
		section.Count++
	}
}

// reason is a file error without the path, which the problem names already.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Op + ": " + p.Err.Error()
	}
	return err.Error()
}
