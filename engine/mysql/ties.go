package mysql

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

var (
	variable   = lazily("(^|[^@\\w$`.])@([\\w$.]+|`[^`]+`)(\\s*:=)?")
	intoList   = lazily("(?i)\\bINTO\\s+(@[\\w$.`]+(\\s*,\\s*@[\\w$.`]+)*)")
	called     = lazily(`([A-Za-z_][\w$]*)\s*\(`)
	fromWord   = lazily(`(?i)\bFROM\b`)
	preparing  = lazily("(?i)^\\s*(PREPARE|EXECUTE|DEALLOCATE\\s+PREPARE|DROP\\s+PREPARE)\\s+([\\w$]+|`[^`]+`)")
	rowNumbers = lazily(`(?i)@@(session\s*\.\s*|local\s*\.\s*)?(last_insert_id|identity)\b`)
)

// unchanging are functions, and words before a bracket, whose value is told by
// what stands in the brackets.
var unchanging = []string{"IF", "IFNULL", "NULLIF", "COALESCE", "CONCAT", "CONCAT_WS", "REPLACE", "UPPER", "LOWER", "UCASE", "LCASE", "TRIM",
	"CAST", "CONVERT", "QUOTE", "DATABASE", "SCHEMA", "CHAR", "LEFT", "RIGHT", "SUBSTRING", "SUBSTR", "IN", "AND", "OR", "NOT", "THEN", "ELSE",
	"WHEN", "VARCHAR", "DECIMAL", "SELECT", "SET"}

// ties reads user variables, prepared statements, and the functions that tell
// of the statement before.
func ties(st sqltext.Statement, v engine.Server) engine.Ties {
	var t engine.Ties
	kind := classify(st.Words, v).Kind
	if kind == engine.Definition || kind == engine.Begin || kind == engine.Commit {
		return t // what stands in a routine is the routine's
	}
	first := word(st.Words, 0)
	reads := engine.Calls(st.Text, "last_insert_id", "row_count", "found_rows")
	if len(reads) == 0 && !mentionsVariable(st.Text) && first != "SET" && first != "PREPARE" && first != "EXECUTE" && first != "DEALLOCATE" && first != "DROP" {
		return t
	}
	body := engine.Bare(st.Text, sqltext.MySQL)
	for _, f := range engine.Calls(body, reads...) {
		if f != "last_insert_id" {
			t.Before, t.Ours = true, true
		}
		t.Rows = t.Rows || f == "last_insert_id"
		t.Reads = append(t.Reads, strings.ToUpper(f)+"()")
	}
	if m := rowNumbers().FindString(body); m != "" {
		t.Rows, t.Reads = true, append(t.Reads, strings.ToUpper(m))
	}
	if m := preparing().FindStringSubmatch(body); m != nil {
		name := "prepared statement " + variableName(m[2])
		if strings.EqualFold(m[1], "PREPARE") {
			t.Leaves, t.Again = append(t.Leaves, name), true
		} else {
			t.Takes, t.Frees = append(t.Takes, name), !strings.EqualFold(m[1], "EXECUTE")
		}
	}
	if first == "SET" {
		assignments(&t, body)
		return t
	}
	for _, m := range intoList().FindAllStringSubmatch(body, -1) {
		for name := range strings.SplitSeq(m[1], ",") {
			t.Leaves = append(t.Leaves, "@"+variableName(strings.TrimSpace(name)[1:]))
		}
	}
	for _, m := range variable().FindAllStringSubmatch(body, -1) {
		name := "@" + variableName(m[2])
		if m[3] != "" || first == "CALL" {
			t.Leaves = append(t.Leaves, name)
		}
		if !slices.Contains(t.Leaves, name) || m[3] != "" || first == "CALL" {
			t.Takes = append(t.Takes, name)
		}
	}
	return t
}

// assignments reads SET a = b, c = d.
func assignments(t *engine.Ties, body string) {
	t.Again = true
	_, body, _ = strings.Cut(strings.TrimSpace(body), " ")
	for _, part := range atCommas(body) {
		target, value, _ := strings.Cut(part, "=")
		target = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(target), ":"))
		if strings.HasPrefix(target, "@") && !strings.HasPrefix(target, "@@") {
			t.Leaves = append(t.Leaves, "@"+variableName(target[1:]))
		} else {
			t.Sets = true
		}
		for _, m := range variable().FindAllStringSubmatch(value, -1) {
			name := "@" + variableName(m[2])
			t.Takes = append(t.Takes, name)
			if m[3] != "" {
				t.Leaves, t.Again = append(t.Leaves, name), false
			}
		}
		if fromWord().MatchString(value) || rowNumbers().MatchString(value) {
			t.Again = false
		}
		for _, m := range called().FindAllStringSubmatch(value, -1) {
			t.Again = t.Again && slices.Contains(unchanging, strings.ToUpper(m[1]))
		}
	}
}

// atCommas cuts at the commas that stand in no brackets.
func atCommas(text string) (parts []string) {
	depth, from := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, text[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, text[from:])
}

func variableName(name string) string { return strings.ToLower(strings.Trim(name, "`")) }

// mentionsVariable is quick, and takes a few addresses of mail for variables.
func mentionsVariable(text string) bool {
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '@')
		if i < 0 {
			return false
		}
		at += i
		if (at == 0 || strings.IndexByte(" \t\r\n,(=+-*/<>!|&", text[at-1]) >= 0) && at+1 < len(text) && text[at+1] > ' ' {
			return true
		}
	}
}
