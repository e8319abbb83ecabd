package schema

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// Op is what happened to an object.
type Op string

// The three things that can happen.
const (
	Added   Op = "added"
	Removed Op = "removed"
	Changed Op = "changed"
)

// Change is one difference between two states: an object that is there or not,
// with all that is in it, or one that is another one, with what about it is.
type Change struct {
	Op     Op      `json:"op"`
	ID     ID      `json:"object"`
	Fields []Field `json:"fields,omitempty"` // of a changed one

	// From and To are the object on either side, nil where it is not:
	// a Table, View, Column, Index and so on, by value.
	From any `json:"-"`
	To   any `json:"-"`
}

// Field is what changed about an object, by its name in JSON.
type Field struct {
	Name string `json:"name"`
	From any    `json:"from"`
	To   any    `json:"to"`
}

// String is a line for people: "changed column orders.amount: type, nullable".
func (c Change) String() string {
	text := string(c.Op) + " " + c.ID.String()
	for i, f := range c.Fields {
		text += [2]string{": ", ", "}[min(i, 1)] + f.Name
	}
	return text
}

// Diff finds what must happen to from to make it to, in an order that depends
// on nothing but the two. Both are read from servers of the same product.
//
// Objects are the same when they have the same name: a renamed one is removed
// and added. What stands in the home of its state has no schema here, so that
// two states can be compared that live in schemas of different names.
func Diff(from, to *State) []Change {
	d := differ{}
	d.parts(ID{}, reflect.ValueOf(*from), reflect.ValueOf(*to), from.Home, to.Home)
	return d.changes
}

type differ struct{ changes []Change }

// parts compares what two objects with the same name consist of, and returns
// the fields that differ. Objects inside have changes of their own.
func (d *differ) parts(of ID, from, to reflect.Value, home ...string) (fields []Field) {
	for i := range from.NumField() {
		a, b, field := from.Field(i), to.Field(i), from.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		tag := field.Tag.Get("diff")
		switch {
		case tag == "-":
			continue
		case isObjects(field.Type):
			common := d.objects(of, elements(a), elements(b), home)
			if tag == "order" && !slices.Equal(common[0], common[1]) {
				fields = append(fields, Field{name, names(common[0]), names(common[1])})
			}
			continue
		case tag == "text" && squeeze(a.String()) == squeeze(b.String()), same(a, b):
			continue
		}
		fields = append(fields, Field{name, a.Interface(), b.Interface()})
	}
	return fields
}

// known is an object under its name. Where several have one name, as checks
// without a name that say the same, they are counted.
type known struct {
	id ID
	n  int
}

// objects compares two lists of objects that belong to one. It returns the
// names of those on both sides, in the order of either.
func (d *differ) objects(of ID, from, to []object, home []string) (common [2][]known) {
	before, after := index(of, from, home[0]), index(of, to, home[1])
	all := append(slices.Clone(before.names), after.names...)
	slices.SortFunc(all, func(a, b known) int { return cmp.Or(compare(a.id, b.id), cmp.Compare(a.n, b.n)) })
	for _, k := range slices.Compact(all) {
		a, was := before.of[k]
		b, is := after.of[k]
		switch {
		case !was:
			d.changes = append(d.changes, Change{Op: Added, ID: k.id, To: b})
		case !is:
			d.changes = append(d.changes, Change{Op: Removed, ID: k.id, From: a})
		default:
			at := len(d.changes)
			if fields := d.parts(k.id, reflect.ValueOf(a), reflect.ValueOf(b), home...); len(fields) > 0 {
				// The object stands before what is in it.
				d.changes = slices.Insert(d.changes, at, Change{Op: Changed, ID: k.id, Fields: fields, From: a, To: b})
			}
		}
	}
	both := func(k known) bool { return before.of[k] == nil || after.of[k] == nil }
	return [2][]known{slices.DeleteFunc(before.names, both), slices.DeleteFunc(after.names, both)}
}

type indexed struct {
	names []known
	of    map[known]object
}

func index(of ID, all []object, home string) indexed {
	x := indexed{of: map[known]object{}}
	count := map[ID]int{}
	for _, o := range all {
		id := inside(of, o.id(), home)
		k := known{id, count[id]}
		count[id]++
		x.names, x.of[k] = append(x.names, k), o
	}
	return x
}

// inside is the ID of an object of its own or of one that belongs to another.
func inside(of, id ID, home string) ID {
	if of.Kind != "" {
		id.Schema, id.Of = of.Schema, of.Name
		return id
	}
	if id.Schema == home {
		id.Schema = ""
	}
	if id.Kind == KindSchema && id.Name == home {
		id.Name = ""
	}
	return id
}

func compare(a, b ID) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Of, b.Of), cmp.Compare(a.Name, b.Name))
}

func names(all []known) []string {
	out := []string{}
	for _, k := range all {
		out = append(out, k.id.Name)
	}
	return out
}

var objects = reflect.TypeFor[object]()

// isObjects tells lists of objects, and a pointer to one, from plain values.
func isObjects(t reflect.Type) bool {
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer) && t.Elem().Implements(objects)
}

func elements(v reflect.Value) (out []object) {
	if v.Kind() == reflect.Pointer {
		if !v.IsNil() {
			out = append(out, v.Elem().Interface().(object))
		}
		return out
	}
	for i := range v.Len() {
		out = append(out, v.Index(i).Interface().(object))
	}
	return out
}

// same compares plain values. No list and an empty one are the same.
func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}
