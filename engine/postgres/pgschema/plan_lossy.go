package pgschema

import (
	"slices"
	"strconv"
	"strings"
)

// lossy reports whether the server may turn a value into another one,
// without a word, where a column of the one type becomes one of the other:
// round it, cut it or spell it otherwise. What it refuses is no such change.
func lossy(from, to string) bool {
	a, _ := strings.CutSuffix(base(from), "[]")
	b, _ := strings.CutSuffix(base(to), "[]")
	in := func(all []string, typ string) bool { return slices.Contains(all, typ) }
	switch {
	case a == b:
		return (a == "numeric" || strings.HasPrefix(a, "time") || strings.HasPrefix(a, "interval")) && precision(to) < precision(from)
	case strings.HasPrefix(a, "interval") && strings.HasPrefix(b, "interval"):
		return b != "interval" || precision(to) < precision(from) // other fields
	case b == "name" || b == `"char"`:
		return a != `"char"`
	case b == "character":
		return in(texts, a) // the blanks at the end
	case in(texts, b):
		return false
	case in(texts, a):
		return in(numbers, b) || in(times, b) || strings.HasPrefix(b, "time ") || strings.HasPrefix(b, "interval") || in([]string{"boolean", "jsonb", "money", "cidr"}, b)
	case in(numbers, a) && in(numbers, b):
		return finer(a) > finer(b) || b == "real" && a != "smallint" || b == "double precision" && a == "bigint" ||
			b == "numeric" && precision(to) < 0 || a == "double precision" && b == "numeric" || a == "real" && b == "numeric" || a == "numeric" && b == "double precision"
	case in(numbers, a):
		return b == "boolean" || b == "money"
	case in(times, a):
		return a != "date" && (b == "date" || strings.HasPrefix(b, "time ") || precision(to) < precision(from))
	case strings.HasPrefix(a, "time ") && strings.HasPrefix(b, "time "):
		return a == "time with time zone" || precision(to) < precision(from)
	case a == "json" || a == "jsonb" && b != "json":
		return true
	}
	return a == "inet" && b == "cidr"
}

// finer orders the numbers by how small a part of one they tell.
func finer(typ string) int {
	switch typ {
	case "numeric", "double precision", "real":
		return 1
	}
	return 0
}

// precision is how many digits a type keeps behind the point: all that there
// are where it says nothing. A time keeps six.
func precision(typ string) int {
	_, rest, found := strings.Cut(typ, "(")
	inside, _, _ := strings.Cut(rest, ")")
	_, scale, both := strings.Cut(inside, ",")
	switch name := base(typ); {
	case !strings.HasPrefix(name, "numeric"):
		scale = inside
		if !found {
			return 6
		}
	case !found:
		return 1 << 20
	case !both:
		return 0
	}
	n, err := strconv.Atoi(scale)
	if err != nil {
		return 1 << 20
	}
	return n
}
