package sqltext

import (
	"bytes"
	"strconv"
	"strings"
)

// A mode is what a session's settings say about quotes. A file may change
// them, and has to be read as the server will read it.
type mode struct {
	backslash  bool // plain strings read backslashes
	ansiQuotes bool // MySQL: "..." is a name

	// PostgreSQL: what backslash will be when the transaction that a file
	// opened is committed, and when it is rolled back.
	committed, rolledBack, inTransaction bool

	saved map[string]mode // MySQL: user variables that hold an sql_mode
}

func newMode(l *Lexis) mode {
	return mode{backslash: l.BackslashEscapes, ansiQuotes: !l.DoubleQuoteString}
}

// follow lets the statement just cut change the mode.
func (s *Scanner) follow(st Statement) {
	switch {
	case s.lex.VersionComments:
		if st.Starts("SET") && containsFold(st.Text, "sql_mode") {
			s.followSQLMode(st.Text)
		}
	case s.lex.EscapeStrings:
		s.mode.followStandardStrings(st)
	}
}

// mayFollow says, by its first letters, whether follow would look at a
// statement at all: it spares most of them the making of strings.
func (s *Scanner) mayFollow(text []byte) bool {
	if len(text) < 3 {
		return false
	}
	switch string([]byte{text[0] | 0x20, text[1] | 0x20, text[2] | 0x20}) {
	case "set":
		return true
	case "sta", "res", "dis", "beg", "com", "end", "pre", "rol", "abo":
		return s.lex.EscapeStrings
	}
	return s.lex.VersionComments && text[0] == '/' // /*!40101 SET ... */
}

// followStandardStrings follows PostgreSQL's standard_conforming_strings
// through SET and the ends of transactions. What ROLLBACK TO a savepoint does
// to it is not followed.
func (m *mode) followStandardStrings(st Statement) {
	switch st.Word(0) {
	case "SET":
		words, local := st.Words[1:], st.Starts("SET", "LOCAL")
		if local || st.Starts("SET", "SESSION") {
			words = words[1:]
		}
		if len(words) < 3 || !isStandardStrings(words[0]) || words[1] != "=" && words[1] != "TO" {
			return
		}
		if on, known := boolean(words[2]); known {
			m.setBackslash(!on, local)
		}
	case "RESET":
		if w := st.Word(1); w == "ALL" || isStandardStrings(w) {
			m.setBackslash(false, false)
		}
	case "DISCARD":
		if st.Word(1) == "ALL" {
			m.setBackslash(false, false)
		}
	case "BEGIN", "START":
		m.inTransaction, m.rolledBack = true, m.committed
	case "COMMIT", "END":
		m.endTransaction(st)
	case "PREPARE":
		if st.Word(1) == "TRANSACTION" {
			m.endTransaction(st)
		}
	case "ROLLBACK", "ABORT":
		if m.inTransaction && !st.Starts("ROLLBACK", "TO") && !st.Starts("ROLLBACK", "*", "TO") {
			m.committed = m.rolledBack
			m.endTransaction(st)
		}
	}
}

// endTransaction undoes SET LOCAL. With AND CHAIN the next transaction has
// begun.
func (m *mode) endTransaction(st Statement) {
	n := len(st.Words)
	m.backslash, m.rolledBack = m.committed, m.committed
	m.inTransaction = n > 2 && st.Words[n-2] == "AND" && st.Words[n-1] == "CHAIN"
}

func (m *mode) setBackslash(to, local bool) {
	m.backslash = to
	if !local {
		m.committed = to
	}
}

func isStandardStrings(word string) bool {
	return strings.EqualFold(strings.Trim(word, `"`), "standard_conforming_strings")
}

// boolean reads a value as PostgreSQL does: any beginning of a word that
// leaves no doubt.
func boolean(value string) (on, known bool) {
	v := strings.ToLower(strings.Trim(value, "'"))
	switch {
	case v == "":
		return false, false
	case v == "1", v == "on", v == "default", strings.HasPrefix("true", v), strings.HasPrefix("yes", v):
		return true, true
	case v == "0", v == "of", v == "off", strings.HasPrefix("false", v), strings.HasPrefix("no", v):
		return false, true
	}
	return false, false
}

// MySQL's bits of sql_mode, for those who set it as a number.
const (
	bitAnsiQuotes         = 1 << 2
	bitNoBackslashEscapes = 1 << 20
)

// followSQLMode follows a SET of MySQL that names sql_mode somewhere.
func (s *Scanner) followSQLMode(text string) {
	words := s.allWords(text)
	if len(words) < 2 || words[1] == "STATEMENT" {
		return // SET STATEMENT ... FOR holds for one statement
	}
	scope := ""
	for words = words[1:]; len(words) > 0; {
		n := assignmentEnd(words)
		one := words[:n]
		words = words[min(n+1, len(words)):]
		if len(one) == 0 {
			continue
		}
		switch one[0] {
		case "GLOBAL", "PERSIST", "PERSIST_ONLY", "SESSION", "LOCAL":
			scope, one = one[0], one[1:]
		}
		s.mode.assign(&s.lex, scope, one)
	}
}

// allWords returns all tokens of a text as Statement.Words has them.
func (s *Scanner) allWords(text string) []string {
	t := &Scanner{lex: s.lex, class: s.class, wordByte: s.wordByte, delim: s.delim, mode: s.mode,
		in: input{r: bytes.NewReader(nil), data: []byte(text)}, piece: piece{first: -1}}
	var words []string
	for {
		k, err := t.token()
		if err != nil || k == tokEnd {
			return words
		}
		switch word := string(t.in.data[t.tok:t.in.pos]); k {
		case tokWord:
			words = append(words, strings.ToUpper(word))
		case tokNumber, tokString, tokPunct:
			words = append(words, word)
		}
		t.first = 0
	}
}

// assignmentEnd returns the length of the assignment that words begins with.
func assignmentEnd(words []string) int {
	depth := 0
	for i, w := range words {
		switch w {
		case "(":
			depth++
		case ")":
			depth--
		case ",":
			if depth <= 0 {
				return i
			}
		}
	}
	return len(words)
}

// assign follows one assignment: [@@[scope.]]sql_mode = value, or
// @variable = @@sql_mode, which is how dumps keep the old mode.
func (m *mode) assign(l *Lexis, scope string, words []string) {
	var target, value []string
	for i, w := range words {
		if w == "=" {
			target, value = words[:i], words[i+1:]
			break
		}
	}
	name := strings.TrimSuffix(strings.Join(target, ""), ":")
	if system, ok := strings.CutPrefix(name, "@@"); ok {
		if first, rest, dotted := strings.Cut(system, "."); dotted {
			scope, system = first, rest
		} else {
			scope = ""
		}
		name = system
	} else if strings.HasPrefix(name, "@") {
		if v := strings.Join(value, ""); isSessionMode(v) {
			m.save(name)
		}
		return
	}
	if strings.Trim(name, "`") == "SQL_MODE" || strings.EqualFold(name, "`sql_mode`") {
		if scope == "" || scope == "SESSION" || scope == "LOCAL" {
			m.setSQLMode(l, value)
		}
	}
}

func isSessionMode(v string) bool {
	return v == "@@SQL_MODE" || v == "@@SESSION.SQL_MODE" || v == "@@LOCAL.SQL_MODE"
}

// maxSaved bounds what a file can make us remember.
const maxSaved = 1000

// save remembers the mode under a user variable.
func (m *mode) save(variable string) {
	if m.saved == nil {
		m.saved = make(map[string]mode)
	}
	if len(m.saved) < maxSaved {
		m.saved[variable] = mode{backslash: m.backslash, ansiQuotes: m.ansiQuotes}
	}
}

// setSQLMode follows the value that sql_mode gets. Of expressions it knows
// those that add to the present mode or take from it.
func (m *mode) setSQLMode(l *Lexis, value []string) {
	all := strings.Join(value, "")
	old, known := m.saved[all]
	switch {
	case len(value) == 0:
	case all == "DEFAULT":
		m.backslash, m.ansiQuotes = l.BackslashEscapes, !l.DoubleQuoteString
	case known:
		m.backslash, m.ansiQuotes = old.backslash, old.ansiQuotes
	case len(value) == 1:
		if bits, err := strconv.ParseInt(all, 0, 64); err == nil {
			m.backslash, m.ansiQuotes = bits&bitNoBackslashEscapes == 0, bits&bitAnsiQuotes != 0
		} else {
			m.backslash, m.ansiQuotes = true, false
			m.add(all, true)
		}
	case strings.Contains(all, "@@"):
		adds := !strings.Contains(all, "REPLACE(")
		for _, w := range value {
			m.add(w, adds)
		}
	}
}

// add turns on, or off, the modes of a list.
func (m *mode) add(list string, on bool) {
	for _, name := range strings.Split(strings.Trim(list, "'\""), ",") {
		switch strings.ToUpper(strings.TrimSpace(name)) {
		case "ANSI_QUOTES", "ANSI", "ORACLE", "MSSQL", "DB2", "MAXDB", "POSTGRESQL":
			m.ansiQuotes = on
		case "NO_BACKSLASH_ESCAPES":
			m.backslash = !on
		}
	}
}

func containsFold(text, part string) bool {
	for i := 0; i+len(part) <= len(text); i++ {
		if strings.EqualFold(text[i:i+len(part)], part) {
			return true
		}
	}
	return false
}
