package schema

import "slices"

// Order puts things behind what they need. It keeps the given order wherever
// needs leave the choice, so that one state has one script. A circle is cut
// where it closes: what the first of its things needs goes before that one.
func Order[T any](all []T, id func(T) ID, needs []Dependency) []T {
	at := make(map[ID]int, len(all))
	for i, x := range all {
		at[id(x)] = i
	}
	before := make([][]int, len(all))
	for _, d := range needs {
		from, ok := at[d.Object]
		to, there := at[d.Needs]
		if ok && there && from != to {
			before[from] = append(before[from], to)
		}
	}
	out := make([]T, 0, len(all))
	seen := make([]bool, len(all))
	var visit func(int)
	visit = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		slices.Sort(before[i])
		for _, b := range before[i] {
			visit(b)
		}
		out = append(out, all[i])
	}
	for i := range all {
		visit(i)
	}
	return out
}
