package diagram

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// The measures of a picture, in pixels of its own scale.
const (
	headHeight = 30
	rowHeight  = 20
	boxFoot    = 6
	charWidth  = 7.25 // of the fixed-width letters of 12 pixels
	boxGap     = 26   // between boxes above one another, at least
	laneGap    = 9    // between lines beside one another
	margin     = 36   // around each group
	titleRoom  = 26   // above each group
	maxText    = 38   // letters of a name or type that are shown
)

// layout is where everything of a picture stands.
type layout struct {
	*Picture
	boxes  []rect
	paths  [][]point // of each line, from the box that has the key; corners only
	groups []group
	width  float64
	height float64
}

type point struct{ x, y float64 }

type rect struct{ x, y, w, h float64 }

// group is a part of the picture with no line to any other one.
type group struct {
	title string
	boxes []int
	rect
}

// lay finds a place for everything.
//
// Tables that reference one another stand in columns, the referenced ones to
// the left. Lines run in the channels between columns, and where they must
// pass a column, in the gaps between its boxes, so that none runs through a
// box. All lines to one column of a table share their way in a channel.
func lay(p *Picture) *layout {
	l := &layout{Picture: p, boxes: make([]rect, len(p.Boxes)), paths: make([][]point, len(p.Lines))}
	for i := range p.Boxes {
		l.boxes[i].w, l.boxes[i].h = boxSize(&p.Boxes[i])
	}
	for _, members := range l.parts() {
		g := group{boxes: members}
		if len(l.linesOf(members)) > 0 {
			newBlock(l, members).place()
		} else {
			l.grid(members)
		}
		l.frame(&g)
		l.groups = append(l.groups, g)
	}
	l.titles()
	l.pack()
	return l
}

// boxSize is how much room a box needs.
func boxSize(b *Box) (w, h float64) {
	title := letters(b.Label) + 4
	if b.Kind != "table" {
		title += letters(b.Kind) + 2
	}
	w = 8.2 * float64(title)
	for _, r := range b.Rows {
		w = max(w, charWidth*float64(rowLetters(r))+44+22)
	}
	return math.Ceil(w), headHeight + rowHeight*float64(len(b.Rows)) + boxFoot
}

func rowLetters(r Row) int {
	return letters(shorten(r.Name)) + letters(shorten(r.Type)) + 3
}

// letters is how wide a text is, in letters of the fixed width.
func letters(text string) (n int) {
	for _, r := range plain(text) {
		n++
		if r >= 0x1100 { // mostly twice as wide
			n++
		}
	}
	return n
}

// shorten cuts a text that is longer than a picture has room for.
func shorten(text string) string {
	if r := []rune(text); len(r) > maxText {
		return string(r[:maxText-1]) + "…"
	}
	return text
}

func (b *Box) rowY(row int) float64 {
	if row < 0 {
		return headHeight / 2
	}
	return headHeight + rowHeight*(float64(row)+0.5) + 1
}

// parts cuts the boxes into those that lines lead between; those without a
// line are together by schema, tables and views apart.
func (l *layout) parts() [][]int {
	of := make([]int, len(l.Boxes))
	for i := range of {
		of[i] = i
	}
	var find func(i int) int
	find = func(i int) int {
		if of[i] != i {
			of[i] = find(of[i])
		}
		return of[i]
	}
	lined := make([]bool, len(l.Boxes))
	for _, x := range l.Lines {
		lined[x.From], lined[x.To] = true, true
		a, b := find(x.From), find(x.To)
		of[max(a, b)] = min(a, b)
	}
	type key struct {
		root   int
		schema string
		view   bool
	}
	at, out := map[key]int{}, [][]int(nil)
	for i := range l.Boxes {
		k := key{root: find(i)}
		if !lined[i] {
			k = key{-1, l.Boxes[i].Schema, l.Boxes[i].View()}
		}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k], out = n, append(out, nil)
		}
		out[n] = append(out[n], i)
	}
	// The largest first, views last.
	slices.SortStableFunc(out, func(a, b []int) int {
		rank := func(p []int) int {
			switch {
			case lined[p[0]]:
				return 0
			case !l.Boxes[p[0]].View():
				return 1
			}
			return 2
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(len(b), len(a)), cmp.Compare(a[0], b[0]))
	})
	return out
}

func (l *layout) linesOf(members []int) (lines []int) {
	in := map[int]bool{}
	for _, m := range members {
		in[m] = true
	}
	for i, x := range l.Lines {
		if in[x.From] {
			lines = append(lines, i)
		}
	}
	return lines
}

// grid puts boxes without lines into columns, each below the shortest one.
func (l *layout) grid(members []int) {
	wide, area := 0.0, 0.0
	for _, m := range members {
		wide = max(wide, l.boxes[m].w)
		area += (l.boxes[m].w + boxGap) * (l.boxes[m].h + boxGap)
	}
	n := min(len(members), max(1, int(math.Round(math.Sqrt(area*4)/(wide+boxGap)))))
	columns := make([]float64, n)
	for _, m := range members {
		shortest := 0
		for i, h := range columns {
			if h < columns[shortest] {
				shortest = i
			}
		}
		b := &l.boxes[m]
		b.x, b.y, b.w = float64(shortest)*(wide+boxGap), columns[shortest], wide
		columns[shortest] += b.h + boxGap
	}
}

// frame finds the room that a group takes, and moves it to the origin.
func (l *layout) frame(g *group) {
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	see := func(x, y float64) {
		left, top, right, bottom = min(left, x), min(top, y), max(right, x), max(bottom, y)
	}
	for _, m := range g.boxes {
		b := l.boxes[m]
		see(b.x, b.y)
		see(b.x+b.w, b.y+b.h)
	}
	for _, i := range l.linesOf(g.boxes) {
		for _, p := range l.paths[i] {
			see(p.x, p.y)
		}
	}
	const pad = 18
	g.rect = rect{0, 0, right - left + 2*pad, bottom - top + 2*pad + titleRoom}
	l.move(g, pad-left, pad+titleRoom-top)
}

func (l *layout) move(g *group, dx, dy float64) {
	for _, m := range g.boxes {
		l.boxes[m].x += dx
		l.boxes[m].y += dy
	}
	for _, i := range l.linesOf(g.boxes) {
		for j := range l.paths[i] {
			l.paths[i][j].x += dx
			l.paths[i][j].y += dy
		}
	}
}

// titles names the groups: by the schema or the beginning that all names have,
// else by the table that most others know.
func (l *layout) titles() {
	for i := range l.groups {
		g := &l.groups[i]
		first := l.Boxes[g.boxes[0]]
		space, prefix := first.Schema, first.Name
		known, best := map[int]int{}, g.boxes[0]
		for _, n := range l.linesOf(g.boxes) {
			known[l.Lines[n].To]++
			known[l.Lines[n].From]++
		}
		for _, m := range g.boxes {
			b := l.Boxes[m]
			if b.Schema != space {
				space = ""
			}
			for !strings.HasPrefix(b.Name, prefix) {
				prefix = prefix[:len(prefix)-1]
			}
			if known[m] > known[best] {
				best = m
			}
		}
		if at := strings.LastIndex(prefix, "_"); at > 0 && len(g.boxes) > 1 {
			prefix = prefix[:at]
		} else {
			prefix = ""
		}
		several := slices.ContainsFunc(l.Boxes, func(b Box) bool { return b.Schema != first.Schema })
		switch {
		case first.View() && len(known) == 0:
			g.title = "Views"
		case len(known) == 0:
			g.title = "Tables without foreign keys"
		case prefix != "":
			g.title = prefix
		default:
			g.title = "Around " + l.Boxes[best].Label
		}
		if several && space != "" {
			g.title = space + ": " + g.title
		}
		g.w = max(g.w, 32+8.2*float64(letters(shorten(g.title)))) // it stands within
	}
}

// screen is how much wider than high a picture is best.
const screen = 1.65

// pack puts the groups side by side into rows, so wide that they are as large
// as can be on a screen.
func (l *layout) pack() {
	wide, all := 0.0, 0.0
	for _, g := range l.groups {
		wide, all = max(wide, g.w), all+g.w+margin
	}
	best, least := wide, math.Inf(1)
	for limit := wide; limit < all+wide/10; limit += wide / 10 {
		w, h := l.rows(limit, func(*group, float64, float64) {})
		if size := max(w/screen, h); size < least-1 {
			best, least = limit, size
		}
	}
	l.width, l.height = l.rows(best, func(g *group, x, y float64) {
		g.x, g.y = x, y
		l.move(g, x, y)
	})
}

// rows gives each group its place, in rows that are no wider than the limit,
// and says how much they take.
func (l *layout) rows(limit float64, put func(g *group, x, y float64)) (width, height float64) {
	x, y, high := 0.0, 0.0, 0.0
	for i := range l.groups {
		g := &l.groups[i]
		if x > 0 && x+g.w > limit {
			x, y, high = 0, y+high+margin, 0
		}
		put(g, x, y)
		width, height = max(width, x+g.w), max(height, y+g.h)
		x, high = x+g.w+margin, max(high, g.h)
	}
	return width, height
}

// hues are the colours of the boxes' heads, by number: one for each schema
// where there are several, else for each beginning that names share
// (film, film_actor).
func (l *layout) hues() []int {
	key := make([]string, len(l.Boxes))
	several, times := false, map[string]int{}
	for i, b := range l.Boxes {
		several = several || b.Schema != l.Boxes[0].Schema
		key[i], _, _ = strings.Cut(b.Name, "_")
		if !b.View() {
			times[key[i]]++
		}
	}
	number, hues := map[string]int{}, make([]int, len(l.Boxes))
	for i, b := range l.Boxes {
		switch {
		case b.View():
			continue
		case several:
			key[i] = b.Schema
		case times[key[i]] < 2:
			continue // the first colour
		}
		if _, ok := number[key[i]]; !ok {
			number[key[i]] = len(number) + 1
		}
		hues[i] = number[key[i]] % 6
	}
	return hues
}
