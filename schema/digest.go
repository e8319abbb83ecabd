package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"reflect"
	"slices"
)

// Digests are the objects of the state that stand by themselves, each with a
// digest of what it is, all that belongs to it included: columns, indexes,
// triggers, grants. Two states have the same ones exactly where Diff finds
// nothing between them.
func (s *State) Digests() map[ID]string {
	out := map[ID]string{}
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("diff") == "-" {
			continue
		}
		count := map[ID]int{}
		for _, o := range elements(v.Field(i)) {
			id := inside(ID{}, o.id(), s.Home)
			if count[id]++; count[id] > 1 {
				id.Name += fmt.Sprintf(" (%d)", count[id])
			}
			h := sha256.New()
			digest(h, reflect.ValueOf(o))
			out[id] = hex.EncodeToString(h.Sum(nil))
		}
	}
	return out
}

// digest writes what Diff would compare of an object.
func digest(h hash.Hash, v reflect.Value) {
	compared(h, v, func(field reflect.StructField, inside []object) {
		// Those with a name are the same in any order, unless it means
		// something.
		var all []string
		for _, o := range inside {
			one := sha256.New()
			fmt.Fprintf(one, "%q", o.id().Name)
			digest(one, reflect.ValueOf(o))
			all = append(all, string(one.Sum(nil)))
		}
		if field.Tag.Get("diff") != "order" {
			slices.Sort(all)
		}
		fmt.Fprintf(h, "%s %x\n", field.Name, all)
	})
}

// compared writes what Diff would compare of an object, but for the objects that
// are inside of it and have names of their own: each list of these it hands on.
// What is not set says nothing.
func compared(h hash.Hash, v reflect.Value, inside func(reflect.StructField, []object)) {
	for i := range v.NumField() {
		part, field := v.Field(i), v.Type().Field(i)
		tag := field.Tag.Get("diff")
		switch {
		case tag == "-", part.IsZero(), part.Kind() == reflect.Slice && part.Len() == 0:
		case isObjects(field.Type):
			inside(field, elements(part))
		case tag == "text":
			fmt.Fprintf(h, "%s %q\n", field.Name, squeeze(part.String()))
		default:
			text, err := json.Marshal(part.Interface())
			if err != nil {
				panic(err) // plain values: the same types are printed as JSON
			}
			fmt.Fprintf(h, "%s %s\n", field.Name, text)
		}
	}
}
