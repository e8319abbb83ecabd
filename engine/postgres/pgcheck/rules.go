package pgcheck

import "github.com/dbwarden-go/dbwarden/check"

const nobody = "Until it is through nobody reads or writes the table."

func rules() []check.Rule {
	return []check.Rule{
		{ID: "change-type", Severity: check.Error, Sized: true, Title: "a change of a column's type that writes the table anew",
			Why: "Every row and every index is written again under ACCESS EXCLUSIVE. " + nobody},
		{ID: "narrow-type", Severity: check.Error, Title: "a column gets a smaller type",
			Why: "A value that does not fit makes the statement fail, or is cut or rounded where there is a USING. And every row is written anew under ACCESS EXCLUSIVE."},
		{ID: "set-not-null", Severity: check.Error, Sized: true, Title: "SET NOT NULL without a checked constraint",
			Why: "The whole table is read under ACCESS EXCLUSIVE. " + nobody + " A validated CHECK (column IS NOT NULL) spares the reading."},
		{ID: "drop-not-null", Severity: check.Info, Title: "a column may be NULL from here on",
			Why: "A version of the application that still runs may not expect a NULL there."},
		{ID: "add-required-column", Severity: check.Error, Title: "a new column that is NOT NULL and has no default",
			Why: "The statement fails where the table has a row; and a version of the application that still runs, and does not know the column, can insert nothing."},
		{ID: "volatile-default", Severity: check.Error, Sized: true, Title: "a new column with a default that differs from row to row",
			Why: "Every row is written anew under ACCESS EXCLUSIVE, to hold a value of its own. " + nobody + " A constant default, and now(), cost nothing."},
		{ID: "add-serial-column", Severity: check.Error, Sized: true, Title: "a new column that counts",
			Why: "Every row is written anew under ACCESS EXCLUSIVE, to hold its number. " + nobody},
		{ID: "add-generated-column", Severity: check.Error, Sized: true, Title: "a new generated column that is stored",
			Why: "Every row is written anew under ACCESS EXCLUSIVE. " + nobody},
		{ID: "add-domain-column", Severity: check.Warning, Sized: true, Title: "a new column of a domain with a constraint",
			Why: "Every row is written anew under ACCESS EXCLUSIVE, also without a default. " + nobody},
		{ID: "index-not-concurrent", Severity: check.Error, Sized: true, Title: "CREATE INDEX without CONCURRENTLY",
			Why: "The table is locked with SHARE for as long as the index is built: nobody writes to it."},
		{ID: "drop-index-not-concurrent", Severity: check.Warning, Title: "DROP INDEX without CONCURRENTLY",
			Why: "It waits for ACCESS EXCLUSIVE on the table, and everybody who comes later waits behind it."},
		{ID: "reindex-not-concurrent", Severity: check.Error, Sized: true, Title: "REINDEX without CONCURRENTLY",
			Why: "Nobody writes to the table while the index is built, and no query uses it."},
		{ID: "index-on-partitioned", Severity: check.Warning, Sized: true, Title: "an index on a partitioned table",
			Why: "CONCURRENTLY is not possible there, and without it every partition is locked against writers."},
		{ID: "concurrent-if-not-exists", Severity: check.Warning, Title: "CREATE INDEX CONCURRENTLY IF NOT EXISTS",
			Why: "A build that failed leaves an invalid index of that name, which counts as existing: the statement does nothing, and no query uses the index."},
		{ID: "foreign-key-not-valid", Severity: check.Error, Sized: true, Title: "a foreign key without NOT VALID",
			Why: "All rows are looked up under SHARE ROW EXCLUSIVE on both tables: nobody writes to either."},
		{ID: "check-not-valid", Severity: check.Error, Sized: true, Title: "a check constraint without NOT VALID",
			Why: "The whole table is read under ACCESS EXCLUSIVE. " + nobody},
		{ID: "unique-not-using-index", Severity: check.Error, Sized: true, Title: "a unique constraint that builds its index",
			Why: "The index is built under ACCESS EXCLUSIVE. " + nobody},
		{ID: "primary-key-not-using-index", Severity: check.Error, Sized: true, Title: "a primary key that builds its index",
			Why: "The index is built, and the columns are checked for NULL, under ACCESS EXCLUSIVE. " + nobody},
		{ID: "exclusion-constraint", Severity: check.Error, Sized: true, Title: "an exclusion constraint",
			Why: "Its index is built under ACCESS EXCLUSIVE, and there is no way to build it before. " + nobody},
		{ID: "rewrite-table", Severity: check.Error, Sized: true, Title: "VACUUM FULL, CLUSTER, SET LOGGED, SET ACCESS METHOD and the like",
			Why: "The table is written anew under ACCESS EXCLUSIVE. " + nobody},
		{ID: "refresh-not-concurrent", Severity: check.Warning, Sized: true, Title: "REFRESH MATERIALIZED VIEW without CONCURRENTLY",
			Why: "Nobody reads the view while its query runs."},
		{ID: "attach-partition", Severity: check.Warning, Sized: true, Title: "ATTACH PARTITION of a table that nothing says fits",
			Why: "The whole table is read under ACCESS EXCLUSIVE, to see that each row belongs there. A validated CHECK that says so spares the reading."},
		{ID: "detach-partition-not-concurrent", Severity: check.Warning, Title: "DETACH PARTITION without CONCURRENTLY",
			Why: "It takes ACCESS EXCLUSIVE on the partitioned table: everybody who uses any partition waits."},
		{ID: "lock-table", Severity: check.Warning, Title: "LOCK TABLE",
			Why: "The table stays locked to the end of the transaction, whatever else stands in it."},
		{ID: "disable-trigger", Severity: check.Warning, Title: "triggers are switched off",
			Why: "Foreign keys are triggers too: what is written meanwhile by anybody is checked by nothing, now and later."},
		{ID: "enum-value", Severity: check.Info, Title: "a new value of an enum",
			Why: "No statement takes a value away again: the way back is a new type and a rewrite of the table."},
		{ID: "enum-value-used", Severity: check.Error, Title: "a new value of an enum that the same transaction uses",
			Why: "PostgreSQL refuses it: a new value can be used when the transaction that made it is through."},
		{ID: "enum-value-place", Severity: check.Off, Title: "a new value of an enum without BEFORE or AFTER",
			Why: "Where it comes in the order, which ORDER BY and comparisons follow, nobody decided."},
		{ID: "domain-constraint", Severity: check.Warning, Title: "a constraint of a domain",
			Why: "Every column of the domain, in every table, is read while the tables are locked; and a later change of the rule does the same again."},
		{ID: "integer-key", Severity: check.Warning, Title: "a primary key of 32 bits or less",
			Why: "It ends at 2,147,483,647, gaps of failed inserts included, and the change to bigint writes the table anew on the worst day for it."},
		{ID: "integer-column", Severity: check.Off, Title: "a column of 32 bits or less that is no key",
			Why: "It ends at 2,147,483,647, and the change to bigint writes the table anew."},
		{ID: "serial", Severity: check.Info, Title: "serial instead of an identity column",
			Why: "The sequence is an object of its own, with rights of its own, and nothing keeps an INSERT from giving the number by hand."},
		{ID: "timestamp-without-zone", Severity: check.Info, Title: "a timestamp without a time zone",
			Why: "It is no moment: what it means depends on who wrote it. timestamptz takes the same eight bytes."},
		{ID: "json-not-jsonb", Severity: check.Info, Title: "json instead of jsonb",
			Why: "json has no equality, so that SELECT DISTINCT, GROUP BY and UNION over the table fail; and no index can look into it."},
		{ID: "char-type", Severity: check.Info, Title: "char(n)",
			Why: "It is filled up with blanks, which some comparisons see and others do not. It saves nothing."},
		{ID: "varchar-limit", Severity: check.Off, Title: "varchar(n) instead of text",
			Why: "A limit costs ACCESS EXCLUSIVE to raise and a rewrite to lower. A CHECK on text can be changed without either."},
	}
}

// reserved are the words that no name can be without quotes. The test asks
// the servers' own pg_get_keywords().
func reserved(name string) bool {
	switch name {
	case "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "both", "case", "cast", "check", "collate", "column",
		"constraint", "create", "current_catalog", "current_date", "current_role", "current_time", "current_timestamp", "current_user", "default",
		"deferrable", "desc", "distinct", "do", "else", "end", "except", "false", "fetch", "for", "foreign", "from", "grant", "group", "having",
		"in", "initially", "intersect", "into", "lateral", "leading", "limit", "localtime", "localtimestamp", "not", "null", "offset", "on", "only",
		"or", "order", "placing", "primary", "references", "returning", "select", "session_user", "some", "symmetric", "system_user", "table",
		"then", "to", "trailing", "true", "union", "unique", "user", "using", "variadic", "when", "where", "window", "with",
		"authorization", "binary", "collation", "concurrently", "cross", "current_schema", "freeze", "full", "ilike", "inner", "is", "isnull",
		"join", "left", "like", "natural", "notnull", "outer", "overlaps", "right", "similar", "tablesample", "verbose":
		return true
	}
	return false
}
