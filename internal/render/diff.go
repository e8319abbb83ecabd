package render

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Changes draws what must happen to a database, a line for each object and
// each thing about it.
func Changes(w io.Writer, s Style, all []schema.Change) {
	for _, c := range all {
		sign, draw := "~", s.Warn
		switch c.Op {
		case schema.Added:
			sign, draw = "+", s.Good
		case schema.Removed:
			sign, draw = "-", s.Bad
		}
		fmt.Fprintf(w, "  %s %s\n", draw(sign), Plain(strings.TrimSuffix(c.ID.String(), ".")))
		for _, f := range c.Fields {
			from, to := value(f.From), value(f.To)
			if strings.Contains(from+to, "\n") || len(from)+len(to) > 200 {
				fmt.Fprintf(w, "      %s: %s\n", s.Dim(f.Name), "another text")
				continue
			}
			fmt.Fprintf(w, "      %s: %s -> %s\n", s.Dim(f.Name), Plain(from), Plain(to))
		}
	}
}

// value spells what a field holds.
func value(v any) string {
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.Pointer {
		if r.IsNil() {
			return "none"
		}
		return value(r.Elem().Interface())
	}
	switch v := v.(type) {
	case string:
		if v == "" {
			return "none"
		}
		return v
	case []string:
		if len(v) == 0 {
			return "none"
		}
		return strings.Join(v, ", ")
	case bool:
		if v {
			return "yes"
		}
		return "no"
	}
	return fmt.Sprint(v)
}
