package render

import (
	"bufio"
	"bytes"
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
func (t Table) Write(to io.Writer, s Style) {
	// A long history is not a call of the system for each line. An error is
	// the writer's own to keep, as elsewhere in what is printed.
	w := bufio.NewWriterSize(to, 32<<10)
	defer w.Flush()
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
	var b []byte
	line := func(cells []string, draw func(int, string) string) {
		b = b[:0]
		for i, c := range cells {
			n := Columns(c)
			if n > widths[i] {
				c = Shorten(c, widths[i])
				n = Columns(c)
			}
			b = append(b, draw(i, c)...)
			for k := n; k < widths[i]+2 && i < len(cells)-1; k++ {
				b = append(b, ' ')
			}
		}
		b = append(bytes.TrimRight(b, " "), '\n')
		w.Write(b)
	}
	line(t.Head, func(_ int, c string) string { return s.Bold(c) })
	rule := make([]string, len(widths))
	for i, n := range widths {
		rule[i] = strings.Repeat("-", n)
	}
	line(rule, func(_ int, c string) string { return s.Dim(c) })
	texts := make([]string, len(t.Head))
	for _, row := range t.Rows {
		texts = texts[:len(row)]
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
