package foreign

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
	"github.com/dbwarden-go/dbwarden/migration"
)

var (
	liquibaseFirst = lazy.Regexp(`(?i)^\s*--\s*liquibase\s+formatted\s+sql\b`)
	liquibaseSet   = lazy.Regexp(`(?i)^\s*--\s*changeset\s+(.*?)\s*$`)
	liquibaseBack  = lazy.Regexp(`(?i)^\s*--\s*rollback\b:?\s*(.*)$`)
	liquibaseBlock = lazy.Regexp(`(?i)^\s*/\*\s*liquibase\s+rollback\s*$`)
	liquibaseRest  = lazy.Regexp(`(?i)^\s*--\s*(property|preconditions?|precondition-[\w-]+|ignoreLines|validChecksum|include|includeAll|logicalFilePath|comment|liquibase)\b:?\s*(.*?)\s*$`)
	liquibaseWord  = lazy.Regexp(`(?:"[^"]*"|[^\s"])+`)
	liquibaseName  = lazy.Regexp(`\.(sql|xml|ya?ml|json)$`)
)

// changeset is one that is being read.
type changeset struct {
	*Change
	ends    *regexp.Regexp // what ends a statement, nil for a semicolon
	unsplit bool
	skip    bool // it does not run
}

// readLiquibase reads changelogs in formatted SQL, in the order of includeAll:
// by their path.
func readLiquibase(r *reader) {
	all := r.files(true, liquibaseName().MatchString)
	slices.SortStableFunc(all, func(a, b file) int { return strings.Compare(a.name, b.name) })
	seen := map[string]Place{}
	for _, f := range all {
		if len(f.lines) == 0 || !liquibaseFirst().MatchString(f.lines[0]) {
			r.fail(f.name, 1, `no changelog in formatted SQL: its first line is not "--liquibase formatted sql". Go on without it: --leave %s`, f.name)
			continue
		}
		for _, c := range r.changelog(f) {
			if other, ok := seen[c.Key]; ok {
				r.fail(f.name, c.Source.Line, "the same changeset as in %s:%d", other.File, other.Line)
			}
			seen[c.Key] = c.Source
			r.changes = append(r.changes, c)
		}
	}
	r.liquibaseVersions()
	r.liquibaseRepeatables()
}

// liquibaseRepeatables keeps the order among changesets that run more than
// once, by numbers in their names, and says where it is another than
// Liquibase's: ours run behind all that is versioned, those that run always
// first.
func (r *reader) liquibaseRepeatables() {
	var onChange *Change
	n := 0
	for i, c := range r.changes {
		if c.Kind == migration.Versioned {
			continue
		}
		n++
		c.Name = fmt.Sprintf("%03d_%s", n, c.Name)
		switch {
		case c.Kind == migration.RunsOnChange:
			onChange = c
		case onChange != nil:
			r.note(c.Source.File, c.Source.Line, "runs before those that run when they changed, and so before %s:%d, too", onChange.Source.File, onChange.Source.Line)
		}
		for _, later := range r.changes[i+1:] {
			if later.Kind == migration.Versioned {
				r.note(c.Source.File, c.Source.Line, "runs behind all versioned migrations here, and so behind %s:%d, too", later.Source.File, later.Source.Line)
				break
			}
		}
	}
}

// liquibaseVersions keeps the numbers of files that have one changeset each.
func (r *reader) liquibaseVersions() {
	count := map[string]int{}
	for _, c := range r.changes {
		count[c.Source.File]++
	}
	for _, c := range r.changes {
		base := c.Source.File[strings.LastIndex(c.Source.File, "/")+1:]
		if count[c.Source.File] == 1 && numbered().MatchString(base) {
			c.Version, _ = versionAndName(base)
		}
	}
}

func (r *reader) changelog(f file) (out []*Change) {
	var set *changeset
	properties := map[string]string{}
	var w writer
	end := func() {
		if set != nil && !set.skip {
			out = append(out, set.done())
		}
	}
	back := func(text string, n int) {
		if set.Down == nil {
			set.Down = &Part{Bare: set.Up.Bare}
		}
		b := writer{part: set.Down, open: len(set.Down.Pieces) > 0}
		b.line(text, n)
	}
	block := false
	for i, line := range f.lines {
		n := i + 1
		if set != nil && set.skip && !liquibaseSet().MatchString(line) {
			continue
		}
		if block {
			if before, _, ok := strings.Cut(line, "*/"); ok {
				line, block = before+"\n", false
			}
			back(r.liquibaseValues(f.name, n, line, properties), n)
			continue
		}
		if m := liquibaseSet().FindStringSubmatch(line); m != nil {
			end()
			set = r.changeset(f, n, m[1])
			w = writer{part: &set.Up}
			continue
		}
		if i == 0 {
			continue
		}
		if set != nil && liquibaseBlock().MatchString(strings.TrimRight(line, "\r\n")) {
			block = true
			continue
		}
		if m := liquibaseBack().FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil && set != nil {
			switch text := strings.TrimSpace(m[1]); {
			case strings.EqualFold(text, "empty"), strings.EqualFold(text, "not required"):
				back("", n)
			case regexp.MustCompile(`(?i)^changesetid:`).MatchString(text):
				r.fail(f.name, n, "a rollback that names another changeset has no counterpart here: write out its SQL")
			default:
				back(r.liquibaseValues(f.name, n, m[1]+"\n", properties), n)
			}
			continue
		}
		if m := liquibaseRest().FindStringSubmatch(line); m != nil {
			switch word := strings.ToLower(m[1]); {
			case word == "comment" && set != nil:
				w.line("-- "+m[2]+"\n", n)
				continue
			case word == "comment", word == "liquibase" && !liquibaseFirst().MatchString(line):
			case word == "validchecksum":
				continue // old checksums of Liquibase's, which nobody compares here
			case word == "property":
				r.liquibaseProperty(f, n, m[2], properties)
				continue
			default:
				r.fail(f.name, n, "%s has no counterpart here", m[1])
				continue
			}
		}
		line = r.liquibaseValues(f.name, n, line, properties)
		if set == nil {
			if t := strings.TrimSpace(line); t != "" && !strings.HasPrefix(t, "--") {
				r.fail(f.name, n, "text above the first changeset")
				return out
			}
			continue
		}
		w.line(line, n)
	}
	end()
	return out
}

// done makes a change of what was read.
func (s *changeset) done() *Change {
	for _, p := range []*Part{&s.Up, s.Down} {
		switch {
		case p == nil:
		case s.unsplit:
			for i := range p.Pieces {
				p.Pieces[i].Whole = true
			}
		case s.ends != nil:
			p.Pieces = cutAt(p.Pieces, s.ends)
		}
	}
	return s.Change
}

// liquibaseDelimiter is what Liquibase takes an endDelimiter for: a slash in a
// line of its own, anything else wherever it stands. It is a pattern there,
// which its releases match in different ways: so only what is plain text, with
// backslashes before what would not be, is followed.
func liquibaseDelimiter(text string) (*regexp.Regexp, bool) {
	if text == "/" {
		return regexp.MustCompile(`(?m)^[ \t]*/[ \t]*$`), true
	}
	plain := regexp.MustCompile(`\\([^A-Za-z0-9\s])`).ReplaceAllString(text, "$1")
	if len(text) > 1 && regexp.QuoteMeta(plain) != text && plain != regexp.QuoteMeta(plain) || strings.ContainsAny(plain, "\\ \t") {
		return nil, false
	}
	return regexp.MustCompile("(?i)" + regexp.QuoteMeta(plain)), true
}

// changeset reads the line above one: author:id and its attributes.
func (r *reader) changeset(f file, n int, text string) *changeset {
	words := liquibaseWord().FindAllString(text, -1)
	s := &changeset{Change: &Change{Kind: migration.Versioned, Source: Place{f.name, n}}}
	if len(words) == 0 || !strings.Contains(words[0], ":") {
		r.fail(f.name, n, "a changeset without author:id")
		return s
	}
	author, id, _ := strings.Cut(words[0], ":")
	author, id = unquoted(author), unquoted(id)
	s.Key = strings.Join([]string{id, author, f.name}, "\x00")
	s.Name = fileName(id)
	for _, word := range words[1:] {
		name, value, ok := strings.Cut(word, ":")
		if value = unquoted(value); !ok {
			r.fail(f.name, n, "the attribute %q is not name:value; put a value with blanks into quotes", word)
			continue
		}
		on := strings.EqualFold(value, "true")
		left := func(why string) {
			s.skip = true
			if r.skipped == nil {
				r.skipped = map[string]bool{}
			}
			r.skipped[id+"\x00"+author] = true
			r.note(f.name, n, "changeset %s:%s is left out: %s", author, id, why)
		}
		switch strings.ToLower(name) {
		case "runonchange":
			if on {
				s.Kind = migration.RunsOnChange
			}
		case "runalways":
			if on {
				s.Kind = migration.RunsAlways
			}
		case "runintransaction":
			s.Up.Bare = !on
		case "splitstatements":
			s.unsplit = !on
		case "enddelimiter":
			if value == ";" {
				continue
			}
			if s.ends, ok = liquibaseDelimiter(value); !ok {
				r.fail(f.name, n, "the endDelimiter %s is a pattern: put a plain text in its place, here and behind the statements", value)
			}
		case "stripcomments", "objectquotingstrategy", "created":
		case "logicalfilepath":
			s.Key = strings.Join([]string{id, author, value}, "\x00")
		case "ignore":
			if on {
				left("it says ignore:true")
			}
		case "dbms":
			if !runsOn(value, r.o.Product) {
				left("it is for " + value)
			}
		case "context", "contextfilter":
			switch {
			case r.o.Contexts == nil:
				r.fail(f.name, n, "runs in the contexts %q only, which has no counterpart here: say which contexts hold, with --context NAME, or --context '*' for all", value)
			case !slices.Contains(r.o.Contexts, "*") && !holds(value, r.o.Contexts):
				left(fmt.Sprintf("its contexts are %q", value))
			}
		case "labels":
			switch {
			case r.o.Labels == nil:
				r.fail(f.name, n, "has the labels %q, which have no counterpart here: say which are wanted, with --label NAME, or --label '*' for all", value)
			case !slices.Contains(r.o.Labels, "*") && !slices.ContainsFunc(strings.Split(value, ","), func(l string) bool { return slices.Contains(r.o.Labels, strings.TrimSpace(l)) }):
				left(fmt.Sprintf("its labels are %q", value))
			}
		case "failonerror":
			if !on {
				r.fail(f.name, n, "failOnError:false has no counterpart here: what fails is not gone on behind")
			}
		default:
			r.fail(f.name, n, "the attribute %s has no counterpart here", name)
		}
	}
	return s
}

func (r *reader) liquibaseProperty(f file, n int, text string, properties map[string]string) {
	name, value := "", ""
	for _, word := range liquibaseWord().FindAllString(text, -1) {
		switch key, v, _ := strings.Cut(word, ":"); strings.ToLower(key) {
		case "name":
			name = unquoted(v)
		case "value":
			value = unquoted(v)
		case "dbms":
			if !runsOn(unquoted(v), r.o.Product) {
				return
			}
		case "global":
		default:
			r.fail(f.name, n, "the attribute %s of a property has no counterpart here", key)
		}
	}
	if _, there := properties[name]; !there { // the first one wins
		properties[name] = value
	}
}

// liquibaseValues puts properties and given values in place of ${name}. What
// has none stays: so does Liquibase.
func (r *reader) liquibaseValues(name string, n int, line string, properties map[string]string) string {
	if r.o.Verbatim {
		return line
	}
	return placeholder().ReplaceAllStringFunc(line, func(found string) string {
		key := found[2 : len(found)-1]
		if v, ok := r.o.Values[key]; ok {
			return v
		}
		if v, ok := properties[key]; ok {
			return v
		}
		r.note(name, n, "%s has no value and stays as it is, as Liquibase leaves it", found)
		return found
	})
}

func unquoted(s string) string { return strings.Trim(s, `"'`) }

// runsOn says whether a list of Liquibase's names of products has ours.
func runsOn(list, product string) bool {
	names := map[string][]string{"postgres": {"postgresql"}, "mysql": {"mysql", "mariadb"}, "sqlite": {"sqlite"}}[product]
	wanted, any := false, false
	for one := range strings.SplitSeq(strings.ToLower(list), ",") {
		one = strings.TrimSpace(one)
		if not, ok := strings.CutPrefix(one, "!"); ok {
			if slices.Contains(names, not) {
				return false
			}
			continue
		}
		any = true
		wanted = wanted || one == "all" || slices.Contains(names, one)
	}
	return wanted || !any
}
