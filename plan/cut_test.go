package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// traits by the letters of a test's line.
var traits = map[string]engine.Traits{
	"ddl":     {Kind: engine.Definition},                // PostgreSQL, SQLite
	"dml":     {Kind: engine.Data, Atomic: true},        //
	"loose":   {Kind: engine.Data},                      // keeps what it did before it failed
	"set":     {Kind: engine.Setting},                   // may stand in a transaction
	"pragma":  {Kind: engine.Setting, Alone: true},      // has no effect in one
	"cic":     {Kind: engine.Definition, Alone: true},   // CREATE INDEX CONCURRENTLY
	"myddl":   {Kind: engine.Definition, Commits: true}, // MySQL
	"begin":   {Kind: engine.Begin},
	"commit":  {Kind: engine.Commit},
	"undo":    {Kind: engine.Rollback},
	"locktab": {Kind: engine.Other, Commits: true, Holds: true},
	"call":    {Kind: engine.Other, Commits: true},
	"xa":      {Refused: "not in a migration"},
	"unlock":  {Kind: engine.Other, Commits: true, Frees: true},
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		mysql    bool
		off      bool
		want     string
	}{
		{name: "one transaction", in: "ddl dml set ddl", want: "transaction 1-4"},
		{name: "nothing", in: "", want: ""},
		{name: "an index built concurrently stands alone", in: "ddl cic ddl", want: "transaction 1-1, alone 2-2, transaction 3-3"},
		{name: "transaction off", in: "ddl dml dml loose set", off: true, want: "alone 1-1, transaction 2-2, transaction 3-3, alone 4-4, session 5-5"},
		{name: "pragmas around a rebuild", in: "pragma ddl dml ddl pragma", want: "session 1-1, transaction 2-4, session 5-5"},
		{name: "the file's own transaction", in: "pragma begin ddl dml commit pragma", want: "session 1-1, transaction 3-4 with 2, file's own 5-5, session 6-6"},
		{name: "two of them", in: "begin ddl commit begin dml commit", want: "transaction 2-2 with 1, file's own 3-3, transaction 5-5 with 4, file's own 6-6"},
		{name: "an empty one", in: "begin commit", want: "transaction 2-1 with 1, file's own 2-2"},
		{name: "own transactions in a file without", in: "cic begin ddl commit ddl", off: true, want: "alone 1-1, transaction 3-3 with 2, file's own 4-4, alone 5-5"},
		{name: "COMMIT without BEGIN ends the group", in: "ddl dml commit ddl dml", want: "transaction 1-2, file's own 3-3, alone 4-4, transaction 5-5"},
		{name: "BEGIN without end", in: "ddl begin ddl", want: "line 2: BEGIN without COMMIT"},
		{name: "BEGIN in BEGIN", in: "begin ddl begin commit", want: "line 3: BEGIN inside the transaction that begins in line 1"},
		{name: "what takes the transaction away", in: "begin ddl xa commit", want: "line 3: not in a migration"},
		{name: "ROLLBACK", in: "begin ddl undo", want: "line 3: a transaction that ends with ROLLBACK does nothing: leave it out"},
		{name: "ROLLBACK without BEGIN", in: "ddl undo", want: "line 2: a ROLLBACK without BEGIN: it would undo the migration that it stands in"},
		{name: "an index built concurrently in a transaction", in: "begin cic commit", want: "line 2: this statement cannot run inside the transaction that begins in line 1"},
		{name: "MySQL: data alone is one transaction", mysql: true, in: "dml set dml", want: "transaction 1-3"},
		{name: "MySQL: DDL commits, so every statement stands alone", mysql: true, in: "set myddl dml", want: "session 1-1, alone 2-2, transaction 3-3"},
		{name: "MySQL: own transaction between", mysql: true, in: "myddl begin dml dml commit myddl", want: "alone 1-1, transaction 3-4 with 2, file's own 5-5, alone 6-6"},
		{name: "MySQL: DDL in a transaction", mysql: true, in: "begin myddl commit", want: "file's own 1-1, alone 2-2, file's own 3-3"},
		{name: "MySQL: DDL amid a transaction", mysql: true, in: "set begin dml myddl dml commit dml", want: "session 1-1, transaction 3-3 with 2, alone 4-4, transaction 5-5, file's own 6-6, transaction 7-7"},
		{name: "MySQL: a procedure in a transaction may commit", mysql: true, in: "begin call commit", want: "line 2: this statement ends the transaction that begins in line 1 by itself: take it out of there"},
		{name: "MySQL: locked tables are one group", mysql: true, in: "myddl locktab dml dml unlock dml", want: "alone 1-1, alone 2-5, transaction 6-6"},
		{name: "MySQL: locked to the end", mysql: true, in: "locktab dml", want: "alone 1-2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var outline []migration.Piece
			var ts []engine.Traits
			for i, word := range strings.Fields(c.in) {
				outline = append(outline, migration.Piece{Pos: sqltext.Pos{Line: i + 1, Column: 1}})
				tr, ok := traits[word]
				if !ok {
					t.Fatalf("unknown word %q", word)
				}
				ts = append(ts, tr)
			}
			groups, err := plan.Cut(outline, ts, !c.mysql, c.off)
			var got string
			if err != nil {
				got = err.Error()
			}
			for i, g := range groups {
				if i > 0 {
					got += ", "
				}
				got += fmt.Sprintf("%s %d-%d", g.Mode, g.From+1, g.To)
				if g.Mode == plan.InTransaction && g.Begin >= 0 {
					got += fmt.Sprintf(" with %d", g.Begin+1)
				}
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
