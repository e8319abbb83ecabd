// Package proof holds the tests that break a run wherever it can be broken,
// and look at what is left: faults on the wire between the program and its
// server, the released program killed at every place, and many of them at
// once.
//
// There is nothing here but tests. They take minutes, so that three ways lead
// to them: go test takes a sample under -race and a smaller one under -short,
// and everything without either; ./test does both.
package proof
