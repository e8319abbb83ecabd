package migration

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// marker reads a line comment as a section marker: "-- upgrade" or
// "-- rollback", whatever the case and the blanks.
func marker(line string) (Direction, bool) {
	word := strings.TrimSpace(line)
	word = strings.TrimPrefix(word, "--")
	word = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(word), ":"))
	switch strings.ToLower(word) {
	case string(Up):
		return Up, true
	case string(Down):
		return Down, true
	}
	return "", false
}

// headerNames are the directives that may stand above the first section.
var headerNames = []string{"depends_on", "seed", "transaction", "lock_timeout", "statement_timeout", "vars", "env", "require", "ensure"}

// parseHeader reads the comments above the first section. Comments that are
// no directive are left alone; one that nearly is, is a problem, because a
// misspelled "transaction: off" would change what happens.
func parseHeader(text string, firstLine int) (Header, []lineProblem) {
	var h Header
	var bad []lineProblem
	goesOn := false // the line before is one of a condition
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		body, ok := strings.CutPrefix(line, "--")
		if !ok {
			goesOn = false
			continue
		}
		if goesOn && strings.TrimSpace(body) != "" && (strings.HasPrefix(body, "   ") || strings.HasPrefix(body, "\t")) {
			h.Conditions[len(h.Conditions)-1].Query += "\n" + strings.TrimSpace(body)
			continue
		}
		goesOn = false
		name, value, hasValue := strings.Cut(strings.TrimSpace(body), ":")
		name = strings.ToLower(strings.TrimSpace(name))
		value = strings.TrimSpace(value)
		fail := func(format string, args ...any) {
			bad = append(bad, lineProblem{firstLine + i, fmt.Sprintf(format, args...)})
		}
		switch {
		case name == "seed" && !hasValue:
			h.Seed = true
		case !hasValue || strings.ContainsAny(name, " \t"):
			// an ordinary comment
		case name == "seed":
			on, err := parseSwitch(value)
			if err != nil {
				fail("seed: %v", err)
			}
			h.Seed = on
		case name == "vars":
			on, err := parseSwitch(value)
			if err != nil {
				fail("vars: %v", err)
			}
			h.Vars = on
		case name == "var" || name == "variables":
			// Only what can be nothing else: a text about variables is a comment.
			if on, err := parseSwitch(value); err == nil && on {
				fail("unknown header %q; did you mean %q?", name, "vars")
			}
		case name == "env":
			envs, err := parseEnv(value)
			if err != nil {
				fail("env: %v", err)
			}
			h.Env = append(h.Env, envs...)
		case name == "envs":
			fail("unknown header %q; did you mean %q?", name, "env")
		case name == string(Require), name == string(Ensure):
			h.Conditions = append(h.Conditions, Condition{Kind: ConditionKind(name), Line: firstLine + i, Query: value})
			goesOn = true
		case (nearly(name, string(Require)) || nearly(name, string(Ensure))) && asks(strings.Fields(strings.ToUpper(value))):
			known := Require
			if nearly(name, string(Ensure)) {
				known = Ensure
			}
			fail("unknown header %q; did you mean %q?", name, known)
		case name == "check":
			h.Check = append(h.Check, Note{firstLine + i, value})
		case name == "depends_on":
			vs, err := parseDependsOn(value)
			if err != nil {
				fail("depends_on: %v", err)
			}
			h.DependsOn = append(h.DependsOn, vs...)
		case name == "transaction":
			on, err := parseSwitch(value)
			if err != nil {
				fail("transaction: %v", err)
			}
			h.TransactionOff = err == nil && !on
		case name == "lock_timeout", name == "statement_timeout":
			d, err := ParseDuration(value)
			if err != nil {
				fail("%s: %v", name, err)
				continue
			}
			if name == "lock_timeout" {
				h.LockTimeout = &d
			} else {
				h.StatementTimeout = &d
			}
		default:
			for _, known := range headerNames {
				// Short names have neighbours that mean something else: see, need;
				// and what is required may be said in any words.
				if len(known) >= 7 && known != string(Require) && nearly(name, known) {
					fail("unknown header %q; did you mean %q?", name, known)
				}
			}
		}
	}
	return h, bad
}

// misplaced finds headers in a gap below the first section, where they would
// do nothing. Only a line that is one to the letter counts: people write
// "-- seed" above their rows, and "-- transaction: see below".
func misplaced(gap string, from sqltext.Pos, fail func(line, column int, format string, args ...any)) {
	if strings.Contains(gap, "/*") {
		return // perhaps inside of that comment
	}
	for i, line := range strings.Split(gap, "\n") {
		if i == 0 && from.Column != 1 {
			continue // behind a statement in its line
		}
		h, bad := parseHeader(line, 0)
		name := ""
		switch {
		case len(bad) > 0:
		case h.TransactionOff:
			name = "transaction"
		case len(h.DependsOn) > 0:
			name = "depends_on"
		case h.LockTimeout != nil:
			name = "lock_timeout"
		case h.StatementTimeout != nil:
			name = "statement_timeout"
		case h.Vars:
			name = "vars"
		case len(h.Env) > 0:
			name = "env"
		case len(h.Conditions) > 0 && asks(strings.Fields(strings.ToUpper(h.Conditions[0].Query))):
			name = string(h.Conditions[0].Kind)
		}
		if name != "" {
			fail(from.Line+i, 0, "the header %q does nothing here: put it above the first section", name)
		}
	}
}

// parseEnv reads a list of environments.
func parseEnv(s string) (envs []string, err error) {
	for _, env := range strings.Split(s, ",") {
		if env = strings.TrimSpace(env); !ValidEnv(env) {
			return nil, fmt.Errorf("want a list of names like dev, staging")
		}
		envs = append(envs, env)
	}
	return envs, nil
}

// ValidEnv says whether an environment may have this name.
func ValidEnv(name string) bool {
	return name != "" && len(name) <= 64 && strings.IndexFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' && r != '.'
	}) < 0
}

type lineProblem struct {
	line int
	msg  string
}

func parseSwitch(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "on", "true", "yes":
		return true, nil
	case "off", "false", "no", "none":
		return false, nil
	}
	return false, fmt.Errorf("want on or off, not %q", s)
}

// parseDependsOn reads a JSON list of versions; bare numbers and a list
// without brackets are forgiven.
func parseDependsOn(s string) ([]Version, error) {
	var items []string
	var raw []any
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	if err := dec.Decode(&raw); err == nil {
		for _, r := range raw {
			items = append(items, fmt.Sprint(r))
		}
	} else {
		for _, f := range strings.Split(strings.Trim(s, "[] "), ",") {
			items = append(items, strings.Trim(f, " \"'"))
		}
	}
	var vs []Version
	for _, it := range items {
		v, err := ParseVersion(it)
		if err != nil {
			return nil, fmt.Errorf(`want a list of versions, like ["0001", "0002"]: %w`, err)
		}
		vs = append(vs, v)
	}
	return vs, nil
}

// ParseDuration reads "5s", "300ms", "2m" or a number of seconds; zero means
// no limit.
func ParseDuration(s string) (time.Duration, error) {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return time.Duration(n) * time.Second, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf(`want a time like "5s" or "300ms", not %q`, s)
	}
	return d, nil
}

// nearly says that a is b but for one slip of the hand: one letter left out,
// added, changed or swapped, or a hyphen for the underscore.
func nearly(a, b string) bool {
	a = strings.ReplaceAll(a, "-", "_")
	if a == b {
		return true
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	return a[i+1:] == b[i+1:] ||
		i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
