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
	var space, table, name, method string
	var column, direction, expr sql.NullString
	var length sql.NullInt64
	var nonUnique bool
	err := i.rows(ctx, `SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, COLLATION, SUB_PART, INDEX_TYPE, `+expression+`
 FROM information_schema.STATISTICS WHERE TABLE_SCHEMA IN (%s)
 ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`,
		[]any{&space, &table, &name, &nonUnique, &column, &direction, &length, &method, &expr}, func() {
			t := i.table(space, table)
			if t == nil {
				return
			}
			part := column.String
			if expr.Valid {
				part = "(" + i.expression(expr.String) + ")"
			}
			method = strings.ToLower(method)
			// The others show an internal length.
			if length.Valid && (method == "btree" || method == "hash") {
				part += fmt.Sprintf("(%d)", length.Int64)
			}
			if direction.String == "D" {
				part += " DESC"
			}
			if name == "PRIMARY" {
				if t.PrimaryKey == nil {
					t.PrimaryKey = &schema.Key{}
				}
				t.PrimaryKey.Columns = append(t.PrimaryKey.Columns, part)
				return
			}
			last := len(t.Indexes) - 1
			if last < 0 || t.Indexes[last].Name != name {
				if method == "btree" {
					method = ""
				}
				t.Indexes = append(t.Indexes, schema.Index{Name: name, Unique: !nonUnique, Method: method})
				last++
			}
			t.Indexes[last].Parts = append(t.Indexes[last].Parts, part)
		})
	for n := range i.tables {
		slices.SortFunc(i.tables[n].Indexes, func(a, b schema.Index) int { return strings.Compare(a.Name, b.Name) })
	}
	return err
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
		})
	for n := range i.tables {
		slices.SortFunc(i.tables[n].ForeignKeys, func(a, b schema.ForeignKey) int { return strings.Compare(a.Name, b.Name) })
	}
	return err
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
	query := `SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.CONSTRAINT_NAME, c.CHECK_CLAUSE
 FROM information_schema.TABLE_CONSTRAINTS t JOIN information_schema.CHECK_CONSTRAINTS c
  ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME
 WHERE t.TABLE_SCHEMA IN (%s) AND t.CONSTRAINT_TYPE = 'CHECK'`
	switch {
	case i.mariadb:
		query = `SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE
 FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA IN (%s)`
	case i.number < 80016:
		return nil
	}
	var space, table, name, clause string
	err := i.rows(ctx, query, []any{&space, &table, &name, &clause}, func() {
		if t := i.table(space, table); t != nil {
			t.Checks = append(t.Checks, schema.Check{Name: name, Expression: withoutBrackets(i.expression(clause))})
		}
	})
	for n := range i.tables {
		slices.SortFunc(i.tables[n].Checks, func(a, b schema.Check) int { return strings.Compare(a.Name, b.Name) })
	}
	return err
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
