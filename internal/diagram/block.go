package diagram

import (
	"cmp"
	"math"
	"slices"
)

// block lays out boxes that lines lead between.
type block struct {
	*layout
	members []int
	lines   []int
	column  map[int]int // of each box
	columns [][]int     // the boxes in each, from above
	near    map[int][]end
}

// end is the other end of a line, as the box at this end sees it: where they
// are level, the tops of the boxes are that far apart.
type end struct {
	box int
	off float64
}

func newBlock(l *layout, members []int) *block {
	b := &block{layout: l, members: members, lines: l.linesOf(members), column: map[int]int{}, near: map[int][]end{}}
	for _, i := range b.lines {
		x := l.Lines[i]
		if x.From == x.To {
			continue
		}
		off := l.Boxes[x.To].rowY(x.ToRow) - l.Boxes[x.From].rowY(x.FromRow)
		b.near[x.From] = append(b.near[x.From], end{x.To, off})
		b.near[x.To] = append(b.near[x.To], end{x.From, -off})
	}
	return b
}

func (b *block) place() {
	b.stack(b.layers())
	b.order()
	r := newRoutes(b)
	r.draw()
}

// layers says how far to the right each box stands: behind all that it
// references, where no circle forbids it.
func (b *block) layers() map[int]int {
	parents, children := map[int][]int{}, map[int][]int{}
	for _, i := range b.lines {
		if x := b.Lines[i]; x.From != x.To && !slices.Contains(parents[x.From], x.To) {
			parents[x.From] = append(parents[x.From], x.To)
		}
	}
	// Depth first; a reference back to where we are coming from closes a circle.
	const open, done = 1, 2
	state, layer := map[int]int{}, map[int]int{}
	var visit func(m int)
	visit = func(m int) {
		state[m] = open
		for _, p := range parents[m] {
			if state[p] == 0 {
				visit(p)
			}
			if state[p] == done {
				layer[m] = max(layer[m], layer[p]+1)
				children[p] = append(children[p], m)
			}
		}
		state[m] = done
	}
	for _, m := range b.members {
		if state[m] == 0 {
			visit(m)
		}
	}
	// What references nothing stands next to the first that references it.
	for _, m := range b.members {
		if layer[m] == 0 && len(children[m]) > 0 {
			first := math.MaxInt
			for _, c := range children[m] {
				first = min(first, layer[c])
			}
			layer[m] = first - 1
		}
	}
	return layer
}

// stack makes columns of layers; one that is too high becomes several.
func (b *block) stack(layer map[int]int) {
	area, wide := 0.0, 0.0
	for _, m := range b.members {
		area += (b.boxes[m].w + 90) * (b.boxes[m].h + boxGap)
		wide = max(wide, b.boxes[m].h)
	}
	limit := max(wide, math.Sqrt(area/1.5))
	for at := 0; ; at++ {
		var in []int
		for _, m := range b.members {
			if layer[m] == at {
				in = append(in, m)
			}
		}
		if len(in) == 0 {
			if at >= len(b.members) {
				break
			}
			continue
		}
		high := 0.0
		for _, m := range in {
			high += b.boxes[m].h + boxGap
		}
		each := high / math.Ceil(high/limit)
		// Those that know the same tables stay together.
		slices.SortStableFunc(in, func(x, y int) int { return cmp.Compare(b.leftmost(x), b.leftmost(y)) })
		var column []int
		filled := 0.0
		for _, m := range in {
			if h := b.boxes[m].h + boxGap; len(column) > 0 && filled+h/2 > each {
				b.columns, column, filled = append(b.columns, column), nil, 0
			}
			column, filled = append(column, m), filled+b.boxes[m].h+boxGap
		}
		b.columns = append(b.columns, column)
	}
	b.merge(limit)
	for c, column := range b.columns {
		wide := 0.0
		for _, m := range column {
			b.column[m] = c
			wide = max(wide, b.boxes[m].w)
		}
		for _, m := range column {
			b.boxes[m].w = wide
		}
	}
}

// merge puts columns together that leave much of their height empty, so that a
// long chain of references does not make a long picture.
func (b *block) merge(limit float64) {
	high := func(column []int) (sum float64) {
		for _, m := range column {
			sum += b.boxes[m].h + boxGap
		}
		return sum
	}
	var out [][]int
	for _, column := range b.columns {
		if n := len(out); n > 0 && high(out[n-1])+high(column) <= limit {
			out[n-1] = append(out[n-1], column...)
			continue
		}
		out = append(out, column)
	}
	b.columns = out
}

// leftmost is the first of a box's neighbours, by number.
func (b *block) leftmost(m int) int {
	least := math.MaxInt
	for _, e := range b.near[m] {
		least = min(least, e.box)
	}
	return least
}

// order puts the boxes of each column near to those that they are linked to,
// and keeps the best that it finds.
func (b *block) order() {
	for _, column := range b.columns {
		y := 0.0
		for _, m := range column {
			b.boxes[m].y = y
			y += b.boxes[m].h + boxGap
		}
	}
	gaps := func(int, int) float64 { return boxGap }
	best, kept := math.Inf(1), [][]int(nil)
	at := map[int]float64{}
	for round := range 24 {
		for i := range b.columns {
			c := i
			if round%2 == 1 {
				c = len(b.columns) - 1 - i
			}
			column := b.columns[c]
			wish := map[int]float64{}
			for _, m := range column {
				wish[m] = b.wish(m) + b.boxes[m].h/2
			}
			slices.SortStableFunc(column, func(x, y int) int { return cmp.Compare(wish[x], wish[y]) })
			b.settle(c, gaps)
		}
		if cost := b.cost(); cost < best-1 {
			best, kept = cost, nil
			for _, column := range b.columns {
				kept = append(kept, slices.Clone(column))
				for _, m := range column {
					at[m] = b.boxes[m].y
				}
			}
		}
	}
	b.columns = kept
	for m, y := range at {
		b.boxes[m].y = y
	}
}

// wish is where a box would have its top: level with its neighbours.
func (b *block) wish(m int) float64 {
	if len(b.near[m]) == 0 {
		return b.boxes[m].y
	}
	sum, weight := 0.0, 0.0
	for _, e := range b.near[m] {
		// Those nearby count for more; the lines to the others are long anyway.
		w := 1 / (1 + math.Abs(float64(b.column[e.box]-b.column[m])))
		sum += w * (b.boxes[e.box].y + e.off)
		weight += w
	}
	return sum / weight
}

// settle puts the boxes of a column where they wish to be, as far as the order
// and the gaps allow.
func (b *block) settle(c int, gap func(column, below int) float64) {
	column := b.columns[c]
	wishes, sizes := make([]float64, len(column)), make([]float64, len(column))
	for i, m := range column {
		wishes[i], sizes[i] = b.wish(m), b.boxes[m].h
		if i < len(column)-1 {
			sizes[i] += gap(c, i)
		}
	}
	for i, y := range apart(wishes, sizes) {
		b.boxes[column[i]].y = math.Round(y)
	}
}

// cost is how long the lines are, across columns, and how high it all is.
func (b *block) cost() float64 {
	sum, top, bottom := 0.0, math.Inf(1), math.Inf(-1)
	for _, m := range b.members {
		top, bottom = min(top, b.boxes[m].y), max(bottom, b.boxes[m].y+b.boxes[m].h)
		for _, e := range b.near[m] {
			sum += math.Abs(b.boxes[e.box].y + e.off - b.boxes[m].y)
		}
	}
	return sum + float64(len(b.columns))*(bottom-top)
}

// apart finds places as near as can be to those that are wished for, in the
// given order, each as far behind the one before as that is large.
func apart(wishes, sizes []float64) []float64 {
	type run struct {
		first, n int
		sum      float64 // of where each would have the run's beginning
	}
	offsets := make([]float64, len(wishes))
	for i := 1; i < len(wishes); i++ {
		offsets[i] = offsets[i-1] + sizes[i-1]
	}
	mean := func(r run) float64 { return r.sum / float64(r.n) }
	var runs []run
	for i, w := range wishes {
		runs = append(runs, run{i, 1, w - offsets[i]})
		for n := len(runs); n > 1 && mean(runs[n-2]) > mean(runs[n-1]); n = len(runs) {
			runs[n-2].n += runs[n-1].n
			runs[n-2].sum += runs[n-1].sum
			runs = runs[:n-1]
		}
	}
	out := make([]float64, len(wishes))
	for _, r := range runs {
		for i := r.first; i < r.first+r.n; i++ {
			out[i] = mean(r) + offsets[i]
		}
	}
	return out
}
