package proven

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
)

// rowsEach is how many rows a table gets at a time: enough that values differ.
const rowsEach = 3

// filler puts generated rows into the tables of one database. What rows may be
// is guessed from types, keys and checks; whether they may be is the server's
// word.
type filler struct {
	s     engine.Session
	d     engine.Dialect
	fault func(error) engine.Fault
	given map[schema.ID]int // rows that were tried
}

// fill gives some rows to these tables, or to all that have none yet, and says
// of which it could not, and why.
func (f *filler) fill(ctx context.Context, st *schema.State, some map[schema.ID]bool) (unfilled map[schema.ID]string, err error) {
	unfilled = map[schema.ID]string{}
	for _, t := range inNeed(st) {
		id := st.Relative(t.ID())
		if t.PartitionOf != nil || t.Kind == "virtual" {
			continue // a partition gets the rows of its table
		}
		if !some[id] {
			if filled, err := f.filled(ctx, t); filled || err != nil {
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		from, stayed := f.given[id], false
		f.given[id] += rowsEach
		var last error
		for n := from + 1; n <= from+rowsEach; n++ {
			for _, how := range []guess{{}, {small: true}, {bare: true}, {bare: true, small: true}} {
				if last = f.insert(ctx, st, t, n, how); last == nil {
					stayed = true
					break
				}
				if ctx.Err() != nil {
					return nil, last
				}
			}
		}
		if !stayed {
			unfilled[id] = cmp.Or(f.fault(last).Message, last.Error())
		}
	}
	return unfilled, nil
}

func (f *filler) filled(ctx context.Context, t schema.Table) (bool, error) {
	n := 0
	err := f.s.Query(ctx, func(scan func(...any) error) error { return scan(&n) }, "SELECT COUNT(*) FROM "+f.d.Qualify(t.Schema, t.Name))
	return n > 0, err
}

// inNeed are the tables behind those that they refer to.
func inNeed(st *schema.State) []schema.Table {
	var needs []schema.Dependency
	for _, t := range st.Tables {
		for _, k := range t.ForeignKeys {
			needs = append(needs, schema.Dependency{Object: t.ID(), Needs: referred(t, k)})
		}
	}
	return schema.Order(st.Tables, schema.Table.ID, needs)
}

func referred(t schema.Table, k schema.ForeignKey) schema.ID {
	id := schema.ID{Kind: schema.KindTable, Schema: t.Schema, Name: k.RefTable}
	if k.RefSchema != "" {
		id.Schema = k.RefSchema
	}
	return id
}

// guess is a way to choose values.
type guess struct {
	bare  bool // only what must be given
	small bool // keys are small numbers too
}

func (f *filler) insert(ctx context.Context, st *schema.State, t schema.Table, n int, how guess) error {
	var names, values []string
	for _, c := range t.Columns {
		if c.Generated != "" || c.Identity == "always" {
			continue
		}
		v, refers := f.reference(t, c, n)
		if !refers {
			if how.bare && (c.Nullable || c.Default != nil || c.Identity != "") && !keyed(t, c) {
				continue
			}
			v = value(st, t, c, n, how.small)
		}
		names, values = append(names, f.d.Quote(c.Name)), append(values, v)
	}
	text := "INSERT INTO " + f.d.Qualify(t.Schema, t.Name) + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")"
	if len(names) == 0 {
		return fmt.Errorf("every column of it makes its own value")
	}
	_, err := f.s.Exec(ctx, text)
	return err
}

// reference is the value of a column that refers to another table: that of one
// of its rows. In the table itself there may be none.
func (f *filler) reference(t schema.Table, c schema.Column, n int) (string, bool) {
	for _, k := range t.ForeignKeys {
		at := slices.Index(k.Columns, c.Name)
		if at < 0 || at >= len(k.RefColumns) {
			continue
		}
		id := referred(t, k)
		if id == t.ID() {
			if c.Nullable {
				return "NULL", true
			}
			continue // itself
		}
		var order []string
		for _, r := range k.RefColumns {
			order = append(order, f.d.Quote(r))
		}
		return fmt.Sprintf("(SELECT %s FROM %s ORDER BY %s LIMIT 1 OFFSET %d)", order[at], f.d.Qualify(id.Schema, id.Name), strings.Join(order, ", "), (n-1)%rowsEach), true
	}
	return "", false
}

// keyed reports whether a column is a part of something unique.
func keyed(t schema.Table, c schema.Column) bool {
	if t.PrimaryKey != nil && slices.Contains(t.PrimaryKey.Columns, c.Name) {
		return true
	}
	return slices.ContainsFunc(t.Indexes, func(x schema.Index) bool { return x.Unique && slices.Contains(x.Parts, c.Name) })
}

var (
	literal = regexp.MustCompile(`'((?:[^']|'')*)'`)
	size    = regexp.MustCompile(`\((\d+)`)
)

// value is a literal for a column in the n-th row. Numbers in keys are high:
// migrations write rows with low ones.
func value(st *schema.State, t schema.Table, c schema.Column, n int, small bool) string {
	named := regexp.MustCompile(`(?i)(^|\W)` + regexp.QuoteMeta(c.Name) + `($|\W)`)
	for _, k := range t.Checks {
		if k.Column != c.Name && !named.MatchString(k.Expression) {
			continue
		}
		if strings.Contains(strings.ToLower(k.Expression), "json_valid") {
			return ofType(st, "json", n, false) // MariaDB's JSON is text with this check
		}
		if all := literal.FindAllStringSubmatch(k.Expression, -1); len(all) > 0 {
			return "'" + all[(n-1)%len(all)][1] + "'"
		}
	}
	high := keyed(t, c) && !small
	return ofType(st, c.Type, n, high)
}

// kinds are what types are called, the longer words before those in them, with
// what a value looks like.
var kinds = []struct {
	word string
	like func(n int) string
}{
	{"[]", func(int) string { return "'{}'" }},
	{"bool", func(n int) string { return [2]string{"TRUE", "FALSE"}[n%2] }},
	{"uuid", func(n int) string { return fmt.Sprintf("'00000000-0000-4000-8000-%012d'", n) }},
	{"json", func(n int) string { return fmt.Sprintf(`'{"row": %d}'`, n) }},
	{"interval", func(n int) string { return fmt.Sprintf("'%d hours'", n) }},
	{"timestamp", stamp}, {"datetime", stamp},
	{"date", func(n int) string { return fmt.Sprintf("'2024-%02d-%02d'", 1+n/28%12, 1+n%28) }},
	{"time", func(n int) string { return fmt.Sprintf("'%02d:%02d:00'", n/60%24, n%60) }},
	{"year", func(n int) string { return strconv.Itoa(2000 + n%100) }},
	{"bytea", func(n int) string { return fmt.Sprintf(`'\x%04x'`, n) }},
	{"blob", blob}, {"binary", blob}, {"bit", func(n int) string { return fmt.Sprintf("B'%d'", n%2) }},
	{"inet", func(n int) string { return fmt.Sprintf("'10.0.0.%d'", n%250) }},
	{"cidr", func(n int) string { return fmt.Sprintf("'10.0.0.%d'", n%250) }},
	{"point", func(n int) string { return fmt.Sprintf("'(%d,%d)'", n, n) }},
	{"xml", func(n int) string { return fmt.Sprintf("'<row>%d</row>'", n) }},
	{"numeric", number}, {"decimal", number}, {"real", number}, {"float", number}, {"double", number}, {"money", number},
}

func stamp(n int) string {
	return fmt.Sprintf("'2024-%02d-%02d 00:00:%02d'", 1+n/28%12, 1+n%28, n%60)
}
func blob(n int) string   { return fmt.Sprintf("X'%04x'", n) }
func number(n int) string { return strconv.Itoa(n % 10) }

func ofType(st *schema.State, name string, n int, high bool) string {
	for _, own := range st.Types {
		if name == own.Name || strings.HasSuffix(name, "."+own.Name) || name == strconv.Quote(own.Name) {
			switch {
			case len(own.Labels) > 0:
				return "'" + strings.ReplaceAll(own.Labels[(n-1)%len(own.Labels)], "'", "''") + "'"
			case own.Base != "" && own.Base != name:
				return ofType(st, own.Base, n, high)
			}
		}
	}
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, "enum(") || strings.HasPrefix(lower, "set(") {
		all := literal.FindAllStringSubmatch(name, -1)
		return "'" + all[(n-1)%len(all)][1] + "'"
	}
	for _, k := range kinds {
		if strings.Contains(lower, k.word) {
			return k.like(n)
		}
	}
	switch {
	case strings.HasPrefix(lower, "tinyint"):
		return strconv.Itoa(n % 100)
	case strings.Contains(lower, "int") && high, strings.Contains(lower, "serial") && high:
		return strconv.Itoa(9000 + n)
	case strings.Contains(lower, "int"), strings.Contains(lower, "serial"), lower == "":
		return strconv.Itoa(n)
	}
	text := fmt.Sprintf("generated row %d", n)
	if m := size.FindStringSubmatch(lower); m != nil {
		if most, _ := strconv.Atoi(m[1]); most < len(text) {
			text = text[len(text)-most:]
		}
	}
	return "'" + text + "'"
}
