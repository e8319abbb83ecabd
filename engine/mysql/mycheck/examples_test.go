package mycheck_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/check/checktest"
	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/mysql"
	"github.com/dbwarden-go/dbwarden/engine/mysql/mycheck"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func page(t *testing.T) *checktest.Page {
	t.Helper()
	return checktest.Read(t, "../../../docs/check.md", "MySQL and MariaDB")
}

var maria = engine.Server{Product: "MariaDB", Version: "10.11", Number: 101100}

func TestThePageTellsOfEveryRule(t *testing.T) {
	t.Parallel()
	checktest.Prose(t, page(t), mycheck.Product().Rules())
}

func TestBadExamplesFindTheirRuleAndGoodOnesNothing(t *testing.T) {
	t.Parallel()
	p := page(t)
	seen := map[string]bool{}
	for _, ex := range p.Examples {
		seen[fmt.Sprint(ex.Rule, ex.Bad)] = true
		checktest.Expect(t, ex, checktest.Judge(t, mycheck.Product(), mysql.Engine(), maria, p.Setup, ex))
	}
	for _, r := range mycheck.Product().Rules() {
		if !seen[r.ID+"true"] {
			t.Errorf("%s has no bad example", r.ID)
		}
	}
}

// The server refuses LOCK=NONE where a statement keeps writers away, and
// ALGORITHM=NOCOPY where it writes the table anew: just as a bad example
// claims, and no good one.
func TestClaimsAreMeasured(t *testing.T) {
	t.Parallel()
	server := dbtest.MariaDB(t)
	p := page(t)
	compared := 0
	c := dbtest.Dial(t, server.NewDatabase(t))
	if !strings.Contains(c.Rows(t, "SELECT version()")[0][0], "MariaDB") {
		t.Skip("MySQL knows no NOCOPY")
	}
	for _, ex := range p.Examples {
		c.Exec(t, "SET foreign_key_checks = 0")
		for _, row := range c.Rows(t, "SELECT table_name FROM information_schema.tables WHERE table_schema = database()") {
			c.Exec(t, "DROP TABLE "+row[0])
		}
		c.Exec(t, "SET foreign_key_checks = 1", p.Setup)
		report := checktest.Judge(t, mycheck.Product(), mysql.Engine(), maria, p.Setup, ex)
		for _, file := range ex.Files {
			for text := range strings.SplitSeq(file, ";\n") {
				text = strings.TrimSuffix(strings.TrimSpace(text), ";")
				where := fmt.Sprintf("docs/check.md:%d: %s", ex.Line, text)
				s := ddl.Read(text, ddl.MySQL())
				alters := s.Verb == ddl.Alter || s.Object == "INDEX"
				with := func(option string) error {
					if strings.Contains(strings.ToUpper(text), strings.SplitAfter(option, "=")[0]) {
						return nil
					}
					if s.Object == "INDEX" {
						return c.Try(t.Context(), text+" "+option)
					}
					return c.Try(t.Context(), text+", "+option)
				}
				partitions := len(s.Actions) > 0 && s.Actions[0].Kind == ddl.PartitionChange
				for _, f := range report.Findings {
					if !alters || f.Effect.Lock == "" || partitions {
						continue
					}
					compared++
					if f.Effect.Rewrite {
						if err := with("ALGORITHM=NOCOPY"); err == nil {
							t.Errorf("%s\n%s claims a copy, and NOCOPY works", where, f.Rule.ID)
						}
					}
					// Where it works after all, the statement has been run.
					if err := with("LOCK=NONE"); (err == nil) != (f.Effect.Lock == "NONE") {
						t.Errorf("%s\n%s claims the lock %s; with LOCK=NONE: %v", where, f.Rule.ID, f.Effect.Lock, err)
					}
					text = ""
				}
				switch {
				case text == "":
				case !ex.Bad && alters && !partitions:
					if err := with("LOCK=NONE"); err != nil {
						t.Errorf("%s\nthis good example keeps writers away: %v", where, err)
					}
				default:
					if err := c.Try(t.Context(), text); err != nil {
						t.Errorf("%s: %v", where, err)
					}
				}
			}
		}
	}
	if compared < 10 {
		t.Errorf("only %d claims were compared", compared)
	}
}

var types = []string{"tinyint", "int", "int(5)", "bigint", "int unsigned", "varchar(10)", "varchar(20)", "varchar(63)", "varchar(64)", "varchar(300)", "char(5)", "char(8)",
	"text", "mediumtext", "decimal(8, 2)", "decimal(10, 2)", "decimal(10, 4)", "float", "double", "date", "datetime", "datetime(3)", "timestamp NULL", "time",
	"enum('a', 'b')", "enum('a', 'b', 'c')", "enum('b', 'a')", "set('a', 'b')", "set('a', 'b', 'c')", "varbinary(20)", "varbinary(255)", "varbinary(256)", "binary(5)", "blob", "json"}

// Every pair of types is changed on the server, which refuses NOCOPY where it
// would have to copy.
func TestChangesOfTypesAreMeasured(t *testing.T) {
	t.Parallel()
	c := dbtest.Dial(t, dbtest.MariaDB(t).NewDatabase(t))
	if !strings.Contains(c.Rows(t, "SELECT version()")[0][0], "MariaDB") {
		t.Skip("MySQL knows no NOCOPY")
	}
	tried := 0
	for _, from := range types {
		c.Exec(t, "CREATE OR REPLACE TABLE t (c "+from+") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4")
		for _, to := range types {
			a, b := typeOf(t, from), typeOf(t, to)
			if a.Name == "json" || b.Name == "json" {
				continue // longtext with a check
			}
			err := c.Try(t.Context(), "ALTER TABLE t MODIFY c "+to+", ALGORITHM=NOCOPY")
			tried++
			if copied := err != nil; copied != mycheck.Copies(a, b, true) {
				t.Errorf("%s to %s: %v, and Copies says %v", from, to, err, mycheck.Copies(a, b, true))
			}
			if err == nil && from != to {
				c.Exec(t, "CREATE OR REPLACE TABLE t (c "+from+") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4")
			}
		}
	}
	if tried < 500 {
		t.Errorf("only %d changes were tried", tried)
	}
}

func typeOf(t *testing.T, text string) ddl.Type {
	t.Helper()
	s := ddl.Read("ALTER TABLE t ADD COLUMN c "+text, ddl.MySQL())
	if !s.Understood {
		t.Fatalf("%s is not understood", text)
	}
	return s.Actions[0].Column.Type
}

// A reserved word is one that the server does not take as a name. What MySQL
// reserves besides is not asked here.
func TestReservedNamesAreTheServers(t *testing.T) {
	t.Parallel()
	c := dbtest.Dial(t, dbtest.MariaDB(t).NewDatabase(t))
	if !strings.Contains(c.Rows(t, "SELECT version()")[0][0], "MariaDB") {
		t.Skip("MySQL reserves others")
	}
	ours := strings.HasPrefix(c.Rows(t, "SELECT version()")[0][0], "10.11")
	tried := 0
	for _, row := range c.Rows(t, "SELECT lower(word) FROM information_schema.keywords") {
		word := row[0]
		if strings.Trim(word, "abcdefghijklmnopqrstuvwxyz_0123456789") != "" {
			continue
		}
		switch word {
		case "database", "schema", "option":
			continue // MySQL's
		}
		err := c.Try(t.Context(), "CREATE TEMPORARY TABLE "+word+" (a int); DROP TEMPORARY TABLE "+word)
		tried++
		// Later versions may reserve more.
		if refused := err != nil; refused != mycheck.Reserved(word) && (ours || !refused) {
			t.Errorf("%s: %v; Reserved says %v", word, err, mycheck.Reserved(word))
		}
	}
	if tried < 300 {
		t.Errorf("only %d words were tried", tried)
	}
}
