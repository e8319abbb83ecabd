package render

import "strings"

// around is how many lines of what is the same are shown beside a difference.
const around = 3

// mostCells bounds the work of comparing: what is longer is shown as one
// difference between its ends.
const mostCells = 4_000_000

// Lines shows how two texts differ, line by line: those that are gone, those
// that are new, and a few around them.
func Lines(before, after string) string {
	a, b := split(before), split(after)
	type line struct {
		mark byte
		text string
	}
	var all []line
	i, j := 0, 0
	for _, m := range common(a, b) {
		for ; i < m[0]; i++ {
			all = append(all, line{'-', a[i]})
		}
		for ; j < m[1]; j++ {
			all = append(all, line{'+', b[j]})
		}
		all = append(all, line{' ', a[i]})
		i, j = i+1, j+1
	}
	for ; i < len(a); i++ {
		all = append(all, line{'-', a[i]})
	}
	for ; j < len(b); j++ {
		all = append(all, line{'+', b[j]})
	}
	near := make([]bool, len(all))
	for k, l := range all {
		if l.mark != ' ' {
			for n := max(0, k-around); n <= min(len(all)-1, k+around); n++ {
				near[n] = true
			}
		}
	}
	var out []string
	for k, l := range all {
		switch {
		case near[k]:
			out = append(out, strings.TrimRight("  "+string(l.mark)+" "+Plain(l.text), " "))
		case k == 0 || near[k-1]:
			out = append(out, "  …")
		}
	}
	return strings.Join(out, "\n")
}

func split(text string) []string {
	return strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
}

// common are the lines that both have, in their order, by their numbers: as
// many as there can be.
func common(a, b []string) (out [][2]int) {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		out = append(out, [2]int{head, head})
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	x, y := a[head:len(a)-tail], b[head:len(b)-tail]
	if len(x)*len(y) <= mostCells {
		// longest[i][j] is of what begins there.
		longest := make([][]int32, len(x)+1)
		for i := range longest {
			longest[i] = make([]int32, len(y)+1)
		}
		for i := len(x) - 1; i >= 0; i-- {
			for j := len(y) - 1; j >= 0; j-- {
				if x[i] == y[j] {
					longest[i][j] = longest[i+1][j+1] + 1
				} else {
					longest[i][j] = max(longest[i+1][j], longest[i][j+1])
				}
			}
		}
		for i, j := 0, 0; i < len(x) && j < len(y); {
			switch {
			case x[i] == y[j]:
				out = append(out, [2]int{head + i, head + j})
				i, j = i+1, j+1
			case longest[i+1][j] >= longest[i][j+1]:
				i++
			default:
				j++
			}
		}
	}
	for k := tail; k > 0; k-- {
		out = append(out, [2]int{len(a) - k, len(b) - k})
	}
	return out
}
