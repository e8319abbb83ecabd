package render

import (
	"fmt"
	"io"
	"strings"
)

// Table is rows under headings, columns lined up.
type Table struct {
	Head []string
	Rows [][]Cell
}

// Cell is a text with the way it is drawn.
type Cell struct {
	Text string
	Draw func(string) string // nil: as it is
}

// Text makes a plain cell.
func Text(s string) Cell { return Cell{Text: s} }

// Write draws the table. In a pipe it is the same text without colours, so
// that what a person saw is what a script gets.
func (t Table) Write(w io.Writer, s Style) {
	widths := make([]int, len(t.Head))
	for i, h := range t.Head {
		widths[i] = Columns(h)
	}
	for _, row := range t.Rows {
		for i, c := range row {
			widths[i] = max(widths[i], Columns(Plain(c.Text)))
		}
	}
	t.shrink(widths, s)
	line := func(cells []string, draw func(int, string) string) {
		var b strings.Builder
		for i, c := range cells {
			c = Shorten(c, widths[i])
			pad := widths[i] - Columns(c)
			b.WriteString(draw(i, c))
			if i < len(cells)-1 {
				b.WriteString(strings.Repeat(" ", pad+2))
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(t.Head, func(_ int, c string) string { return s.Bold(c) })
	rule := make([]string, len(widths))
	for i, n := range widths {
		rule[i] = strings.Repeat("-", n)
	}
	line(rule, func(_ int, c string) string { return s.Dim(c) })
	for _, row := range t.Rows {
		texts := make([]string, len(row))
		for i, c := range row {
			texts[i] = Plain(c.Text)
		}
		line(texts, func(i int, c string) string {
			if row[i].Draw != nil {
				return row[i].Draw(c)
			}
			return c
		})
	}
}

// shrink takes from the widest column what does not fit on a terminal. In a
// pipe nothing is cut.
func (t Table) shrink(widths []int, s Style) {
	if !s.Terminal || s.Width <= 0 {
		return
	}
	for {
		total, widest := 2*(len(widths)-1), 0
		for i, n := range widths {
			total += n
			if n > widths[widest] {
				widest = i
			}
		}
		if total <= s.Width || widths[widest] <= 12 {
			return
		}
		widths[widest] = max(12, widths[widest]-(total-s.Width))
	}
}
