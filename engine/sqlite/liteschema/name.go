package liteschema

import "strings"

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// plain is a name as SQL has it: quoted where it must be.
func plain(name string) string {
	if name == "" || name[0] >= '0' && name[0] <= '9' || reserved[strings.ToUpper(name)] {
		return quote(name)
	}
	for i := range len(name) {
		if c := name[i]; !wordByte(c) || c == '$' {
			return quote(name)
		}
	}
	return name
}

// reserved are the words that SQLite takes for no name. It takes its other
// keywords for names where no keyword can stand.
var reserved = func() map[string]bool {
	all := map[string]bool{}
	for w := range strings.FieldsSeq(`ADD ALL ALTER AND AS AUTOINCREMENT BETWEEN CASE CAST CHECK COLLATE COMMIT
		CONSTRAINT CREATE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DEFAULT DEFERRABLE DELETE DISTINCT DROP ELSE
		ESCAPE EXCEPT EXISTS FOREIGN FROM GROUP HAVING IN INDEX INSERT INTERSECT INTO IS ISNULL JOIN LIMIT NOT
		NOTHING NOTNULL NULL ON OR ORDER PRIMARY RAISE REFERENCES RETURNING SELECT SET TABLE THEN TO TRANSACTION
		UNION UNIQUE UPDATE USING VALUES WHEN WHERE`) {
		all[w] = true
	}
	return all
}()
