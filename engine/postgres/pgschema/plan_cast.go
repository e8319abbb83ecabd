package pgschema

import (
	"slices"
	"strings"
)

// cast spells a column's values as another type. Where the server knows no
// cast they go by their texts: a row whose text the new type does not take
// stops the migration, and stays what it was.
func cast(column, from, to string) string {
	a, dims := strings.CutSuffix(base(from), "[]")
	b, wanted := strings.CutSuffix(base(to), "[]")
	switch {
	case b == "character" || b == "character varying":
		// A cast that is written out cuts what is too long, without a word; what
		// the column's own length meets is refused.
		return column + "::text" + strings.Repeat("[]", count(wanted))
	case bits(a) && bits(b) && dims == wanted:
		return column
	case dims == wanted && castable(a, b):
		return column + "::" + to
	case !dims && !wanted && (a == "boolean" && slices.Contains(numbers, b) || b == "boolean" && slices.Contains(numbers, a)):
		return column + "::integer::" + to // the only number with a cast to and from boolean
	case dims && wanted:
		return column + "::text[]::" + to
	}
	return column + "::text::" + to
}

func count(array bool) int {
	if array {
		return 1
	}
	return 0
}

func bits(typ string) bool { return typ == "bit" || typ == "bit varying" }

var (
	numbers = []string{"smallint", "integer", "bigint", "numeric", "real", "double precision"}
	texts   = []string{"text", "character varying", "character", "bpchar", "name"}
	times   = []string{"date", "timestamp without time zone", "timestamp with time zone"}
)

// castable reports whether PostgreSQL has a cast, from its pg_cast, or needs
// none: to and from text everything has one.
func castable(from, to string) bool {
	both := func(all []string) bool { return slices.Contains(all, from) && slices.Contains(all, to) }
	switch {
	case from == to, slices.Contains(texts, from), slices.Contains(texts, to), both(numbers), both(times):
		return true
	case from == "boolean" && to == "integer", from == "integer" && to == "boolean":
		return true
	case both([]string{"json", "jsonb"}), both([]string{"inet", "cidr"}), both([]string{"bit", "bit varying"}):
		return true
	case from == "jsonb":
		return to == "boolean" || slices.Contains(numbers, to)
	case slices.Contains(times[1:], from):
		return strings.HasPrefix(to, "time ")
	}
	return false
}
