package journal_test

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/journal"
)

func TestWhatAnEntryKeeps(t *testing.T) {
	keep := func(texts ...string) string {
		var k journal.Kept
		for _, text := range texts {
			if !k.Add(text) {
				break
			}
		}
		return k.String()
	}
	for _, c := range []struct {
		texts []string
		want  string
	}{
		{[]string{"CREATE TABLE a (n INT)"}, "CREATE TABLE a (n INT)"},
		{[]string{"INSERT INTO a VALUES (1)", "DELETE FROM b"}, "INSERT INTO a VALUES (1);\nDELETE FROM b"},
		{[]string{"CREATE ROLE r PASSWORD 'hunter2'"}, "-- not kept: it says password"},
		{[]string{"CREATE USER u IDENTIFIED BY 'hunter2'", "DELETE FROM b"}, "-- not kept: it says identified;\nDELETE FROM b"},
		{[]string{"CREATE SUBSCRIPTION s CONNECTION 'host=h password=hunter2' PUBLICATION p"}, "-- not kept: it says password"},
		{[]string{"CREATE SUBSCRIPTION s CONNECTION 'postgresql://u:hunter2@h/db' PUBLICATION p"}, "-- not kept: it says who connects in a URL"},
		{[]string{"CREATE SUBSCRIPTION s CONNECTION 'postgresql://u:hunter2/x@h/db' PUBLICATION p"}, "-- not kept: it says who connects in a URL"},
		{[]string{"ATTACH 'x.db' AS x KEY 'hunter2'"}, "-- not kept: it says attach"},
		{[]string{"CREATE TABLE f (n INT) ENGINE=FEDERATED CONNECTION='mysql://u:hunter2@h/db/f'"}, "-- not kept: it says who connects in a URL"},
		{[]string{"INSERT INTO a VALUES ('https://example.org/x', 'a@example.org')"}, "INSERT INTO a VALUES ('https://example.org/x', 'a@example.org')"},
		{[]string{strings.Repeat("x", 1200), "DELETE FROM b"}, strings.Repeat("x", 1000) + " …"},
		{[]string{strings.Repeat("x", 990), "DELETE FROM b"}, strings.Repeat("x", 990) + ";\nDELETE F …"},
		{[]string{strings.Repeat("x", 999) + "é"}, strings.Repeat("x", 999) + " …"},
	} {
		if got := keep(c.texts...); got != c.want {
			t.Errorf("%.60q: %.80q…%q", c.texts, got, got[max(0, len(got)-20):])
		}
		if strings.Contains(keep(c.texts...), "hunter2") {
			t.Errorf("%q: the password is kept", c.texts)
		}
	}
}
