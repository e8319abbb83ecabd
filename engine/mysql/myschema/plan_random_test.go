package myschema

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
	"github.com/dbwarden-go/dbwarden/schema"
)

// Two schemas at random, the first one with rows, and the way between them,
// there, back and there again. What is drawn is the same in every run;
// -rapid.seed and -rapid.checks choose other ones, and more.
func TestPlansBetweenRandomSchemas(t *testing.T) {
	t.Parallel()
	before, after := connect(t), connect(t)
	if before.Server().Product != "MariaDB" || before.Server().Number < 101100 {
		t.Skip("written for MariaDB 10.11 and later")
	}
	dbtest.DrawsTheSame(t, "15")
	homes := [2]string{inspect(t, before, schema.Options{}).Home, inspect(t, after, schema.Options{}).Home}
	refused := 0
	rapid.Check(t, func(r *rapid.T) {
		empty(r, before, homes[0])
		empty(r, after, homes[1])
		one := drawn(r)
		two := one.mutated(r)
		r.Logf("before: %s\nrows: %s\nafter: %s", one, one.rows(), two)
		run(r, before, one.String())
		run(r, after, two.String())
		run(r, before, "SET foreign_key_checks = 0; "+one.rows()+"; SET foreign_key_checks = 1")
		u := unprovable{T: r}
		thereAndBack(&u, "drawn", before, after)
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
	if strings.Contains(text, "Error 1452 ") {
		u.refused = true
		return
	}
	u.T.Errorf("%s", text)
}

// model is a schema as it is drawn; what it holds is valid whatever is drawn.
type model struct {
	id       string // the type of what keys refer to
	sequence string // its options, "" for none
	tables   []drawnTable
	views    []drawnView
}

type drawnTable struct {
	name      string
	columns   []drawnColumn // behind id and up
	refers    int           // the table to whose id up refers, -1 for none
	action    string
	indexes   []string
	check     string
	trigger   int
	options   string
	cut       string // partitions, where no foreign key is about
	versioned bool
}

type drawnColumn struct{ name, typ, rest string }

type drawnView struct {
	of      int
	columns int // of how many
	on      bool
}

func (c drawnColumn) generated() bool { return strings.Contains(c.rest, " AS ") }

func drawn(r *rapid.T) model {
	m := model{}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"one", "two", "three", "Four x"}), 0, 3, rapid.ID).Draw(r, "tables") {
		m.tables = append(m.tables, drawTable(r, name))
	}
	m.settle(r)
	return m
}

func pick(r *rapid.T, what string, of ...string) string { return rapid.SampledFrom(of).Draw(r, what) }

func drawTable(r *rapid.T, name string) drawnTable {
	t := drawnTable{name: name}
	for _, c := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d e", "f"}), 0, 5, rapid.ID).Draw(r, "columns") {
		t.columns = append(t.columns, drawColumn(r, c))
	}
	t.drawRest(r)
	return t
}

// drawColumn makes a column of its name's family: numbers, words or days. Each
// type takes the values of the others of its family.
func drawColumn(r *rapid.T, name string) drawnColumn {
	c := drawnColumn{name: name}
	rest := []string{"", "", " COMMENT 'it''s'", " INVISIBLE"}
	switch name {
	case "a", "b":
		c.typ = pick(r, "number", "INT", "SMALLINT UNSIGNED", "BIGINT", "DECIMAL(8,2)", "DOUBLE", "VARCHAR(20)", "INT(4) UNSIGNED ZEROFILL")
		rest = append(rest, " NOT NULL DEFAULT 3", " DEFAULT (1 + 2)")
	case "c", "d e":
		c.typ = pick(r, "words", "VARCHAR(20)", "VARCHAR(30) COLLATE utf8mb4_bin", "CHAR(9)", "TEXT", "VARCHAR(20) CHARACTER SET latin1", "ENUM('1','2','5')", "ENUM('5','2','x','1')", "SET('1','5','2')")
		rest = append(rest, " NOT NULL DEFAULT '1'", " DEFAULT '5'")
	default:
		c.typ = pick(r, "days", "DATETIME", "DATETIME(3)", "TIMESTAMP", "DATE", "VARCHAR(40)")
		rest = append(rest, " NOT NULL DEFAULT '2020-01-02 00:00:00'")
		if c.typ == "DATETIME" {
			rest = append(rest, " DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP")
		}
		if c.typ == "TIMESTAMP" {
			rest = []string{" NULL", " NOT NULL DEFAULT '2020-01-02 00:00:00'", " NULL COMMENT 'x'"}
		}
	}
	c.rest = pick(r, "rest", rest...)
	if name == "b" && rapid.IntRange(0, 2).Draw(r, "generated") == 0 {
		c.typ = pick(r, "generated type", "BIGINT", "DECIMAL(12,2)", "VARCHAR(30)")
		c.rest = " AS (" + pick(r, "expression", "up + 1", "up * 2", "length(up)") + ")" + pick(r, "kept", " VIRTUAL", " STORED", " STORED COMMENT 'g'")
	}
	return c
}

func (t *drawnTable) drawRest(r *rapid.T) {
	t.indexes, t.check = nil, ""
	for n, c := range t.columns {
		column, text := quote(c.name), strings.Contains(c.typ, "TEXT")
		short := column
		if strings.HasPrefix(c.typ, "VARCHAR") || text {
			short += "(5)"
		}
		if text {
			column = short
		}
		switch rapid.IntRange(0, 7).Draw(r, "index") {
		case 0:
			t.indexes = append(t.indexes, fmt.Sprintf("KEY k%d (%s)", n, short))
		case 1:
			t.indexes = append(t.indexes, fmt.Sprintf("UNIQUE KEY `k %d` (%s DESC, id)", n, column))
		case 2:
			t.indexes = append(t.indexes, fmt.Sprintf("KEY k%d (up, %s) COMMENT 'k'", n, column))
		case 3:
			if text {
				t.indexes = append(t.indexes, fmt.Sprintf("FULLTEXT KEY k%d (%s)", n, quote(c.name)))
			}
		case 4:
			t.check = "CONSTRAINT " + pick(r, "check", "c", "d") + " CHECK (" + quote(c.name) + " IS NULL OR length(" + quote(c.name) + ") < 99)"
		}
	}
	if rapid.IntRange(0, 4).Draw(r, "index of the key") == 0 {
		t.indexes = append(t.indexes, "KEY up (up)")
	}
	t.trigger = rapid.IntRange(0, 4).Draw(r, "trigger")
	t.options = pick(r, "options", "", "", " COMMENT='t'", " COLLATE utf8mb4_unicode_ci", " ROW_FORMAT=COMPACT", " STATS_PERSISTENT=1")
	t.cut = pick(r, "cut", "", "", " PARTITION BY HASH (id) PARTITIONS 2", " PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (2), PARTITION q VALUES LESS THAN MAXVALUE)",
		" PARTITION BY LIST (id) (PARTITION p VALUES IN (1, 2), PARTITION q DEFAULT)", " PARTITION BY KEY () PARTITIONS 3")
	t.versioned = rapid.IntRange(0, 5).Draw(r, "history") == 0
}

// settle draws what goes from table to table, and makes it fit.
func (m *model) settle(r *rapid.T) {
	m.id = pick(r, "type of keys", "INT", "BIGINT", "BIGINT UNSIGNED")
	m.sequence = pick(r, "sequence", "", "START WITH 100", "START WITH 100 INCREMENT BY 2 NOCACHE")
	m.views = nil
	referred := map[int]bool{}
	for i := range m.tables {
		t := &m.tables[i]
		t.refers = rapid.IntRange(-1, len(m.tables)-1).Draw(r, "refers")
		t.action = pick(r, "action", "", " ON DELETE CASCADE", " ON DELETE SET NULL")
		if slices.ContainsFunc(t.columns, func(c drawnColumn) bool { return c.generated() }) {
			t.action = "" // the server lets no action change what something is stored of
		}
		if t.refers >= 0 {
			referred[t.refers], referred[i] = true, true
		}
		if rapid.Bool().Draw(r, "view") {
			m.views = append(m.views, drawnView{i, rapid.IntRange(0, len(t.columns)).Draw(r, "columns seen"), rapid.Bool().Draw(r, "view of a view")})
		}
	}
	for i := range m.tables {
		t := &m.tables[i]
		if referred[i] || slices.ContainsFunc(t.indexes, func(x string) bool { return strings.HasPrefix(x, "FULLTEXT") }) {
			t.cut = ""
		}
		if t.cut != "" {
			t.versioned = false
		}
	}
}

// mutated is another schema which has much in common with this one.
func (m model) mutated(r *rapid.T) model {
	var out model
	for _, t := range m.tables {
		switch rapid.IntRange(0, 6).Draw(r, "what becomes of it") {
		case 0:
			continue
		case 1:
			t = drawTable(r, t.name)
		default:
			t.columns = slices.Clone(t.columns)
			for i := range t.columns {
				if rapid.IntRange(0, 2).Draw(r, "other column") == 0 {
					t.columns[i] = drawColumn(r, t.columns[i].name)
				}
			}
			if len(t.columns) > 0 && rapid.IntRange(0, 3).Draw(r, "one less") == 0 {
				t.columns = slices.Delete(t.columns, 0, 1)
			}
			if rapid.Bool().Draw(r, "one more") {
				t.columns = slices.Insert(t.columns, rapid.IntRange(0, len(t.columns)).Draw(r, "where"), drawnColumn{"g", "INT", pick(r, "new", "", " NOT NULL DEFAULT 7", " NOT NULL", " AS (up + 3) STORED", " DEFAULT (uuid_short() MOD 100)")})
			}
			t.drawRest(r)
		}
		out.tables = append(out.tables, t)
	}
	if rapid.IntRange(0, 2).Draw(r, "a table more") == 0 {
		out.tables = append(out.tables, drawTable(r, "five"))
	}
	out.settle(r)
	return out
}

func (m model) String() string {
	var out, late []string
	if m.sequence != "" {
		out = append(out, "CREATE SEQUENCE s "+m.sequence)
	}
	for i, t := range m.tables {
		name := quote(t.name)
		lines := []string{"id " + m.id + " NOT NULL AUTO_INCREMENT", "up " + m.id}
		for _, c := range t.columns {
			lines = append(lines, quote(c.name)+" "+c.typ+c.rest)
		}
		lines = append(append(lines, "PRIMARY KEY (id)"), t.indexes...)
		if t.check != "" {
			lines = append(lines, t.check)
		}
		text := "CREATE TABLE " + name + " (" + strings.Join(lines, ", ") + ")" + t.options
		if t.versioned {
			text += " WITH SYSTEM VERSIONING"
		}
		out = append(out, text+t.cut)
		if t.refers >= 0 {
			late = append(late, fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT f%d FOREIGN KEY (up) REFERENCES %s (id)%s", name, i, quote(m.tables[t.refers].name), t.action))
		}
		for n := range t.trigger - 1 {
			late = append(late, fmt.Sprintf("CREATE TRIGGER `g %s %d` BEFORE INSERT ON %s FOR EACH ROW SET NEW.up = NEW.up + %d", t.name, n, name, t.trigger))
		}
	}
	for n, v := range m.views {
		t := m.tables[v.of]
		columns := "id, up"
		for _, c := range t.columns[:min(v.columns, len(t.columns))] {
			columns += ", " + quote(c.name)
		}
		late = append(late, fmt.Sprintf("CREATE VIEW z%d AS SELECT %s FROM %s", n, columns, quote(t.name)))
		if v.on {
			late = append(late, fmt.Sprintf("CREATE VIEW y%d AS SELECT %s FROM z%d", n, columns, n))
		}
	}
	return strings.Join(append(out, late...), "; ")
}

// rows are three of each table; by its number each refers to the one of the
// same number.
func (m model) rows() string {
	out := []string{"SET @x = 1"}
	for _, t := range m.tables {
		columns := "id, up"
		for _, c := range t.columns {
			if !c.generated() {
				columns += ", " + quote(c.name)
			}
		}
		for _, i := range []string{"1", "2", "5"} {
			values := i + ", " + i
			for _, c := range t.columns {
				switch {
				case c.generated():
				case c.name == "f":
					values += ", '2020-01-0" + i + " 00:00:00'"
				default:
					values += ", '" + i + "'"
				}
			}
			out = append(out, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", quote(t.name), columns, values))
		}
	}
	return strings.Join(out, "; ")
}
