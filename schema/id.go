package schema

// Kind is the word for a sort of object.
type Kind string

// The kinds of objects that a State holds.
const (
	KindSchema     Kind = "schema"
	KindExtension  Kind = "extension"
	KindType       Kind = "type"
	KindSequence   Kind = "sequence"
	KindRoutine    Kind = "routine"
	KindTable      Kind = "table"
	KindView       Kind = "view"
	KindEvent      Kind = "event"
	KindColumn     Kind = "column"
	KindPrimaryKey Kind = "primary key"
	KindIndex      Kind = "index"
	KindForeignKey Kind = "foreign key"
	KindCheck      Kind = "check"
	KindPolicy     Kind = "policy"
	KindTrigger    Kind = "trigger"
	KindRule       Kind = "rule"
	KindGrant      Kind = "grant"
)

// ID names one object of a State. What belongs to another object has the
// name of that in Of: a column its table's, a check its table's or type's.
type ID struct {
	Kind   Kind   `json:"kind"`
	Schema string `json:"schema,omitempty"`
	Of     string `json:"of,omitempty"`
	Name   string `json:"name"`
}

// String is the ID as a person says it: "column public.actor.name".
func (i ID) String() string { return string(i.Kind) + " " + i.Path() }

// Path is the name with those of what the object belongs to, without the word
// for its kind.
func (i ID) Path() string {
	name := i.Name
	if i.Of != "" {
		name = i.Of + "." + name
	}
	if i.Schema != "" {
		name = i.Schema + "." + name
	}
	return name
}

// object is whatever has a name of its own.
type object interface{ id() ID }

func (x Namespace) id() ID { return ID{Kind: KindSchema, Name: x.Name} }
func (x Extension) id() ID { return ID{Kind: KindExtension, Name: x.Name} }
func (x Type) id() ID      { return x.ID() }
func (x Sequence) id() ID  { return x.ID() }
func (x Routine) id() ID   { return x.ID() }
func (x Table) id() ID     { return x.ID() }
func (x View) id() ID      { return x.ID() }
func (x Event) id() ID     { return ID{Kind: KindEvent, Schema: x.Schema, Name: x.Name} }
func (x Column) id() ID    { return ID{Kind: KindColumn, Name: x.Name} }
func (x Key) id() ID       { return ID{Kind: KindPrimaryKey} }
func (x Policy) id() ID    { return ID{Kind: KindPolicy, Name: x.Name} }
func (x Trigger) id() ID   { return ID{Kind: KindTrigger, Name: x.Name} }
func (x Rule) id() ID      { return ID{Kind: KindRule, Name: x.Name} }

// What may have no name is known by what it is about.

func (x Index) id() ID {
	if x.Name == "" {
		return ID{Kind: KindIndex, Name: list(x.Parts)}
	}
	return ID{Kind: KindIndex, Name: x.Name}
}

func (x ForeignKey) id() ID {
	if x.Name == "" {
		return ID{Kind: KindForeignKey, Name: list(x.Columns) + " to " + x.RefTable}
	}
	return ID{Kind: KindForeignKey, Name: x.Name}
}

func (x Check) id() ID {
	if x.Name == "" {
		return ID{Kind: KindCheck, Name: "(" + x.Expression + ")"}
	}
	return ID{Kind: KindCheck, Name: x.Name}
}

func (x Grant) id() ID {
	name := x.To
	if x.Grantable {
		name += " with grant option"
	}
	if x.Revoked {
		name += " revoked"
	}
	return ID{Kind: KindGrant, Name: name}
}

// ID names the type among the objects of its State.
func (x Type) ID() ID { return ID{Kind: KindType, Schema: x.Schema, Name: x.Name} }

// ID names the sequence.
func (x Sequence) ID() ID { return ID{Kind: KindSequence, Schema: x.Schema, Name: x.Name} }

// ID names the routine, with the arguments that tell it from its namesakes.
func (x Routine) ID() ID {
	return ID{Kind: KindRoutine, Schema: x.Schema, Name: x.Name + "(" + x.Arguments + ")"}
}

// ID names the table.
func (x Table) ID() ID { return ID{Kind: KindTable, Schema: x.Schema, Name: x.Name} }

// ID names the view.
func (x View) ID() ID { return ID{Kind: KindView, Schema: x.Schema, Name: x.Name} }

func list(names []string) string {
	text := "("
	for i, n := range names {
		if i > 0 {
			text += ", "
		}
		text += n
	}
	return text + ")"
}
