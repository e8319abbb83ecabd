// Package model holds a model of the lock's protocol (lock.pml), which its
// test has checked by spin. docs/lock-protocol.md tells about it.
package model
