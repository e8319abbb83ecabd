package diagram

import (
	_ "embed"
	"fmt"
	"html"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

//go:embed picture.css
var pictureCSS string

// SVG writes the picture as a file that a browser, or a page's <img>, shows.
func (p *Picture) SVG() string { return lay(p).svg(true) }

// svg is the picture; styled, it brings its own colours.
func (l *layout) svg(styled bool) string {
	var b strings.Builder
	left, top := -20.0, -20.0
	width, height := l.width+40, l.height+40+legendHeight
	if width < legendWidth {
		width = legendWidth
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="%s %s %s %s" width="%s" height="%s" role="group" aria-label="%s">`+"\n",
		num(left), num(top), num(width), num(height), num(width), num(height), escape("Tables of "+l.Title))
	if styled {
		fmt.Fprintf(&b, "<!-- %s -->\n<style>\n%s</style>\n", Maker, pictureCSS)
	}
	fmt.Fprintf(&b, `<rect class="ground" x="%s" y="%s" width="%s" height="%s"/>`+"\n", num(left), num(top), num(width), num(height))
	for _, g := range l.groups {
		fmt.Fprintf(&b, `<g class="group"><rect x="%s" y="%s" width="%s" height="%s" rx="10"/><text x="%s" y="%s">%s</text></g>`+"\n",
			num(g.x), num(g.y), num(g.w), num(g.h), num(g.x+16), num(g.y+24), escape(shorten(g.title)))
	}
	for i, x := range l.Lines {
		l.svgLine(&b, i, x)
	}
	hues := l.hues()
	for i := range l.Boxes {
		l.svgBox(&b, i, hues[i])
	}
	l.svgLegend(&b, l.height+34)
	b.WriteString("</svg>\n")
	return b.String()
}

func (l *layout) svgLine(b *strings.Builder, i int, x Line) {
	p := l.paths[i]
	fmt.Fprintf(b, `<g class="line%s" data-from="b%d" data-to="b%d"><title>%s</title>`, classOf(x.Mark), x.From, x.To, escape(lineTitle(l.Picture, x)))
	d := roundedPath(p)
	fmt.Fprintf(b, `<path class="wide" d="%s"/><path d="%s"/>`, d, d)
	many, one := p[0], p[len(p)-1]
	out := sideOf(p[0], p[1])
	// The end with the key: how many rows may be there.
	at := many.x + out*14
	if x.One {
		fmt.Fprintf(b, `<path d="M%s %sv10"/>`, num(many.x+out*7), num(many.y-5))
	} else {
		fmt.Fprintf(b, `<path d="M%s %sL%s %sL%s %s"/>`, num(many.x), num(many.y-5), num(many.x+out*10), num(many.y), num(many.x), num(many.y+5))
	}
	fmt.Fprintf(b, `<circle cx="%s" cy="%s" r="3.5"/>`, num(at), num(many.y))
	// The end that is referenced: one, or none where the key may be null.
	out = sideOf(one, p[len(p)-2])
	fmt.Fprintf(b, `<path d="M%s %sv10"/>`, num(one.x+out*7), num(one.y-5))
	if x.Optional {
		fmt.Fprintf(b, `<circle cx="%s" cy="%s" r="3.5"/>`, num(one.x+out*14), num(one.y))
	} else {
		fmt.Fprintf(b, `<path d="M%s %sv10"/>`, num(one.x+out*11), num(one.y-5))
	}
	b.WriteString("</g>\n")
}

// sideOf is 1 where a line leaves to the right, else -1.
func sideOf(from, next point) float64 {
	if next.x < from.x {
		return -1
	}
	return 1
}

// roundedPath is a path with its corners taken off.
func roundedPath(p []point) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%s %s", num(p[0].x), num(p[0].y))
	for i := 1; i < len(p)-1; i++ {
		before, at, behind := p[i-1], p[i], p[i+1]
		r := min(6, dist(before, at)/2, dist(at, behind)/2)
		a, z := toward(at, before, r), toward(at, behind, r)
		fmt.Fprintf(&b, "L%s %sQ%s %s %s %s", num(a.x), num(a.y), num(at.x), num(at.y), num(z.x), num(z.y))
	}
	last := p[len(p)-1]
	fmt.Fprintf(&b, "L%s %s", num(last.x), num(last.y))
	return b.String()
}

func dist(a, b point) float64 { return max(a.x-b.x, b.x-a.x) + max(a.y-b.y, b.y-a.y) }

// toward is the point so far from a on the way to b; one of the two ways is 0.
func toward(a, b point, far float64) point {
	d := dist(a, b)
	if d == 0 {
		return a
	}
	return point{a.x + (b.x-a.x)*far/d, a.y + (b.y-a.y)*far/d}
}

func (l *layout) svgBox(b *strings.Builder, i, hue int) {
	box, at := &l.Boxes[i], l.boxes[i]
	class, head := "", "head"+strconv.Itoa(hue)
	if box.View() {
		class, head = " view", "headv"
	}
	about := box.Label + ", " + box.Kind
	if box.Mark != "" {
		about += ", " + word(box.Mark)
	}
	fmt.Fprintf(b, `<g class="box%s%s" id="b%d" data-name="%s" tabindex="0" role="group" aria-label="%s">`+"\n", class, classOf(box.Mark), i, escape(box.Label), escape(about))
	title := box.Label
	if box.Comment != "" {
		title += "\n" + box.Comment
	}
	fmt.Fprintf(b, `<title>%s</title><rect class="body" x="%s" y="%s" width="%s" height="%s" rx="6"/>`, escapeLines(title), num(at.x), num(at.y), num(at.w), num(at.h))
	fmt.Fprintf(b, `<path class="%s" d="M%s %sv-%sq0 -5 5 -5h%sq5 0 5 5v%sz"/>`, head, num(at.x+1), num(at.y+headHeight), num(headHeight-6), num(at.w-12), num(headHeight-6))
	x := at.x + 10
	if box.Mark != "" {
		fmt.Fprintf(b, `<text class="sign" x="%s" y="%s">%s</text>`, num(x), num(at.y+20), sign(box.Mark))
		x += 14
	}
	fmt.Fprintf(b, `<text class="name" x="%s" y="%s">%s</text>`, num(x), num(at.y+20), escape(shorten(box.Label)))
	kind := ""
	if box.Kind != "table" {
		kind = box.Kind
	}
	if box.Mark != "" {
		kind = strings.TrimSpace(kind + " " + word(box.Mark))
	}
	if kind != "" {
		fmt.Fprintf(b, `<text class="kind" x="%s" y="%s" text-anchor="end">%s</text>`, num(at.x+at.w-10), num(at.y+20), escape(kind))
	}
	b.WriteString("\n")
	for n, r := range box.Rows {
		svgRow(b, r, at, at.y+headHeight+rowHeight*float64(n)+1, n, box.View())
	}
	b.WriteString("</g>\n")
}

func svgRow(b *strings.Builder, r Row, at rect, y float64, n int, view bool) {
	class := classOf(r.Mark)
	if r.Primary {
		class += " primary"
	}
	kind := shorten(r.Type)
	title := r.Name + " " + r.Type
	if !view {
		title += map[bool]string{true: ", may be null", false: ", not null"}[r.Nullable]
	}
	if r.Mark != "" {
		title += ", " + word(r.Mark)
	}
	if r.Comment != "" {
		title += "\n" + r.Comment
	}
	fmt.Fprintf(b, `<g class="row%s" data-name="%s"><title>%s</title>`, class, escape(r.Name), escapeLines(title))
	if n%2 == 1 || r.Mark != "" {
		fmt.Fprintf(b, `<rect class="stripe" x="%s" y="%s" width="%s" height="%d"/>`, num(at.x+2), num(y), num(at.w-4), rowHeight)
	}
	line := num(y + 14)
	x := at.x + 8
	if r.Mark != "" {
		fmt.Fprintf(b, `<text class="sign" x="%s" y="%s">%s</text>`, num(at.x+at.w-9-charWidth), line, sign(r.Mark))
	}
	for _, k := range []struct {
		has         bool
		class, word string
	}{{r.Primary, "pk", "PK"}, {r.Foreign, "fk", "FK"}, {r.Unique && !r.Primary, "uq", "UQ"}} {
		if k.has {
			fmt.Fprintf(b, `<text class="keys %s" x="%s" y="%s">%s</text>`, k.class, num(x), line, k.word)
			x += 15
		}
	}
	fmt.Fprintf(b, `<text class="column" x="%s" y="%s">%s</text>`, num(at.x+42), line, escape(shorten(r.Name)))
	if r.Nullable && !view {
		kind += "?"
	}
	right := at.x + at.w - 10
	if r.Mark != "" {
		right -= 2 * charWidth
	} else if !r.Nullable || view {
		right -= charWidth // so that the types stand below one another
	}
	fmt.Fprintf(b, `<text class="type" x="%s" y="%s">%s</text></g>`+"\n", num(right), line, escape(kind))
}

const (
	legendHeight = 44.0
	legendWidth  = 900.0
)

// svgLegend says what the signs mean.
func (l *layout) svgLegend(b *strings.Builder, y float64) {
	fmt.Fprintf(b, `<g class="legend"><text x="0" y="%s">PK primary key · FK foreign key · UQ unique · ? may be null</text>`, num(y))
	fmt.Fprintf(b, `<g class="line"><path d="M440 %sh36m-36 -5l10 5l-10 5"/><circle cx="454" cy="%s" r="3.5"/></g><text x="484" y="%s">any number</text>`, num(y-4), num(y-4), num(y))
	fmt.Fprintf(b, `<g class="line"><path d="M584 %sh36m-29 -5v10m4 -10v10"/></g><text x="628" y="%s">exactly one</text>`, num(y-4), num(y))
	fmt.Fprintf(b, `<g class="line"><path d="M728 %sh36m-29 -5v10"/><circle cx="742" cy="%s" r="3.5"/></g><text x="772" y="%s">one or none</text>`, num(y-4), num(y-4), num(y))
	if l.Changed {
		x := 0.0
		for _, op := range []schema.Op{schema.Added, schema.Changed, schema.Removed} {
			fmt.Fprintf(b, `<g class="sample%s"><rect class="body" x="%s" y="%s" width="104" height="20" rx="4"/><text class="sign" x="%s" y="%s">%s</text><text x="%s" y="%s">%s</text></g>`,
				classOf(op), num(x+2), num(y+9), num(x+12), num(y+23), sign(op), num(x+28), num(y+23), word(op))
			x += 124
		}
		fmt.Fprintf(b, `<text x="%s" y="%s">by the pending migrations</text>`, num(x), num(y+23))
	}
	b.WriteString("</g>\n")
}

// classOf is the mark as a class behind others.
func classOf(op schema.Op) string {
	if op == "" {
		return ""
	}
	return " " + word(op)
}

// num is a number as short as it can be, to a tenth of a pixel.
func num(f float64) string {
	text := strconv.FormatFloat(f, 'f', 1, 64)
	text = strings.TrimSuffix(text, ".0")
	if text == "-0" {
		return "0"
	}
	return text
}

// escape is a text on one line in XML and in HTML, also in an attribute.
func escape(text string) string { return html.EscapeString(plain(text)) }

// escapeLines is escape of each line.
func escapeLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = escape(lines[i])
	}
	return strings.Join(lines, "\n")
}
