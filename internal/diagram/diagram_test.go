package diagram

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/schema"
)

// nasty are names that each format must keep names.
var nasty = []string{
	`<script>alert(1)</script>`, `a"b`, `it's`, `back\slash`, "two\nlines", `x --> y`, `%% comment`, `{brace}`, `]]>`, `&amp;`, `pk`, `FK-x`,
	`100%`, "tab\there", `日本語`, `🦉`, `end`, `erDiagram`, "\x01bell", `-->`, `</svg>`, `"]; evil [label="`, ` `, `a;b`, `#35;`, "\u202ertl", "`tick`", "class", "style",
}

// nastyState has a table for each of them, with a column and a type of the
// same name, and a reference to the one before.
func nastyState() *schema.State {
	s := &schema.State{Database: `"><b>`}
	for i, n := range nasty {
		t := schema.Table{Name: n, Comment: n, PrimaryKey: &schema.Key{Columns: []string{n}},
			Columns: []schema.Column{{Name: n, Type: n, Comment: n}, {Name: "numeric", Type: "numeric(10,2)", Nullable: true}}}
		if i > 0 {
			t.ForeignKeys = []schema.ForeignKey{{Name: n, Columns: []string{n}, RefTable: nasty[i-1], RefColumns: []string{nasty[i-1]}}}
		}
		s.Tables = append(s.Tables, t)
	}
	s.Views = []schema.View{{Name: nasty[0], Columns: []schema.Column{{Name: nasty[1], Type: nasty[2]}}}}
	return s
}

// The part of Mermaid's grammar of erDiagram that is used, as its lexer has
// it: what does not match here is no diagram there.
var mermaidLines = []*regexp.Regexp{
	regexp.MustCompile(`^%% made by dbwarden diagram$`),
	regexp.MustCompile(`^erDiagram$`),
	regexp.MustCompile(`^    "[^"%\\\r\n\v]+" \{$`),
	regexp.MustCompile(`^        [A-Za-z_À-\x{FFFF}][A-Za-z0-9_\-\[\]()À-\x{FFFF}]* [A-Za-z_À-\x{FFFF}][A-Za-z0-9_\-\[\]()À-\x{FFFF}]*( (PK|FK|UK)(, (PK|FK|UK))*)?( "[^"]*")?$`),
	regexp.MustCompile(`^    \}$`),
	regexp.MustCompile(`^    "[^"%\\\r\n\v]+" (\|\||\|o)--(o\||o\{) "[^"%\\\r\n\v]+" : "[^"]*"$`),
}

func TestMermaidIsWhatItsGrammarTakes(t *testing.T) {
	t.Parallel()
	text := Of(nastyState(), Options{}).Mermaid()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		ok := false
		for _, re := range mermaidLines {
			ok = ok || re.MatchString(line)
		}
		if !ok || regexp.MustCompile(`(?i)^        ([pfu]k\b|\S+ [pfu]k\b)`).MatchString(line) {
			t.Errorf("Mermaid does not take this line: %q", line)
		}
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^    (".*") \{$`).FindAllStringSubmatch(text, -1) {
		if seen[m[1]] {
			t.Errorf("two entities are called %s", m[1])
		}
		seen[m[1]] = true
	}
	if len(seen) != len(nasty)+1 {
		t.Errorf("%d entities, want %d", len(seen), len(nasty)+1)
	}
}

func TestMermaidSaysWhatAColumnIs(t *testing.T) {
	t.Parallel()
	text := Of(shop(), Options{}).Mermaid()
	for _, want := range []string{
		"    \"orders\" {\n        integer id PK\n        integer customer_id FK\n        integer ship_to FK \"null\"\n        numeric(10_2) total \"numeric(10,2)\"\n",
		"        text email UK\n",
		`    "customer" ||--o{ "orders" : "customer_id"`,
		`    "address" |o--o{ "orders" : "ship_to"`,
		`    "customer" ||--o| "profile" : "customer_id"`,
		"    \"totals (view)\" {\n        numeric sum\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// shop is a small state with a line of each kind.
func shop() *schema.State {
	id := func(more ...schema.Column) []schema.Column {
		return append([]schema.Column{{Name: "id", Type: "integer"}}, more...)
	}
	key := &schema.Key{Columns: []string{"id"}}
	return &schema.State{Database: "shop", Tables: []schema.Table{
		{Name: "address", Columns: id(), PrimaryKey: key},
		{Name: "customer", PrimaryKey: key, Columns: id(schema.Column{Name: "email", Type: "text"}), Indexes: []schema.Index{{Name: "e", Unique: true, Parts: []string{"email"}}}},
		{Name: "dbwarden_migrations", Own: true, Columns: id()},
		{Name: "orders", PrimaryKey: key, Columns: id(schema.Column{Name: "customer_id", Type: "integer"}, schema.Column{Name: "ship_to", Type: "integer", Nullable: true}, schema.Column{Name: "total", Type: "numeric(10,2)"}),
			ForeignKeys: []schema.ForeignKey{{Name: "of", Columns: []string{"customer_id"}, RefTable: "customer", RefColumns: []string{"id"}, OnDelete: "CASCADE"}, {Name: "to", Columns: []string{"ship_to"}, RefTable: "address", RefColumns: []string{"id"}}}},
		{Name: "profile", PrimaryKey: &schema.Key{Columns: []string{"customer_id"}}, Columns: []schema.Column{{Name: "customer_id", Type: "integer"}},
			ForeignKeys: []schema.ForeignKey{{Columns: []string{"customer_id"}, RefTable: "customer"}}},
	}, Views: []schema.View{{Name: "totals", Columns: []schema.Column{{Name: "sum", Type: "numeric"}}}}}
}

// Graphviz itself reads it, and finds each box and each line.
func TestGraphvizReadsIt(t *testing.T) {
	t.Parallel()
	dot, err := exec.LookPath("dot")
	if err != nil {
		t.Skip("Graphviz is not installed: there is no dot on PATH")
	}
	for name, state := range map[string]*schema.State{"nasty": nastyState(), "shop": shop(), "large": large(40), "spaces": spaces()} {
		p := Of(state, Options{})
		c := exec.CommandContext(t.Context(), dot, "-Tplain")
		c.Stdin = strings.NewReader(p.DOT())
		var errs strings.Builder
		c.Stderr = &errs
		out, err := c.Output()
		if err != nil || errs.Len() > 0 {
			t.Errorf("%s: %v: %s", name, err, &errs)
		}
		for what, want := range map[string]int{"node": len(p.Boxes), "edge": len(p.Lines)} {
			if got := len(regexp.MustCompile(`(?m)^`+what+` n\d`).FindAll(out, -1)); got != want {
				t.Errorf("%s: Graphviz finds %d of kind %s, want %d", name, got, what, want)
			}
		}
	}
}

// spaces are two schemas with a table of the same name in each.
func spaces() *schema.State {
	table := func(space string, f ...schema.ForeignKey) schema.Table {
		return schema.Table{Schema: space, Name: "t", Columns: []schema.Column{{Name: "id", Type: "int"}}, PrimaryKey: &schema.Key{Columns: []string{"id"}}, ForeignKeys: f}
	}
	return &schema.State{Database: "two", Tables: []schema.Table{table("a"), table("b", schema.ForeignKey{Columns: []string{"id"}, RefSchema: "a", RefTable: "t"})},
		Views: []schema.View{{Schema: "b", Name: "v"}}}
}

func TestNamesInSeveralSchemasAreTold(t *testing.T) {
	t.Parallel()
	text := Of(spaces(), Options{}).Mermaid()
	if !strings.Contains(text, `"a.t" ||--o| "b.t" : "id"`) {
		t.Error(text)
	}
}

// large has n tables in groups of names, each with references to some before
// it, to a few that all know, and to itself now and then.
func large(n int) *schema.State {
	s := &schema.State{Database: "large"}
	groups := []string{"billing", "stock", "people", "shipping", "audit", "web", "report", "auth"}
	name := func(i int) string { return fmt.Sprintf("%s_%03d", groups[i*len(groups)/n], i) }
	seed := uint32(7)
	next := func(n int) int {
		seed = seed*1664525 + 1013904223
		return int(seed>>8) % n
	}
	for i := range n {
		t := schema.Table{Name: name(i), PrimaryKey: &schema.Key{Columns: []string{"id"}}, Columns: []schema.Column{{Name: "id", Type: "bigint"}}}
		for c := range 2 + next(14) {
			t.Columns = append(t.Columns, schema.Column{Name: fmt.Sprintf("column_%d", c), Type: "character varying(80)", Nullable: next(2) == 0})
		}
		for r := range next(4) {
			to := []int{max(0, i-1-next(12)), next(3), i, next(n)}[r]
			column := fmt.Sprintf("ref_%d", r)
			t.Columns = append(t.Columns, schema.Column{Name: column, Type: "bigint"})
			t.ForeignKeys = append(t.ForeignKeys, schema.ForeignKey{Name: column, Columns: []string{column}, RefTable: name(to), RefColumns: []string{"id"}})
		}
		s.Tables = append(s.Tables, t)
	}
	return s
}
