package foreign

import (
	"regexp"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
	"github.com/dbwarden-go/dbwarden/migration"
)

// numbered is a migration whose name begins with its version.
var numbered = lazy.Regexp(`^([0-9]+)(?:[_.-](.*))?\.[A-Za-z]+$`)

func isNumbered(name string) bool {
	return numbered().MatchString(name) && !strings.HasSuffix(name, "_test.go")
}

// versionAndName are those of a numbered file.
func versionAndName(base string) (version, name string) {
	m := numbered().FindStringSubmatch(base)
	return m[1], m[2]
}

// byNumber puts files in the order of their versions, and finds those that
// have the same.
func (r *reader) byNumber(files []file) []file {
	number := func(f file) migration.Version {
		text, _ := versionAndName(f.base())
		v, _ := migration.ParseVersion(text) // digits, by the pattern
		return v
	}
	slices.SortStableFunc(files, func(a, b file) int { return number(a).Compare(number(b)) })
	for i := 1; i < len(files); i++ {
		if number(files[i]).Equal(number(files[i-1])) {
			r.fail(files[i].name, 0, "the same version as %s", files[i-1].name)
		}
	}
	return files
}

// A dialect of comments that mark the sections of a file.
type marks struct {
	// directive returns the words of a line that is one, nil for any other.
	directive func(line string) []string
}

// marked reads a file whose sections are marked by comments. Comments above
// the first section are kept at its top. each is given every directive; it
// says which part follows, nil for the same as before.
func (r *reader) marked(f file, c *Change, m marks, each func(words []string, line int, w *writer) *Part) {
	var before []string
	var w writer
	for i, line := range f.lines {
		if words := m.directive(line); words != nil {
			part := each(words, i+1, &w)
			if part == nil {
				continue
			}
			w = writer{part: part}
			if len(before) > 0 {
				// Comments above the first section: they stay, inside of it.
				for k, text := range before {
					w.line(text, k+1)
				}
				w.cut()
				before = nil
			}
			continue
		}
		if w.part != nil {
			w.line(line, i+1)
			continue
		}
		trimmed := strings.TrimSpace(line)
		if trimmed != "" && !strings.HasPrefix(trimmed, "--") {
			r.fail(f.name, i+1, "text above the first section, which %s does not run", r.tool.Title)
			return
		}
		if trimmed != "" {
			before = append(before, line)
		}
	}
}

// twice fails for a section that stands twice.
func (r *reader) twice(f file, line int, section string) *Part {
	r.fail(f.name, line, "a second section %s", section)
	return &Part{} // what follows goes nowhere
}

// readGoose reads a folder of goose.
func readGoose(r *reader) {
	for _, f := range r.byNumber(r.files(false, isNumbered)) {
		version, name := versionAndName(f.base())
		c := &Change{Key: version, Version: version, Name: name, Kind: migration.Versioned, Source: Place{f.name, 1}}
		r.goose(f, c)
		r.changes = append(r.changes, c)
	}
}

func (r *reader) goose(f file, c *Change) {
	var part *Part
	began, bare, up := 0, false, false
	substitutes := false
	lines := f.lines
	f.lines = make([]string, len(lines))
	m := marks{directive: func(line string) []string {
		text := strings.TrimSpace(line)
		rest, ok := strings.CutPrefix(text, "--")
		if !ok {
			return nil
		}
		rest, ok = strings.CutPrefix(strings.TrimSpace(rest), "+goose")
		if !ok {
			return nil
		}
		return append([]string{"+goose"}, strings.Fields(strings.ToUpper(rest))...)
	}}
	// goose reads lines, and knows nothing of quotes: so the directives that
	// switch the placeholders on and off are followed before anything else.
	for i, line := range lines {
		f.lines[i] = line
		if words := m.directive(line); len(words) == 3 && words[1] == "ENVSUB" {
			substitutes = words[2] == "ON"
		} else if substitutes && words == nil {
			f.lines[i] = r.substitute(f.name, i+1, line, shellPlaceholder())
		}
	}
	r.marked(f, c, m, func(words []string, line int, w *writer) *Part {
		switch strings.Join(words[1:], " ") {
		case "UP":
			if up {
				return r.twice(f, line, "Up")
			}
			up, part = true, &c.Up
			return part
		case "DOWN":
			if c.Down != nil {
				return r.twice(f, line, "Down")
			}
			if !up {
				r.fail(f.name, line, "Down stands above Up, which goose does not take")
			}
			c.Down = &Part{}
			part = c.Down
			return part
		case "STATEMENTBEGIN":
			if part == nil || began > 0 {
				r.fail(f.name, line, "StatementBegin inside of a statement, or above the first section")
				return nil
			}
			began = line
			w.whole(line + 1)
		case "STATEMENTEND":
			if began == 0 {
				r.fail(f.name, line, "StatementEnd without StatementBegin")
			}
			began = 0
			w.cut()
		case "NO TRANSACTION":
			bare = true
		case "ENVSUB ON", "ENVSUB OFF":
		default:
			r.fail(f.name, line, "%q has no counterpart here", strings.TrimSpace(lines[line-1]))
		}
		return nil
	})
	if began > 0 {
		r.fail(f.name, began, "StatementBegin without StatementEnd")
	}
	if !up {
		r.fail(f.name, 0, "no line \"-- +goose Up\"")
	}
	c.Up.Bare = bare
	if c.Down != nil {
		c.Down.Bare = bare
	}
}

// readSQLMigrate reads a folder of sql-migrate.
func readSQLMigrate(r *reader) {
	all := r.files(false, func(name string) bool { return strings.Contains(name, ".sql") || isNumbered(name) })
	// sql-migrate sorts by a number in front where both have one, and by the
	// name otherwise.
	front := regexp.MustCompile(`^[0-9]+`)
	slices.SortStableFunc(all, func(a, b file) int {
		x, y := front.FindString(a.base()), front.FindString(b.base())
		v, errA := migration.ParseVersion(x)
		w, errB := migration.ParseVersion(y)
		if errA == nil && errB == nil && !v.Equal(w) {
			return v.Compare(w)
		}
		return strings.Compare(a.base(), b.base())
	})
	for _, f := range all {
		c := &Change{Key: f.base(), Kind: migration.Versioned, Source: Place{f.name, 1}}
		c.Name = strings.TrimSuffix(f.base(), ".sql")
		if numbered().MatchString(f.base()) {
			c.Version, c.Name = versionAndName(f.base())
		}
		r.sqlMigrate(f, c)
		r.changes = append(r.changes, c)
	}
}

func (r *reader) sqlMigrate(f file, c *Change) {
	began, up := 0, false
	m := marks{directive: func(line string) []string {
		if !strings.HasPrefix(line, "-- +migrate ") {
			return nil
		}
		return strings.Fields(strings.TrimSpace(line)[len("-- "):])
	}}
	r.marked(f, c, m, func(words []string, line int, w *writer) *Part {
		part := &Part{}
		switch word := strings.Join(words[1:min(2, len(words))], ""); word {
		case "Up":
			if up {
				return r.twice(f, line, word)
			}
			up, part = true, &c.Up
		case "Down":
			if c.Down != nil {
				return r.twice(f, line, word)
			}
			c.Down = part
		case "StatementBegin":
			began = line
			w.whole(line + 1)
			return nil
		case "StatementEnd":
			if began == 0 {
				r.fail(f.name, line, "StatementEnd without StatementBegin")
			}
			began = 0
			w.cut()
			return nil
		default:
			r.fail(f.name, line, "%q has no counterpart here", strings.TrimSpace(f.lines[line-1]))
			return nil
		}
		for _, option := range words[2:] {
			if option != "notransaction" {
				r.fail(f.name, line, "the option %q has no counterpart here", option)
			}
			part.Bare = true
		}
		return part
	})
	if began > 0 {
		r.fail(f.name, began, "StatementBegin without StatementEnd")
	}
	if !up {
		r.fail(f.name, 0, "no line \"-- +migrate Up\"")
	}
}

// readDbmate reads a folder of dbmate.
func readDbmate(r *reader) {
	for _, f := range r.byNumber(r.files(false, isNumbered)) {
		version, name := versionAndName(f.base())
		c := &Change{Key: version, Version: version, Name: name, Kind: migration.Versioned, Source: Place{f.name, 1}}
		up := false
		m := marks{directive: func(line string) []string {
			rest, ok := strings.CutPrefix(strings.TrimSpace(line), "--")
			if rest = strings.TrimSpace(rest); !ok || !strings.HasPrefix(rest, "migrate:") {
				return nil
			}
			return strings.Fields(rest)
		}}
		r.marked(f, c, m, func(words []string, line int, _ *writer) *Part {
			part := &Part{}
			switch words[0] {
			case "migrate:up":
				if up {
					return r.twice(f, line, words[0])
				}
				up, part = true, &c.Up
			case "migrate:down":
				if c.Down != nil {
					return r.twice(f, line, words[0])
				}
				c.Down = part
			default:
				r.fail(f.name, line, "%q has no counterpart here", words[0])
				return nil
			}
			for _, option := range words[1:] {
				switch option {
				case "transaction:false":
					part.Bare = true
				case "transaction:true":
				default:
					r.fail(f.name, line, "the option %q has no counterpart here", option)
				}
			}
			return part
		})
		if !up {
			r.fail(f.name, 0, "no line \"-- migrate:up\"")
		}
		r.changes = append(r.changes, c)
	}
}

// readTern reads a folder of tern.
func readTern(r *reader) {
	const separator = "---- create above / drop below ----"
	for _, f := range r.byNumber(r.files(false, isNumbered)) {
		version, name := versionAndName(f.base())
		c := &Change{Key: version, Version: version, Name: name, Kind: migration.Versioned, Source: Place{f.name, 1}}
		w := writer{part: &c.Up}
		bare := false
		for i, line := range f.lines {
			if strings.Contains(line, "{{") {
				r.fail(f.name, i+1, "a template of tern, which has no counterpart here: write what it makes (tern prints it when it migrates), or leave the file out: --leave %s", f.name)
				break
			}
			switch text := strings.TrimRight(line, "\r\n"); {
			case text == "---- tern: disable-tx ----":
				bare = true
			case strings.TrimSpace(text) == separator && c.Down == nil:
				c.Down = &Part{}
				w = writer{part: c.Down}
			case strings.Contains(text, separator):
				r.fail(f.name, i+1, "%q must stand in a line of its own, and once", separator)
			case strings.HasPrefix(text, "---- tern:"):
				r.fail(f.name, i+1, "%q has no counterpart here", text)
			default:
				w.line(line, i+1)
			}
		}
		c.Up.Bare = bare
		if c.Down != nil {
			c.Down.Bare = bare
		}
		r.changes = append(r.changes, c)
	}
}
