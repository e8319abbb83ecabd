package schema

// Step is one statement on the way from one state to another.
type Step struct {
	SQL string

	// Alone: it shares no transaction with what stands before and behind it,
	// because the server refuses that, or because the lock of one of them
	// would be held for the time that another takes.
	Alone bool

	// Loses is what rows or columns of data are gone behind it, "" for none.
	Loses string
}

// Relative is an object's ID as Diff spells it: without the schema in which
// the state is at home.
func (s *State) Relative(id ID) ID { return inside(ID{}, id, s.Home) }
