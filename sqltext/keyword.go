package sqltext

// A keyword is a word that tells something about a body.
type keyword byte

const (
	kwNone keyword = iota
	kwAggregate
	kwAlter
	kwAs
	kwAtomic
	kwBegin
	kwCase
	kwCharacter
	kwCopy
	kwCreate
	kwDefiner
	kwDo
	kwEach
	kwElse
	kwEnd
	kwEvent
	kwFor
	kwFrom
	kwFunction
	kwHandler
	kwIf
	kwLoop
	kwNot
	kwOr
	kwProcedure
	kwRepeat
	kwReplace
	kwRow
	kwRule
	kwSet
	kwStdin
	kwTemp
	kwThen
	kwTrigger
	kwUntil
	kwWhile
	kwSimple // any other word that begins a simple statement
)

// simple reports whether the word begins a statement of MySQL's that is no
// block. CASE and IF behind it are expressions.
func (k keyword) simple() bool {
	switch k {
	case kwSimple, kwAlter, kwCreate, kwDo, kwReplace, kwSet:
		return true
	}
	return false
}

// keywordOf returns the keyword that a word is, in any case.
func keywordOf(word []byte) keyword {
	var buf [9]byte
	if len(word) < 2 || len(word) > len(buf) {
		return kwNone
	}
	for i, c := range word {
		if isLower(c) {
			c -= 'a' - 'A'
		}
		buf[i] = c
	}
	switch string(buf[:len(word)]) {
	case "AGGREGATE":
		return kwAggregate
	case "ALTER":
		return kwAlter
	case "AS":
		return kwAs
	case "ATOMIC":
		return kwAtomic
	case "BEGIN":
		return kwBegin
	case "CASE":
		return kwCase
	case "CHARACTER", "CHAR":
		return kwCharacter
	case "COPY":
		return kwCopy
	case "CREATE":
		return kwCreate
	case "DEFINER":
		return kwDefiner
	case "DO":
		return kwDo
	case "EACH":
		return kwEach
	case "ELSE":
		return kwElse
	case "END":
		return kwEnd
	case "EVENT":
		return kwEvent
	case "FOR":
		return kwFor
	case "FROM":
		return kwFrom
	case "FUNCTION":
		return kwFunction
	case "HANDLER":
		return kwHandler
	case "IF":
		return kwIf
	case "LOOP":
		return kwLoop
	case "NOT":
		return kwNot
	case "OR":
		return kwOr
	case "PROCEDURE":
		return kwProcedure
	case "REPEAT":
		return kwRepeat
	case "REPLACE":
		return kwReplace
	case "ROW":
		return kwRow
	case "RULE":
		return kwRule
	case "SET":
		return kwSet
	case "STDIN", "STDOUT":
		return kwStdin
	case "TEMP", "TEMPORARY":
		return kwTemp
	case "THEN":
		return kwThen
	case "TRIGGER":
		return kwTrigger
	case "UNTIL":
		return kwUntil
	case "WHILE":
		return kwWhile
	case "ANALYZE", "CALL", "DELETE", "DROP", "EXECUTE", "EXPLAIN", "FLUSH", "GET", "GRANT", "INSERT", "KILL",
		"LOAD", "OPTIMIZE", "PREPARE", "RENAME", "RESIGNAL", "RETURN", "REVOKE", "SELECT", "SHOW", "SIGNAL",
		"START", "TABLE", "TRUNCATE", "UPDATE", "VALUES", "WITH":
		return kwSimple
	}
	return kwNone
}
