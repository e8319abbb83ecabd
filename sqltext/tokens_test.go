package sqltext_test

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

func TestTokensEndWhereTheTextAloneDoesNotTell(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lexis     sqltext.Lexis
		text      string
		want      string
		uncertain bool
	}{
		{sqltext.PostgreSQL, "DROP /* a */ TABLE -- b\n \"T\".t", `DROP|TABLE|"T"|.|t`, false},
		{sqltext.PostgreSQL, `CREATE TABLE t (s text DEFAULT '\')`, `CREATE|TABLE|t|(|s|text|DEFAULT`, true},
		{sqltext.PostgreSQL, `CREATE TABLE U&"\0061" (n int)`, `CREATE|TABLE`, true},
		{sqltext.PostgreSQL, `DO $a$ \ $a$`, `DO|$a$ \ $a$`, false},
		{sqltext.MySQL, "CREATE /*!40101 TABLE */ t", "CREATE", true},
		{sqltext.MySQL, `DROP TABLE "t"`, "DROP|TABLE", true},
		{sqltext.MySQL, "DROP TABLE `a;b` # c", "DROP|TABLE|`a;b`", false},
		{sqltext.SQLite, `CREATE TABLE [a b] (s DEFAULT '\')`, `CREATE|TABLE|[a b]|(|s|DEFAULT|'\'|)`, false},
	} {
		tokens, whole := sqltext.Tokens(c.text, c.lexis)
		var got []string
		for _, token := range tokens {
			got = append(got, token.Text)
		}
		if strings.Join(got, "|") != c.want || whole == c.uncertain {
			t.Errorf("%s: %q, whole: %v; want %q, %v", c.text, strings.Join(got, "|"), whole, c.want, !c.uncertain)
		}
	}
}
