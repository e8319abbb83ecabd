package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// nameForeignKeys adds to a statement that was refused for a foreign key
// which keys its table has: SQLite says only that one failed. The row itself
// is gone by now, so that which of them it was cannot be looked up.
func (s *session) nameForeignKeys(ctx context.Context, st sqltext.Statement, err error) {
	var wrong *statementError
	if code, ok := resultCode(err); !ok || code != codeForeignKey || !errors.As(err, &wrong) {
		return
	}
	table, child, parent := written(st)
	if table == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), orphanTime)
	defer cancel()
	var keys []string
	if child {
		keys = s.foreignKeys(ctx, `m.name = ?`, table)
	}
	if parent {
		for _, k := range s.foreignKeys(ctx, `f."table" = ?`, table) {
			if !slices.Contains(keys, k) { // that of a table to itself
				keys = append(keys, k)
			}
		}
	}
	if more := len(keys) - mostOrphans; more > 0 {
		keys = append(keys[:mostOrphans], fmt.Sprintf("and %d more", more))
	}
	wrong.detail = strings.Join(keys, "\n")
}

// written is the table that a statement writes to, "" where it is not told;
// and whether its own references may fail then, and those of others to it.
func written(st sqltext.Statement) (table string, child, parent bool) {
	p := engine.ReadPhrase(st, sqltext.SQLite)
	if p.Next("WITH") {
		i, depth := 0, 0
		for ; i < len(p.Tokens); i++ {
			switch t := p.Tokens[i]; {
			case t.Text == "(":
				depth++
			case t.Text == ")":
				depth--
			case depth == 0 && slices.ContainsFunc([]string{"INSERT", "REPLACE", "UPDATE", "DELETE"}, t.Is):
				depth = -1
			}
			if depth < 0 {
				break
			}
		}
		p.Tokens = p.Tokens[i:]
	}
	switch verb := p.OneOf("INSERT", "REPLACE", "UPDATE", "DELETE", "DROP"); verb {
	case "INSERT", "REPLACE":
		parent = verb == "REPLACE"
		if p.Next("OR") {
			parent = p.OneOf("ROLLBACK", "ABORT", "REPLACE", "FAIL", "IGNORE") == "REPLACE"
		}
		if child = p.Next("INTO"); !child {
			return "", false, false
		}
		parent = parent || p.Has("DO", "UPDATE")
	case "UPDATE":
		child, parent = true, true
		if p.Next("OR") {
			p.OneOf("ROLLBACK", "ABORT", "REPLACE", "FAIL", "IGNORE")
		}
	case "DELETE":
		if parent = p.Next("FROM"); !parent {
			return "", false, false
		}
	case "DROP":
		// It deletes the rows first.
		if parent = p.Next("TABLE"); !parent {
			return "", false, false
		}
		p.Next("IF", "EXISTS")
	default:
		return "", false, false
	}
	return mainName(p.Name()), child, parent
}

// foreignKeys are "orders (customer) refers to customers (id)", of the tables
// of the main schema.
func (s *session) foreignKeys(ctx context.Context, of, table string) (out []string) {
	type key struct{ child, parent, from, to string }
	var keys []key
	last := [2]any{}
	// Without them the error is told as it is.
	_ = s.Query(ctx, func(scan func(...any) error) error {
		var k key
		var id int
		var to sql.NullString // NULL where the parent's primary key is meant
		if err := scan(&k.child, &id, &k.parent, &k.from, &to); err != nil {
			return err
		}
		k.to = to.String
		if this := [2]any{k.child, id}; this == last {
			keys[len(keys)-1].from += ", " + k.from
			keys[len(keys)-1].to += ", " + k.to
		} else {
			last = this
			keys = append(keys, k)
		}
		return nil
	}, `SELECT m.name, f.id, f."table", f."from", f."to" FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f
		WHERE m.type = 'table' AND `+of+` COLLATE NOCASE ORDER BY m.name, f.id, f.seq`, table)
	for _, k := range keys {
		text := fmt.Sprintf("%s (%s) refers to %s", k.child, k.from, k.parent)
		if strings.Trim(k.to, ", ") != "" {
			text += " (" + k.to + ")"
		}
		out = append(out, text)
	}
	return out
}
