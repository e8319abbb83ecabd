package litecheck

import "github.com/dbwarden-go/dbwarden/check"

func rules() []check.Rule {
	const refused = "SQLite refuses it"
	return []check.Rule{
		{ID: "add-required-column", Severity: check.Error, Title: "a new column that is NOT NULL and has no default",
			Why: refused + " where the table has a row; and a version of the application that still runs, and does not know the column, can insert nothing."},
		{ID: "add-unique-column", Severity: check.Error, Title: "a new column that is UNIQUE or the primary key",
			Why: refused + ", always: ADD COLUMN builds no index."},
		{ID: "changing-default", Severity: check.Error, Title: "a new column whose default is an expression, or the time",
			Why: refused + " where the table has a row: ADD COLUMN writes no rows, and so needs a value that never changes."},
		{ID: "add-stored-column", Severity: check.Error, Title: "a new generated column that is stored",
			Why: refused + ", always: ADD COLUMN writes no rows."},
		{ID: "drop-column-in-use", Severity: check.Error, Title: "a column is dropped that an index or a key has",
			Why: refused + ", always."},
		{ID: "rename-away", Severity: check.Error, Title: "a table is renamed away, and made again under its name",
			Why: "Foreign keys, views and triggers of other tables follow the table that was renamed: they lead to the old one from then on. Make the new one under another name, and rename that."},
		{ID: "rebuild-with-foreign-keys", Severity: check.Warning, Title: "a table that others refer to is dropped while foreign keys may be on",
			Why: "With foreign keys on, DROP TABLE deletes each row first, and what refers to it with ON DELETE CASCADE or SET NULL goes with it, or is emptied; without these it fails."},
		{ID: "rebuild-loses", Severity: check.Error, Title: "a table is rebuilt without its indexes or triggers",
			Why: "They are dropped with the old table, silently. A unique index that is not made again lets through what it kept out."},
		{ID: "index-build", Severity: check.Info, Sized: true, Title: "CREATE INDEX on a table that is in use",
			Why: "The file has one writer: every other write to the database waits until the index is built."},
		{ID: "vacuum", Severity: check.Warning, Title: "VACUUM",
			Why: "The whole file is written anew, with up to twice its size of free space. Nobody else writes meanwhile."},
		{ID: "writable-schema", Severity: check.Error, Title: "PRAGMA writable_schema",
			Why: "What is then written to sqlite_schema is checked by nothing: a mistake makes the file unreadable."},
		{ID: "string-type", Severity: check.Warning, Title: "the type STRING",
			Why: "SQLite does not know it and takes it for a number: '007' becomes 7, and '1e3' 1000.0. TEXT keeps what it is given."},
		{ID: "not-strict", Severity: check.Off, Title: "a table that is not STRICT",
			Why: "A column takes values of any type, whatever its own is."},
	}
}

// reserved are the words that no table can be called without quotes.
func reserved(name string) bool {
	const words = " add all alter and as autoincrement between case check collate commit constraint create default deferrable delete distinct drop" +
		" else escape except exists foreign from group having in index insert intersect into is isnull join limit not notnull null on or order" +
		" primary references returning select set table then to transaction union unique update using values when where nothing "
	return contains(words, name)
}
