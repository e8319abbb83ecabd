package myschema

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

func (i *inspection) readColumns(ctx context.Context) error {
	var space, table, name, typ, dataType, nullable, extra, comment string
	var def, collation, generation sql.NullString
	generated := "GENERATION_EXPRESSION"
	if i.mariadb && i.number < 100205 || !i.mariadb && i.number < 50706 {
		generated = "NULL"
	}
	return i.rows(ctx, `SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, IS_NULLABLE,
 COLUMN_DEFAULT, EXTRA, COLLATION_NAME, COLUMN_COMMENT, `+generated+`
 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA IN (%s)
 ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`,
		[]any{&space, &table, &name, &typ, &dataType, &nullable, &def, &extra, &collation, &comment, &generation}, func() {
			if v := i.view(space, table); v != nil {
				// What else the catalogue tells of it is what it tells of the
				// column below, and of the session in which the view was made.
				v.Columns = append(v.Columns, schema.Column{Name: name, Type: typ, Nullable: nullable == "YES"})
				return
			}
			t := i.table(space, table)
			if t == nil {
				return
			}
			c := schema.Column{Name: name, Type: typ, Nullable: nullable == "YES", Comment: comment}
			attributes := strings.ToUpper(extra)
			if strings.Contains(attributes, "INVISIBLE") {
				c.Options = append(c.Options, "invisible")
			}
			if strings.Contains(attributes, "WITHOUT SYSTEM VERSIONING") {
				c.Options = append(c.Options, "without system versioning")
			}
			if strings.Contains(attributes, "AUTO_INCREMENT") {
				c.Identity = "auto_increment"
			}
			if generation.String != "" {
				c.Generated = i.expression(generation.String)
				c.Stored = strings.Contains(attributes, "STORED") || strings.Contains(attributes, "PERSISTENT")
			} else {
				c.Default = i.defaultOf(def, dataType, attributes)
			}
			if n := strings.Index(attributes, "ON UPDATE "); n >= 0 {
				update, _, _ := strings.Cut(extra[n:], ",")
				c.OnUpdate = strings.TrimSpace(update[len("ON UPDATE "):])
			}
			if collation.String != i.collation[i.at[[2]string{space, table}]] {
				c.Collation = collation.String
			}
			t.Columns = append(t.Columns, c)
		})
}

// view finds one that readViews took, nil for others.
func (i *inspection) view(space, name string) *schema.View {
	n, ok := slices.BinarySearchFunc(i.state.Views, [2]string{space, name}, func(v schema.View, of [2]string) int {
		return cmp.Or(strings.Compare(v.Schema, of[0]), strings.Compare(v.Name, of[1]))
	})
	if !ok {
		return nil
	}
	return &i.state.Views[n]
}

// defaultOf spells a default as SQL, nil for none.
//
// MariaDB keeps the expression, with NULL for a column that has no other
// default. MySQL, and MariaDB before 10.2.7, keep a constant's bare text, and
// MySQL marks what is an expression.
func (i *inspection) defaultOf(def sql.NullString, dataType, attributes string) *string {
	if !def.Valid {
		return nil
	}
	text := def.String
	switch {
	case i.mariadb && i.number >= 100207:
		if text == "NULL" {
			return nil
		}
		text = i.atHome(text)
	case strings.Contains(attributes, "DEFAULT_GENERATED"):
		text = i.expression(text)
		if !isNow(text) {
			text = "(" + text + ")"
		}
	case isNow(text) && (dataType == "timestamp" || dataType == "datetime"):
	case bare(dataType), strings.HasPrefix(text, "0x") && strings.HasSuffix(dataType, "binary"):
	default:
		text = "'" + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), "'", "''") + "'"
	}
	return &text
}

func isNow(text string) bool {
	return strings.HasPrefix(strings.ToUpper(text), "CURRENT_TIMESTAMP")
}

// bare tells the types whose constants are written without quotes.
func bare(dataType string) bool {
	switch dataType {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "bit", "year":
		return true
	}
	return false
}

// expression undoes the escapes in which MySQL's catalogue writes them.
func (i *inspection) expression(text string) string {
	if i.mariadb {
		return text
	}
	return strings.ReplaceAll(text, `\'`, `'`)
}
