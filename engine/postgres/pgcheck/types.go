package pgcheck

import (
	"strconv"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/ddl"
)

// verdict is what a change of a type does to the rows.
type verdict int

const (
	rewrites verdict = iota
	stays            // the rows stay as they are
	depends          // on the session's time zone
)

// change compares two types of a column.
func change(from, to ddl.Type) verdict {
	if from.Array != to.Array {
		return rewrites
	}
	same := from.Name == to.Name
	switch {
	case same && equal(from.Args, to.Args):
		return stays
	case to.Array:
		return rewrites // the server looks at each element
	case text(from.Name) && text(to.Name):
		// text is as varchar without a limit.
		if len(to.Args) == 0 || len(from.Args) == 1 && number1(to.Args) >= number1(from.Args) {
			return stays
		}
	case same && to.Name == "numeric":
		if len(to.Args) == 0 || len(from.Args) > 0 && number1(to.Args) >= number1(from.Args) && scale(to.Args) == scale(from.Args) {
			return stays
		}
	case from.Name == "bit" && to.Name == "varbit":
		if len(to.Args) == 0 {
			return stays
		}
	case same && to.Name == "varbit":
		if len(to.Args) == 0 || len(from.Args) == 1 && number1(to.Args) >= number1(from.Args) {
			return stays
		}
	case same && (to.Name == "timestamp" || to.Name == "timestamptz" || to.Name == "time" || to.Name == "timetz" || to.Name == "interval"):
		if precision(to.Args) >= precision(from.Args) {
			return stays
		}
	case from.Name == "cidr" && to.Name == "inet":
		return stays
	case (from.Name == "timestamp" && to.Name == "timestamptz" || from.Name == "timestamptz" && to.Name == "timestamp") && equal(from.Args, to.Args):
		return depends
	}
	return rewrites
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func text(name string) bool { return name == "text" || name == "varchar" }

func number1(args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return -1
	}
	return n
}

func scale(args []string) string {
	if len(args) < 2 {
		return "0"
	}
	return args[1]
}

// precision of a time: six digits where nothing is said.
func precision(args []string) int {
	if len(args) == 0 {
		return 6
	}
	return number1(args)
}

// narrower says that values of one type may not fit into the other.
func narrower(from, to ddl.Type) bool {
	if from.Array || to.Array {
		return false
	}
	integers := map[string]int{"smallint": 1, "integer": 2, "bigint": 3}
	a, b := integers[from.Name], integers[to.Name]
	switch {
	case a > 0 && b > 0:
		return b < a
	case text(from.Name) && text(to.Name):
		return len(to.Args) > 0 && (len(from.Args) == 0 || number1(to.Args) < number1(from.Args))
	case from.Name == "numeric" && to.Name == "numeric" && len(to.Args) > 0:
		return len(from.Args) == 0 || number1(to.Args)-n(scale(to.Args)) < number1(from.Args)-n(scale(from.Args)) || n(scale(to.Args)) < n(scale(from.Args))
	case (from.Name == "timestamp" || from.Name == "timestamptz") && (to.Name == "date" || to.Name == "time"),
		from.Name == "double" && (to.Name == "real" || b > 0), from.Name == "numeric" && b > 0:
		return true
	}
	return false
}

func n(text string) int {
	v, _ := strconv.Atoi(text)
	return v
}

func itoa(n int) string { return strconv.Itoa(n) }

// columnTypes judges the type of a new column.
func columnTypes(c *check.Context, table ddl.Name, col *ddl.Column, key bool) {
	t := col.Type
	say := func(rule, message, better string) {
		c.Report(rule, t.At, check.Finding{Message: table.Text + "." + col.Name.Text + " " + message, Safer: better})
	}
	switch t.Name {
	case "timestamp":
		say("timestamp-without-zone", "has no time zone", col.Name.Text+" timestamptz")
	case "json":
		say("json-not-jsonb", "is json", col.Name.Text+" jsonb")
	case "char":
		if !t.Array {
			say("char-type", "is "+t.Text, col.Name.Text+" text")
		}
	case "varchar":
		if len(t.Args) > 0 {
			say("varchar-limit", "is "+t.Text, col.Name.Text+" text CHECK (length("+col.Name.Text+") <= "+t.Args[0]+")")
		}
	case "serial", "smallserial", "bigserial":
		whole := map[string]string{"serial": "integer", "smallserial": "smallint", "bigserial": "bigint"}[t.Name]
		if t.Name != "bigserial" && key {
			break // the next rule speaks of it
		}
		say("serial", "is "+t.Text, col.Name.Text+" "+whole+" GENERATED ALWAYS AS IDENTITY")
	}
	if !key && (t.Name == "integer" || t.Name == "smallint") && !t.Array {
		say("integer-column", "is "+t.Text, col.Name.Text+" bigint")
	}
	if key {
		switch t.Name {
		case "integer", "smallint":
			say("integer-key", "is a primary key of "+t.Text, col.Name.Text+" bigint")
		case "serial", "smallserial":
			say("integer-key", "is a primary key of "+t.Text, col.Name.Text+" bigint GENERATED ALWAYS AS IDENTITY")
		}
	}
}

// volatile says what is known of a default: that it differs from row to row,
// or, with the name of a function that nobody knows, that it may.
func volatile(e *ddl.Expr) (yes bool, unknown string) {
	e.Words(func(word string, call bool) {
		if !call {
			return
		}
		switch word {
		case "random", "clock_timestamp", "timeofday", "gen_random_uuid", "uuidv4", "uuidv7", "uuid_generate_v1", "uuid_generate_v1mc",
			"uuid_generate_v4", "nextval", "setval", "gen_random_bytes", "random_normal", "pg_sleep", "gen_salt":
			yes = true
		case "now", "transaction_timestamp", "statement_timestamp", "date_trunc", "concat", "lower", "upper", "coalesce", "nullif",
			"md5", "length", "to_char", "to_timestamp", "make_interval", "jsonb_build_object", "jsonb_build_array", "json_build_object",
			"json_build_array", "array", "row", "cast", "extract", "date_part", "current_setting", "abs", "round", "floor", "ceil", "ceiling",
			"trunc", "greatest", "least", "substring", "replace", "trim", "to_tsvector", "decode", "encode", "convert_to", "numeric", "varchar",
			"char", "timestamp", "timestamptz", "time", "interval", "bit", "float", "decimal", "current_timestamp", "localtimestamp", "uuid_nil",
			"current_time", "localtime", "jsonb_object", "hstore", "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange":
		default:
			unknown = word
		}
	})
	return yes, unknown
}
