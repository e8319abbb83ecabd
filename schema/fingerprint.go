package schema

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// Prints are what a Fingerprint keeps: that every object is there, and a digest
// of what it is.
type Prints []Print

// Print is the digest of one object, without what belongs to it and has a name of
// its own.
type Print struct {
	ID     ID
	Number int // from 0: which of those with this ID
	Sum    string
}

// PrintKind names the way in which digests are made. Those of another kind say
// nothing of each other.
const PrintKind = "sha256/1"

// Fingerprint makes prints of a state: where Diff finds a change between two
// states, but for the order of columns, theirs differ by that object. Where it is
// enough to know whether an object changed with all that belongs to it, there
// are State.Digests.
func Fingerprint(s *State) Prints {
	p := printer{home: s.Home, count: map[ID]int{}}
	p.parts(ID{}, reflect.ValueOf(*s))
	slices.SortFunc(p.all, comparePrints)
	return p.all
}

type printer struct {
	home  string
	count map[ID]int
	all   Prints
}

// parts takes the prints of the objects in v, and returns the digest of the
// rest.
func (p *printer) parts(of ID, v reflect.Value) string {
	sum := sha256.New()
	compared(sum, v, func(_ reflect.StructField, inside []object) { p.objects(of, inside) })
	return base64.RawStdEncoding.EncodeToString(sum.Sum(nil)[:12])
}

func (p *printer) objects(of ID, all []object) {
	for _, o := range all {
		id := inside(of, o.id(), p.home)
		n := p.count[id]
		p.count[id]++
		p.all = append(p.all, Print{id, n, p.parts(id, reflect.ValueOf(o))})
	}
}

// comparePrints puts what belongs to an object behind it.
func comparePrints(a, b Print) int {
	return cmp.Or(cmp.Compare(a.ID.Schema, b.ID.Schema), cmp.Compare(cmp.Or(a.ID.Of, a.ID.Name), cmp.Or(b.ID.Of, b.ID.Name)),
		cmp.Compare(a.ID.Of, b.ID.Of), compare(a.ID, b.ID), cmp.Compare(a.Number, b.Number))
}

// Changes are what has happened between two fingerprints, by the names of the
// objects, without the fields: what belongs to an object that came or went is
// not told besides.
func (d Prints) Changes(to Prints) (changes []Change) {
	type key struct {
		id ID
		n  int
	}
	was, is := map[key]string{}, map[key]string{}
	for _, x := range d {
		was[key{x.ID, x.Number}] = x.Sum
	}
	for _, x := range to {
		is[key{x.ID, x.Number}] = x.Sum
	}
	all := append(slices.Clone(d), to...)
	slices.SortFunc(all, comparePrints)
	all = slices.CompactFunc(all, func(a, b Print) bool { return comparePrints(a, b) == 0 })

	whole := map[[2]string]bool{} // what came or went, by schema and name
	for _, x := range all {
		k := key{x.ID, x.Number}
		before, there := was[k]
		after, here := is[k]
		if x.ID.Of == "" && there != here && holds(x.ID.Kind) {
			whole[[2]string{x.ID.Schema, x.ID.Name}] = true
		}
		switch {
		case !there:
			changes = append(changes, Change{Op: Added, ID: x.ID})
		case !here:
			changes = append(changes, Change{Op: Removed, ID: x.ID})
		case before != after:
			changes = append(changes, Change{Op: Changed, ID: x.ID})
		}
	}
	return slices.DeleteFunc(changes, func(c Change) bool { return c.ID.Of != "" && whole[[2]string{c.ID.Schema, c.ID.Of}] })
}

// holds says whether objects of a kind have others in them.
func holds(k Kind) bool {
	return k == KindTable || k == KindView || k == KindType || k == KindSchema
}

// MarshalJSON writes them as short as they can be told: there are many.
func (d Prints) MarshalJSON() ([]byte, error) {
	rows := make([][6]any, len(d))
	for i, x := range d {
		rows[i] = [6]any{x.ID.Kind, x.ID.Schema, x.ID.Of, x.ID.Name, x.Number, x.Sum}
	}
	return json.Marshal(rows)
}

// UnmarshalJSON reads what MarshalJSON has written.
func (d *Prints) UnmarshalJSON(text []byte) error {
	var rows [][]json.RawMessage
	if err := json.Unmarshal(text, &rows); err != nil {
		return err
	}
	*d = make(Prints, len(rows))
	for i, row := range rows {
		x := &(*d)[i]
		into := []any{&x.ID.Kind, &x.ID.Schema, &x.ID.Of, &x.ID.Name, &x.Number, &x.Sum}
		if len(row) != len(into) {
			return fmt.Errorf("a digest has %d fields and not %d", len(row), len(into))
		}
		for f, value := range row {
			if err := json.Unmarshal(value, into[f]); err != nil {
				return err
			}
		}
	}
	return nil
}
