//go:build !unix

package cli

// unstopped: nothing stops a process here.
func unstopped(func()) (undo func()) { return func() {} }
