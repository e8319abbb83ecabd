package sqltext_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// drain cuts everything and returns the number of statements.
func drain(t testing.TB, s *sqltext.Scanner) int {
	t.Helper()
	for n := 0; ; n++ {
		if _, err := s.Next(); err == io.EOF {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// plainReader hides what else a reader can do.
type plainReader struct{ io.Reader }

func TestTimeIsLinearInTheSizeOfAStatement(t *testing.T) {
	t.Parallel()
	size := 4 << 20
	if testing.Short() {
		size = 256 << 10
	}
	fill := func(head, unit, tail string) string {
		return head + strings.Repeat(unit, (size-len(head)-len(tail))/len(unit)) + tail
	}
	for name, text := range map[string]string{
		"rows":              fill("INSERT INTO a VALUES ", "(1,'it''s',NULL),", "(2,'',NULL);"),
		"one string":        fill("SELECT '", "x", "';"),
		"doubled quotes":    fill("SELECT '", "''", "';"),
		"one word":          fill("SELECT ", "x", ";"),
		"digits":            fill("SELECT ", "1", ";"),
		"blanks":            fill("SELECT 1", " \n", ";"),
		"comments":          fill("SELECT 1", "-- x\n", ";"),
		"comments in front": fill("", "-- x\n", "SELECT 1;"),
		"comments behind":   fill("SELECT 1", "-- x\n", ""),
		"a block comment":   fill("/*", "*", "*/SELECT 1;"),
		"stars and slashes": fill("SELECT 1 ", "* / ", "x;"),
		"dashes":            fill("SELECT 1 ", "- ", "x;"),
		"semicolons":        fill("SELECT 1", ";", ""),
		"parentheses":       fill("SELECT ", "(", ";"),
		"CASE":              fill("CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW BEGIN SELECT 1;", "CASE x END;", "END;"),
	} {
		for product, lexis := range lexes() {
			linearTo(t, product+", "+name, text, lexis, 3)
		}
	}
	for name, text := range map[string]string{
		"a dollar quote":       fill("DO $a$", "$b$", "$a$;"),
		"many dollar quotes":   fill("SELECT ", "$a$$a$ ", ";"),
		"unfinished tags":      fill("SELECT ", "$a ", ";"),
		"a long tag":           fill("SELECT $", "a", ";"),
		"nested comments":      strings.Repeat("/*", size/4) + strings.Repeat("*/", size/4) + "SELECT 1;",
		"an E string":          fill("SELECT E'", "\\'", "';"),
		"joined E strings":     fill("SELECT E'a'", "\n'\\''", ";"),
		"BEGIN ATOMIC":         fill("CREATE FUNCTION f() BEGIN ATOMIC ", "SELECT CASE 1 END;", "END;"),
		"parentheses in rules": fill("CREATE RULE r AS ", "(;)", ";"),
	} {
		linearTo(t, name, text, sqltext.PostgreSQL, 3)
	}
	for name, text := range map[string]string{
		"a delimiter in words": fill("DELIMITER ab\nSELECT ", "a", "ab"),
		"nearly a delimiter":   fill("DELIMITER aaaaaaaaaaaaaab\nSELECT ", "a", " aaaaaaaaaaaaaab"),
		"version comments":     fill("SELECT ", "/*!1 x */", ";"),
		"open blocks":          fill("CREATE PROCEDURE p() BEGIN ", "IF 1 THEN ", strings.Repeat("END IF;", (size-27)/len("IF 1 THEN "))+" END;"),
		"a long SET":           fill("SET sql_mode=''", ",@a=@@sql_mode", ";"),
	} {
		linearTo(t, name, text, sqltext.MySQL, 3)
	}
}

// linearTo verifies that the scanner looks at each byte of the text no more
// than a few times.
func linearTo(t *testing.T, name, text string, l sqltext.Lexis, times int64) {
	t.Helper()
	s := sqltext.NewScanner(plainReader{strings.NewReader(text)}, l, sqltext.Options{Marker: isMarker})
	for {
		if _, err := s.Next(); err != nil {
			break // an unfinished quote is as good, as long as it is told in time
		}
	}
	if looked, moved := s.Work(); looked > times*int64(len(text)) || moved > times*int64(len(text)) {
		t.Errorf("%s: looked at %d bytes and moved %d, of %d", name, looked, moved, len(text))
	}
}

func TestMemoryIsThatOfOneStatement(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("INSERT INTO a VALUES (1, 'x');\n", 300_000)
	s := sqltext.NewScanner(plainReader{strings.NewReader(text)}, sqltext.PostgreSQL, sqltext.Options{})
	if n := drain(t, s); n != 300_000 {
		t.Errorf("%d statements", n)
	}
	if n := s.Held(); n > 64<<10 {
		t.Errorf("the buffer has grown to %d bytes", n)
	}
}

func TestMemoryOfALargeStatementIsGivenBack(t *testing.T) {
	t.Parallel()
	text := "SELECT '" + strings.Repeat("x", 8<<20) + "';\n" + strings.Repeat("SELECT 1;\n", 1<<20)
	s := sqltext.NewScanner(plainReader{strings.NewReader(text)}, sqltext.PostgreSQL, sqltext.Options{})
	drain(t, s)
	if n := s.Held(); n > 1<<20 {
		t.Errorf("the buffer has kept %d bytes", n)
	}
}

func TestRowsOfCopyAreNotHeld(t *testing.T) {
	t.Parallel()
	rows := strings.Repeat("1\tsome text\t2026-01-01\n", 300_000)
	s := sqltext.NewScanner(plainReader{strings.NewReader("COPY a FROM stdin;\n" + rows + "\\.\n")}, sqltext.PostgreSQL, sqltext.Options{})
	st, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, st.Copy); err != nil || n != int64(len(rows)) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if n := s.Held(); n > 64<<10 {
		t.Errorf("the buffer has grown to %d bytes", n)
	}
}

func BenchmarkInserts(b *testing.B) {
	var text strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&text, "INSERT INTO track (id, name, composer, ms, price) VALUES (%d, 'For Those About To Rock', 'Angus Young, Malcolm Young', 343719, 0.99);\n", i)
	}
	benchmark(b, text.String(), lexes())
}

func BenchmarkOneLargeInsert(b *testing.B) {
	benchmark(b, "INSERT INTO track VALUES "+strings.Repeat("(1, 'For Those About To Rock', 'Angus Young', 343719, 0.99),\n", 50_000)+"(2);", lexes())
}

func BenchmarkFunctions(b *testing.B) {
	benchmark(b, strings.Repeat("CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  -- what it does\n  RETURN CASE WHEN a > 1 THEN 2 END;\nEND\n$$;\n\n", 10_000),
		map[string]sqltext.Lexis{"postgres": sqltext.PostgreSQL})
}

func benchmark(b *testing.B, text string, products map[string]sqltext.Lexis) {
	for name, lexis := range products {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				s := sqltext.NewScanner(plainReader{strings.NewReader(text)}, lexis, sqltext.Options{Marker: isMarker})
				for {
					if _, err := s.Next(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkRows(b *testing.B) {
	text := "COPY a FROM stdin;\n" + strings.Repeat("1\tsome text\t2026-01-01\n", 100_000) + "\\.\n"
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		drain(b, sqltext.NewScanner(plainReader{strings.NewReader(text)}, sqltext.PostgreSQL, sqltext.Options{}))
	}
}
