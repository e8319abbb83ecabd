package pgcheck

// What the tests compare with the server.
var (
	Change   = change
	Volatile = volatile
	Reserved = reserved
)

// The verdicts of Change.
const (
	Rewrites = rewrites
	Stays    = stays
	Depends  = depends
)
