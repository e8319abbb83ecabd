//go:build !linux

package dbtest

// memoryRoot is for Linux alone.
func memoryRoot() string { return "" }
