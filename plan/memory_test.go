package plan_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/postgres"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// large is a file of n statements, loaded.
func large(tb testing.TB, e *engine.Engine, header string, n int, statement string) *migration.Migration {
	tb.Helper()
	text := header + "-- upgrade\n" + strings.Repeat(statement+";\n", n)
	set, err := migration.Load(fstest.MapFS{"1_a.sql": {Data: []byte(text)}}, e.Lexis)
	if err != nil {
		tb.Fatal(err)
	}
	return set.Migrations[0]
}

// outline reads a file as a run does.
func outline(tb testing.TB, e *engine.Engine, m *migration.Migration) (o *plan.Outline, seal migration.Seal) {
	tb.Helper()
	o, err := plan.Cut(func(each func(migration.Piece) error) (err error) {
		seal, err = m.Upgrade.Outline(each)
		return err
	}, plan.Rules{
		Classify: func(words []string) engine.Traits { return e.Classify(words, engine.Server{}) },
		Ties:     func(st sqltext.Statement) engine.Ties { return e.Ties(st, engine.Server{}) },
		DDL:      e.Caps.TransactionalDDL, Off: m.Header.TransactionOff,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return o, seal
}

// TestNothingIsKeptOfASingleStatement: what a run keeps of a file does not grow
// with the number of its statements, in a transaction or outside of any. It
// looks at the whole heap, and so runs by itself.
func TestNothingIsKeptOfASingleStatement(t *testing.T) {
	const n = 11_000 // the history takes the hashes of the first 10,000
	lastRow := map[string]string{"sqlite": "last_insert_rowid()", "postgres": "lastval()", "mysql": "LAST_INSERT_ID()"}
	for _, e := range []*engine.Engine{sqlite.Engine(), postgres.Engine(), mysql.Engine()} {
		for what, file := range map[string][2]string{
			"one-row INSERTs":      {"", "INSERT INTO a VALUES (1, 'x')"},
			"outside transactions": {"-- transaction: off\n", "INSERT INTO a VALUES (1, 'x');\nSELECT 1"},
			"rows of rows":         {"", "INSERT INTO a VALUES (1, 'x');\nINSERT INTO b VALUES (" + lastRow[e.Name] + ", 'x')"},
		} {
			if what != "rows of rows" && e.Name != "postgres" {
				continue // it is cut by the same hand
			}
			kept := func(n int) int64 {
				m := large(t, e, file[0], n, file[1])
				before := heap()
				o, seal := outline(t, e, m)
				grown := heap() - before
				if o.Statements < n {
					t.Errorf("%s, %s: %d statements", e.Name, what, o.Statements)
				}
				runtime.KeepAlive(seal)
				runtime.KeepAlive(o)
				runtime.KeepAlive(m)
				return grown
			}
			kept(1)
			if few, many := kept(n), kept(3*n); many-few > 2*n { // a byte for each would be seen
				t.Errorf("%s, %s: %d bytes are kept of %d statements and %d of three times as many", e.Name, what, few, n, many)
			}
		}
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// TestReadingAllocatesLittle bounds what a statement costs while it is read.
func TestReadingAllocatesLittle(t *testing.T) {
	const n = 1000
	for _, e := range []*engine.Engine{sqlite.Engine(), postgres.Engine(), mysql.Engine()} {
		m := large(t, e, "", n, "INSERT INTO a VALUES (1, 'x')")
		if each := testing.AllocsPerRun(5, func() { outline(t, e, m) }) / n; each > 8 {
			t.Errorf("%s: %.1f allocations a statement", e.Name, each)
		}
	}
}

// BenchmarkCut outlines a file, which a run does twice.
func BenchmarkCut(b *testing.B) {
	const n = 10_000
	for _, e := range []*engine.Engine{sqlite.Engine(), postgres.Engine(), mysql.Engine()} {
		statement := fmt.Sprintf("INSERT INTO a VALUES (1, '%s')", strings.Repeat("x", 20))
		m := large(b, e, "", n, statement)
		b.Run(e.Name, func(b *testing.B) {
			b.SetBytes(int64(n * (len(statement) + 2)))
			b.ReportAllocs()
			for b.Loop() {
				outline(b, e, m)
			}
		})
	}
}
