package main

import (
	"fmt"
	"html"
	"strings"
)

// chart draws each timed case as a pair of bars, dbwarden and the best peer,
// whose bar is always as long. An SVG with its own style for a dark page.
func (r *report) chart() string {
	const (
		bar, right = 420, 130
		row, thick = 46, 14
		top        = 44
		letter     = 7 // as wide as a letter of the titles is at most, on average
	)
	left := 0
	for _, x := range r.Results {
		if x.Figure == wall && x.ours() != nil && x.peer() != nil {
			left = max(left, 24+letter*len(x.charted()))
		}
	}
	var b strings.Builder
	y := top
	var body strings.Builder
	for _, x := range r.Results {
		ours, peer := x.ours(), x.peer()
		if x.Figure != wall || ours == nil || peer == nil {
			continue
		}
		ratio := ours.median(wall) / peer.median(wall)
		scale := 1.0
		if ratio > 1.5 {
			scale = 1.5 / ratio
		}
		unit := float64(bar) / 1.5 * scale
		fmt.Fprintf(&body, "<text class=\"t\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", left-12, y+thick+5, html.EscapeString(x.charted()))
		for i, s := range []*series{ours, peer} {
			class, w := "w", unit*ratio
			if i == 1 {
				class, w = "p", unit
			}
			at := y + i*(thick+3)
			fmt.Fprintf(&body, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n", class, left, at, max(w, 1), thick)
			fmt.Fprintf(&body, "<text class=\"n\" x=\"%.1f\" y=\"%d\">%s %s</text>\n", float64(left)+max(w, 1)+6, at+11, html.EscapeString(s.Tool), amount(wall, s.median(wall)))
		}
		y += row
	}
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %[1]d %[2]d\" role=\"img\" font-family=\"system-ui, sans-serif\">\n", left+bar+right, y+6)
	b.WriteString("<title>dbwarden and the best peer of each case; shorter is faster</title>\n")
	b.WriteString("<style>.h{font-size:15px;font-weight:600}.t{font-size:12.5px}.n{font-size:11.5px}.h,.t{fill:#1f2328}.n{fill:#59636e}.w{fill:#0969da}.p{fill:#afb8c1}" +
		"@media (prefers-color-scheme: dark){.h,.t{fill:#f0f6fc}.n{fill:#9198a1}.w{fill:#4493f8}.p{fill:#484f58}}</style>\n")
	fmt.Fprintf(&b, "<text class=\"h\" x=\"%d\" y=\"24\">Time of the whole command, dbwarden and the best peer: shorter is faster</text>\n", 16)
	b.WriteString(body.String())
	b.WriteString("</svg>\n")
	return b.String()
}

// charted is what a case is called where no other stands above it.
func (x *result) charted() string {
	rest, same := strings.CutPrefix(x.Title, "the same with ")
	if !same || x.Product == "" {
		return x.Title
	}
	return fmt.Sprintf("apply %d, %s, %s", x.Count, map[product]string{postgres: "PostgreSQL", mariadb: "MariaDB", sqlite: "SQLite"}[x.Product], rest)
}
