package check

import (
	"fmt"

	"github.com/dbwarden-go/dbwarden/ddl"
)

// RequiredColumn is the safer way to a column that is NOT NULL: with a value
// for the rows that are there. A type of which no value is known comes
// without NOT NULL.
func RequiredColumn(table ddl.Name, col *ddl.Column) string {
	add := fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", table.Text, col.Name.Text, col.Type.Text)
	if value := anyValue(col.Type); value != "" {
		return "-- with a value that is right for the rows that are there:\n" + add + " NOT NULL DEFAULT " + value + ";"
	}
	return add + ";\n-- then fill it, and in a later migration make it NOT NULL"
}

// anyValue is a literal of a type in every product that has the type, "" where
// none is known. Names are those of ddl.Type.
func anyValue(t ddl.Type) string {
	if t.Array {
		return "'{}'"
	}
	switch t.Name {
	case "varchar", "char", "citext", "nvarchar":
		return "''"
	case "text", "tinytext", "mediumtext", "longtext", "clob":
		return "('')" // MySQL takes no other default of these
	case "integer", "bigint", "smallint", "tinyint", "mediumint", "numeric", "decimal", "double", "real", "float", "money":
		return "0"
	case "boolean":
		return "FALSE"
	case "jsonb":
		return "'{}'"
	}
	return ""
}
