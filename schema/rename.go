package schema

// Renaming says that an object bears another name from here on, and is the
// same one otherwise.
type Renaming struct {
	ID ID     `json:"object"` // as Diff spells it, under the old name
	To string `json:"to"`
}

// Renamed is the object's ID behind it. A primary key has none of its own: its
// table has one at most.
func (r Renaming) Renamed() ID {
	id := r.ID
	if id.Kind != KindPrimaryKey {
		id.Name = r.To
	}
	return id
}

// String is the renaming as one types it: "users.mail:users.email".
func (r Renaming) String() string { return r.ID.Path() + ":" + r.Renamed().Path() }
