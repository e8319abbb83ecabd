package foreign

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

var (
	flywayName = lazy.Regexp(`^([VUB])([0-9]+(?:[._][0-9]+)*)(?:__(.*))?\.([A-Za-z]+)$`)
	flywayMore = lazy.Regexp(`^R__(.*)\.([A-Za-z]+)$`)
	flywayHead = lazy.Regexp(`^\s*--\s*flyway:(\w+)\s*=\s*(\S*)`)
	flywayCall = lazy.Regexp(`^(before|after|create)[A-Z]\w*(__.*)?\.\w+$`)
)

// readFlyway reads a folder of Flyway and all below it.
func readFlyway(r *reader) {
	configs := r.flywayConfigs()
	var undo, base []file
	for _, f := range r.files(true, func(name string) bool {
		return flywayName().MatchString(name) || flywayMore().MatchString(name) || flywayCall().MatchString(name)
	}) {
		if flywayCall().MatchString(f.base()) {
			r.fail(f.name, 0, "a callback of Flyway: what it does belongs into [hooks] of warden.toml; go on without the file with --leave %s", f.name)
			continue
		}
		c := &Change{Kind: migration.Versioned, Source: Place{f.name, 1}, Sum: flywayChecksum(f.text)}
		if m := flywayMore().FindStringSubmatch(f.base()); m != nil {
			c.Kind, c.Key, c.Name = migration.RunsOnChange, m[1], m[1]
		} else {
			m := flywayName().FindStringSubmatch(f.base())
			switch m[1] {
			case "U":
				undo = append(undo, f)
				continue
			case "B":
				base = append(base, f)
				continue
			}
			c.Version = strings.ReplaceAll(m[2], "_", ".")
			c.Key, c.Name = c.Version, m[3]
		}
		if c.Kind == migration.RunsOnChange && r.flywayAlways(f, configs) {
			c.Kind = migration.RunsAlways
		}
		c.Up = r.flywayPart(f, configs)
		if c.Kind != migration.Versioned {
			c.filled = flywayChecksum(c.Up.text())
		}
		r.changes = append(r.changes, c)
	}
	slices.SortStableFunc(r.changes, func(a, b *Change) int {
		first, second := a.Kind == migration.Versioned, b.Kind == migration.Versioned
		switch {
		case first && second:
			return compareDotted(a.Version, b.Version)
		case first:
			return -1
		case second:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	var onChange *Change
	for _, c := range r.changes {
		switch {
		case c.Kind == migration.RunsOnChange:
			onChange = c
		case c.Kind == migration.RunsAlways && onChange != nil:
			r.note(c.Source.File, 0, "runs before those that run when they changed, and so before %s, too", onChange.Source.File)
		}
	}
	for i := 1; i < len(r.changes); i++ {
		a, b := r.changes[i-1], r.changes[i]
		if a.Kind == migration.Versioned && b.Kind == migration.Versioned && compareDotted(a.Version, b.Version) == 0 {
			r.fail(b.Source.File, 0, "the same version as %s", a.Source.File)
		}
	}
	r.flywayUndo(undo, configs)
	r.flywayBase(base, configs)
}

// find returns the change of a version of numbers and dots.
func (r *reader) find(version string) *Change {
	for _, c := range r.changes {
		if c.Kind == migration.Versioned && compareDotted(c.Version, version) == 0 {
			return c
		}
	}
	return nil
}

func (r *reader) flywayUndo(undo []file, configs map[string]flywayConfig) {
	for _, f := range undo {
		m := flywayName().FindStringSubmatch(f.base())
		c := r.find(strings.ReplaceAll(m[2], "_", "."))
		switch {
		case c == nil:
			r.fail(f.name, 0, "undoes version %s, which is not here: go on without it with --leave %s", m[2], f.name)
		case c.Down != nil:
			r.fail(f.name, 0, "a second way back of version %s", m[2])
		default:
			part := r.flywayPart(f, configs)
			c.Down = &part
		}
	}
}

// flywayBase takes baseline migrations in: Flyway runs one in place of all
// that is not above its version, on a new database alone. Where those stand
// here too there are two ways to the same, and a person has to say which one
// goes on.
func (r *reader) flywayBase(base []file, configs map[string]flywayConfig) {
	for _, f := range base {
		m := flywayName().FindStringSubmatch(f.base())
		version := strings.ReplaceAll(m[2], "_", ".")
		var older []string
		for _, c := range r.changes {
			if c.Kind == migration.Versioned && compareDotted(c.Version, version) <= 0 {
				older = append(older, c.Source.File)
			}
		}
		if len(older) > 0 {
			r.fail(f.name, 0, "a baseline migration, which stands for %s as well: say which goes on, with --leave %s or --leave for each of those", strings.Join(older, ", "), f.name)
			continue
		}
		c := &Change{Key: version, Version: version, Name: m[3], Kind: migration.Versioned, Source: Place{f.name, 1}, Up: r.flywayPart(f, configs), Sum: flywayChecksum(f.text)}
		r.changes = append([]*Change{c}, r.changes...)
	}
}

// A repeatable migration runs again when its text has changed, and one with this in
// it, mostly in a comment, has another text each time.
const (
	flywayNow       = "${flyway:timestamp}"
	flywayRunsAgain = "-- runs always: " + flywayNow // as Export writes it
)

// flywayAlways says whether a repeatable migration runs each time.
func (r *reader) flywayAlways(f file, configs map[string]flywayConfig) bool {
	config := configs[f.name]
	for _, line := range f.lines {
		if m := flywayHead().FindStringSubmatch(line); m != nil && m[1] == "placeholderReplacement" {
			config.verbatim = m[2] == "false"
		}
	}
	return !config.verbatim && flywayMore().MatchString(f.base()) && strings.Contains(f.text, flywayNow)
}

// inCode says whether a text stands elsewhere than in comments.
func (r *reader) inCode(text, part string) bool {
	all, err := sqltext.All(text, r.o.Lexis)
	reading := sqltext.NewScanner(strings.NewReader(""), r.o.Lexis, sqltext.Options{}).Reading()
	for _, st := range all {
		code := []byte(st.Text)
		stretches, bad := reading.Stretches(st.Text)
		for _, s := range stretches {
			if s.Comment {
				clear(code[s.From:s.To])
			}
		}
		if bad != nil || strings.Contains(string(code), part) {
			return true
		}
	}
	return err != nil
}

// flywayPart is a file with its placeholders replaced.
func (r *reader) flywayPart(f file, configs map[string]flywayConfig) Part {
	config := configs[f.name]
	var p Part
	p.Bare = config.bare
	w := writer{part: &p}
	// What makes it run always says the name of our file.
	told := r.flywayAlways(f, configs) && !r.inCode(f.text, flywayNow)
	for i, line := range f.lines {
		if told && strings.TrimRight(line, "\r\n") == flywayRunsAgain {
			line = "\n"
		} else if told {
			line = strings.ReplaceAll(line, flywayNow, strings.Trim(flywayNow, "${}"))
		}
		if m := flywayHead().FindStringSubmatch(line); m != nil {
			r.flywaySetting(f.name, i+1, m[1], m[2], &config)
			p.Bare = config.bare
			continue
		}
		if !config.verbatim {
			line = r.substitute(f.name, i+1, line, placeholder())
		}
		w.line(line, i+1)
	}
	return p
}

// flywayConfig is what stands beside a script, in SCRIPT.conf.
type flywayConfig struct{ bare, verbatim bool }

// flywayConfigs reads those of all scripts, by the script's name.
func (r *reader) flywayConfigs() map[string]flywayConfig {
	out := map[string]flywayConfig{}
	for _, f := range r.beside(".sql.conf") {
		script := strings.TrimSuffix(f.name, ".conf")
		var c flywayConfig
		for i, line := range f.lines {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			key, value, _ := strings.Cut(line, "=")
			r.flywaySetting(f.name, i+1, strings.TrimSpace(key), strings.TrimSpace(value), &c)
		}
		out[script] = c
	}
	return out
}

func (r *reader) flywaySetting(name string, line int, key, value string, c *flywayConfig) {
	switch {
	case key == "executeInTransaction":
		c.bare = value == "false"
	case key == "placeholderReplacement":
		c.verbatim = value == "false"
	case key == "encoding" && strings.EqualFold(value, "UTF-8"):
	case key == "shouldExecute" && value == "true":
	default:
		r.fail(name, line, "the setting %s=%s has no counterpart here", key, value)
	}
}

// flywayChecksum is Flyway's: CRC-32 over the lines without their ends, as a
// signed number.
func flywayChecksum(text string) string {
	sum := crc32.NewIEEE()
	for line := range strings.SplitSeq(strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n"), "\n") {
		sum.Write([]byte(line))
	}
	return fmt.Sprint(int32(sum.Sum32()))
}

// compareDotted compares versions of several numbers; what is missing is 0.
func compareDotted(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(x), len(y)) {
		at := func(parts []string) migration.Version {
			text := "0"
			if i < len(parts) {
				text = parts[i]
			}
			v, _ := migration.ParseVersion(text) // digits, by the pattern
			return v
		}
		if c := at(x).Compare(at(y)); c != 0 {
			return c
		}
	}
	return 0
}
