package foreign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/migration"
)

// number gives every change its file in our folder. Versions that are numbers
// stay; versions of several numbers (1.2.3) become one with room between
// them; where some have none, or the order is another than that of the
// numbers, all are numbered anew.
func (p *Project) number(r *reader) {
	var versioned []*Change
	for _, c := range p.Changes {
		if c.Kind == migration.Versioned && c.whole == "" {
			versioned = append(versioned, c)
		}
	}
	versions := spelled(versioned)
	if versions == nil {
		versions = counted(len(versioned))
		if len(versioned) > 0 {
			p.Notes = append(p.Notes, Note{Text: fmt.Sprintf("the migrations are numbered anew, %s to %s, in the order in which %s runs them", versions[0], versions[len(versions)-1], p.Tool.Title)})
		}
	}
	for i, c := range versioned {
		c.File = versions[i]
		if name := fileName(c.Name); name != "" {
			c.File += "_" + name
		}
		c.File += ".sql"
	}
	taken := map[string]*Change{}
	for _, c := range p.Changes {
		switch {
		case c.whole != "":
		case c.Kind == migration.RunsOnChange:
			c.File = "ROC__" + fileName(c.Name) + ".sql"
		case c.Kind == migration.RunsAlways:
			c.File = "RA__" + fileName(c.Name) + ".sql"
		}
		if other := taken[strings.ToLower(c.File)]; other != nil {
			r.fail(c.Source.File, c.Source.Line, "would become %s, as %s would", c.File, other.Source.File)
		}
		taken[strings.ToLower(c.File)] = c
	}
}

// fileName makes a part of a file's name of a description. Letters, digits and
// what a file name takes everywhere stay.
func fileName(name string) string {
	clean := strings.Map(func(c rune) rune {
		if strings.ContainsRune(" \t/\\:*?\"<>|", c) || c < ' ' {
			return '_'
		}
		return c
	}, strings.TrimSpace(name))
	for len(clean) > 150 {
		clean = clean[:strings.LastIndexFunc(clean[:150], func(rune) bool { return true })]
	}
	return clean
}

// counted are n versions from 1 on.
func counted(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%04d", i+1)
	}
	return out
}

// spelled are the versions of changes as numbers that rise as the changes
// follow one another; nil where that cannot be.
func spelled(changes []*Change) []string {
	parts := make([][]string, len(changes))
	width := []int{}
	for i, c := range changes {
		parts[i] = strings.Split(c.Version, ".")
		for k, p := range parts[i] {
			if _, err := migration.ParseVersion(p); err != nil {
				return nil
			}
			if k == len(width) {
				width = append(width, 0)
				if k > 0 {
					width[k] = 3 // room for versions to come
				}
			}
			width[k] = max(width[k], len(strings.TrimLeft(p, "0")))
		}
	}
	out := make([]string, len(changes))
	for i, c := range changes {
		if len(width) == 1 {
			out[i] = c.Version
			continue
		}
		for k, w := range width {
			p := ""
			if k < len(parts[i]) {
				p = strings.TrimLeft(parts[i][k], "0")
			}
			out[i] += strings.Repeat("0", w-len(p)) + p
		}
	}
	rises := slices.IsSortedFunc(out, func(a, b string) int {
		v, _ := migration.ParseVersion(a) // digits, by the above
		w, _ := migration.ParseVersion(b)
		if v.Equal(w) {
			return -1 // twice is no order either
		}
		return v.Compare(w)
	})
	if !rises {
		return nil
	}
	return out
}
