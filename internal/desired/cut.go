package desired

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// item is a definition that is to be run.
type item struct {
	model *Model
	st    sqltext.Statement
	under []sqltext.Statement // the settings above it in its file

	err error // of the last try
}

// marker tells a line of a migration file.
func marker(line string) bool {
	word := strings.ToLower(strings.Trim(line, "-: \t\r"))
	return word == "upgrade" || word == "rollback"
}

// cut takes a model apart into definitions.
func cut(e *engine.Engine, v engine.Server, m *Model) ([]*item, error) {
	var items []*item
	var under []sqltext.Statement
	sc := sqltext.NewScanner(strings.NewReader(m.Text), e.Lexis, sqltext.Options{Marker: marker})
	for {
		st, err := sc.Next()
		switch {
		case err == io.EOF:
			return items, nil
		case err == sqltext.ErrMarker:
			line, at := sc.Marker()
			return nil, &Error{Model: m, Pos: at, Msg: "this is a migration (" + strings.TrimSpace(line) + ") and not a model",
				Hint: "model_paths names files that say what the schema is to be, migrations_dir the steps that lead there"}
		case err != nil:
			e := &Error{Model: m, Msg: err.Error(), Err: err}
			if wrong, ok := errors.AsType[*sqltext.Error](err); ok {
				e.Pos, e.Msg = wrong.Pos, wrong.Msg
			}
			return nil, e
		}
		what, msg, hint := judge(e, v, st)
		switch what {
		case refused:
			return nil, &Error{Model: m, Pos: st.Start, Statement: st, Msg: msg, Hint: hint}
		case setting:
			under = append(slices.Clip(under), st)
		case dropped:
			items = withdraw(items, st)
		case definition:
			items = append(items, &item{model: m, st: st, under: under})
		}
	}
}

// verdict is what a statement is to a model.
type verdict int

const (
	definition verdict = iota
	setting            // it changes the session for those below it in its file
	passed             // it means nothing here
	dropped            // DROP ... IF EXISTS
	refused
)

// judge tells definitions from what is none. Dumps may be used as they are:
// BEGIN, COMMIT and DROP ... IF EXISTS in them say nothing of an empty
// database.
func judge(e *engine.Engine, v engine.Server, st sqltext.Statement) (what verdict, msg, hint string) {
	if why := e.Scratch.Strays(st, v); why != "" {
		return refused, why + ", which a model must not", "leave it out: a model says what is in one database, and is run in another one to find out what that means"
	}
	w := st.Words
	traits := e.Classify(w, v)
	first := ""
	if len(w) > 0 {
		first = w[0]
	}
	switch traits.Kind {
	case engine.Begin, engine.Commit:
		return passed, "", ""
	case engine.Setting:
		return setting, "", ""
	case engine.Data:
		if first != "DO" {
			return refused, first + " is about rows and no part of a schema", "put rows into a migration (dbwarden new --type seed)"
		}
	case engine.Read, engine.Rollback:
		return refused, first + " makes nothing and is no part of a schema", "leave it out"
	}
	switch {
	case traits.Fleeting:
		return refused, "a temporary table is no part of a schema", "leave it out"
	case first == "DROP" && slices.Contains(w, "EXISTS"):
		return dropped, "", ""
	case first == "DROP", first == "TRUNCATE", first == "RENAME":
		return refused, first + " is a step and no part of a schema", "a model says what is there: what it does not name is not there"
	case slices.Contains([]string{"CREATE", "ALTER", "COMMENT", "GRANT", "REVOKE", "DO", "SECURITY", "REINDEX"}, first):
		return definition, "", ""
	}
	return refused, first + " makes nothing and is no part of a schema", "leave it out"
}

// withdraw takes away what a DROP ... IF EXISTS of the same file would: dumps
// of MySQL make a view twice, the first time as something to refer to.
func withdraw(items []*item, drop sqltext.Statement) []*item {
	i := slices.Index(drop.Words, "EXISTS")
	if i+1 >= len(drop.Words) {
		return items
	}
	name := drop.Words[i+1]
	return slices.DeleteFunc(items, func(it *item) bool {
		return len(it.st.Words) > 2 && it.st.Words[0] == "CREATE" && strings.EqualFold(created(it.st), bare(name))
	})
}

// created is the name of what a CREATE makes, without its schema; "" where it
// is not found.
func created(st sqltext.Statement) string {
	w := st.Words
	if len(w) == 0 || w[0] != "CREATE" {
		return ""
	}
	kinds := []string{"TABLE", "VIEW", "TYPE", "DOMAIN", "FUNCTION", "PROCEDURE", "SEQUENCE", "SCHEMA", "EXTENSION", "AGGREGATE", "COLLATION"}
	i := slices.IndexFunc(w, func(s string) bool { return slices.Contains(kinds, s) })
	if i < 0 {
		return ""
	}
	for i++; i < len(w) && slices.Contains([]string{"IF", "NOT", "EXISTS"}, w[i]); i++ {
	}
	if i+2 < len(w) && w[i+1] == "." {
		i += 2
	}
	if i >= len(w) {
		return ""
	}
	return bare(w[i])
}

// bare is a name without its quotes, or in lower case where it has none.
func bare(word string) string {
	if n := len(word); n > 1 && (word[0] == '"' || word[0] == '`') && word[n-1] == word[0] {
		return strings.ReplaceAll(word[1:n-1], word[:1]+word[:1], word[:1])
	}
	if n := len(word); n > 1 && word[0] == '[' {
		return word[1 : n-1]
	}
	return strings.ToLower(word)
}
