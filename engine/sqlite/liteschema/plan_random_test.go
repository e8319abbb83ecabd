package liteschema_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// Two schemas at random, the first one with rows, and the way between them,
// there, back and there again. What is drawn is the same in every run;
// -rapid.seed and -rapid.checks choose other ones, and more.
func TestPlansBetweenRandomSchemas(t *testing.T) {
	t.Parallel()
	dbtest.DrawsTheSame(t, "40")
	refused := 0
	rapid.Check(t, func(r *rapid.T) {
		one := drawn(r)
		two := one.mutated(r)
		r.Logf("before: %s\nafter: %s", one, two)
		s, wanted := database(r, one.String()), database(r, two.String())
		defer s.Close()
		defer wanted.Close()
		perform(r, s, "PRAGMA foreign_keys = OFF; "+one.rows()+"; PRAGMA foreign_keys = ON")
		u := unprovable{T: r}
		from, to := looked(r, s), looked(r, wanted)
		spelledAgain(r, to)
		thereAndBack(&u, s, from, liteschema.Spell(to))
		if u.refused {
			refused++
		}
	})
	t.Logf("%d refused for rows that refer to nothing", refused)
}

// unprovable is a property that takes one failure for right: a foreign key
// came, and rows refer to nothing by it.
type unprovable struct {
	*rapid.T
	refused bool
}

func (u *unprovable) Errorf(format string, args ...any) {
	u.Helper()
	text := fmt.Sprintf(format, args...)
	if strings.Contains(text, "CHECK constraint failed: rows of ") && strings.Contains(text, " refer to nothing\n") {
		u.refused = true
		return
	}
	u.T.Errorf("%s", text)
}

// model is a schema as it is drawn; what it holds is valid whatever is drawn.
type model struct {
	tables []drawnTable
	views  []int // of which tables there is a view of all columns
}

type drawnTable struct {
	name    string
	columns []drawnColumn
	key     int // 0 for none, 1 for the first column, 2 for it and the last
	strict  bool
	without bool // row numbers, where there is a key
	refers  int  // the table to whose first column the second one refers, -1 for none
	unique  bool
	check   int
	index   int
	trigger int
}

type drawnColumn struct{ name, typ, rest string }

func (c drawnColumn) generated() bool { return strings.Contains(c.rest, " AS ") }

// given says that there is a value where nobody gave one, as a key needs it
// that comes again behind its loss.
func (c drawnColumn) given() bool { return strings.Contains(c.rest, " DEFAULT ") }

func drawn(r *rapid.T) model {
	var m model
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"one", "two", "three", "Four x"}), 0, 4, rapid.ID).Draw(r, "tables") {
		m.tables = append(m.tables, drawTable(r, name))
	}
	m.settle(r)
	return m
}

func drawTable(r *rapid.T, name string) drawnTable {
	t := drawnTable{name: name, refers: -1}
	t.columns = []drawnColumn{{"id", "INTEGER", ""}}
	for _, c := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", `"d e"`, "rowid"}), 1, 5, rapid.ID).Draw(r, "columns") {
		t.columns = append(t.columns, drawColumn(r, c))
	}
	t.drawRest(r)
	return t
}

func (t *drawnTable) drawRest(r *rapid.T) {
	t.key = rapid.IntRange(0, 2).Draw(r, "key")
	t.strict = rapid.IntRange(0, 3).Draw(r, "strict") == 0
	t.without = rapid.IntRange(0, 3).Draw(r, "without rowid") == 0
	t.unique = rapid.Bool().Draw(r, "unique")
	t.check = rapid.IntRange(0, 3).Draw(r, "check")
	t.index = rapid.IntRange(0, 4).Draw(r, "index")
	t.trigger = rapid.IntRange(0, 2).Draw(r, "trigger")
}

func drawColumn(r *rapid.T, name string) drawnColumn {
	c := drawnColumn{name: name, typ: rapid.SampledFrom([]string{"INTEGER", "INT", "TEXT", "REAL", "ANY"}).Draw(r, "type")}
	switch rapid.IntRange(0, 6).Draw(r, "rest") {
	case 0:
		c.rest = " DEFAULT 7"
	case 1:
		c.rest = " NOT NULL DEFAULT '5'"
	case 2:
		c.rest = " DEFAULT (1 + 2)"
	case 3:
		c.rest = " AS (id * 2)"
	case 4:
		c.rest = " AS (id + 1) STORED"
	case 5:
		c.rest = " CHECK (" + name + " <> 'never')"
	}
	return c
}

// settle draws what goes from table to table, and makes it fit.
func (m *model) settle(r *rapid.T) {
	m.views = nil
	for i := range m.tables {
		t := &m.tables[i]
		t.refers = -1
		if to := rapid.IntRange(-1, len(m.tables)-1).Draw(r, "refers"); to >= 0 && m.tables[to].key == 1 {
			t.refers = to
			t.columns[1] = drawnColumn{name: t.columns[1].name, typ: "INT"}
		}
		if rapid.Bool().Draw(r, "view") {
			m.views = append(m.views, i)
		}
	}
}

// mutated is another schema which has much in common with this one.
func (m model) mutated(r *rapid.T) model {
	var out model
	for _, t := range m.tables {
		switch rapid.IntRange(0, 5).Draw(r, "what becomes of it") {
		case 0:
			continue
		case 1:
			t = drawTable(r, t.name)
		default:
			t.columns = slices.Clone(t.columns)
			for i := 1; i < len(t.columns); i++ {
				if rapid.IntRange(0, 3).Draw(r, "other column") == 0 {
					t.columns[i] = drawColumn(r, t.columns[i].name)
				}
			}
			if rapid.IntRange(0, 3).Draw(r, "one less") == 0 && len(t.columns) > 2 {
				t.columns = slices.Delete(t.columns, 1, 2)
			}
			if rapid.Bool().Draw(r, "one more") {
				t.columns = append(t.columns, drawColumn(r, "f"))
			}
			if rapid.Bool().Draw(r, "other rest") {
				t.drawRest(r)
			}
		}
		out.tables = append(out.tables, t)
	}
	if rapid.Bool().Draw(r, "a table more") {
		out.tables = append(out.tables, drawTable(r, "five"))
	}
	out.settle(r)
	return out
}

func (m model) String() string {
	var out []string
	for i, t := range m.tables {
		name := quoted(t.name)
		last := t.columns[len(t.columns)-1]
		var lines []string
		for _, c := range t.columns {
			lines = append(lines, c.name+" "+c.typ+c.rest)
		}
		if t.key == 1 {
			lines[0] += " PRIMARY KEY"
			if !t.without && t.check == 1 {
				lines[0] += " AUTOINCREMENT"
			}
		}
		if t.key == 2 && last.given() {
			lines = append(lines, "CONSTRAINT k PRIMARY KEY (id, "+last.name+")")
		}
		if t.unique {
			lines = append(lines, "UNIQUE (id, "+last.name+")")
		}
		switch t.check {
		case 2:
			lines = append(lines, "CHECK (id > 0)")
		case 3:
			lines = append(lines, "CONSTRAINT \"the check\" CHECK ("+name+"."+last.name+" IS NOT NULL OR id <> 99)")
		}
		if t.refers >= 0 {
			lines = append(lines, "FOREIGN KEY ("+t.columns[1].name+") REFERENCES "+quoted(m.tables[t.refers].name)+" (id) ON DELETE CASCADE")
		}
		var options []string
		if t.strict && !slices.ContainsFunc(t.columns, func(c drawnColumn) bool { return c.generated() }) {
			options = append(options, "STRICT")
		}
		if t.without && (t.key == 1 || t.key == 2 && last.given()) {
			options = append(options, "WITHOUT ROWID")
		}
		out = append(out, "CREATE TABLE "+name+" ("+strings.Join(lines, ", ")+") "+strings.Join(options, ", "))
		switch t.index {
		case 1:
			out = append(out, fmt.Sprintf("CREATE INDEX i%d ON %s (%s)", i, name, last.name))
		case 2:
			out = append(out, fmt.Sprintf("CREATE UNIQUE INDEX \"i %s\" ON %s (id, %s DESC)", t.name, name, last.name))
		case 3:
			out = append(out, fmt.Sprintf("CREATE INDEX j%d ON %s (id) WHERE %s IS NULL", i, name, last.name))
		case 4:
			out = append(out, fmt.Sprintf("CREATE INDEX j%d ON %s (id + 1)", i, name))
		}
		switch t.trigger {
		case 1:
			out = append(out, fmt.Sprintf("CREATE TRIGGER \"g %s\" AFTER DELETE ON %s BEGIN DELETE FROM %s; END", t.name, name, quoted(m.tables[0].name)))
		case 2:
			out = append(out, fmt.Sprintf("CREATE TRIGGER g%d AFTER UPDATE OF %s ON %s BEGIN SELECT NEW.id; END", i, last.name, name))
		}
	}
	for _, i := range m.views {
		out = append(out, fmt.Sprintf("CREATE VIEW \"v %s\" AS SELECT * FROM %s", m.tables[i].name, quoted(m.tables[i].name)))
	}
	return strings.Join(out, "; ")
}

// rows are three of each table; by its number each refers to the one of the
// same number.
func (m model) rows() string {
	var out []string
	for _, t := range m.tables {
		var columns []string
		for _, c := range t.columns {
			if !c.generated() {
				columns = append(columns, c.name)
			}
		}
		for _, i := range []string{"1", "2", "5"} {
			out = append(out, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", quoted(t.name), strings.Join(columns, ", "), strings.TrimSuffix(strings.Repeat(i+", ", len(columns)), ", ")))
		}
	}
	return strings.Join(out, "; ")
}
