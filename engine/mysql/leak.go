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
func leak(ctx context.Context, s engine.Session, statements iter.Seq2[sqltext.Statement, error]) (string, error) {
	table, err := text(ctx, s, leaky+"TABLE_SCHEMA = DATABASE() LIMIT 1")
	if table != "" || err != nil {
		return table, err
	}
	others, folded, err := otherDatabases(ctx, s)
	if err != nil || len(others) == 0 {
		return "", err
	}
	for st, err := range statements {
		if err != nil {
			return "", nil // it is found again when they run
		}
		body := st.Text
		if folded {
			body = strings.ToLower(body)
		}
		for i := 0; i < len(others); {
			name := others[i]
			if !strings.Contains(body, name) {
				i++
				continue
			}
			others = slices.Delete(others, i, i+1)
			table, err := text(ctx, s, leaky+"TABLE_SCHEMA = ? LIMIT 1", name)
			if err != nil {
				return "", err
			}
			if table != "" {
				return name + "." + table, nil
			}
		}
		if len(others) == 0 {
			break
		}
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
