package proof_test

import "testing"

// sample says whether the n-th of a matrix's points is tried. Without -race
// and -short all are, or as many as the whole of them affords: one of sparse.
// With either it is far fewer. offset tells the columns of a matrix apart, so
// that they try different points and together try more.
func sample(n, offset, sparse int) bool {
	switch {
	case testing.Short():
		sparse *= 23
	case raced:
		sparse *= 17
	}
	return (n+5*offset)%sparse == 0
}
