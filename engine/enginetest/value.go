package enginetest

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// The lock row and the journal are written and read back by these types
// alone; a text that changes on the way would break checksums and recovery.
func (x *exam) keepsValues() {
	d, s := x.e.Dialect, x.session()
	table := x.table(s, "kept",
		"id", d.Types.BigInt+" NOT NULL PRIMARY KEY",
		"word", d.Types.Varchar(200)+" NULL", "long", d.Types.Text+" NULL", "num", d.Types.BigInt+" NULL", "yes", d.Types.Boolean+" NULL")
	columns := make([]string, 5)
	binds := make([]string, 5)
	for i, c := range []string{"id", "word", "long", "num", "yes"} {
		columns[i], binds[i] = d.Quote(c), d.Bind(i+1)
	}
	insert := "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(binds, ", ") + ")"
	type row struct {
		word, long any
		num        any
		yes        any
	}
	rows := []row{
		{"plain", "text", int64(1), true},
		{"", "", int64(0), false},
		{nil, nil, nil, nil},
		{`it's "odd" \ %s ? $1 :x @y ; -- /* ` + "`", "line\r\nline\ttab\n", int64(math.MaxInt64), true},
		{"日本語 ñ 🦉", strings.Repeat("λx", 60_000), int64(math.MinInt64), false},
		{`\`, `'); DROP TABLE kept; --`, -5, true},
		{"trailing space ", `\'`, 5, true},
	}
	for i, r := range rows {
		if n := x.exec(s, insert, int64(i), r.word, r.long, r.num, r.yes); n != 1 {
			x.Errorf("row %d: %d rows inserted", i, n)
		}
	}
	i := 0
	err := s.Query(x.Context(), func(scan func(...any) error) error {
		var id int64
		var word *string
		var long sql.NullString
		var num sql.NullInt64
		var yes sql.NullBool
		if err := scan(&id, &word, &long, &num, &yes); err != nil {
			return err
		}
		var got row
		if word != nil {
			got.word = *word
		}
		if long.Valid {
			got.long = long.String
		}
		if num.Valid {
			got.num = num.Int64
		}
		if yes.Valid {
			got.yes = yes.Bool
		}
		want := rows[i]
		if n, ok := want.num.(int); ok {
			want.num = int64(n)
		}
		if id != int64(i) || got != want {
			x.Errorf("row %d came back as id %d, %.80q", i, id, fmt.Sprint(got))
		}
		i++
		return nil
	}, "SELECT "+strings.Join(columns, ", ")+" FROM "+table+" ORDER BY "+columns[0])
	if err != nil || i != len(rows) {
		x.Errorf("%d of %d rows: %v", i, len(rows), err)
	}

	for i, r := range rows {
		if r.word == nil {
			continue
		}
		if got := x.texts(s, "SELECT "+columns[0]+" FROM "+table+" WHERE "+columns[1]+" = "+d.Bind(1)+" AND "+columns[0]+" = "+d.Bind(2), r.word, i); len(got) != 1 {
			x.Errorf("%q is not found by its own value", r.word)
		}
	}

	// Straight into Go's own types, where nothing is NULL.
	err = s.Query(x.Context(), func(scan func(...any) error) error {
		var word string
		var num int
		var yes bool
		if err := scan(&word, &num, &yes); err != nil {
			return err
		}
		if word != "plain" || num != 1 || !yes {
			x.Errorf("scanned %q, %d, %v", word, num, yes)
		}
		return nil
	}, "SELECT "+columns[1]+", "+columns[3]+", "+columns[4]+" FROM "+table+" WHERE "+columns[0]+" = 0")
	if err != nil {
		x.Error(err)
	}
	err = s.Query(x.Context(), func(scan func(...any) error) error {
		var word string
		return scan(&word)
	}, "SELECT "+columns[1]+" FROM "+table+" WHERE "+columns[0]+" = 2")
	if err == nil {
		x.Error("a NULL was scanned into a plain string")
	}
}

// "Did my UPDATE find the row?" is how the lock row is claimed and how a
// lost one is noticed.
func (x *exam) countsRows() {
	d, s := x.e.Dialect, x.session()
	table := x.numbers(s, "counted")
	n := d.Quote("n")
	for _, step := range []struct {
		query string
		want  int64
	}{
		{"INSERT INTO " + table + " (" + n + ") VALUES (1), (2), (3)", 3},
		{"UPDATE " + table + " SET " + n + " = " + n + " + 10 WHERE " + n + " > 1", 2},
		{"UPDATE " + table + " SET " + n + " = 5 WHERE " + n + " = 99", 0},
		{"DELETE FROM " + table + " WHERE " + n + " = 1", 1},
		{"DELETE FROM " + table + " WHERE " + n + " = 1", 0},
	} {
		if got := x.exec(s, step.query); got != step.want {
			x.Errorf("%s: %d rows, want %d", step.query, got, step.want)
		}
	}
}

// An error in the middle of reading must neither be lost nor spoil the
// session for the next call.
func (x *exam) endsQuery() {
	d, s := x.e.Dialect, x.session()
	table := x.numbers(s, "read")
	n := d.Quote("n")
	x.exec(s, "INSERT INTO "+table+" ("+n+") VALUES (1), (2), (3)")
	enough, calls := errors.New("enough"), 0
	err := s.Query(x.Context(), func(func(...any) error) error {
		if calls++; calls == 2 {
			return enough
		}
		return nil
	}, "SELECT "+n+" FROM "+table)
	if !errors.Is(err, enough) || calls != 2 {
		x.Errorf("%d calls, then: %v", calls, err)
	}
	if got := x.texts(s, "SELECT "+n+" FROM "+table+" WHERE "+n+" > 5"); got != nil {
		x.Errorf("no rows came as %v", got)
	}
	if got := x.texts(s, "SELECT "+n+" FROM "+table+" ORDER BY 1"); !slices.Equal(got, []string{"1", "2", "3"}) {
		x.Errorf("the session reads %v afterwards", got)
	}
}

// stamp is the one form in which the house reads times from a database:
// 2026-11-23T14:02:11.123456Z, with milliseconds where the clock has no more.
func stamp(text string) (time.Time, error) {
	at, err := time.Parse("2006-01-02T15:04:05Z", text) // takes a fraction, too
	if err == nil && len(text) != len("2006-01-02T15:04:05.000Z") && len(text) != len("2006-01-02T15:04:05.000000Z") {
		err = fmt.Errorf("%q has neither milliseconds nor microseconds", text)
	}
	return at, err
}

// Times in the lock row and the history are compared with one another, by
// programs on machines in other time zones: they come from the server and are
// in UTC, whatever the server's own zone.
func (x *exam) tellsTime() {
	d, s := x.e.Dialect, x.session()
	read := func(what, text string) time.Time {
		x.Helper()
		at, err := stamp(text)
		if err != nil {
			x.Fatalf("%s: %v", what, err)
		}
		// The server is on this machine, or on one with a clock.
		if away := time.Since(at).Abs(); away > 5*time.Minute {
			x.Errorf("%s: %s is %v away from now", what, text, away)
		}
		return at
	}
	first := read("the clock", x.text(s, "SELECT "+d.UTC(d.Now)))

	table := x.table(s, "stamped", "n", d.Types.BigInt+" NOT NULL PRIMARY KEY", "at", d.Types.Timestamp+" NULL")
	at := d.Quote("at")
	fine := false
	for n := range 20 {
		x.exec(s, "INSERT INTO "+table+" VALUES ("+d.Bind(1)+", "+d.Now+")", n)
		text := x.text(s, "SELECT "+d.UTC(at)+" FROM "+table+" WHERE "+d.Quote("n")+" = "+d.Bind(1), n)
		now := read("a stored time", text)
		if now.Before(first) {
			x.Errorf("%s is before %s, which was asked for earlier", text, first)
		}
		first, fine = now, fine || now.Nanosecond() != 0
	}
	if !fine {
		x.Error("stored times have whole seconds only")
	}
	x.exec(s, "INSERT INTO "+table+" VALUES (99, NULL)")
	if got := x.text(s, "SELECT "+d.UTC(at)+" FROM "+table+" WHERE "+d.Quote("n")+" = 99"); got != "NULL" {
		x.Errorf("no time is read as %q", got)
	}
	x.exec(s, "INSERT INTO "+table+" VALUES (100, "+d.At(d.Bind(1))+")", "2024-02-29 23:59:59.250000")
	if got, err := stamp(x.text(s, "SELECT "+d.UTC(at)+" FROM "+table+" WHERE "+d.Quote("n")+" = 100")); err != nil || !got.Equal(time.Date(2024, 2, 29, 23, 59, 59, 250e6, time.UTC)) {
		x.Errorf("a time that was given is read as %v, %v", got, err)
	}

	// Other programs store the time by the clock of their session.
	theirs := d.Qualify(s.Server().Schema, "dbwarden_exam_theirs")
	x.exec(s, "CREATE TABLE "+theirs+" (at TIMESTAMP NULL)")
	x.exec(s, "INSERT INTO "+theirs+" VALUES (CURRENT_TIMESTAMP)")
	read("a time of another program", x.text(s, "SELECT "+d.UTC(d.Stored("at"))+" FROM "+theirs))
	x.exec(s, "DROP TABLE "+theirs)
}

// Table, schema and column names come from users' configuration and from the
// catalogue, and stand in statements of ours.
func (x *exam) quotes() {
	d, s := x.e.Dialect, x.session()
	for _, name := range []string{
		`plain`, `Mixed Case`, `select`, `we"ird`, "back`tick", `it's`, `semi;colon`, `dash--dash`, `/* star`, `日本語`, `ñandú`,
		`dol$$lar`, `$1`, `ques?tion`, `:colon`, `@at`, `per%cent%s`, `[bracket]`, `back\slash`, `a.b`, `#hash`, `{brace}`,
	} {
		table := d.Qualify(s.Server().Schema, name)
		column := d.Quote(name)
		create := "CREATE TABLE " + table + " (" + column + " " + d.Types.BigInt + " NOT NULL)" + d.TableSuffix
		if _, err := s.Exec(x.Context(), create); err != nil {
			x.Errorf("%s: %v", create, err)
			continue
		}
		x.exec(s, "INSERT INTO "+table+" ("+column+") VALUES ("+d.Bind(1)+")", 42)
		if got := x.text(s, "SELECT "+column+" FROM "+table+" WHERE "+column+" = "+d.Bind(1), 42); got != "42" {
			x.Errorf("%s: read %q", name, got)
		}
		cols, err := x.e.Columns(x.Context(), s, s.Server().Schema, name)
		if err != nil || !slices.Equal(cols, []string{name}) {
			x.Errorf("the column of %s is listed as %q: %v", name, cols, err)
		}
		x.exec(s, "DROP TABLE "+table)
	}
}

// Our own tables are made of these types and no others. Ids must rise, since
// they tell the order of execution.
func (x *exam) makesTables() {
	d, s := x.e.Dialect, x.session()
	table := x.table(s, "all_types", "id", d.Types.ID,
		"b", d.Types.BigInt+" DEFAULT 0 NOT NULL", "f", d.Types.Boolean+" DEFAULT FALSE", "t", d.Types.Timestamp+" NULL",
		"x", d.Types.Text+" NULL", "v", d.Types.Varchar(64)+" NULL")
	v := d.Quote("v")
	x.exec(s, "INSERT INTO "+table+" ("+v+") VALUES ('a'), ('b')")
	x.exec(s, "DELETE FROM "+table+" WHERE "+v+" = 'b'")
	x.exec(s, "INSERT INTO "+table+" ("+v+", "+d.Quote("f")+") VALUES ('c', TRUE)")
	ids := x.texts(s, "SELECT "+d.Quote("id")+" FROM "+table+" ORDER BY "+d.Quote("id"))
	if len(ids) != 2 || ids[0] != "1" || ids[1] == "1" {
		x.Errorf("ids %v", ids)
	}
	if got := x.text(s, "SELECT "+v+" FROM "+table+" WHERE "+d.Quote("f")); got != "c" {
		x.Errorf("the true row is %q", got)
	}
	x.exec(s, "ALTER TABLE "+table+" ADD COLUMN "+d.Quote("more")+" "+d.Types.Varchar(20)+" NULL")
}

// "There is no lock table" means "nobody has ever locked": it is said only
// when it is proven, and never because of a right that is missing.
func (x *exam) listsColumns() {
	d, s := x.e.Dialect, x.session()
	schema := s.Server().Schema
	cols, err := x.e.Columns(x.Context(), s, schema, "absent")
	if err != nil || cols != nil {
		x.Errorf("the columns of an absent table: %#v, %v", cols, err)
	}
	x.table(s, "present", "b", d.Types.BigInt, "A", d.Types.Text, "c c", d.Types.Boolean)
	cols, err = x.e.Columns(x.Context(), s, schema, "present")
	if err != nil || !slices.Equal(cols, []string{"b", "A", "c c"}) {
		x.Errorf("the columns of a table: %q, %v", cols, err)
	}
	x.exec(s, "DROP TABLE "+d.Qualify(schema, "present"))
	if cols, err = x.e.Columns(x.Context(), s, schema, "present"); err != nil || cols != nil {
		x.Errorf("the columns of a dropped table: %#v, %v", cols, err)
	}
}

// What a person is told to run must hold no secret and name the account.
func (x *exam) spellsGrants() {
	if x.e.Grant == nil {
		x.Fatal("Grant is missing")
	}
	s := x.session()
	for _, write := range []bool{false, true} {
		got := x.e.Grant(s.Server(), write)
		if got == "" {
			continue // a product without rights
		}
		if !strings.Contains(got, s.Server().User) || !strings.Contains(strings.ToUpper(got), "GRANT") {
			x.Errorf("write %v: %s", write, got)
		}
	}
}
