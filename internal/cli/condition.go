package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/migration"
)

// unheld is a condition that did not hold, with what was answered.
func (a *app) unheld(d *description, e *dbwarden.ConditionError) {
	d.Code = "condition_failed"
	rows := [][]any{}
	for _, row := range e.Answer.Rows {
		var values []any
		for _, v := range row {
			if v == nil {
				values = append(values, nil)
			} else {
				values = append(values, a.masked(*v))
			}
		}
		rows = append(rows, values)
	}
	d.Condition = map[string]any{"kind": e.Kind, "line": e.Line, "query": a.masked(e.Query), "columns": append([]string{}, e.Answer.Columns...),
		"rows": rows, "more": e.Answer.More, "untrue": e.Answer.Untrue}
	var b strings.Builder
	for i, line := range strings.Split(e.Query, "\n") {
		fmt.Fprintf(&b, "%6d | %s\n", e.Line+i, render.Plain(line))
	}
	if len(rows) > 0 {
		var table strings.Builder
		t := render.Table{}
		for _, c := range e.Answer.Columns {
			t.Head = append(t.Head, render.Plain(c))
		}
		for _, row := range rows {
			var cells []render.Cell
			for _, v := range row {
				text := "NULL"
				if v != nil {
					text = render.Plain(render.OneLine(v.(string)))
				}
				cells = append(cells, render.Text(text))
			}
			t.Rows = append(t.Rows, cells)
		}
		t.Write(&table, render.Style{})
		for line := range strings.Lines(table.String()) {
			b.WriteString("         " + line)
		}
		if e.Answer.More {
			b.WriteString("         (more rows)\n")
		}
	}
	d.Caret = strings.TrimSuffix(b.String(), "\n")
}

// mendCondition is what to do about it.
func mendCondition(e *dbwarden.ConditionError) string {
	if e.Kind == migration.Require {
		return "see to it that what is required holds, or change the header"
	}
	return "see why what is to be ensured does not hold; mend the file, the data or the header"
}

func isCondition(err error) bool {
	_, ok := errors.AsType[*dbwarden.ConditionError](err)
	return ok
}
