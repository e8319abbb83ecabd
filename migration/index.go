package migration

import "strings"

// An Index finds what has a version. Versions that follow one another without a
// gap, as most folders number them, are found by their number; others by their
// text. The zero value is empty.
type Index[T any] struct {
	first uint64
	row   []*T // of first, and of each number behind it
	rest  map[string]*T
}

// NewIndex makes an index with room for n.
func NewIndex[T any](n int) *Index[T] { return &Index[T]{row: make([]*T, 0, n)} }

// Put sets what is found of a version.
func (x *Index[T]) Put(v Version, t *T) {
	n, ok := v.number()
	if ok && len(x.row) == 0 && len(x.rest) == 0 {
		x.first = n
	}
	switch at := n - x.first; {
	case ok && n >= x.first && at < uint64(len(x.row)):
		x.row[at] = t
		return
	case ok && n >= x.first && at == uint64(len(x.row)):
		// It may be among the rest: this one is found first.
		x.row = append(x.row, t)
		return
	}
	if x.rest == nil {
		x.rest = make(map[string]*T, cap(x.row)-len(x.row))
	}
	x.rest[v.Key()] = t
}

// Find returns what was put there last, nil for nothing.
func (x *Index[T]) Find(v Version) *T {
	if n, ok := v.number(); ok && n >= x.first && n-x.first < uint64(len(x.row)) {
		return x.row[n-x.first]
	}
	return x.rest[v.Key()]
}

// mostDigits are those of which every number fits into 64 bits.
const mostDigits = 19

// number is the version as a number, where it is one of 64 bits.
func (v Version) number() (n uint64, ok bool) {
	text := v.text
	if len(text) > mostDigits {
		text = strings.TrimLeft(text, "0")
	}
	for i := range len(text) {
		n = n*10 + uint64(text[i]-'0')
	}
	return n, v.text != "" && len(text) <= mostDigits
}
