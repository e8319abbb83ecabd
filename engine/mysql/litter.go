package mysql

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// litter is what a migration may have made in its session that outlives it:
// temporary tables, user variables, prepared statements. The products put it
// away all at once only together with the locks of GET_LOCK, ours among them;
// so it is put away by name, as the texts have it. What is put away without
// having been there does no harm, so the texts are read broadly: strings, which
// may be run, and comments, which may be version comments, too.
//
// Not seen is what a procedure makes that was there before, or a text that is
// put together as it runs.
type litter struct {
	tables, prepared, variables, databases names // databases: where USE led
}

// names are a set in the order in which they came.
type names struct {
	all  []string
	seen map[string]bool
}

// maxLitter bounds how many names of a kind are kept of one migration.
const maxLitter = 10_000

func (n *names) full() bool { return len(n.all) >= maxLitter }

func (n *names) add(name string) {
	if n.seen[name] || n.full() {
		return
	}
	if n.seen == nil {
		n.seen = map[string]bool{}
	}
	n.seen[name] = true
	n.all = append(n.all, name)
}

const (
	gap    = `(?:\s|/\*M?!\d*|\*/|(?s:/\*.*?\*/)|(?:--\s|#)[^\n]*\n)`
	ident  = "((?:[\\w$\\x{80}-\\x{ffff}]+|`(?:[^`]|``)+`|\"(?:[^\"]|\"\")+\"))"
	dotted = ident + "(?:" + gap + `*\.` + gap + "*" + ident + ")?"
)

var (
	temporaries = lazily(`(?i)\bTEMPORARY` + gap + `+(TABLE|SEQUENCE)` + gap + `*(?:IF` + gap + `+NOT` + gap + `+EXISTS` + gap + `*)?` + dotted)
	renames     = lazily(`(?i)\b(?:RENAME(?:` + gap + `+(?:TO|AS)\b)?|TO|AS)` + gap + `*=?` + gap + `*` + dotted)
	prepares    = lazily(`(?i)\bPREPARE` + gap + `*` + ident + gap + `*FROM\b`)
	uses        = lazily(`(?i)^` + gap + `*USE` + gap + `*` + ident)

	plainName = lazily("^[\\w$.\\x{80}-\\x{10ffff}]+$")

	// Each is looked for by itself: a quote that is none would hide the others.
	userVariables = []func() *regexp.Regexp{
		lazily("(?:^|[^@\\w$`.])@([\\w$.\\x{80}-\\x{10ffff}]+)"),
		lazily("@(`(?:[^`]|``)+`)"), lazily(`@('(?:[^']|'')+')`), lazily(`@("(?:[^"]|"")+")`),
	}
)

var tightVariables = lazily("\\w@([\\w$.\\x{80}-\\x{10ffff}]+)")

// lazily compiles a pattern when it is needed first: not at every start.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// note is told of each statement of the file's before it runs.
func (l *litter) note(st sqltext.Statement, t engine.Traits) {
	patterns := userVariables
	if t.Kind != engine.Data && strings.Contains(st.Text, "@") {
		patterns = append(slices.Clone(patterns), tightVariables) // SET@x = 1; rows hold addresses of mail
	}
	if !l.variables.full() && (len(patterns) > len(userVariables) || mentionsVariable(st.Text)) {
		for _, pattern := range patterns {
			for _, m := range pattern().FindAllStringSubmatch(st.Text, -1) {
				if name := bare(m[1]); utf8.ValidString(name) && !strings.HasPrefix(strings.ToLower(name), "dbwarden_") {
					l.variables.add(name)
				}
			}
		}
	}
	if t.Kind == engine.Data {
		return
	}
	for _, m := range temporaries().FindAllStringSubmatch(st.Text, -1) {
		l.table(strings.ToUpper(m[1]), m[2], m[3])
	}
	if len(l.tables.all) > 0 && strings.Contains(strings.ToUpper(st.Text), "RENAME") {
		for _, m := range renames().FindAllStringSubmatch(st.Text, -1) {
			l.table("TABLE", m[1], m[2])
		}
	}
	for _, m := range prepares().FindAllStringSubmatch(st.Text, -1) {
		if name := bare(m[1]); canName(name) {
			l.prepared.add(name)
		}
	}
	if m := uses().FindStringSubmatch(st.Text); m != nil && canName(bare(m[1])) {
		l.databases.add(quote(bare(m[1])) + ".")
	}
}

// anywhere stands for the database where none is given, which no name can hold.
const anywhere = "\x00"

// table notes [database.]table as the rest of a DROP.
func (l *litter) table(kind, first, second string) {
	database, name := anywhere, bare(first)
	if second != "" {
		database, name = quote(name)+".", bare(second)
	}
	if canName(name) && (database == anywhere || canName(bare(first))) {
		l.tables.add(kind + " IF EXISTS " + database + quote(name))
	}
}

// bare takes a name out of its quotes.
func bare(name string) string {
	if q := name[:1]; strings.Contains("`'\"", q) {
		return strings.ReplaceAll(name[1:len(name)-1], q+q, q)
	}
	return name
}

// spelled is a variable's name in the quotes that may hold it, or in none: with
// a character beyond the first plane these are two variables.
func spelled(name string) string {
	switch {
	case canName(name):
		return quote(name)
	case plainName().MatchString(name):
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", "''") + "'"
}

// canName reports whether the server can read this name at all.
func canName(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return r == 0 || r > 0xFFFF })
}

func (l *litter) none() bool {
	return len(l.tables.all)+len(l.prepared.all)+len(l.variables.all) == 0
}

// sweep puts it away. The session is outside of transactions, and its settings
// are ours.
func (s *session) sweep(ctx context.Context) error {
	l := &s.litter
	if l.none() {
		return nil
	}
	for some := range slices.Chunk(l.variables.all, 200) {
		set, sep := "", "SET @"
		for _, name := range some {
			if s.mariadb() || utf8.RuneCountInString(name) <= 64 { // MySQL refuses longer ones
				set, sep = set+sep+spelled(name)+" = NULL", ", @"
			}
		}
		if set == "" {
			continue
		}
		if _, err := s.Exec(ctx, set); err != nil {
			return err
		}
	}
	for _, table := range l.tables.all {
		for _, database := range append([]string{""}, l.databases.all...) {
			if err := s.putAway(ctx, "DROP TEMPORARY "+strings.Replace(table, anywhere, database, 1)); err != nil {
				return err
			}
			if !strings.Contains(table, anywhere) {
				break
			}
		}
	}
	for _, name := range l.prepared.all {
		if err := s.putAway(ctx, "DEALLOCATE PREPARE "+quote(name)); err != nil {
			return err
		}
	}
	s.litter = litter{}
	return nil
}

// absent are the errors that say that nothing of that name is there, or can be.
var absent = []uint16{errNoStatement, errNoDatabase, errNotThere, errDeniedDatabase, errDeniedTable, errDatabaseName, errTableName, errLongName}

// putAway takes it for done where it may have been put away, or never have
// been made.
func (s *session) putAway(ctx context.Context, text string) error {
	_, err := s.Exec(ctx, text)
	var refused *mysqldriver.MySQLError
	if errors.As(err, &refused) && slices.Contains(absent, refused.Number) {
		return nil
	}
	return err
}
