package myschema

import (
	"context"
	"database/sql"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// readPartitions reads how tables are cut. A partition is no table here, but
// a clause of one.
func (i *inspection) readPartitions(ctx context.Context) error {
	var space, table string
	var name, sub, method, subMethod, on, subOn, description, comment sql.NullString
	last := ""
	return i.rows(ctx, `SELECT TABLE_SCHEMA, TABLE_NAME, PARTITION_NAME, SUBPARTITION_NAME, PARTITION_METHOD, SUBPARTITION_METHOD,
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
				last = ""
			}
			p := t.Partitions
			if name.String != last {
				last = name.String
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
}

func values(method string, of sql.NullString) string {
	switch {
	case strings.HasPrefix(method, "RANGE") && of.String == "MAXVALUE" && method == "RANGE":
		return " VALUES LESS THAN MAXVALUE"
	case strings.HasPrefix(method, "RANGE"):
		return " VALUES LESS THAN (" + of.String + ")"
	case strings.HasPrefix(method, "LIST") && of.String == "DEFAULT":
		return " DEFAULT"
	case strings.HasPrefix(method, "LIST"):
		return " VALUES IN (" + of.String + ")"
	case method == "SYSTEM_TIME" && of.String == "CURRENT":
		return " CURRENT"
	case method == "SYSTEM_TIME":
		return " HISTORY"
	}
	return "" // HASH, KEY
}

func commented(text string) string {
	if text == "" {
		return ""
	}
	return " COMMENT = " + literal(text)
}
