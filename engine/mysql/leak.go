package mysql

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// leak names a table that takes no part in transactions, in the session's
// database or in another one that the statements name. MariaDB's sequences are
// tables that look so and are none.
//
// Other databases are looked at only where they are named: to somebody who may
// see all of a server, one old table in any of them would put every migration
// in doubt after a crash.
//
// What was found clean is not looked at again while this session did nothing
// to it: to look at every table before every migration takes longer than the
// migrations.
func leak(ctx context.Context, s engine.Session, statements iter.Seq2[sqltext.Statement, error]) (string, error) {
	seen := &leaks{}
	if own := own(s); own != nil {
		seen = &own.leaks
	}
	table, err := seen.here(ctx, s)
	if table != "" || err != nil {
		seen.forget()
		return table, err
	}
	for st, err := range statements {
		if err != nil {
			return "", nil // it is found again when they run
		}
		if table, err := seen.elsewhere(ctx, s, st.Text); table != "" || err != nil {
			return table, err
		}
	}
	return "", nil
}

// leaks is what is known of tables without transactions.
type leaks struct {
	known   bool            // this database had none
	touched []engine.Object // since
	others  []string        // databases that are not known to have none
	folded  bool            // whose names are in lower case
}

func (l *leaks) forget() { *l = leaks{} }

// note is told of each statement of the file's before it runs.
func (l *leaks) note(st sqltext.Statement, t engine.Traits, s *session) {
	switch t.Kind {
	case engine.Data, engine.Read, engine.Begin, engine.Commit, engine.Rollback:
		return
	case engine.Definition:
		b := &scene{p: engine.ReadPhrase(st, sqltext.MySQL), schema: s.server.Schema, server: s.server}
		objects := b.changed(b.p.OneOf("CREATE", "DROP", "ALTER", "RENAME"))
		if len(objects) > 0 && len(l.touched) < 100 && !s.strange && !slices.ContainsFunc(objects, func(o engine.Object) bool { return o.Schema != s.server.Schema }) {
			l.touched = append(l.touched, objects...)
			return
		}
	}
	l.forget()
}

// here looks at the session's own database.
func (l *leaks) here(ctx context.Context, s engine.Session) (string, error) {
	query, args := leaky+"TABLE_SCHEMA = DATABASE()", []any(nil)
	switch {
	case l.known && len(l.touched) == 0:
		return "", nil
	case l.known:
		marks := ""
		for _, o := range l.touched {
			name := o.Name
			if o.Of != "" {
				name = o.Of
			}
			args, marks = append(args, name), marks+", ?"
		}
		query += " AND TABLE_NAME IN (" + marks[2:] + ")"
	}
	table, err := text(ctx, s, query+" LIMIT 1", args...)
	if table == "" && err == nil {
		if !l.known {
			l.others, l.folded, err = otherDatabases(ctx, s)
		}
		l.known, l.touched = err == nil, nil
	}
	return table, err
}

// elsewhere looks at other databases that a text names.
func (l *leaks) elsewhere(ctx context.Context, s engine.Session, body string) (string, error) {
	if len(l.others) == 0 {
		return "", nil
	}
	if l.folded {
		body = strings.ToLower(body)
	}
	for i := 0; i < len(l.others); {
		name := l.others[i]
		if !strings.Contains(body, name) {
			i++
			continue
		}
		table, err := text(ctx, s, leaky+"TABLE_SCHEMA = ? LIMIT 1", name)
		if err != nil {
			return "", err
		}
		if table != "" {
			return name + "." + table, nil
		}
		l.others = slices.Delete(l.others, i, i+1)
	}
	return "", nil
}

const leaky = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' " +
	"AND ENGINE NOT IN (SELECT e.ENGINE FROM information_schema.ENGINES AS e WHERE e.TRANSACTIONS = 'YES') AND "

// otherDatabases are those that this user may see, besides the session's and
// the server's own; folded says that the server does not tell the cases of
// their names apart.
func otherDatabases(ctx context.Context, s engine.Session) (names []string, folded bool, err error) {
	err = s.Query(ctx, func(scan func(...any) error) error {
		var name string
		err := scan(&name, &folded)
		if folded {
			name = strings.ToLower(name)
		}
		names = append(names, name)
		return err
	}, "SELECT SCHEMA_NAME, @@lower_case_table_names <> 0 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME <> COALESCE(DATABASE(), '') "+
		"AND SCHEMA_NAME NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')")
	if err != nil {
		return nil, false, fmt.Errorf("list the databases: %w", err)
	}
	return names, folded, nil
}
