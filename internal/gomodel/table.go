package gomodel

import (
	"go/token"
	"strings"
)

// A Table is a struct's table, in one product's SQL.
type Table struct {
	Name string // as written; a dot parts a schema from it
	Type string // of Go
	SQL  string

	File         string
	Line, Column int
}

// product is how one database product is spelled in definitions.
type product struct {
	name  string
	quote byte
}

var products = map[string]product{"sqlite": {"sqlite", '"'}, "postgres": {"postgres", '"'}, "mysql": {"mysql", '`'}}

// ident quotes a name; a dot parts two.
func (p product) ident(name string) string {
	q := string(p.quote)
	return q + strings.ReplaceAll(strings.ReplaceAll(name, q, q+q), ".", q+"."+q) + q
}

func (p product) idents(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = p.ident(n)
	}
	return strings.Join(out, ", ")
}

// text quotes a string.
func (p product) text(s string) string {
	s = strings.ReplaceAll(s, "'", "''")
	if p.name == "mysql" {
		s = strings.ReplaceAll(s, `\`, `\\`)
	}
	return "'" + s + "'"
}

// builder collects a table's definitions.
type builder struct {
	product
	table string
	lines []string // of the body of CREATE TABLE
	after []string // statements behind it
}

func (b *builder) line(text string)  { b.lines = append(b.lines, text) }
func (b *builder) later(text string) { b.after = append(b.after, text) }

func (b *builder) sql() string {
	var s strings.Builder
	s.WriteString("CREATE TABLE " + b.ident(b.table) + " (\n    " + strings.Join(b.lines, ",\n    ") + "\n);\n")
	for _, st := range b.after {
		s.WriteString(st + ";\n")
	}
	return s.String()
}

// foreign is a foreign key's clause.
func (b *builder) foreign(name string, columns []string, table string, to []string, actions string) {
	constraint := ""
	if name != "" {
		constraint = "CONSTRAINT " + b.ident(name) + " "
	}
	b.line(constraint + "FOREIGN KEY (" + b.idents(columns) + ") REFERENCES " + b.ident(table) + " (" + b.idents(to) + ")" + actions)
}

func (w *world) table(name, goType, sql string, at token.Pos) Table {
	p := w.fset.Position(at)
	return Table{Name: name, Type: goType, SQL: sql, File: p.Filename, Line: p.Line, Column: p.Column}
}
