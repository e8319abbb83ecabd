package diagram

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/schema"
)

// What comes, goes and changes is marked by signs and words, not by colours
// alone, in every format; what goes is drawn still.
func TestChangesAreToldWithoutColours(t *testing.T) {
	t.Parallel()
	before, after := shop(), shop()
	after.Tables = append(after.Tables[:0:0], after.Tables[1:]...)      // address goes
	after.Tables[2].Columns = after.Tables[2].Columns[:2]               // and two columns of orders
	after.Tables[2].ForeignKeys = after.Tables[2].ForeignKeys[:1]       // with a key
	after.Tables = append(after.Tables, schema.Table{Name: "newcomer"}) // and this one comes
	p := Of(after, Options{Changes: schema.Diff(before, after)})
	for _, c := range []struct {
		format, text string
		want         []string
	}{
		{"mermaid", p.Mermaid(), []string{`"− address":::dropped`, `"~ orders":::changed`, `"+ newcomer":::added`, `numeric(10_2) total "dropped, numeric(10,2)"`, `"− address" |o--o{ "~ orders" : "− ship_to"`}},
		{"dot", p.DOT(), []string{"<B>− address</B>", "<B>~ orders</B>", "<B>+ newcomer</B>", ">− total<", `label="− dropped"`, "legend"}},
		{"svg", p.SVG(), []string{`aria-label="address, table, dropped"`, `aria-label="orders, table, changed"`, `aria-label="newcomer, table, added"`, `<g class="row dropped" data-name="total">`, `<g class="line dropped"`, "by the pending migrations"}},
	} {
		for _, want := range c.want {
			if !strings.Contains(c.text, want) {
				t.Errorf("%s: %s is missing in\n%s", c.format, want, c.text)
			}
		}
	}
	if text := Of(after, Options{}).Mermaid(); strings.ContainsAny(text, "+−~") || strings.Contains(text, "classDef") {
		t.Errorf("marks where nobody asked for them:\n%s", text)
	}
	sound(t, lay(p))
}
