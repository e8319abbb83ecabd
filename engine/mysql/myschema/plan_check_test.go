package myschema

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/check"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/mysql/mycheck"
	"github.com/dbwarden-go/dbwarden/internal/generate"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/schema"
)

// asWanted are the rules of errors that a model can ask for and no statement
// gets round: the type, or the removal, is what the change is.
var asWanted = []string{"narrow-type"}

// unread are pairs with words that check does not read: periods, which become
// columns, and words of the server's in comments and quotes.
var unread = []string{"history with a period", "history with an invisible period", "page compression", "compressed text"}

// judged has `dbwarden check` look at the file that the plan makes, behind one
// that makes what was there. An error is either what a change costs on a table
// of some size, which is weighed there, or marked above its statement as a
// loss. Nothing is put together so that it cannot run, and nothing is left
// unread.
func judged(t *testing.T, v engine.Server, what, before string, from, to *schema.State) {
	t.Helper()
	up, _ := Plan(from, to)
	down, _ := Plan(to, from)
	e := mysql.Engine()
	text := generate.File(up, down, e, v)
	if before != "" {
		before += ";"
	}
	set, err := migration.Load(fstest.MapFS{
		"0001_before.sql":  {Data: []byte("-- upgrade\n" + before + "\n-- rollback\n")},
		"0002_planned.sql": {Data: []byte(text)},
	}, e.Lexis)
	if err != nil {
		t.Fatalf("%s: %v\n%s", what, err, text)
	}
	report, err := check.Run(set, check.Options{
		Product: mycheck.Product(), Engine: e, Server: v, Checked: func(m *migration.Migration) bool { return m.Version.String() == "0002" },
	})
	if err != nil {
		t.Fatalf("%s: %v\n%s", what, err, text)
	}
	if report.Unjudged > 0 && !slices.Contains(unread, what) || len(report.Ignored) > 0 {
		t.Errorf("%s: %d statements were not understood, %d findings ignored\n%s", what, report.Unjudged, len(report.Ignored), text)
	}
	lines := strings.Split(text, "\n")
	for _, f := range report.Findings {
		marked := f.Line > 0 && slices.ContainsFunc(upTo(lines, f.Line), func(line string) bool { return strings.HasPrefix(line, generate.LosesData) })
		if f.Severity == check.Error && !f.Rule.Sized && !marked && !slices.Contains(asWanted, f.Rule.ID) || f.Rule.ID == "rollback-incomplete" || f.Rule.ID == "bad-ignore" {
			t.Errorf("%s: check finds %s in line %d: %s\n%s", what, f.Rule.ID, f.Line, f.Message, text)
		}
	}
}

// upTo are the lines of the statement that this line belongs to, up to it,
// with the comment above.
func upTo(lines []string, line int) []string {
	first := line - 1
	for first > 0 && !strings.HasSuffix(lines[first-1], ";") && !strings.HasPrefix(lines[first-1], "-- upgrade") && !strings.HasPrefix(lines[first-1], "-- rollback") {
		first--
	}
	return lines[first:line]
}
