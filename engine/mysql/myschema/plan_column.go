package myschema

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dbwarden-go/dbwarden/schema"
)

// columns drops, changes and adds columns, the new ones where they are to
// stand.
func (a *alteration) columns() {
	for _, c := range a.was.Columns {
		k := a.part(schema.KindColumn, c.Name)
		if a.p.op(k) != schema.Removed && !a.p.again[k] {
			continue
		}
		a.add("DROP COLUMN " + quote(c.Name))
		if c.Generated == "" || a.p.again[k] && a.column(c.Name).Generated == "" {
			a.lost = append(a.lost, k.String())
		}
	}
	last := a.lastThatStays()
	for i, c := range a.is.Columns {
		if a.was.Kind == "" {
			c.Options = slices.DeleteFunc(slices.Clone(c.Options), func(o string) bool { return o == unrecorded })
		}
		k := a.part(schema.KindColumn, c.Name)
		switch {
		case a.p.op(k) == schema.Added || a.p.again[k]:
			text := "ADD COLUMN " + column(c, a.is.Checks)
			switch {
			case i > last:
			case i == 0:
				text += " FIRST"
			default:
				text += " AFTER " + quote(a.is.Columns[i-1].Name)
			}
			a.add(text)
		case a.modified(c):
			if l := a.narrowed(c); l {
				a.lost = append(a.lost, "part of the values of "+k.String())
			}
			c.Collation = a.collation(a.is, c)
			if c.Collation == collate(a.is.Options) && collate(a.was.Options) == c.Collation {
				c.Collation = "" // goes without saying
			}
			a.add("MODIFY COLUMN " + column(c, a.is.Checks))
		}
	}
}

// lastThatStays is where in the table the last column stands that is there
// already: new ones behind it need no word about their place.
func (a *alteration) lastThatStays() int {
	last := -1
	for i, c := range a.is.Columns {
		if k := a.part(schema.KindColumn, c.Name); a.p.op(k) != schema.Added && !a.p.again[k] {
			last = i
		}
	}
	return last
}

func (a *alteration) column(name string) schema.Column {
	i := slices.IndexFunc(a.is.Columns, func(c schema.Column) bool { return c.Name == name })
	return a.is.Columns[i]
}

func (a *alteration) before(name string) schema.Column {
	i := slices.IndexFunc(a.was.Columns, func(c schema.Column) bool { return c.Name == name })
	return a.was.Columns[i]
}

// modified reports whether a column that stays becomes another one. Its
// collation is compared as it is, not as it differs from the table's.
func (a *alteration) modified(c schema.Column) bool {
	k := a.p.changes[a.part(schema.KindColumn, c.Name)]
	for _, f := range k.Fields {
		if f.Name != "collation" {
			return true
		}
	}
	if a.collation(a.was, a.before(c.Name)) != a.collation(a.is, c) {
		return true
	}
	for _, all := range [][]schema.Check{a.was.Checks, a.is.Checks} {
		for _, x := range all {
			if x.Column == c.Name && a.p.op(a.part(schema.KindCheck, x.Name)) != "" {
				return true
			}
		}
	}
	return false
}

// collation is the one that a column has, "" for one without text.
func (a *alteration) collation(t schema.Table, c schema.Column) string {
	if c.Collation != "" || !textual(c.Type) {
		return c.Collation
	}
	return collate(t.Options)
}

func collate(options []string) string {
	for _, o := range options {
		if text, ok := strings.CutPrefix(o, "COLLATE="); ok {
			return text
		}
	}
	return ""
}

func textual(typ string) bool {
	word, _, _ := strings.Cut(typ, "(")
	return strings.HasSuffix(word, "char") || strings.HasSuffix(word, "text") || word == "enum" || word == "set"
}

// narrowed reports whether the server rounds or cuts values in silence, even
// in strict mode. Where it would refuse, nothing is lost.
func (a *alteration) narrowed(c schema.Column) bool {
	was := a.before(c.Name)
	if was.Generated != "" || was.Type == c.Type {
		return false
	}
	from, to := typeOf(was.Type), typeOf(c.Type)
	if letters(from.word) {
		// A number or a day is spelled anew; char drops spaces at the end,
		// and binary fills up with zeros.
		return !letters(to.word) || to.word == "char" && from.word != "char" || to.word == "binary" && from != to
	}
	switch from.word {
	case "decimal", "double", "float":
		if whole(to.word) || to.word == "decimal" && (from.word != "decimal" || to.scale < from.scale) {
			return true
		}
		if letters(to.word) {
			return from.word != "decimal" // with as many digits as there is room for
		}
		return to.word == "float" && from.word != "float" || to.word == "double" && from.word == "decimal"
	case "tinyint", "smallint", "mediumint", "bigint", "int":
		if timed(to.word) || to.word == "date" || to.word == "year" { // 5 becomes 2005
			return true
		}
		if strings.HasSuffix(from.word, "yint") || from.word == "smallint" || from.word == "mediumint" {
			return false
		}
		return to.word == "float" || to.word == "double" && from.word == "bigint"
	case "datetime", "timestamp":
		if from.first > 0 && whole(to.word) {
			return true
		}
		return to.word == "date" || to.word == "time" || to.word == "year" || to.first < from.first && timed(to.word)
	case "time":
		return to.word == "time" && to.first < from.first
	}
	return false
}

func letters(word string) bool {
	return strings.HasSuffix(word, "char") || strings.HasSuffix(word, "text") || strings.HasSuffix(word, "binary") || strings.HasSuffix(word, "blob")
}

func whole(word string) bool { return strings.HasSuffix(word, "int") }
func timed(word string) bool { return word == "datetime" || word == "timestamp" || word == "time" }

type typed struct {
	word         string
	first, scale int
}

// numbers is compiled when it is needed: no start waits for it.
var numbers = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([a-z]+)(?:\((\d+)(?:,(\d+))?\))?`) })

func typeOf(text string) typed {
	m := numbers().FindStringSubmatch(text)
	if m == nil {
		return typed{word: text}
	}
	first, _ := strconv.Atoi(m[2])
	scale, _ := strconv.Atoi(m[3])
	return typed{m[1], first, scale}
}
