package liteschema

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Spell is a state in which each table and index has one spelling, made of
// what is known of it and not of the words with which somebody made it: two
// states without a difference are spelled the same. SQLite keeps those words,
// and two libraries never choose the same.
//
// A definition keeps its own words where they say more than is known of it:
// see told. Views and triggers always do: they are nothing but their text.
func Spell(st *schema.State) *schema.State {
	out := *st
	out.Tables = slices.Clone(st.Tables)
	for i := range out.Tables {
		spellTable(&out.Tables[i])
	}
	return &out
}

func spellTable(t *schema.Table) {
	t.Indexes = slices.Clone(t.Indexes)
	for i, x := range t.Indexes {
		if x.Constraint == "" && !commented(x.Definition) && !slices.Contains(x.Parts, "rowid") {
			t.Indexes[i].Definition = indexText(t.Name, x)
		}
	}
	if t.Kind != "" || !told(*t) {
		return
	}
	s := speller{t: t, inline: map[string][]string{}}
	t.ForeignKeys = slices.Clone(t.ForeignKeys)
	s.unique()
	s.checks()
	s.foreignKeys()
	t.Definition = s.text()
}

func indexText(table string, x schema.Index) string {
	text := "CREATE INDEX "
	if x.Unique {
		text = "CREATE UNIQUE INDEX "
	}
	text += plain(x.Name) + " ON " + plain(table) + " (" + strings.Join(x.Parts, ", ") + ")"
	if x.Where != "" {
		text += " WHERE " + x.Where
	}
	return text
}

// speller writes a table. What is about one column stands with it, so that
// ALTER TABLE can add and drop the one with the other.
type speller struct {
	t      *schema.Table
	inline map[string][]string // by the column's name
	below  []string            // behind all columns
}

// put places a constraint: with the column that it is about, if that is one.
func (s *speller) put(columns []string, inline, below string) {
	if len(columns) == 1 {
		s.inline[columns[0]] = append(s.inline[columns[0]], inline)
		return
	}
	s.below = append(s.below, below)
}

func (s *speller) text() string {
	lines := []string{}
	for _, c := range s.t.Columns {
		lines = append(lines, s.column(c))
	}
	if k := s.t.PrimaryKey; k != nil && len(k.Columns) > 1 {
		lines = append(lines, named(k.Name)+"PRIMARY KEY "+list(k.Columns))
	}
	var options []string
	for _, o := range s.t.Options {
		options = append(options, strings.ToUpper(o))
	}
	text := "CREATE TABLE " + plain(s.t.Name) + " (\n    " + strings.Join(append(lines, s.below...), ",\n    ") + "\n)"
	if len(options) > 0 {
		text += " " + strings.Join(options, ", ")
	}
	return text
}

func (s *speller) column(c schema.Column) string {
	words := []string{plain(c.Name)}
	if c.Type != "" {
		words = append(words, c.Type)
	}
	if c.Collation != "" {
		words = append(words, "COLLATE "+plain(c.Collation))
	}
	numbers := false // its values are the rows' numbers, which are never NULL
	if k := s.t.PrimaryKey; k != nil && len(k.Columns) == 1 && k.Columns[0] == c.Name {
		numbers = strings.EqualFold(c.Type, "INTEGER")
		words = append(words, named(k.Name)+"PRIMARY KEY")
		if c.Identity != "" {
			words = append(words, "AUTOINCREMENT")
		}
	}
	if !c.Nullable && !numbers {
		words = append(words, "NOT NULL")
	}
	if c.Default != nil {
		words = append(words, "DEFAULT "+defaultText(*c.Default))
	}
	switch {
	case c.Generated != "" && c.Stored:
		words = append(words, "GENERATED ALWAYS AS ("+c.Generated+") STORED")
	case c.Generated != "":
		words = append(words, "GENERATED ALWAYS AS ("+c.Generated+") VIRTUAL")
	}
	return strings.Join(append(words, s.inline[c.Name]...), " ")
}

func (s *speller) unique() {
	var all []schema.Index
	for _, x := range s.t.Indexes {
		if x.Constraint != "" {
			all = append(all, x)
		}
	}
	slices.SortStableFunc(all, func(a, b schema.Index) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(a.Parts, b.Parts))
	})
	for _, x := range all {
		var columns []string
		if c := newCursor(x.Parts[0]); len(x.Parts) == 1 && len(c.all) == 1 {
			columns = []string{c.next().name()}
		}
		s.put(columns, named(x.Name)+"UNIQUE", named(x.Name)+"UNIQUE ("+strings.Join(x.Parts, ", ")+")")
	}
}

func (s *speller) checks() {
	all := slices.Clone(s.t.Checks)
	slices.SortStableFunc(all, func(a, b schema.Check) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Expression, b.Expression))
	})
	for _, x := range all {
		var columns []string
		for _, c := range s.t.Columns {
			if mentions(x.Expression, c.Name) {
				columns = append(columns, c.Name)
			}
		}
		text := named(x.Name) + "CHECK (" + x.Expression + ")"
		s.put(columns, text, text)
	}
}

func (s *speller) foreignKeys() {
	order := make([]int, len(s.t.ForeignKeys))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := s.t.ForeignKeys[i], s.t.ForeignKeys[j]
		return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(a.Columns, b.Columns), cmp.Compare(a.RefTable, b.RefTable),
			slices.Compare(a.RefColumns, b.RefColumns))
	})
	for _, i := range order {
		f := &s.t.ForeignKeys[i]
		text := "REFERENCES " + plain(f.RefTable)
		if len(f.RefColumns) > 0 {
			text += " " + list(f.RefColumns)
		}
		if f.OnDelete != "" {
			text += " ON DELETE " + f.OnDelete
		}
		if f.OnUpdate != "" {
			text += " ON UPDATE " + f.OnUpdate
		}
		if f.Deferrable != "" {
			text += " DEFERRABLE INITIALLY DEFERRED"
		}
		f.Definition = "FOREIGN KEY " + list(f.Columns) + " " + text
		if len(f.Columns) == 1 {
			f.Definition = "FOREIGN KEY (" + quote(f.Columns[0]) + ") " + text // as it is read of a column
		}
		s.put(f.Columns, named(f.Name)+text, named(f.Name)+f.Definition)
	}
}

func named(name string) string {
	if name == "" {
		return ""
	}
	return "CONSTRAINT " + plain(name) + " "
}

func list(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = plain(n)
	}
	return "(" + strings.Join(out, ", ") + ")"
}

// numeral is a number as SQLite reads it.
const numeral = `(0x[0-9a-f_]+|([0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(e[+-]?[0-9_]+)?)`

var (
	number = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?i:` + numeral + `)`) })

	// bare are the values that DEFAULT takes without brackets: words, strings,
	// blobs, numbers with a sign.
	bare = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?i:[+-]?\s*` + numeral + `|x'[0-9a-f]*'|[a-z_][a-z0-9_]*|'([^']|'')*'|"([^"]|"")*")$`)
	})
)

func defaultText(value string) string {
	if bare().MatchString(value) {
		return value
	}
	return "(" + value + ")"
}
