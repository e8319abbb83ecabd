// Package proof holds the tests that break a run wherever it can be broken,
// and look at what is left: faults on the wire between the program and its
// server, the released program killed at every place, many of them at once,
// and all of that at random for a while.
//
// There is nothing here but tests. They take minutes, so that three ways lead
// to them: go test tries every seventh point, and a small sample under -race
// and -short; ./test does it with and without -race. DBWARDEN_TEST_SOAK=5m
// has the one at random go on for so long, and leaves no point out.
package proof
