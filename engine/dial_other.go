//go:build !linux

package engine

import "syscall"

// giveUpUnacknowledged leaves the time to the system.
func giveUpUnacknowledged(string, string, syscall.RawConn) error { return nil }
