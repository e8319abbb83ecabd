package render

import "strings"

// Changed shows two texts, line by line: what the first has alone behind a
// minus, what the second has alone behind a plus. Lines that both begin or end
// with stand once.
func Changed(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var out []string
	put := func(mark string, lines []string) {
		for _, l := range lines {
			out = append(out, "  "+mark+" "+Plain(strings.TrimRight(l, "\r")))
		}
	}
	put(" ", a[:head])
	put("-", a[head:len(a)-tail])
	put("+", b[head:len(b)-tail])
	put(" ", a[len(a)-tail:])
	return strings.Join(out, "\n")
}
