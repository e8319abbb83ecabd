package myschema

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Two schemas at random, and the way between them, there and back. What is
// drawn is the same in every run.
func TestPlansBetweenRandomSchemas(t *testing.T) {
	t.Parallel()
	before, after := connect(t), connect(t)
	if before.Server().Product != "MariaDB" || before.Server().Number < 101100 {
		t.Skip("written for MariaDB 10.11 and later")
	}
	r := rand.New(rand.NewPCG(20261126, 6))
	for n := range 10 {
		one, two := drawn(r), drawn(r)
		run(t, before, one)
		run(t, after, two)
		from, to := inspect(t, before, schema.Options{}), inspect(t, after, schema.Options{})
		var lost []string
		what := fmt.Sprintf("pair %d\n%s\n-> %s\n", n, one, two)
		if there := arrive(t, before, what+"there", from, to, &lost); there != nil {
			arrive(t, before, what+"back", there, from, &lost)
		}
		empty(t, before, from.Home)
		empty(t, after, to.Home)
	}
}

// drawn is a script that makes a schema. What it holds is valid whatever is
// drawn.
func drawn(r *rand.Rand) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var script, keys, views []string
	id := pick("INT", "BIGINT", "BIGINT UNSIGNED")
	var made []string
	for _, table := range []string{"one", "two", "three"} {
		if r.IntN(4) == 0 {
			continue
		}
		items := []string{"id " + id + pick(" NOT NULL", " NOT NULL AUTO_INCREMENT") + " PRIMARY KEY", "up " + id + pick("", " NULL COMMENT 'it''s'")}
		columns := []string{"id", "up"}
		for _, name := range []string{"a", "b", "c", "d"} {
			if r.IntN(3) == 0 {
				continue
			}
			columns = append(columns, name)
			items = append(items, name+" "+pick("INT", "INT NOT NULL DEFAULT 3", "VARCHAR(20)", "VARCHAR(30) NOT NULL DEFAULT 'x' COMMENT 'y'", "DECIMAL(8,2) UNSIGNED",
				"ENUM('x','y')", "DATETIME DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", "INT AS (length(up)) VIRTUAL", "INT AS (up + 1) STORED", "VARCHAR(9) COLLATE utf8mb4_bin", "INT INVISIBLE"))
		}
		for i, c := range columns[1:] {
			switch r.IntN(4) {
			case 0:
				items = append(items, pick("KEY", "UNIQUE KEY")+" k"+c+" ("+c+pick("", " DESC")+pick("", ", id")+")")
			case 1:
				items = append(items, fmt.Sprintf("CONSTRAINT c%d CHECK (%s %s)", i, c, pick("IS NOT NULL", "<> 0")))
			}
		}
		script = append(script, "CREATE TABLE "+table+" ("+strings.Join(items, ", ")+")"+pick("", " COMMENT='t'", " COLLATE utf8mb4_unicode_ci"))
		made = append(made, table)
		if r.IntN(2) == 0 {
			keys = append(keys, table)
		}
		if r.IntN(2) == 0 {
			views = append(views, "CREATE VIEW v_"+table+" AS SELECT "+strings.Join(columns, ", ")+" FROM "+table)
		}
		if r.IntN(3) == 0 {
			views = append(views, "CREATE TRIGGER g_"+table+" BEFORE INSERT ON "+table+" FOR EACH ROW SET NEW.up = "+pick("1", "2"))
		}
	}
	for _, table := range keys {
		script = append(script, "ALTER TABLE "+table+" ADD CONSTRAINT f_"+table+" FOREIGN KEY (up) REFERENCES "+pick(made...)+" (id)"+pick("", " ON DELETE CASCADE"))
	}
	return strings.Join(append(script, views...), "; ")
}
