package proof_test

import (
	"os"
	"testing"
)

// sample says whether the n-th of a matrix's points is tried: one of eleven, of
// far more under -race and -short, and all of them in a soak. offset tells
// the columns of a matrix apart, so that what one leaves out another tries.
func sample(n, offset int) bool {
	every := 11
	switch {
	case os.Getenv("DBWARDEN_TEST_SOAK") != "":
		return true
	case testing.Short():
		every = 23
	case raced:
		every = 29
	}
	return (n+2*offset)%every == 0
}
