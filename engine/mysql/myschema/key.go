package myschema

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readIndexes reads indexes and the primary key. An index over an expression
// has no column's name; only MySQL from 8.0.13 on has such.
func (i *inspection) readIndexes(ctx context.Context) error {
	expression := "NULL"
	if !i.mariadb && i.number >= 80013 {
		expression = "EXPRESSION"
	}
	hidden := "'NO'"
	switch {
	case i.mariadb && i.number >= 100600:
		hidden = "IGNORED"
	case !i.mariadb && i.number >= 80000:
		hidden = "IF(IS_VISIBLE = 'YES', 'NO', 'YES')"
	}
	var space, table, name, method, comment, ignored string
	var column, direction, expr sql.NullString
	var length sql.NullInt64
	var nonUnique bool
	err := i.rows(ctx, `SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, COLLATION, SUB_PART, INDEX_TYPE, INDEX_COMMENT, `+hidden+`, `+expression+`
 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA IN (%s)
 ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`,
		[]any{&space, &table, &name, &nonUnique, &column, &direction, &length, &method, &comment, &ignored, &expr}, func() {
			t := i.table(space, table)
			if t == nil {
				return
			}
			part, written := column.String, quote(column.String)
			if expr.Valid {
				part = "(" + i.expression(expr.String) + ")"
				written = part
			}
			method = strings.ToLower(method)
			// The others show an internal length.
			if length.Valid && (method == "btree" || method == "hash") {
				size := fmt.Sprintf("(%d)", length.Int64)
				part, written = part+size, written+size
			}
			if direction.String == "D" {
				part, written = part+" DESC", written+" DESC"
			}
			if name == "PRIMARY" {
				if t.PrimaryKey == nil {
					t.PrimaryKey = &schema.Key{Comment: comment, Definition: "PRIMARY KEY ()"}
				}
				t.PrimaryKey.Columns = append(t.PrimaryKey.Columns, part)
				t.PrimaryKey.Definition = within(t.PrimaryKey.Definition, written)
				return
			}
			last := len(t.Indexes) - 1
			if last < 0 || t.Indexes[last].Name != name {
				if method == "btree" && !slices.Contains(t.Options, "ENGINE=MEMORY") { // which takes a hash where nobody says so
					method = ""
				}
				x := schema.Index{Name: name, Unique: !nonUnique, Method: method, Comment: comment}
				if ignored == "YES" {
					x.Options = []string{i.hiddenIndex()}
				}
				x.Definition = indexClause(x)
				t.Indexes = append(t.Indexes, x)
				last++
			}
			x := &t.Indexes[last]
			x.Parts, x.Definition = append(x.Parts, part), within(x.Definition, written)
		})
	for n := range i.tables {
		slices.SortFunc(i.tables[n].Indexes, func(a, b schema.Index) int { return strings.Compare(a.Name, b.Name) })
	}
	return err
}

// hiddenIndex is the word for an index that the server keeps and does not use.
func (i *inspection) hiddenIndex() string {
	if i.mariadb {
		return "ignored"
	}
	return "invisible"
}

// indexClause is an index as CREATE TABLE has it, still without its parts.
func indexClause(x schema.Index) string {
	text, using := "KEY ", ""
	switch x.Method {
	case "":
		if x.Unique {
			text = "UNIQUE KEY "
		}
	case "fulltext", "spatial":
		text = strings.ToUpper(x.Method) + " KEY "
	default:
		using = " USING " + strings.ToUpper(x.Method)
		if x.Unique {
			text = "UNIQUE KEY "
		}
	}
	return text + quote(x.Name) + " ()" + using
}

// within puts one more part into the brackets of a clause, which are its
// last ones.
func within(clause, part string) string {
	end := strings.LastIndex(clause, ")")
	if i := strings.LastIndex(clause, ") USING "); i >= 0 {
		end = i
	}
	if clause[end-1] != '(' {
		part = ", " + part
	}
	return clause[:end] + part + clause[end:]
}

func (i *inspection) readForeignKeys(ctx context.Context) error {
	type rules struct{ onDelete, onUpdate string }
	all := map[[3]string]rules{}
	var space, table, name string
	var r rules
	err := i.rows(ctx, `SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE, UPDATE_RULE
 FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA IN (%s)`,
		[]any{&space, &table, &name, &r.onDelete, &r.onUpdate}, func() { all[[3]string{space, table, name}] = r })
	if err != nil {
		return err
	}
	var column, refSpace, refTable, refColumn string
	err = i.rows(ctx, `SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME,
 REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
 FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA IN (%s) AND REFERENCED_TABLE_NAME IS NOT NULL
 ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
		[]any{&space, &table, &name, &column, &refSpace, &refTable, &refColumn}, func() {
			t := i.table(space, table)
			if t == nil {
				return
			}
			last := len(t.ForeignKeys) - 1
			if last < 0 || t.ForeignKeys[last].Name != name {
				r := all[[3]string{space, table, name}]
				f := schema.ForeignKey{Name: name, RefTable: refTable, OnDelete: i.action(r.onDelete), OnUpdate: i.action(r.onUpdate)}
				if refSpace != space {
					f.RefSchema = refSpace
				}
				t.ForeignKeys = append(t.ForeignKeys, f)
				last++
			}
			f := &t.ForeignKeys[last]
			f.Columns, f.RefColumns = append(f.Columns, column), append(f.RefColumns, refColumn)
			f.Definition = foreignKeyClause(*f)
		})
	for n := range i.tables {
		slices.SortFunc(i.tables[n].ForeignKeys, func(a, b schema.ForeignKey) int { return strings.Compare(a.Name, b.Name) })
	}
	return err
}

func foreignKeyClause(f schema.ForeignKey) string {
	table := quote(f.RefTable)
	if f.RefSchema != "" {
		table = quote(f.RefSchema) + "." + table
	}
	text := "FOREIGN KEY (" + quoted(f.Columns) + ") REFERENCES " + table + " (" + quoted(f.RefColumns) + ")"
	if f.OnDelete != "" {
		text += " ON DELETE " + f.OnDelete
	}
	if f.OnUpdate != "" {
		text += " ON UPDATE " + f.OnUpdate
	}
	return text
}

// action is a foreign key's rule, "" for the one that a key has without
// saying so: RESTRICT on MariaDB, where it is what NO ACTION does.
func (i *inspection) action(rule string) string {
	if rule == "NO ACTION" || i.mariadb && rule == "RESTRICT" {
		return ""
	}
	return rule
}

// readChecks reads check constraints, which MySQL has since 8.0.16 and
// MariaDB since 10.2. MySQL's list of them does not name the table.
func (i *inspection) readChecks(ctx context.Context) error {
	query := `SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.CONSTRAINT_NAME, c.CHECK_CLAUSE, ''
 FROM information_schema.TABLE_CONSTRAINTS t JOIN information_schema.CHECK_CONSTRAINTS c
  ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME
 WHERE t.TABLE_SCHEMA IN (%s) AND t.CONSTRAINT_TYPE = 'CHECK'`
	switch {
	case i.mariadb:
		level := "''"
		if i.number >= 100510 {
			level = "LEVEL"
		}
		query = `SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE, ` + level + `
 FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA IN (%s)`
	case i.number < 80016:
		return nil
	}
	var space, table, name, clause, level string
	err := i.rows(ctx, query, []any{&space, &table, &name, &clause, &level}, func() {
		if t := i.table(space, table); t != nil {
			c := schema.Check{Name: name, Expression: withoutBrackets(i.expression(clause))}
			c.Definition = "CHECK (" + c.Expression + ")"
			if level == "Column" {
				c.Column = itsColumn(*t, c)
				c.Name = c.Column
			}
			t.Checks = append(t.Checks, c)
		}
	})
	for n := range i.tables {
		slices.SortFunc(i.tables[n].Checks, func(a, b schema.Check) int { return strings.Compare(a.Name, b.Name) })
	}
	return err
}

// itsColumn is the column to which a check belongs. The catalogue calls it by
// the name that the column had when the check was made, and not by the one
// that it was given since.
func itsColumn(t schema.Table, c schema.Check) string {
	found := c.Name
	for _, x := range t.Columns {
		if x.Name == c.Name {
			return c.Name
		}
		if found == c.Name && mentions(c.Expression, x.Name) {
			found = x.Name
		}
	}
	return found
}

// withoutBrackets takes away one pair around the whole of an expression, in
// which MySQL keeps each check.
func withoutBrackets(text string) string {
	if !strings.HasPrefix(text, "(") || !strings.HasSuffix(text, ")") {
		return text
	}
	depth := 0
	var quoted byte
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted != 0 && c == '\\' && quoted != '`':
			i++
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quoted = c
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 && i < len(text)-1 {
				return text // the first bracket is closed before the end
			}
		}
	}
	return text[1 : len(text)-1]
}
