package sqltext_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

func TestPlacesInAStatementArePlacesInTheFile(t *testing.T) {
	t.Parallel()
	all, err := sqltext.All("-- größe\nSELECT 'ü',\r\n  größe, x\nFROM b; SELECT 2", sqltext.PostgreSQL)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d statements, %v", len(all), err)
	}
	st := all[0]
	for char, want := range map[int]string{-1: "2:1", 0: "2:1", 1: "2:1", 9: "2:9", 10: "2:10", 16: "3:3", 23: "3:10", 31: "4:7", 99: "4:7"} {
		if got := st.At(char); got.String() != want {
			t.Errorf("character %d is at %v, want %s", char, got, want)
		}
	}
	if got := st.At(16).Offset; got != 27 {
		t.Errorf("character 16 is byte %d", got)
	}
	for line, want := range map[int]string{0: "2:1", 1: "2:1", 2: "3:1", 3: "4:1", 4: "4:7"} {
		if got := st.Line(line); got.String() != want {
			t.Errorf("line %d is at %v, want %s", line, got, want)
		}
	}
	for _, c := range []struct {
		quote string
		line  int
		want  string
		found bool
	}{
		{"größe", 1, "3:3", true}, {"größe", 2, "3:3", true}, {"größe", 3, "4:1", false}, {"b", 9, "4:7", false}, {"", 1, "2:1", true},
	} {
		if got, ok := st.Near(c.quote, c.line); got.String() != c.want || ok != c.found {
			t.Errorf("%q near line %d: %v, %v; want %s, %v", c.quote, c.line, got, ok, c.want, c.found)
		}
	}
	if got := all[1].At(99); got != all[1].End || got.String() != "4:17" {
		t.Errorf("behind the end is %v", got)
	}
}

func TestOnceIsCertain(t *testing.T) {
	t.Parallel()
	all, err := sqltext.All("INSERT INTO T (id, ids)\n\tVALUES ('id-7', 7, größe)", sqltext.PostgreSQL)
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]string{"ids": "1:20", "values": "2:2", "id": "", "7": "", "i": "", "größe": "2:21", "": ""} {
		got, ok := all[0].Once(word)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: %v, %v, want %s", word, got, ok, want)
		}
	}
}

func TestStartsCompares(t *testing.T) {
	t.Parallel()
	all, err := sqltext.All("alter type mood add value 'ok'; COMMIT", sqltext.PostgreSQL)
	if err != nil {
		t.Fatal(err)
	}
	for words, want := range map[string]bool{
		"": true, "ALTER": true, "ALTER TYPE": true, "ALTER TYPE * ADD VALUE": true, "ALTER TABLE": false,
		"ALTER TYPE MOOD ADD VALUE 'ok'": true, "ALTER TYPE * * * * *": false, "alter": false,
	} {
		if got := all[0].Starts(strings.Fields(words)...); got != want {
			t.Errorf("%q: %v", words, got)
		}
	}
	if all[1].Starts("COMMIT", "*") || !all[1].Starts("COMMIT") {
		t.Error("a word that is not there matched")
	}
	if all[1].Word(0) != "COMMIT" || all[1].Word(1) != "" || all[1].Word(-1) != "" {
		t.Error("Word")
	}
}

func TestUTF16IsRefusedByItsName(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"\xff\xfeS\x00", "\xfe\xff\x00S", "\xff\xfe"} {
		for name, lexis := range lexes() {
			_, err := sqltext.All(text, lexis)
			var e *sqltext.Error
			if !errors.As(err, &e) || e.Msg != "this file is UTF-16: save it as UTF-8" || e.Pos.String() != "1:1" {
				t.Errorf("%s: %q gives %v", name, text, err)
			}
		}
	}
}

func TestServerModesThatAFileFindsSet(t *testing.T) {
	t.Parallel()
	l := sqltext.MySQL
	l.BackslashEscapes, l.DoubleQuoteString = false, false
	all, err := sqltext.All(`SELECT 'a\', "b\"; SET sql_mode = ''; SELECT '\';', "\";"; SET sql_mode = DEFAULT; SELECT 'a\';`, l)
	if err != nil || len(all) != 5 {
		t.Errorf("%d statements, %v", len(all), err)
	}
}

func TestSectionsAndTheirGapsAreTheInput(t *testing.T) {
	t.Parallel()
	text := "-- depends_on: []\r\n-- upgrade\r\nSELECT 1 -- one\r\n ; -- two\r\n  -- rollback \r\n\r\nSELECT 2"
	s := sqltext.NewScanner(strings.NewReader(text), sqltext.SQLite, sqltext.Options{Marker: isMarker})
	if _, err := s.Next(); err != sqltext.ErrMarker || s.Gap() != "-- depends_on: []\r\n-- upgrade\r\n" || s.Pos().Line != 3 {
		t.Errorf("first section: %v, gap %q, at %v", err, s.Gap(), s.Pos())
	}
	if line, at := s.Marker(); line != "-- upgrade" || at.String() != "2:1" || at.Offset != 19 {
		t.Errorf("marker %q at %#v", line, at)
	}
	st, err := s.Next()
	if err != nil || st.Text != "SELECT 1" || st.Tail != " -- one\r\n " || st.Terminator != ";" || st.Gap != "" {
		t.Errorf("%#v, %v", st, err)
	}
	if _, err := s.Next(); err != sqltext.ErrMarker || s.Gap() != " -- two\r\n  -- rollback \r\n" {
		t.Errorf("%v, gap %q", err, s.Gap())
	}
	if line, at := s.Marker(); line != "-- rollback " || at.String() != "5:3" {
		t.Errorf("marker %q at %v", line, at)
	}
}
