// Package arch holds the tests of the house's plan: who may import whom, what
// only the command may do, and which words the repository does not use. It
// has no code of its own.
package arch
