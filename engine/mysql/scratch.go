package mysql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

func scratch() engine.Scratch {
	return engine.Scratch{
		Create: createScratch,
		Right: func(v engine.Server) string {
			return "GRANT ALL PRIVILEGES ON " + quote(strings.ReplaceAll(engine.ScratchTable, "_", `\_`)+`\_%`) + ".* TO " + v.User + ";"
		},
		Same:        same,
		LocksServer: true,
		Look:        lookScratch,
		Mark:        func(ctx context.Context, s engine.Session, on bool) error { return markScratch(ctx, s, "", on) },
		Empty:       emptyScratch,
		Strays:      strays,
		Loosen:      loosen,
		Dangling:    dangling,
	}
}

// createScratch works from a session that is in no database.
func createScratch(ctx context.Context, like engine.Database) (engine.Database, func(context.Context) error, error) {
	d, ok := like.(*database)
	if !ok {
		return nil, nil, fmt.Errorf("plan like %T", like)
	}
	s, err := d.at("").Connect(ctx, engine.ConnectOptions{App: "dbwarden scratch"})
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	dropLeftovers(ctx, s)

	options, err := collationOf(ctx, s, d.config.DBName)
	if err != nil {
		return nil, nil, err
	}
	name := engine.NewScratchName()
	drop := func(ctx context.Context) error {
		s, err := d.at("").Connect(ctx, engine.ConnectOptions{App: "dbwarden scratch"})
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = s.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name))
		return err
	}
	if _, err := s.Exec(ctx, "CREATE DATABASE "+quote(name)+options); err != nil {
		if ctx.Err() != nil || fault(err).Kind == engine.Lost { // it may be there nevertheless
			err = errors.Join(err, engine.Cleanup(ctx, drop))
		}
		return nil, nil, err
	}
	if err := keepCollation(ctx, s, name, options); err != nil {
		return nil, nil, errors.Join(err, engine.Cleanup(ctx, drop))
	}
	if err := markScratch(ctx, s, name, true); err != nil {
		return nil, nil, errors.Join(err, engine.Cleanup(ctx, drop))
	}
	return d.at(name), drop, nil
}

// collationOf is what CREATE DATABASE takes to make one like it.
func collationOf(ctx context.Context, s engine.Session, database string) (options string, err error) {
	err = s.Query(ctx, func(scan func(...any) error) error {
		var charset, collation string
		if err := scan(&charset, &collation); err != nil {
			return err
		}
		options = " CHARACTER SET " + charset + " COLLATE " + collation
		return nil
	}, "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", database)
	return options, err
}

// keepCollation sees to it that a database that was just made has the options
// it was made with. Who lists the databases between the making of a new one's
// folder and the writing of its options has MariaDB (10.11, 80 times in
// 12,000) keep the server's own for it.
func keepCollation(ctx context.Context, s engine.Session, database, options string) error {
	for range 5 {
		got, err := collationOf(ctx, s, database)
		if err != nil || got == options || options == "" || got == "" {
			return err
		}
		if _, err := s.Exec(ctx, "ALTER DATABASE "+quote(database)+options); err != nil {
			return err
		}
	}
	return fmt.Errorf("the new database %s does not keep%s", database, options)
}

// at is the same server's database name, or none.
func (d *database) at(name string) *database {
	config := d.config.Clone()
	config.DBName = name
	label := d.label
	if i := strings.LastIndex(label, "/"+d.config.DBName); i >= 0 {
		label = label[:i+1] + name
	}
	return &database{label: label, address: d.address, password: d.password, dir: d.dir, config: config, names: d.names, timeout: d.timeout}
}

func same(a, b engine.Database) bool {
	x, ok1 := a.(*database)
	y, ok2 := b.(*database)
	return ok1 && ok2 && x.config.Addr == y.config.Addr && x.config.DBName == y.config.DBName
}

// markScratch sets the mark, a table that says since when, or takes it away.
func markScratch(ctx context.Context, s engine.Session, schema string, on bool) error {
	table := quote(engine.ScratchTable)
	if schema != "" {
		table = quote(schema) + "." + table
	}
	if !on {
		_, err := s.Exec(ctx, "DROP TABLE IF EXISTS "+table)
		return err
	}
	_, err := s.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+table+" (made_at DATETIME NOT NULL) COMMENT='dbwarden: this database is for planning, and is emptied'")
	if err == nil {
		_, err = s.Exec(ctx, "INSERT INTO "+table+" VALUES (UTC_TIMESTAMP())")
	}
	return err
}

// usedDatabases are those of all sessions, as what NOT IN compares with. MariaDB
// shows a session that is just being changed as Busy, without its database: a
// NULL in the list has NOT IN be true of nothing.
const usedDatabases = "(SELECT IF(COMMAND = 'Busy', NULL, COALESCE(DB, '')) FROM information_schema.PROCESSLIST)"

// seesAll says whether the sessions of all accounts are seen in the list of
// processes. Without the PROCESS right one's own are all that is there. A right
// that comes by a role is not seen, which only has more be kept.
const seesAll = `(SELECT COUNT(*) > 0 FROM information_schema.USER_PRIVILEGES
 WHERE PRIVILEGE_TYPE = 'PROCESS' AND GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), ''''))`

// unseenFactor is how many times longer a database is kept by whoever cannot see
// whether somebody is in it.
const unseenFactor = 7

// dropLeftovers removes what killed processes left: named and marked as ours,
// without sessions, and older than a day, or a week where it is not seen whether
// other accounts have sessions in it. Planning does not depend on it.
func dropLeftovers(ctx context.Context, s engine.Session) {
	var names []string
	_ = s.Query(ctx, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		if err == nil && engine.IsScratchName(name) {
			names = append(names, name)
		}
		return err
	}, `SELECT TABLE_SCHEMA FROM information_schema.TABLES WHERE TABLE_SCHEMA LIKE 'dbwarden\\_scratch\\_%' AND TABLE_NAME = '`+engine.ScratchTable+`'
 AND TABLE_SCHEMA NOT IN `+usedDatabases)
	for _, name := range names {
		old := false
		// Whether it is in use is asked once more: it may be since the list was made.
		err := s.Query(ctx, func(scan func(...any) error) error { return scan(&old) },
			fmt.Sprintf("SELECT COALESCE(MAX(made_at) < UTC_TIMESTAMP() - INTERVAL IF(%s, 1, %d) * %d HOUR AND '%s' NOT IN %s, 0) FROM %s.%s",
				seesAll, unseenFactor, int(engine.ScratchAge.Hours()), name, usedDatabases, quote(name), quote(engine.ScratchTable)))
		if err == nil && old {
			_, _ = s.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name))
		}
	}
}

// things are what a database holds, with the DROP that takes each away.
// Triggers go with their tables.
const things = `SELECT CONCAT(LOWER(REPLACE(REPLACE(REPLACE(TABLE_TYPE, 'BASE ', ''), 'SYSTEM VERSIONED', 'TABLE'), 'SYSTEM VIEW', 'VIEW')), ' ', TABLE_NAME),
 REPLACE(REPLACE(REPLACE(TABLE_TYPE, 'BASE ', ''), 'SYSTEM VERSIONED', 'TABLE'), 'SYSTEM VIEW', 'VIEW'), TABLE_NAME
 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME <> '` + engine.ScratchTable + `'
UNION ALL SELECT CONCAT(LOWER(ROUTINE_TYPE), ' ', ROUTINE_NAME), ROUTINE_TYPE, ROUTINE_NAME
 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_TYPE <> 'PACKAGE BODY'
UNION ALL SELECT CONCAT('event ', EVENT_NAME), 'EVENT', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()
 ORDER BY 2, 3`

func listThings(ctx context.Context, s engine.Session) (names, drops []string, err error) {
	err = s.Query(ctx, func(scan func(...any) error) error {
		var name, kind, object string
		if err := scan(&name, &kind, &object); err != nil {
			return err
		}
		names, drops = append(names, name), append(drops, "DROP "+kind+" IF EXISTS "+quote(object))
		return nil
	}, things)
	return names, drops, err
}

func lookScratch(ctx context.Context, s engine.Session) (found []string, marked bool, err error) {
	if found, _, err = listThings(ctx, s); err != nil {
		return nil, false, err
	}
	err = s.Query(ctx, func(scan func(...any) error) error { return scan(&marked) },
		"SELECT COUNT(*) > 0 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '"+engine.ScratchTable+"'")
	return found, marked, err
}

func emptyScratch(ctx context.Context, s engine.Session) error {
	_, drops, err := listThings(ctx, s)
	if err != nil {
		return err
	}
	if err := loosen(ctx, s); err != nil {
		return err
	}
	for _, drop := range dropping(drops) {
		if _, err := s.Exec(ctx, drop); err != nil {
			return err
		}
	}
	return nil
}

// dropping are the statements that run for such DROPs: a package is one in Oracle's
// mode alone.
func dropping(drops []string) (out []string) {
	for _, drop := range drops {
		if !strings.HasPrefix(drop, "DROP PACKAGE ") {
			out = append(out, drop)
			continue
		}
		out = append(out, "SET @dbwarden_mode = @@SESSION.sql_mode, SESSION sql_mode = 'ORACLE'", drop, "SET SESSION sql_mode = @dbwarden_mode")
	}
	return out
}

func loosen(ctx context.Context, s engine.Session) error {
	_, err := s.Exec(ctx, "SET FOREIGN_KEY_CHECKS = 0")
	return err
}

func dangling(ctx context.Context, s engine.Session) (names []string, err error) {
	err = s.Query(ctx, func(scan func(...any) error) error {
		var table, key, to string
		if err := scan(&table, &key, &to); err != nil {
			return err
		}
		names = append(names, fmt.Sprintf("foreign key %s of table %s refers to %s, which is not there", key, table, to))
		return nil
	}, `SELECT r.TABLE_NAME, r.CONSTRAINT_NAME, r.REFERENCED_TABLE_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS r
 LEFT JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = r.UNIQUE_CONSTRAINT_SCHEMA AND t.TABLE_NAME = r.REFERENCED_TABLE_NAME
 WHERE r.CONSTRAINT_SCHEMA = DATABASE() AND t.TABLE_NAME IS NULL ORDER BY 1, 2`)
	return names, err
}

// strays knows what is the server's and not the database's. Here one user's
// databases are beside one another on a server, so that a name with another
// database before it leads there.
func strays(st sqltext.Statement, v engine.Server) string {
	w := st.Words
	if len(w) == 0 {
		return ""
	}
	switch w[0] {
	case "USE":
		return "USE leads to another database"
	case "GRANT", "REVOKE", "FLUSH", "RESET", "KILL", "SHUTDOWN", "RESTART", "PURGE", "CHANGE", "INSTALL", "UNINSTALL", "CLONE":
		return w[0] + " reaches beyond the database"
	case "SET":
		for _, word := range []string{"GLOBAL", "PERSIST", "PERSIST_ONLY", "PASSWORD"} {
			if slices.Contains(w, word) {
				return "SET " + word + " reaches beyond the session"
			}
		}
	case "CREATE", "ALTER", "DROP", "RENAME":
		object := 1
		for object < len(w) && slices.Contains([]string{"OR", "REPLACE", "UNDO", "IF", "NOT", "EXISTS"}, w[object]) {
			object++
		}
		if object < len(w) && slices.Contains([]string{"DATABASE", "SCHEMA", "USER", "ROLE", "SERVER", "TABLESPACE", "LOGFILE", "INSTANCE", "RESOURCE"}, w[object]) {
			return w[0] + " " + w[object] + " reaches beyond the database"
		}
		if other := otherDatabase(w, v.Schema); other != "" {
			return "it is made in the database " + other
		}
		if slices.Contains(w[:min(len(w), 12)], "EVENT") && regexp.MustCompile("(?i)\\b(FROM|INTO|UPDATE|JOIN|TABLE|CALL)\\s+[`\\w]+\\s*\\.").MatchString(st.Text) {
			return "an event that names other databases could run while it is planned with"
		}
	}
	return ""
}

// otherDatabase finds the database before the name of what a statement makes
// or changes. What it only reads, behind AS or in brackets, may stand
// anywhere.
func otherDatabase(w []string, schema string) string {
	renames := false
	for i, word := range w {
		switch word {
		case "(", "AS", "SELECT", "LIKE", "BEGIN", "FOR", "DO", "RETURNS", "REFERENCES":
			if !renames {
				return ""
			}
		case "ADD", "MODIFY", "DROP":
			if i > 2 && !slices.Contains(w, "RENAME") {
				return ""
			}
		case "RENAME":
			renames = true
		case ".":
			if i > 0 && i+1 < len(w) {
				if name := unquoted(w[i-1]); !strings.EqualFold(name, schema) {
					return name
				}
			}
		}
	}
	return ""
}

func unquoted(word string) string {
	if len(word) > 1 && word[0] == '`' {
		return strings.ReplaceAll(word[1:len(word)-1], "``", "`")
	}
	return word
}
