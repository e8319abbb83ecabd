package myschema

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readPartitions reads how tables are cut. A partition is no table here, but
// a clause of one.
func (i *inspection) readPartitions(ctx context.Context) error {
	var vague []*schema.Table
	var space, table string
	var name, sub, method, subMethod, on, subOn, description, comment sql.NullString
	last := ""
	err := i.rows(ctx, `SELECT TABLE_SCHEMA, TABLE_NAME, PARTITION_NAME, SUBPARTITION_NAME, PARTITION_METHOD, SUBPARTITION_METHOD,
 PARTITION_EXPRESSION, SUBPARTITION_EXPRESSION, PARTITION_DESCRIPTION, PARTITION_COMMENT
 FROM information_schema.PARTITIONS WHERE TABLE_SCHEMA IN (%s) AND PARTITION_NAME IS NOT NULL
 ORDER BY TABLE_SCHEMA, TABLE_NAME, PARTITION_ORDINAL_POSITION, SUBPARTITION_ORDINAL_POSITION`,
		[]any{&space, &table, &name, &sub, &method, &subMethod, &on, &subOn, &description, &comment}, func() {
			t := i.table(space, table)
			if t == nil {
				return
			}
			if t.Partitions == nil {
				by := method.String + " (" + on.String + ")"
				if method.String == "SYSTEM_TIME" {
					by = method.String
				}
				if subMethod.Valid {
					by += " SUBPARTITION BY " + subMethod.String + " (" + subOn.String + ")"
				}
				t.Partitions = &schema.Partitions{By: by}
				if method.String == "SYSTEM_TIME" {
					vague = append(vague, t)
				}
				last = ""
			}
			p := t.Partitions
			if name.String != last {
				last = name.String
				if strings.HasPrefix(method.String, "LIST") && takesRest(description.String) && !slices.Contains(vague, t) {
					vague = append(vague, t)
				}
				p.List = append(p.List, "PARTITION "+quote(name.String)+values(method.String, description)+commented(comment.String))
			}
			if sub.Valid {
				text := &p.List[len(p.List)-1]
				if strings.HasSuffix(*text, ")") && strings.Contains(*text, " (SUBPARTITION ") {
					*text = strings.TrimSuffix(*text, ")") + ", SUBPARTITION " + quote(sub.String) + ")"
				} else {
					*text += " (SUBPARTITION " + quote(sub.String) + ")"
				}
			}
		})
	if err != nil {
		return err
	}
	for _, t := range vague {
		if err := i.askForPartitions(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// askForPartitions reads from SHOW CREATE TABLE what the catalogue leaves out:
// by which time or number of rows history is cut, and which partition of a
// list takes the rest, where the catalogue has 0 or MAXVALUE for its values. A
// line break in a text of the user's is escaped there, so a line that begins
// with PARTITION is the server's own.
func (i *inspection) askForPartitions(ctx context.Context, t *schema.Table) error {
	var name, text string
	err := i.s.Query(ctx, func(scan func(...any) error) error { return scan(&name, &text) },
		"SHOW CREATE TABLE "+quote(t.Schema)+"."+quote(t.Name))
	if err != nil {
		return err
	}
	_, text, _ = strings.Cut(text, "\n PARTITION BY ")
	by, rest, _ := strings.Cut(text, "\n")
	if strings.HasPrefix(by, "SYSTEM_TIME") {
		t.Partitions.By = strings.TrimSpace(by)
	}
	for line := range strings.Lines(rest) {
		for n, p := range t.Partitions.List {
			start, more, _ := strings.Cut(p, " VALUES IN ")
			after, ok := strings.CutPrefix(line[1:], start+" DEFAULT")
			if !ok || after != "" && !strings.ContainsAny(after[:1], " \n,)") {
				continue
			}
			more = strings.TrimLeft(more, "(0MAXVLUE,)")
			t.Partitions.List[n] = start + " DEFAULT" + more
		}
	}
	return nil
}

// takesRest reports whether a list's values may be those of the partition that
// takes what no other one does: 0, MAXVALUE, or (MAXVALUE,MAXVALUE).
func takesRest(values string) bool {
	return values == "0" || values != "" && strings.ReplaceAll(strings.Trim(values, "(),"), "MAXVALUE", "") == strings.Repeat(",", strings.Count(values, ","))
}

func values(method string, of sql.NullString) string {
	switch {
	case strings.HasPrefix(method, "RANGE") && of.String == "MAXVALUE" && method == "RANGE":
		return " VALUES LESS THAN MAXVALUE"
	case strings.HasPrefix(method, "RANGE"):
		return " VALUES LESS THAN (" + of.String + ")"
	case strings.HasPrefix(method, "LIST"):
		return " VALUES IN (" + of.String + ")"
	case method == "SYSTEM_TIME" && of.String == "CURRENT":
		return " CURRENT"
	case method == "SYSTEM_TIME":
		return " HISTORY"
	}
	return "" // HASH, KEY
}

// partitioned is the clause that cuts a table. Partitions of a hash that have
// the server's names are counted, not listed.
func partitioned(p *schema.Partitions) string {
	for n, text := range p.List {
		if text != fmt.Sprintf("PARTITION `p%d`", n) {
			return "PARTITION BY " + p.By + " (\n    " + strings.Join(p.List, ",\n    ") + ")"
		}
	}
	return fmt.Sprintf("PARTITION BY %s PARTITIONS %d", p.By, len(p.List))
}

func commented(text string) string {
	if text == "" {
		return ""
	}
	return " COMMENT = " + literal(text)
}
