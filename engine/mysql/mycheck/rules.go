package mycheck

import "github.com/dbwarden-go/dbwarden/check"

const (
	writers = "Nobody writes to the table until it is through."
	copied  = "The table is copied row by row. " + writers
)

func rules() []check.Rule {
	return []check.Rule{
		{ID: "change-type", Severity: check.Error, Sized: true, Title: "a change of a column's type that copies the table", Why: copied},
		{ID: "narrow-type", Severity: check.Error, Title: "a column gets a smaller type",
			Why: "A value that does not fit makes the statement fail, or is cut where sql_mode is not strict. " + copied},
		{ID: "enum-order", Severity: check.Error, Sized: true, Title: "values of an ENUM that are removed, renamed or put anywhere but behind the others",
			Why: "Values are stored as numbers, so that each row must be looked at. " + copied},
		{ID: "change-null", Severity: check.Warning, Sized: true, Title: "a column that becomes NULL or NOT NULL",
			Why: "The table is written anew, though others may write to it meanwhile; and a NULL makes it fail."},
		{ID: "convert-charset", Severity: check.Error, Sized: true, Title: "CONVERT TO CHARACTER SET",
			Why: copied + " Columns may get other types, and indexes may become too long."},
		{ID: "utf8mb3", Severity: check.Warning, Title: "the character set utf8 or utf8mb3",
			Why: "It holds no character of four bytes: an emoji in an INSERT is an error, and the change to utf8mb4 copies the table."},
		{ID: "add-required-column", Severity: check.Warning, Title: "a new column that is NOT NULL and has no default",
			Why: "The rows get an empty string or a zero that nobody chose; and a version of the application that still runs, and does not know the column, can insert nothing in strict mode."},
		{ID: "add-auto-increment-column", Severity: check.Error, Sized: true, Title: "a new AUTO_INCREMENT column",
			Why: "The table is written anew, to give each row its number. " + writers},
		{ID: "add-generated-column", Severity: check.Error, Sized: true, Title: "a new generated column that is stored", Why: copied},
		{ID: "foreign-key", Severity: check.Error, Sized: true, Title: "a foreign key at a table that is in use",
			Why: "While foreign_key_checks is on, each row is looked up. " + copied},
		{ID: "check-constraint", Severity: check.Error, Sized: true, Title: "a check constraint at a table that is in use", Why: copied},
		{ID: "primary-key", Severity: check.Error, Sized: true, Title: "another primary key",
			Why: "Rows are stored in the order of the primary key: the whole table, and each index, is written anew."},
		{ID: "fulltext-index", Severity: check.Error, Sized: true, Title: "a FULLTEXT index",
			Why: "The first one of a table writes it anew, for a hidden column. " + writers},
		{ID: "spatial-index", Severity: check.Error, Sized: true, Title: "a SPATIAL index", Why: writers},
		{ID: "rewrite-table", Severity: check.Error, Sized: true, Title: "ENGINE, ROW_FORMAT, ORDER BY, FORCE and the like",
			Why: "The table is written anew, and with most of these nobody writes to it meanwhile."},
		{ID: "partition-change", Severity: check.Error, Sized: true, Title: "another partitioning of a table", Why: copied},
		{ID: "drop-partition", Severity: check.Error, Title: "a partition is dropped or emptied", Why: "Its rows are gone. No rollback brings them back."},
		{ID: "asks-for-lock", Severity: check.Error, Sized: true, Title: "ALGORITHM=COPY, LOCK=SHARED or LOCK=EXCLUSIVE",
			Why: "The statement asks for what keeps others away, also where it could do without."},
		{ID: "no-algorithm", Severity: check.Off, Title: "ALTER TABLE without ALGORITHM and LOCK",
			Why: "Where the server cannot do it the cheap way it takes the expensive one without a word. With ALGORITHM and LOCK it refuses instead."},
		{ID: "lock-tables", Severity: check.Warning, Title: "LOCK TABLES",
			Why: "The tables stay locked until UNLOCK TABLES, and everything else that the session wants is refused."},
		{ID: "not-transactional", Severity: check.Warning, Title: "a table whose engine knows no transactions",
			Why: "What is written to it stays when a transaction is rolled back, and a crash may lose it or leave half of it."},
		{ID: "integer-key", Severity: check.Warning, Title: "a primary key of 32 bits or less",
			Why: "It ends at 2,147,483,647, or at 4,294,967,295 UNSIGNED, gaps of failed inserts included, and the change to bigint copies the table on the worst day for it."},
		{ID: "timestamp-2038", Severity: check.Info, Title: "the type TIMESTAMP",
			Why: "It ends on 19 January 2038 (on MariaDB before 11.5, and on MySQL). DATETIME does not."},
	}
}
