package mycheck

// What the tests compare with the server.
var (
	Copies   = copies
	Reserved = reserved
)
