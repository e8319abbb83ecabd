package squash

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/lazy"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Between two migrations a run puts its session back: settings, temporary
// tables, variables. Between two parts of one file nobody does. So what a part
// would leave to those behind it is taken away by the text, where that can be
// done, and refused where it cannot. A proof alone would not tell: a scratch
// database may lack the rows with which it would show.

// looked is what matters of a section's statements.
type looked struct {
	statements int
	apart      bool       // some cannot stand between BEGIN and COMMIT, or do already
	left       []leftover // what the parts behind it would find in their session
	reads      *leftover  // a statement that reads what the parts ahead of it left
}

// leftover is something of the session's, with the line that left it.
type leftover struct {
	name string
	line int
	why  string
}

const outOf = ", or leave the file out, by --from and --to"

func (w *writer) look(m *migration.Migration, d migration.Direction, first bool) (out looked, err error) {
	var local []leftover // what ends with the transaction, outside of one that the file writes itself
	own, changed := false, false
	saved := map[string]string{}
	drop := func(name string) {
		out.left = slices.DeleteFunc(out.left, func(l leftover) bool { return l.name == name })
	}
	leave := func(name string, line int, why string) {
		drop(name)
		out.left = append(out.left, leftover{name, line, why})
	}
	_, err = m.Section(d).Outline(func(p migration.Piece) error {
		out.statements++
		t, line := w.e.Classify(p.Words, w.v), p.Start.Line
		switch t.Kind {
		case engine.Begin, engine.Commit, engine.Rollback:
			out.apart, own = true, t.Kind == engine.Begin
		}
		for _, s := range w.settings(p.Statement, t, saved, &out) {
			if drop(s.name); s.lasts {
				leave(s.name, line, fmt.Sprintf("it sets %s for its session, and the files behind it would run with that: set it back at the end of the file"+outOf, s.name))
			}
		}
		switch name := w.inTransaction(p.Statement); {
		case t.Kind == engine.Setting: // told already
		case name == "set_config" && !setsLocal().MatchString(p.Text):
			leave(name, line, "it sets something for its session by set_config, and the files behind it would run with that: leave it out, by --from and --to")
		case name != "" && !own:
			local = append(local, leftover{name, line, fmt.Sprintf("it sets something for its transaction (%s), and the files behind it would share that: write BEGIN and COMMIT around it"+outOf, name)})
		}
		switch name, is := temporary(p.Words, t); {
		case is && !own && w.onCommitDrop(p.Text):
			local = append(local, leftover{name, line, made(name)})
		case is && !w.onCommitDrop(p.Text):
			leave("temporary "+name, line, made(name))
		}
		if t.Kind == engine.Other || t.Kind == engine.Setting || word(p.Words, 0) == "DO" {
			// In the text of a block, or in one that is to be run.
			for _, found := range makesTemporary().FindAllStringSubmatch(p.Text, -1) {
				leave("temporary "+unquoted(found[1]), line, made(unquoted(found[1])))
			}
		}
		switch {
		case t.Frees:
			drop("locked tables")
		case t.Holds:
			leave("locked tables", line, "it locks tables and does not unlock them, and the files behind it would run so: write UNLOCK TABLES at the end of the file"+outOf)
		}
		for _, name := range dropped(p.Words) {
			drop("temporary " + name)
		}
		if !first && out.reads == nil && w.readsAhead(p.Statement, changed, out.statements > 1) {
			out.reads = &leftover{"", line, "it reads what the last change of rows left in the session, and that would be a change of a file ahead of it: leave the file out, by --from and --to"}
		}
		changed = changed || t.Kind == engine.Data || t.Kind == engine.Other
		out.apart = out.apart || t.Alone || t.Commits
		return nil
	})
	if !w.s.Parted || out.apart || m.Header.TransactionOff {
		out.left = append(out.left, local...)
	}
	return out, err
}

var makesTemporary = lazy.Regexp("(?i)\\bCREATE\\s+(?:OR\\s+REPLACE\\s+|LOCAL\\s+|GLOBAL\\s+)*TEMP(?:ORARY)?\\s+(?:RECURSIVE\\s+)?(?:TABLE|VIEW|SEQUENCE)\\s+(?:IF\\s+NOT\\s+EXISTS\\s+)?([\\w$\"`]+)")

var setsLocal = lazy.Regexp(`(?i),\s*'?(true|t|on|yes)'?\s*\)`)

func made(name string) string {
	if name == "" {
		name = "something temporary"
	}
	return fmt.Sprintf("it makes %s for its session, and the files behind it would find that in the place of what they mean: drop it at the end of the file"+outOf, name)
}

// setting is one of the session's that a statement sets; it lasts where it is
// left as something else than the session had.
type setting struct {
	name  string
	lasts bool
}

// settings are what a statement sets. saved are MySQL's variables in which this
// file keeps what a setting was: @old = @@sql_mode.
func (w *writer) settings(st sqltext.Statement, t engine.Traits, saved map[string]string, out *looked) []setting {
	verb, prepares := word(st.Words, 0), word(st.Words, 0) == "PREPARE" && t.Kind == engine.Setting
	switch {
	case prepares:
		return []setting{{"prepared statement " + unquoted(word(st.Words, 1)), true}}
	case verb == "DEALLOCATE" || verb == "DROP" && word(st.Words, 1) == "PREPARE":
		return []setting{{"prepared statement " + unquoted(st.Words[len(st.Words)-1]), false}}
	case w.e.Lexis.Delimiter && verb == "SET" && slices.Contains([]string{"STATEMENT", "PASSWORD", "DEFAULT"}, word(st.Words, 1)):
		return nil // of one statement, or of an account
	case w.e.Lexis.Delimiter && verb == "SET":
		return assigned(st, saved, out)
	case w.e.Lexis.Delimiter && (t.Kind != engine.Setting || verb == "SELECT"):
		for _, name := range w.e.Ties(st, w.v).Leaves {
			delete(saved, name)
		}
		return nil // variables are cleared
	case t.Kind == engine.Setting:
		return []setting{single(st)}
	}
	return nil
}

func word(words []string, i int) string {
	if i < len(words) {
		return words[i]
	}
	return ""
}

func unquoted(name string) string { return strings.ToLower(strings.Trim(name, "`\"[]'")) }

// single reads a statement that sets one thing: RESET, PRAGMA and SET as
// PostgreSQL and SQLite have them, and what is something else.
func single(st sqltext.Statement) setting {
	flat := strings.ToUpper(strings.Join(strings.Fields(st.Text), " "))
	switch first, second := word(st.Words, 0), word(st.Words, 1); first {
	case "RESET":
		return setting{second, false}
	case "PRAGMA":
		_, value, _ := strings.Cut(flat, "=")
		value = strings.Trim(strings.TrimSpace(value), "'\"")
		return setting{second, !(second == "FOREIGN_KEYS" && (value == "ON" || value == "1" || value == "TRUE"))}
	case "SET":
		rest := strings.TrimPrefix(strings.TrimPrefix(flat, "SET "), "SESSION ")
		end := strings.IndexAny(rest, " =")
		if end < 0 {
			return setting{rest, true}
		}
		value := strings.Trim(strings.TrimPrefix(strings.TrimLeft(rest[end:], " ="), "TO "), "'\" ")
		return setting{strings.Trim(rest[:end], "\""), value != "DEFAULT"}
	default:
		return setting{strings.TrimSpace(first + " " + second), true}
	}
}

// assigned reads SET of MySQL and MariaDB, which sets several things at once.
func assigned(st sqltext.Statement, saved map[string]string, out *looked) (all []setting) {
	var tokens []string
	found, whole := sqltext.Lex(st.Text, sqltext.MySQL)
	for _, t := range found {
		tokens = append(tokens, t.Text)
	}
	if !whole { // words in a version comment count
		if tokens = st.Words; len(tokens) == sqltext.MaxWords {
			return []setting{{"something that is too long to tell", true}}
		}
	}
	changed := func(name string) bool {
		return slices.ContainsFunc(out.left, func(l leftover) bool { return l.name == name }) ||
			slices.ContainsFunc(all, func(s setting) bool { return s.name == name && s.lasts })
	}
	for _, part := range atCommas(tokens[1:]) {
		equals := slices.Index(part, "=")
		if equals < 0 {
			all = append(all, spoken(part)...)
			continue
		}
		target, value := part[:equals], strings.ToUpper(strings.Join(part[equals+1:], ""))
		if n := len(target); n > 0 && target[n-1] == ":" {
			target = target[:n-1]
		}
		if strings.Contains(value, ":=") {
			clear(saved)
		}
		if word(target, 0) == "@" && word(target, 1) != "@" {
			name := "@" + unquoted(strings.Join(target[1:], ""))
			of, reads := strings.CutPrefix(value, "@@")
			of = strings.TrimPrefix(strings.TrimPrefix(of, "SESSION."), "LOCAL.")
			if delete(saved, name); reads && !changed(of) {
				saved[name] = of
			}
			continue
		}
		if word(target, 0) == "@" {
			target = target[min(2, len(target)):]
		}
		scope := ""
		if len(target) > 1 {
			switch scope = strings.ToUpper(target[0]); scope {
			case "SESSION", "LOCAL", "GLOBAL", "PERSIST", "PERSIST_ONLY":
				if target = target[1:]; target[0] == "." {
					target = target[1:]
				}
			}
		}
		if scope == "GLOBAL" || strings.HasPrefix(scope, "PERSIST") {
			continue // not the session's
		}
		name := strings.ToUpper(strings.ReplaceAll(strings.Join(target, ""), "`", ""))
		given := strings.Trim(value, "'\"")
		back := value == "DEFAULT" || strings.HasPrefix(value, "@") && saved["@"+unquoted(value[1:])] == name
		if name == "FOREIGN_KEY_CHECKS" || name == "UNIQUE_CHECKS" {
			back = back || given == "1" || given == "ON" || given == "TRUE"
		}
		all = append(all, setting{name, !back})
	}
	return all
}

// spoken are settings without an equals sign.
func spoken(part []string) []setting {
	switch first := strings.ToUpper(word(part, 0)); first {
	case "NAMES", "CHARACTER", "CHARSET":
		return []setting{{"CHARACTER_SET_CLIENT", true}, {"CHARACTER_SET_RESULTS", true}, {"COLLATION_CONNECTION", true}}
	case "TRANSACTION":
		return nil // of the next one alone
	case "SESSION", "LOCAL", "GLOBAL":
		return []setting{{strings.ToUpper(strings.Join(part[:min(2, len(part))], " ")), first != "GLOBAL"}}
	default:
		return []setting{{first, true}}
	}
}

func atCommas(tokens []string) (parts [][]string) {
	depth, from := 0, 0
	for i, t := range tokens {
		switch t {
		case "(":
			depth++
		case ")":
			depth--
		case ",":
			if depth == 0 {
				parts, from = append(parts, tokens[from:i]), i+1
			}
		}
	}
	return append(parts, tokens[from:])
}

// inTransaction is what a statement of PostgreSQL's sets for the rest of its
// transaction, "" for nothing.
func (w *writer) inTransaction(st sqltext.Statement) string {
	if w.v.Product != "PostgreSQL" {
		return ""
	}
	second := word(st.Words, 1)
	switch {
	case word(st.Words, 0) == "SET" && (second == "LOCAL" || second == "CONSTRAINTS" || second == "TRANSACTION"):
		return "SET " + second
	case len(engine.Calls(engine.Bare(st.Text, w.e.Lexis), "set_config")) > 0:
		return "set_config"
	}
	return ""
}

// temporary is the name of what a statement makes for its session alone, as far
// as its words tell.
func temporary(words []string, t engine.Traits) (name string, is bool) {
	from := 0
	switch word(words, 0) {
	case "CREATE":
		from = 1
	case "SELECT", "WITH":
		if from = slices.Index(words, "INTO") + 1; !t.Fleeting || from == 0 {
			return "", t.Fleeting
		}
	default:
		return "", t.Fleeting
	}
	kind := false
	for i := from; i < len(words); i++ {
		switch qualifies := word(words, i+1) == "."; words[i] {
		case "OR", "REPLACE", "LOCAL", "GLOBAL", "UNLOGGED", "UNIQUE", "VIRTUAL", "RECURSIVE", "IF", "NOT", "EXISTS", ".":
			continue
		case "TABLE", "VIEW", "SEQUENCE", "TRIGGER", "FUNCTION", "PROCEDURE", "INDEX":
			kind = true
			continue
		case "TEMP", "TEMPORARY":
			if !kind {
				is = true
				continue
			}
			fallthrough
		default:
			if qualifies { // a schema
				is = is || unquoted(words[i]) == "temp" || unquoted(words[i]) == "pg_temp"
				continue
			}
			return unquoted(words[i]), is || t.Fleeting
		}
	}
	return "", is || t.Fleeting
}

// dropped are the names that a DROP names, but for those of another schema than
// the session's own.
func dropped(words []string) (names []string) {
	if word(words, 0) != "DROP" {
		return nil
	}
	for i, w := range words[1:] {
		if w == "." || i > 0 && words[i] == "." && unquoted(words[i-1]) != "temp" && unquoted(words[i-1]) != "pg_temp" {
			continue
		}
		names = append(names, unquoted(w))
	}
	return names
}

var dropsAtCommit = lazy.Regexp(`(?i)\bON\s+COMMIT\s+DROP\b`)

func (w *writer) onCommitDrop(text string) bool {
	return w.v.Product == "PostgreSQL" && dropsAtCommit().MatchString(text)
}

var rowsLeft = lazy.Regexp(`(?i)\b(last_insert_id|row_count|found_rows|last_insert_rowid|changes|total_changes)\s*\(\s*\)|@@(session\s*\.\s*|local\s*\.\s*)?(last_insert_id|identity)\b`)

// readsAhead says that a statement reads what a change of rows left which is not
// its own part's. PostgreSQL has an error there, in the old file as well.
func (w *writer) readsAhead(st sqltext.Statement, changed, any bool) bool {
	if w.v.Product == "PostgreSQL" {
		return false
	}
	t := w.e.Ties(st, w.v)
	return (t.Rows && !changed || t.Before && !any) && rowsLeft().MatchString(engine.Bare(st.Text, w.e.Lexis))
}

var (
	userVariables = sync.OnceValue(func() []*regexp.Regexp {
		return []*regexp.Regexp{
			regexp.MustCompile("(?:^|[^@\\w$`.])@([\\w$.\\x{80}-\\x{10ffff}]+)"),
			regexp.MustCompile(`(?i)\b(?:SELECT|SET|INTO|BY|AND|OR|NOT|THEN|ELSE|WHEN|VALUES|IN|LIKE|USING|WHERE|LIMIT|RETURN|IF|CASE)@([\w$.\x{80}-\x{10ffff}]+)`),
			regexp.MustCompile("(?:^|[^@\\w'\"`])@`([^`]+)`"), regexp.MustCompile("(?:^|[^@\\w'\"`])@'([^']+)'"), regexp.MustCompile("(?:^|[^@\\w'\"`])@\"([^\"]+)\""),
		}
	})
	routines = lazy.Regexp(`(?i)\b(PROCEDURE|FUNCTION|TRIGGER)\b`)
)

// clearing is a statement that takes away the user variables of MySQL and MariaDB,
// "" where there are none that one file could leave to another: those that two of them
// name, or one that makes a routine, which others may call. Texts are read broadly:
// what is cleared without having been set does no harm.
func (r *Range) clearing(e *engine.Engine) (string, error) {
	if !e.Lexis.Delimiter {
		return "", nil
	}
	files, shared := map[string]int{}, map[string]bool{}
	for _, m := range slices.Concat(r.Below, r.Old) {
		text, err := whole(m)
		if err != nil {
			return "", err
		}
		names := map[string]bool{}
		for _, pattern := range userVariables() {
			for _, found := range pattern.FindAllStringSubmatch(text, -1) {
				names[strings.ToLower(found[1])] = true
			}
		}
		for name := range names {
			if files[name]++; files[name] > 1 || routines().MatchString(text) {
				shared[name] = true
			}
		}
	}
	if len(shared) == 0 {
		return "", nil
	}
	var all []string
	for name := range shared {
		if plainName().MatchString(name) {
			all = append(all, "@"+name+" = NULL")
		} else {
			all = append(all, "@`"+name+"` = NULL")
		}
	}
	slices.Sort(all)
	return "SET " + strings.Join(all, ", ") + "; -- as a new session has them\n", nil
}

var plainName = lazy.Regexp(`^\w+$`)

// whole are both sections of a migration.
func whole(m *migration.Migration) (string, error) {
	up, err := m.SectionText(migration.Up)
	if err != nil {
		return "", err
	}
	down, err := m.SectionText(migration.Down)
	return up + "\n" + down, err
}

// MustPart says that each file has to keep a transaction of its own. On
// PostgreSQL a table cannot be altered while checks of its rows wait for the end of the
// transaction (55006), and whether they do is a question of rows, which no
// scratch database has.
func (r *Range) MustPart(e *engine.Engine, v engine.Server) (bool, error) {
	if v.Product != "PostgreSQL" {
		return false, nil
	}
	deferred := false
	for _, m := range slices.Concat(r.Below, r.Old) {
		text, err := whole(m)
		if err != nil {
			return false, err
		}
		deferred = deferred || strings.Contains(strings.ToUpper(text), "DEFER")
	}
	if !deferred {
		return false, nil
	}
	changes := false
	for _, m := range r.Old {
		for _, d := range []migration.Direction{migration.Up, migration.Down} {
			_, err := m.Section(d).Outline(func(p migration.Piece) error {
				kind := e.Classify(p.Words, v).Kind
				changes = changes || kind != engine.Definition && kind != engine.Setting
				return nil
			})
			if err != nil {
				return false, err
			}
		}
	}
	return changes, nil
}
