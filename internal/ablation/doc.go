// Package ablation holds the proof that the proofs prove something: it takes
// one safeguard out of the code at a time, and demands that a named test
// fails without it.
//
// There is nothing here but a test. It changes no file: the go command is
// given another text for one of them (go test -overlay).
package ablation
