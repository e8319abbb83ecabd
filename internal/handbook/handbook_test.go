package handbook

import (
	"regexp"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/schema"
)

func ptr(s string) *string { return &s }

// shop has one of each thing.
func shop() *schema.State {
	key := &schema.Key{Name: "pk", Columns: []string{"id"}}
	return &schema.State{Database: "shop", Version: "15.3", Tables: []schema.Table{
		{Name: "dbwarden_migrations", Own: true},
		{Name: "orders", PrimaryKey: key, Comment: "What was | ordered", Columns: []schema.Column{
			{Name: "id", Type: "integer", Identity: "always"}, {Name: "customer_id", Type: "integer", Nullable: true, Default: ptr("0"), Comment: "who\npays"},
			{Name: "gross", Type: "numeric(10,2)", Generated: "net * 1.2", Stored: true}},
			Indexes:     []schema.Index{{Name: "by_customer", Unique: true, Parts: []string{"customer_id", "lower(x)"}, Where: "a | b"}},
			ForeignKeys: []schema.ForeignKey{{Name: "of", Columns: []string{"customer_id"}, RefTable: "customer", RefColumns: []string{"id"}, OnDelete: "CASCADE"}, {Columns: []string{"id"}, RefTable: "elsewhere"}},
			Checks:      []schema.Check{{Name: "positive", Expression: "gross > 0"}},
			Triggers:    []schema.Trigger{{Name: "audit", Definition: "CREATE TRIGGER audit ..."}}},
		{Name: "customer", PrimaryKey: key, Columns: []schema.Column{{Name: "id", Type: "integer"}}},
	},
		Views:    []schema.View{{Name: "big", Columns: []schema.Column{{Name: "id", Type: "integer"}}, Definition: "SELECT id\nFROM orders\n-- ```\n"}},
		Types:    []schema.Type{{Name: "mood", Kind: "enum", Labels: []string{"sad", "happy"}}},
		Routines: []schema.Routine{{Name: "f", Arguments: "a integer", Kind: "function", Returns: "integer", Language: "sql", Definition: "CREATE FUNCTION f"}},
	}
}

func TestThePageTellsOfEverything(t *testing.T) {
	t.Parallel()
	got := Page(shop(), nil)
	for _, want := range []string{
		"<!-- made by dbwarden docs -->\n\n# shop schema\n\n| Name | Kind | Comment |\n| --- | --- | --- |\n| [customer](#table-customer) | table |  |\n| [orders](#table-orders) | table | What was \\| ordered |\n| [big](#view-big) | view |  |\n",
		"```mermaid\n%% made by dbwarden diagram\nerDiagram\n",
		"<a id=\"table-orders\"></a>\n\n### orders\n\nWhat was \\| ordered\n",
		"| `id` | `integer` | no | identity always |  |\n| `customer_id` | `integer` | yes | `0` | who pays |\n| `gross` | `numeric(10,2)` | no | stored `net * 1.2` |  |\n",
		"**Primary key**\n\n- `id`\n",
		"- `by_customer`: `customer_id`, `lower(x)`, unique, where `a \\| b`\n",
		"- `of`: `customer_id` → [customer](#table-customer) `id`, on delete cascade\n- `id` → `elsewhere`\n",
		"**Referenced by**\n\n- [orders](#table-orders) `customer_id`\n",
		"- `positive`: `gross > 0`\n",
		"**Trigger** `audit`\n\n```sql\nCREATE TRIGGER audit ...\n```\n",
		"````sql\nSELECT id\nFROM orders\n-- ```\n````\n",
		"### mood\n\nenum: `sad`, `happy`\n",
		"### f(a integer)\n\nfunction that returns `integer`, in sql\n\n```sql\nCREATE FUNCTION f\n```\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	for _, never := range []string{"dbwarden_migrations", "15.3"} {
		if strings.Contains(got, never) {
			t.Errorf("%q is there", never)
		}
	}
	if part := Page(shop(), []string{"customer"}); strings.Contains(part, "orders") || strings.Contains(part, "mood") || !strings.Contains(part, "### customer") {
		t.Error(part)
	}
}

// The order in which a server lists things is nothing that a page shows.
func TestTheOrderOfTheServerIsNotShown(t *testing.T) {
	t.Parallel()
	turned := shop()
	turned.Tables[1], turned.Tables[2] = turned.Tables[2], turned.Tables[1]
	if Page(turned, nil) != Page(shop(), nil) {
		t.Error("two pages of one schema")
	}
}

// Each link leads to an anchor that is there once, and no name is more than
// text: no element and no link of its own.
func TestNamesStayText(t *testing.T) {
	t.Parallel()
	s := &schema.State{Database: "<img src=x>"}
	for _, n := range []string{"<script>alert(1)</script>", "a|b", "a`b", "``", "a b", "a-b", "a.b", "[x](javascript:alert)", "![i](http://x.example/i)", "https://x.example", "*b*", "_i_", "# h", "two\nlines", "日本", "a_b", "A_b", "\"><b>", "&lt;"} {
		s.Tables = append(s.Tables, schema.Table{Name: n, Comment: n, Columns: []schema.Column{{Name: n, Type: n, Comment: n, Default: ptr(n)}},
			ForeignKeys: []schema.ForeignKey{{Columns: []string{n}, RefTable: n}}, Checks: []schema.Check{{Expression: n}}})
	}
	page := Page(s, nil)
	page = regexp.MustCompile("(?ms)^```mermaid.*?^```$").ReplaceAllString(page, "")
	ids := map[string]bool{}
	for _, m := range regexp.MustCompile(`<a id="([^"]*)"></a>`).FindAllStringSubmatch(page, -1) {
		if ids[m[1]] {
			t.Errorf("the anchor %s is there twice", m[1])
		}
		ids[m[1]] = true
	}
	if len(ids) != len(s.Tables) {
		t.Errorf("%d anchors for %d tables", len(ids), len(s.Tables))
	}
	bare := withoutCode(page)
	bare = regexp.MustCompile(`<a id="[^"]*"></a>|<!-- made by dbwarden docs -->`).ReplaceAllString(bare, "")
	if m := regexp.MustCompile(`<[a-zA-Z/!][^>]*>`).FindString(bare); m != "" {
		t.Errorf("there is an element %s", m)
	}
	for _, m := range regexp.MustCompile(`[^\\]\]\(([^)\s]*)\)`).FindAllStringSubmatch(bare, -1) {
		if !strings.HasPrefix(m[1], "#") || !ids[m[1][1:]] {
			t.Errorf("there is a link to %s", m[1])
		}
	}
	if strings.Contains(bare, "://") {
		t.Error("there is a URL that renderers make a link of")
	}
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| Name") && !strings.HasPrefix(line, "| ---") {
			cells := len(regexp.MustCompile(`(^|[^\\])\|`).FindAllString(line, -1)) - 1
			if cells != 3 && cells != 5 {
				t.Errorf("%d cells: %s", cells, line)
			}
		}
	}
}

// withoutCode leaves out what stands between two runs of as many backquotes, as
// Markdown finds them.
func withoutCode(text string) string {
	run := regexp.MustCompile("(\\\\)?(`+)")
	var out strings.Builder
	for {
		m := run.FindStringSubmatchIndex(text)
		if m == nil {
			return out.String() + text
		}
		if m[2] >= 0 { // a backquote as such
			out.WriteString(text[:m[2]+2])
			text = text[m[2]+2:]
			continue
		}
		n, end := m[5]-m[4], -1
		for _, c := range regexp.MustCompile("`+").FindAllStringIndex(text[m[5]:], -1) {
			if c[1]-c[0] == n {
				end = m[5] + c[1]
				break
			}
		}
		out.WriteString(text[:m[4]])
		if end < 0 {
			end = m[5]
		}
		text = text[end:]
	}
}
