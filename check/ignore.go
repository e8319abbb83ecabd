package check

import (
	"strings"

	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// An ignore is one "-- check: ignore RULE reason".
type ignore struct {
	rule   string
	reason string
	line   int
	used   bool
}

// headerIgnores are those of a file's header, which hold for the whole file.
func headerIgnores(notes []migration.Note) []*ignore {
	var list []*ignore
	for _, n := range notes {
		list = append(list, parseIgnore(n.Text, n.Line)...)
	}
	return list
}

// gapIgnores are those above a statement.
func gapIgnores(st sqltext.Statement) []*ignore {
	if !strings.Contains(st.Gap, "check") {
		return nil
	}
	var list []*ignore
	lines := strings.Split(st.Gap, "\n")
	first := st.Start.Line - (len(lines) - 1)
	for i, line := range lines {
		body, ok := strings.CutPrefix(strings.TrimSpace(line), "--")
		if !ok {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSpace(body), ":")
		if ok && strings.EqualFold(strings.TrimSpace(name), "check") {
			list = append(list, parseIgnore(value, first+i)...)
		}
	}
	return list
}

// parseIgnore reads what stands behind "check:": ignore, one rule or several
// with commas, and the reason. Anything else is an ignore of a rule that does
// not exist, which is told.
func parseIgnore(text string, line int) []*ignore {
	verb, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	if !strings.EqualFold(verb, "ignore") {
		return []*ignore{{rule: "", reason: verb, line: line}}
	}
	rest = strings.TrimSpace(rest)
	end := strings.IndexAny(rest, " \t")
	if end < 0 {
		end = len(rest)
	}
	rules, reason := rest[:end], strings.TrimSpace(rest[end:])
	for strings.HasSuffix(rules, ",") { // "a, b reason"
		word, behind, _ := strings.Cut(reason, " ")
		rules, reason = rules+word, strings.TrimSpace(behind)
		if word == "" {
			break
		}
	}
	var list []*ignore
	for rule := range strings.SplitSeq(rules, ",") {
		list = append(list, &ignore{rule: strings.ToLower(rule), reason: reason, line: line})
	}
	return list
}
