package diagram

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// routes finds the ways of a block's lines.
//
// Channel c is left of column c; the last one is right of all. Lines to the
// same row of the same box are a bundle: in a channel they share one lane, in
// a gap one passage.
type routes struct {
	*block
	ways  map[int]way            // of each line
	lanes map[lane]*span         // what a bundle takes of a channel
	gaps  map[bundle]map[int]int // by column: the gap that a bundle takes there
	pass  map[passage]float64    // where it runs there
}

// bundle is what lines share that lead to one row of one box.
type bundle struct{ box, row int }

type lane struct {
	channel int
	bundle
}

type passage struct {
	column int
	bundle
}

// span is the stretch of a channel that a lane takes, and where it is.
type span struct {
	top, bottom float64
	x           float64
}

// way is through which channels a line goes, in order. Between two of them it
// passes a column.
type way struct {
	bundle
	channels []int
}

func newRoutes(b *block) *routes {
	r := &routes{block: b, ways: map[int]way{}, lanes: map[lane]*span{}, gaps: map[bundle]map[int]int{}, pass: map[passage]float64{}}
	for _, i := range b.lines {
		x := b.Lines[i]
		w := way{bundle: bundle{x.To, x.ToRow}}
		from, to := b.column[x.From], b.column[x.To]
		switch {
		case from > to:
			for c := from; c > to; c-- {
				w.channels = append(w.channels, c)
			}
		case from < to:
			for c := from + 1; c <= to; c++ {
				w.channels = append(w.channels, c)
			}
		default:
			w.channels = []int{from + 1}
		}
		r.ways[i] = w
	}
	return r
}

// draw chooses the gaps, makes room in them, and draws the lines.
func (r *routes) draw() {
	for _, i := range r.lines {
		w := r.ways[i]
		for _, c := range w.columns(r) {
			if r.gaps[w.bundle] == nil {
				r.gaps[w.bundle] = map[int]int{}
			}
			r.gaps[w.bundle][c] = r.gap(c, r.portY(w.box, w.row))
		}
	}
	passing := map[[2]int]int{} // by column and gap
	for _, of := range r.gaps {
		for c, g := range of {
			passing[[2]int{c, g}]++
		}
	}
	room := func(c, below int) float64 {
		return max(boxGap, laneGap*float64(passing[[2]int{c, below + 1}]+1))
	}
	for range 4 {
		for c := range r.columns {
			r.settle(c, room)
		}
	}
	r.passages()
	r.spans()
	r.across()
	for _, i := range r.lines {
		r.paths[i] = r.path(i)
	}
}

// columns are those that a line passes.
func (w way) columns(r *routes) (cs []int) {
	for i := 1; i < len(w.channels); i++ {
		cs = append(cs, min(w.channels[i-1], w.channels[i]))
	}
	return cs
}

func (r *routes) portY(box, row int) float64 { return r.boxes[box].y + r.Boxes[box].rowY(row) }

// gap is the number of the gap in a column that is nearest to y: 0 is above
// all its boxes.
func (r *routes) gap(c int, y float64) int {
	column, best, far := r.columns[c], 0, math.Inf(1)
	for g := 0; g <= len(column); g++ {
		top, bottom := r.bounds(c, g)
		off := max(top-y, y-bottom, 0)
		if off < far {
			best, far = g, off
		}
	}
	return best
}

// bounds are where a gap begins and ends; the outer ones have one end only.
func (r *routes) bounds(c, g int) (top, bottom float64) {
	column := r.columns[c]
	top, bottom = math.Inf(-1), math.Inf(1)
	if g > 0 {
		b := r.boxes[column[g-1]]
		top = b.y + b.h
	}
	if g < len(column) {
		bottom = r.boxes[column[g]].y
	}
	return top, bottom
}

// bundles are in an order that depends on names alone.
func bundles[V any](of map[bundle]V) []bundle {
	return slices.SortedFunc(maps.Keys(of), func(a, b bundle) int { return cmp.Or(cmp.Compare(a.box, b.box), cmp.Compare(a.row, b.row)) })
}

// passages says at which height each bundle passes each column: as near to
// where it leads as the gap allows.
func (r *routes) passages() {
	for c := range r.columns {
		in := map[int][]bundle{}
		for _, b := range bundles(r.gaps) {
			if g, ok := r.gaps[b][c]; ok {
				in[g] = append(in[g], b)
			}
		}
		for g, all := range in {
			slices.SortStableFunc(all, func(a, b bundle) int { return cmp.Compare(r.portY(a.box, a.row), r.portY(b.box, b.row)) })
			top, bottom := r.bounds(c, g)
			wishes, sizes := make([]float64, len(all)), make([]float64, len(all))
			for i, b := range all {
				// No nearer to a box than the others behind it need.
				low, high := top+laneGap*float64(i+1), bottom-laneGap*float64(len(all)-i)
				wishes[i], sizes[i] = min(max(r.portY(b.box, b.row), low), high), laneGap
			}
			for i, y := range apart(wishes, sizes) {
				r.pass[passage{c, all[i]}] = y
			}
		}
	}
}

// heights are those at which a line enters and leaves each of its channels.
func (r *routes) heights(i int) []float64 {
	x, w := r.Lines[i], r.ways[i]
	ys := []float64{r.portY(x.From, x.FromRow)}
	for _, c := range w.columns(r) {
		ys = append(ys, r.pass[passage{c, w.bundle}])
	}
	return append(ys, r.portY(x.To, x.ToRow))
}

// spans says how much of each channel each bundle takes.
func (r *routes) spans() {
	for _, i := range r.lines {
		ys, w := r.heights(i), r.ways[i]
		for n, c := range w.channels {
			top, bottom := min(ys[n], ys[n+1]), max(ys[n], ys[n+1])
			at := lane{c, w.bundle}
			if s := r.lanes[at]; s != nil {
				s.top, s.bottom = min(s.top, top), max(s.bottom, bottom)
			} else {
				r.lanes[at] = &span{top: top, bottom: bottom}
			}
		}
	}
}

// across puts lanes into channels, as few beside one another as can be, and
// columns beside channels.
func (r *routes) across() {
	x := 0.0
	for c := 0; c <= len(r.columns); c++ {
		var in []*span
		for _, at := range slices.SortedFunc(maps.Keys(r.lanes), func(a, b lane) int {
			return cmp.Or(cmp.Compare(a.channel, b.channel), cmp.Compare(a.box, b.box), cmp.Compare(a.row, b.row))
		}) {
			if at.channel == c {
				in = append(in, r.lanes[at])
			}
		}
		// The shortest are nearest to the left, where most lead.
		slices.SortStableFunc(in, func(a, b *span) int { return cmp.Compare(a.bottom-a.top, b.bottom-b.top) })
		var beside [][]*span
		at := map[*span]int{}
		for _, s := range in {
			n := 0
			for ; n < len(beside); n++ {
				if !slices.ContainsFunc(beside[n], func(o *span) bool { return s.top < o.bottom+laneGap && o.top < s.bottom+laneGap }) {
					break
				}
			}
			if n == len(beside) {
				beside = append(beside, nil)
			}
			beside[n], at[s] = append(beside[n], s), n
		}
		const foot = 22 // for what stands at the lines' ends
		for s, n := range at {
			s.x = x + foot + laneGap*float64(n)
		}
		if len(beside) > 0 {
			x += 2*foot + laneGap*float64(len(beside)-1)
		} else if c > 0 && c < len(r.columns) {
			x += 2 * foot
		}
		if c < len(r.columns) {
			wide := 0.0
			for _, m := range r.columns[c] {
				r.boxes[m].x, wide = x, max(wide, r.boxes[m].w)
			}
			x += wide
		}
	}
}

// path are the corners of a line.
func (r *routes) path(i int) []point {
	x, w, ys := r.Lines[i], r.ways[i], r.heights(i)
	side := func(box, channel int) float64 {
		if channel > r.column[box] {
			return r.boxes[box].x + r.boxes[box].w
		}
		return r.boxes[box].x
	}
	p := []point{{side(x.From, w.channels[0]), ys[0]}}
	for n, c := range w.channels {
		at := r.lanes[lane{c, w.bundle}].x
		p = append(p, point{at, ys[n]}, point{at, ys[n+1]})
	}
	p = append(p, point{side(x.To, w.channels[len(w.channels)-1]), ys[len(ys)-1]})
	// Corners that are none.
	out := p[:1]
	for n := 1; n < len(p); n++ {
		if n < len(p)-1 && len(out) > 0 && out[len(out)-1].y == p[n].y && p[n].y == p[n+1].y {
			continue
		}
		out = append(out, p[n])
	}
	return out
}
