//go:build unix && !linux

package sqlite

// system is flock where locks of an open file cannot be looked at otherwise.
var system = flocker
