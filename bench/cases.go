package main

import (
	"fmt"
	"time"
)

// deed is what is timed.
type deed string

const (
	apply   deed = "apply"   // n migrations on an empty database
	nothing deed = "nothing" // nothing to do, n are applied
	status  deed = "status"  // the command that tells where one stands, n are applied
	one     deed = "one"     // one new migration on n applied ones
	version deed = "version" // the command that needs no database
	stream  deed = "stream"  // one file of n megabytes
)

// figure is what a case's limit speaks of.
type figure string

const (
	wall   figure = "time"
	cpu    figure = "CPU time"
	memory figure = "peak memory"
)

// A testCase is one line of the table.
type testCase struct {
	name      string
	title     string
	deed      deed
	product   product
	durable   bool          // the server is on disk and flushes every commit
	roundTrip time.Duration // to the server, 0 for the loopback
	n         int
	work      work
	figure    figure

	// limit is for the figure: as a ratio to the best peer's, plus what is
	// added to that; or, where there is no ratio, by itself. Nanoseconds, bytes.
	ratio, plus float64

	blind  bool    // dbwarden is told not to look for drift, as no peer does; by default it looks
	trips  float64 // at most so many round trips a migration; 0: not asked for
	copied bool    // the large file holds COPY rows
	slow   bool    // a round takes minutes: there are fewer of them
}

const (
	millisecond = float64(time.Millisecond)
	megabyte    = 1e6
)

// cases are the lines of the table, those on one server together.
func cases(quick bool) []testCase {
	few, many, large := 1000, 10000, 1000
	if quick {
		few, many, large = 100, 1000, 50
	}
	count := func(n int) string {
		if n >= 1000 {
			return fmt.Sprintf("%d,%03d", n/1000, n%1000)
		}
		return fmt.Sprint(n)
	}
	out := []testCase{
		{name: "postgres-apply", title: "apply " + count(few) + " on PostgreSQL, loopback, data in memory", deed: apply, product: postgres, n: few, work: tables, figure: wall, ratio: 0.6},
		{name: "postgres-apply-blind", title: "the same with drift = \"off\"", deed: apply, product: postgres, n: few, work: tables, figure: wall, ratio: 0.6, blind: true},
		{name: "postgres-apply-1ms", title: "the same with 1 ms round trips", deed: apply, product: postgres, roundTrip: time.Millisecond, n: few, work: tables, figure: wall, ratio: 0.25, trips: 1.1},
		{name: "postgres-apply-10ms", title: "the same with 10 ms round trips", deed: apply, product: postgres, roundTrip: 10 * time.Millisecond, n: few, work: tables, figure: wall, ratio: 0.15, trips: 1.1, slow: true},
		{name: "postgres-memory", title: "peak memory, apply " + count(many), deed: apply, product: postgres, n: many, work: rows, figure: memory, ratio: 1, plus: 10 * megabyte, slow: true},
	}
	history := func(p product, name string) {
		out = append(out,
			testCase{name: string(p) + "-nothing-" + fmt.Sprint(few), title: "nothing to do, " + count(few) + " applied, " + name, deed: nothing, product: p, n: few, work: rows, figure: wall, ratio: 1},
			testCase{name: string(p) + "-nothing-" + fmt.Sprint(many), title: "nothing to do, " + count(many) + " applied, " + name, deed: nothing, product: p, n: many, work: rows, figure: wall, ratio: 1.3},
			testCase{name: string(p) + "-status-" + fmt.Sprint(few), title: "status, " + count(few) + " applied, " + name, deed: status, product: p, n: few, work: rows, figure: wall, ratio: 1},
			testCase{name: string(p) + "-status-" + fmt.Sprint(many), title: "status, " + count(many) + " applied, " + name, deed: status, product: p, n: many, work: rows, figure: wall, ratio: 1},
			testCase{name: string(p) + "-one-" + fmt.Sprint(many), title: "one new on " + count(many) + ", " + name, deed: one, product: p, n: many, work: rows, figure: wall, ratio: 1.3},
		)
	}
	history(postgres, "PostgreSQL")
	for _, copied := range []bool{false, true} {
		name, what := "insert", "INSERTs"
		if copied {
			name, what = "copy", "COPY rows"
		}
		out = append(out, testCase{name: "postgres-large-" + name, title: fmt.Sprintf("peak memory, one file of %s MB of %s", count(large), what),
			deed: stream, product: postgres, n: large, figure: memory, plus: 64 * megabyte, copied: copied, slow: true})
	}
	out = append(out,
		testCase{name: "postgres-apply-disk", title: "apply " + count(few) + " on PostgreSQL, loopback, on disk with fsync", deed: apply, product: postgres, durable: true, n: few, work: tables, figure: wall, ratio: 0.6},
		testCase{name: "mariadb-apply", title: "apply " + count(few) + " on MariaDB, loopback", deed: apply, product: mariadb, n: few, work: tables, figure: wall, ratio: 0.9},
		testCase{name: "mariadb-apply-blind", title: "the same with drift = \"off\"", deed: apply, product: mariadb, n: few, work: tables, figure: wall, ratio: 0.9, blind: true},
		testCase{name: "mariadb-apply-10ms", title: "the same with 10 ms round trips", deed: apply, product: mariadb, roundTrip: 10 * time.Millisecond, n: few, work: tables, figure: wall, ratio: 0.4, slow: true},
	)
	history(mariadb, "MariaDB")
	out = append(out,
		testCase{name: "sqlite-apply", title: "apply " + count(few) + " on SQLite", deed: apply, product: sqlite, n: few, work: tables, figure: wall, ratio: 0.9},
		testCase{name: "sqlite-apply-blind", title: "the same with drift = \"off\"", deed: apply, product: sqlite, n: few, work: tables, figure: wall, ratio: 0.9, blind: true})
	history(sqlite, "SQLite")
	return append(out,
		testCase{name: "version-cpu", title: "dbwarden version, CPU time", deed: version, figure: cpu, plus: 10 * millisecond},
		testCase{name: "version-memory", title: "dbwarden version, peak memory", deed: version, figure: memory, plus: 20 * megabyte},
	)
}
