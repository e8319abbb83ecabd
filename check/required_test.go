package check

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/ddl"
)

func TestAWayToARequiredColumnIsWhole(t *testing.T) {
	for typ, want := range map[string]string{
		"text":        "-- with a value that is right for the rows that are there:\nALTER TABLE users ADD COLUMN x text NOT NULL DEFAULT ('');",
		"bigint":      "-- with a value that is right for the rows that are there:\nALTER TABLE users ADD COLUMN x bigint NOT NULL DEFAULT 0;",
		"timestamptz": "ALTER TABLE users ADD COLUMN x timestamptz;\n-- then fill it, and in a later migration make it NOT NULL",
		"mood":        "ALTER TABLE users ADD COLUMN x mood;\n-- then fill it, and in a later migration make it NOT NULL",
	} {
		col := &ddl.Column{Name: ddl.Name{Text: "x"}, Type: ddl.Type{Name: typ, Text: typ}}
		if got := RequiredColumn(ddl.Name{Text: "users"}, col); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", typ, got, want)
		}
	}
}
