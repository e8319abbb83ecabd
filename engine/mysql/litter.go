package mysql

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// litter is what a migration may have made in its session that outlives it:
// temporary tables, user variables, prepared statements. The products put it
// away all at once only together with the locks of GET_LOCK, ours among them;
// so it is put away by name, as the texts have it. What is put away without
// having been there does no harm, so the texts are read broadly.
//
// Not seen is what a procedure makes that was there before.
type litter struct {
	tables, prepared, variables []string // as they are spelled
	databases                   []string // where USE led
}

var (
	temporaries = regexp.MustCompile("(?i)\\bTEMPORARY\\s+(TABLE|SEQUENCE)\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?((?:[\\w$]+|`(?:[^`]|``)+`)(?:\\s*\\.\\s*(?:[\\w$]+|`(?:[^`]|``)+`))?)")
	prepares    = regexp.MustCompile("(?i)\\bPREPARE\\s+([\\w$]+|`[^`]+`)\\s+FROM\\b")
	uses        = regexp.MustCompile("(?i)^\\s*USE\\s+([\\w$-]+|`(?:[^`]|``)+`)")
)

// maxLitter bounds how many names of a kind are kept of one migration.
const maxLitter = 10_000

// note is told of each statement of the file's before it runs.
func (l *litter) note(st sqltext.Statement, t engine.Traits) {
	add := func(to *[]string, name string) {
		if len(*to) < maxLitter && !slices.Contains(*to, name) {
			*to = append(*to, name)
		}
	}
	if mentionsVariable(st.Text) {
		for _, m := range variable.FindAllStringSubmatch(st.Text, -1) {
			if !strings.HasPrefix(strings.ToLower(m[2]), "dbwarden_") {
				add(&l.variables, "@"+m[2])
			}
		}
	}
	if t.Kind == engine.Data {
		return
	}
	for _, m := range temporaries.FindAllStringSubmatch(st.Text, -1) {
		add(&l.tables, strings.ToUpper(m[1])+" IF EXISTS "+m[2])
	}
	for _, m := range prepares.FindAllStringSubmatch(st.Text, -1) {
		add(&l.prepared, m[1])
	}
	if m := uses.FindStringSubmatch(st.Text); m != nil {
		add(&l.databases, m[1])
	}
}

func (l *litter) none() bool { return len(l.tables)+len(l.prepared)+len(l.variables) == 0 }

// sweep puts it away. The session is outside of transactions, and its settings
// are ours.
func (s *session) sweep(ctx context.Context) error {
	l := s.litter
	if l.none() {
		return nil
	}
	for names := range slices.Chunk(l.variables, 200) {
		if _, err := s.Exec(ctx, "SET "+strings.Join(names, " = NULL, ")+" = NULL"); err != nil {
			return err
		}
	}
	for _, table := range l.tables {
		for _, one := range l.everywhere(table) {
			if _, err := s.Exec(ctx, "DROP TEMPORARY "+one); err != nil {
				return err
			}
		}
	}
	for _, name := range l.prepared {
		// It may have been put away, or never have been made.
		if _, err := s.Exec(ctx, "DEALLOCATE PREPARE "+name); err != nil {
			var refused *mysqldriver.MySQLError
			if !errors.As(err, &refused) || refused.Number != errNoStatement {
				return err
			}
		}
	}
	s.litter = litter{}
	return nil
}

// everywhere spells a table in each database in which it may be: that of the
// session, and those to which USE led.
func (l *litter) everywhere(table string) []string {
	at := strings.LastIndex(table, " IF EXISTS ") + len(" IF EXISTS ")
	kind, name := table[:at], table[at:]
	out := []string{table}
	if strings.Contains(strings.ReplaceAll(name, "``", ""), ".") && !strings.HasPrefix(name, "`") || strings.Contains(name, "`.") {
		return out
	}
	for _, d := range l.databases {
		out = append(out, kind+d+"."+name)
	}
	return out
}
