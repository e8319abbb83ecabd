package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"

	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// witness reads sqlite_schema. Every statement is a transaction of its own
// there, and a process that died left a journal that the next one rolls back:
// what is in the schema is whole.
func witness() engine.Witness {
	return engine.Witness{Before: before, Now: now}
}

// The kinds of objects. A table stands for all that belongs to it.
const (
	kindObject = "object"
	kindTable  = "table"
	kindColumn = "column"
)

func before(ctx context.Context, s engine.Session, st sqltext.Statement) (engine.Evidence, error) {
	p := engine.ReadPhrase(st, sqltext.SQLite)
	switch p.OneOf("CREATE", "DROP", "ALTER", "VACUUM", "ANALYZE", "REINDEX", "PRAGMA", "SELECT", "VALUES", "EXPLAIN") {
	case "SELECT", "VALUES", "EXPLAIN":
		// It only reads: no function there changes anything.
		return engine.Evidence{Again: true}, nil
	case "CREATE":
		if p.Fleeting() {
			return engine.Evidence{Again: true}, nil
		}
		if p.OneOf("TEMP", "TEMPORARY") != "" {
			break
		}
		p.OneOf("UNIQUE", "VIRTUAL")
		return objectOf(ctx, s, p, engine.Makes)
	case "DROP":
		return objectOf(ctx, s, p, engine.Drops)
	case "ALTER":
		if !p.Next("TABLE") {
			break
		}
		name := mainName(p.Name())
		if name == "" || !p.Whole {
			break
		}
		table := engine.Object{Rule: engine.Touches, Kind: kindTable, Name: name}
		if p.Next("RENAME", "TO") {
			to := p.Name()
			if len(to) != 1 {
				break
			}
			return witness().Whole(ctx, s, engine.Object{Rule: engine.Drops, Kind: kindObject, Name: name},
				engine.Object{Rule: engine.Makes, Kind: kindObject, Name: to[0]})
		}
		if parts := altered(st.Text, name); parts != nil {
			return witness().Whole(ctx, s, parts...)
		}
		return witness().Whole(ctx, s, table)
	case "VACUUM":
		// VACUUM INTO refuses a file that is there.
		return engine.Evidence{Again: p.Whole && !p.Has("INTO")}, nil
	case "ANALYZE", "REINDEX":
		return engine.Evidence{Again: true}, nil
	case "PRAGMA":
		// Those that run outside a transaction set something, or do what may
		// be done at any time.
		return engine.Evidence{Again: true}, nil
	}
	return engine.Evidence{}, nil
}

// altered are the columns that ALTER TABLE makes, drops or renames: what others do to
// the rest of the table says nothing of the statement.
func altered(text, table string) (out []engine.Object) {
	rules := map[ddl.Fate]engine.Rule{ddl.Made: engine.Makes, ddl.Gone: engine.Drops}
	parts, _ := ddl.Read(text, ddl.SQLite()).Parts()
	for _, p := range parts {
		if p.Kind != ddl.ColumnPart || rules[p.Fate] == "" {
			return nil
		}
		out = append(out, engine.Object{Rule: rules[p.Fate], Kind: kindColumn, Name: p.Name.Name, Of: table})
	}
	return out
}

// objectOf reads [IF [NOT] EXISTS] [main.]name behind the kind.
func objectOf(ctx context.Context, s engine.Session, p *engine.Phrase, rule engine.Rule) (engine.Evidence, error) {
	if p.OneOf("TABLE", "INDEX", "VIEW", "TRIGGER") == "" {
		return engine.Evidence{}, nil
	}
	if !p.Next("IF", "NOT", "EXISTS") {
		p.Next("IF", "EXISTS")
	}
	name := mainName(p.Name())
	if name == "" || rule == engine.Drops && !p.End() {
		return engine.Evidence{}, nil
	}
	return witness().Whole(ctx, s, engine.Object{Rule: rule, Kind: kindObject, Name: name})
}

// mainName is a name in the database itself; "" for one in an attached or the
// temporary one.
func mainName(parts []string) string {
	switch {
	case len(parts) == 1:
		return parts[0]
	case len(parts) == 2 && (parts[0] == "main" || parts[0] == "MAIN"):
		return parts[1]
	}
	return ""
}

func now(ctx context.Context, s engine.Session, o engine.Object) (string, error) {
	column := "name"
	switch o.Kind {
	case kindColumn:
		said := ""
		err := s.Query(ctx, func(scan func(...any) error) error { return scan(&said) },
			"SELECT type || ' ' || \"notnull\" || ' ' || COALESCE(dflt_value, '') || ' ' || pk || ' ' || hidden FROM pragma_table_xinfo(?, 'main') WHERE name = ? COLLATE NOCASE", o.Of, o.Name)
		return said, err
	case kindTable:
		column = "tbl_name"
	case kindObject:
	default:
		return "", fmt.Errorf("%s: not known to this release", o)
	}
	sum, found := sha256.New(), false
	err := s.Query(ctx, func(scan func(...any) error) error {
		found = true
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q\n", text)
		return nil
	}, "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || COALESCE(sql, '') FROM main.sqlite_schema WHERE "+column+
		" = ? COLLATE NOCASE ORDER BY type, name", o.Name)
	if err != nil || !found {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

// leak names an attached database, or says that one is about to be attached: in
// WAL mode a commit goes to one file after the other.
func leak(ctx context.Context, s engine.Session, statements iter.Seq2[sqltext.Statement, error]) (string, error) {
	for st, err := range statements {
		if err == nil && st.Starts("ATTACH") {
			return "an attached database", nil
		}
	}
	if own, err := own(s); err == nil && !own.touched {
		return "", nil // nothing was attached since Reset
	}
	name := ""
	err := s.Query(ctx, func(scan func(...any) error) error { return scan(&name) },
		"SELECT name FROM pragma_database_list WHERE name NOT IN ('main', 'temp') LIMIT 1")
	return name, err
}
