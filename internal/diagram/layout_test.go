package diagram

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/schema"
)

// sound fails where boxes or groups overlap, or a line runs through a box,
// is slanted, or does not begin and end at its own two.
func sound(t *testing.T, l *layout) {
	t.Helper()
	overlap := func(a, b rect) bool { return a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h }
	for i := range l.boxes {
		for j := range i {
			if overlap(l.boxes[i], l.boxes[j]) {
				t.Errorf("%s and %s overlap", l.Boxes[i].Label, l.Boxes[j].Label)
			}
		}
		if b := l.boxes[i]; math.IsNaN(b.x+b.y) || b.x < 0 || b.y < 0 || b.x+b.w > l.width || b.y+b.h > l.height {
			t.Errorf("%s is outside: %v", l.Boxes[i].Label, b)
		}
	}
	for i := range l.groups {
		for j := range i {
			if overlap(l.groups[i].rect, l.groups[j].rect) {
				t.Errorf("groups %d and %d overlap", i, j)
			}
		}
	}
	for i, x := range l.Lines {
		p := l.paths[i]
		for n := 1; n < len(p); n++ {
			a, b := p[n-1], p[n]
			if a.x != b.x && a.y != b.y {
				t.Errorf("line %d is slanted", i)
			}
			way := rect{min(a.x, b.x), min(a.y, b.y), math.Abs(a.x - b.x), math.Abs(a.y - b.y)}
			for m, box := range l.boxes {
				// Its edge may be touched: there lines end.
				inside := rect{box.x + 0.5, box.y + 0.5, box.w - 1, box.h - 1}
				if way.x < inside.x+inside.w && inside.x < way.x+way.w+1e-9 && way.y < inside.y+inside.h && inside.y < way.y+way.h+1e-9 {
					t.Errorf("line %d, from %s to %s, runs through %s", i, l.Boxes[x.From].Label, l.Boxes[x.To].Label, l.Boxes[m].Label)
				}
			}
		}
		for _, e := range []struct {
			at       point
			box, row int
		}{{p[0], x.From, x.FromRow}, {p[len(p)-1], x.To, x.ToRow}} {
			b := l.boxes[e.box]
			if (e.at.x != b.x && e.at.x != b.x+b.w) || math.Abs(e.at.y-(b.y+l.Boxes[e.box].rowY(e.row))) > 1e-6 {
				t.Errorf("line %d does not end at %s", i, l.Boxes[e.box].Label)
			}
		}
	}
}

func TestTwoHundredTablesAreLegibleSoonAndAlwaysTheSame(t *testing.T) {
	t.Parallel()
	state := large(200)
	// The best of some: others may have the machine meanwhile.
	var l *layout
	best := time.Hour
	for try := 0; try < 5 && best > time.Second; try++ {
		start := time.Now()
		l = lay(Of(state, Options{}))
		best = min(best, time.Since(start))
	}
	if best > time.Second {
		t.Errorf("200 tables took %s", best)
	}
	if len(l.Lines) < 200 {
		t.Fatalf("only %d lines", len(l.Lines))
	}
	sound(t, l)
	if l.width > 4*l.height || l.height > 4*l.width {
		t.Errorf("it is %.0f wide and %.0f high", l.width, l.height)
	}
	page := Of(state, Options{}).HTML()
	for range 3 {
		if Of(state, Options{}).HTML() != page {
			t.Fatal("the same schema gave two pages")
		}
	}
}

// Schemas of any shape: circles, tables that know themselves, several keys
// between the same two, keys without columns that are there.
func TestNoLineRunsThroughABox(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := &schema.State{}
		n := 1 + r.IntN(30)
		name := func(i int) string { return string(rune('a'+i%26)) + string(rune('a'+i/26)) }
		for i := range n {
			table := schema.Table{Name: name(i), PrimaryKey: &schema.Key{Columns: []string{"id"}}, Columns: []schema.Column{{Name: "id"}}}
			for c := range r.IntN(12) {
				table.Columns = append(table.Columns, schema.Column{Name: string(rune('a' + c))})
			}
			for range r.IntN(1 + r.IntN(5)) {
				column := string(rune('a' + r.IntN(12)))
				table.ForeignKeys = append(table.ForeignKeys, schema.ForeignKey{Columns: []string{column}, RefTable: name(r.IntN(n)), RefColumns: []string{[]string{"id", "a", "gone"}[r.IntN(3)]}})
			}
			s.Tables = append(s.Tables, table)
		}
		for i := range r.IntN(5) {
			s.Views = append(s.Views, schema.View{Name: name(i), Columns: []schema.Column{{Name: "x"}}})
		}
		sound(t, lay(Of(s, Options{})))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestAnEmptySchemaIsAPicture(t *testing.T) {
	t.Parallel()
	p := Of(&schema.State{}, Options{})
	for _, text := range []string{p.Mermaid(), p.DOT(), p.SVG(), p.HTML()} {
		if text == "" {
			t.Error("nothing")
		}
	}
	sound(t, lay(p))
}
