package migration

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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

// parseHeader reads the comments above the first section. Comments that are
// no directive are left alone; one that nearly is (slip.go), is a problem,
// because a misspelled "transaction: off" would change what happens.
func parseHeader(text string, firstLine int) (Header, []lineProblem) {
	var h Header
	var bad []lineProblem
	asked := false  // the line before is one of a condition
	goesOn := false // and it is one that is understood
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimPrefix(line, "\ufeff")
		body, ok := strings.CutPrefix(strings.TrimSpace(line), "--")
		if !ok {
			asked = false
			continue
		}
		said := strings.TrimSpace(body)
		if asked && said != "" && (strings.HasPrefix(body, "   ") || strings.HasPrefix(body, "\t")) {
			if goesOn {
				h.Conditions[len(h.Conditions)-1].Query += "\n" + said
			}
			continue
		}
		fail := func(format string, args ...any) {
			bad = append(bad, lineProblem{firstLine + i, column(line, said), fmt.Sprintf(format, args...)})
		}
		d, value := directiveIn(said)
		goesOn = d != nil
		if goesOn {
			if err := d.read(&h, firstLine+i, value); err != nil {
				fail("%s: %v", d.name, err)
			}
		} else if d, value = slip(said); d != nil {
			fail("unknown header %q; did you mean %q? Within /* */ it is a comment", shortened(said), d.saying(value))
		}
		asked = d != nil && d.condition
	}
	return h, bad
}

// directiveIn is the header that a line's comment is to the letter, with its
// value.
func directiveIn(said string) (*directive, string) {
	name, value, hasValue := strings.Cut(said, ":")
	name = strings.TrimSpace(name)
	for i := range directives {
		if d := &directives[i]; strings.EqualFold(name, d.name) && (hasValue || d.bare) {
			return d, strings.TrimSpace(value)
		}
	}
	return nil, ""
}

// column is where in its line, counted in characters from 1, a comment says
// something.
func column(line, said string) int {
	return utf8.RuneCountInString(line[:strings.LastIndex(line, said)]) + 1
}

// shortened is a line that is quoted in a message.
func shortened(said string) string {
	if r := []rune(said); len(r) > 40 {
		return string(r[:39]) + "…"
	}
	return said
}

// misplaced finds headers in a gap below the first section, where they would
// do nothing, and lines that are nearly markers: behind a "-- roll back" that
// were a comment, the way back would run as part of the upgrade. Of headers, only a line that is one to the letter counts: people write
// "-- seed" above their rows, and "-- transaction: see below".
func misplaced(gap string, from sqltext.Pos, fail func(line, column int, format string, args ...any)) {
	if strings.Contains(gap, "/*") {
		return // perhaps inside of that comment
	}
	for i, line := range strings.Split(gap, "\n") {
		if i == 0 && from.Column != 1 {
			continue // behind a statement in its line
		}
		body, ok := strings.CutPrefix(strings.TrimSpace(line), "--")
		if !ok {
			continue
		}
		said := strings.TrimSpace(body)
		if d := nearMarker(said); d != "" {
			fail(from.Line+i, column(line, said), "unknown section %q; did you mean the line %q? Within /* */ it is a comment", shortened(said), "-- "+string(d))
		}
		if d, value := directiveIn(said); d != nil && d.below != nil && d.below(value) {
			fail(from.Line+i, column(line, said), "the header %q does nothing here: put it above the first section", d.name)
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
	line, column int
	msg          string
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
	// What stands behind the list belongs to it: ["0001"], ["0002"] are two.
	if err := dec.Decode(&raw); err == nil && strings.TrimSpace(s[dec.InputOffset():]) == "" {
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
