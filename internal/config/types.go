package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2/unstable"
)

// kindName is what a TOML value is called in a message.
func kindName(k unstable.Kind) string {
	switch k {
	case unstable.String:
		return "a string"
	case unstable.Integer:
		return "an integer"
	case unstable.Float:
		return "a number with a fraction"
	case unstable.Bool:
		return "a boolean"
	case unstable.Array:
		return "a list"
	case unstable.Table, unstable.ArrayTable, unstable.InlineTable:
		return "a table"
	}
	return "a date or time"
}

// checkType says what is wrong with a value as it stands in the file; ""
// where nothing is, or where it is not known before ${NAME} is expanded.
func checkType(key string, t keyType, v value) string {
	wrong := func(want string) string {
		return fmt.Sprintf("key %q must be %s and not %s", key, want, kindName(v.kind))
	}
	switch t {
	case typeBool:
		if v.kind != unstable.Bool {
			return wrong("true or false")
		}
		return ""
	case typePaths, typeCommand:
		if v.kind != unstable.Array && v.kind != unstable.String {
			if t == typeCommand {
				return wrong("a program with its arguments, as a list of strings or in one string,")
			}
			return wrong("a list of strings, or one string with commas,")
		}
		for _, item := range v.items {
			if item.kind != unstable.String {
				return fmt.Sprintf("key %q must be a list of strings, and this is %s", key, kindName(item.kind))
			}
		}
		return ""
	case typeNames:
		if v.kind != unstable.Array {
			return wrong("a list of strings")
		}
		for _, item := range v.items {
			if item.kind != unstable.String {
				return fmt.Sprintf("key %q must be a list of strings, and this is %s", key, kindName(item.kind))
			}
		}
		return ""
	case typeDuration:
		if v.kind != unstable.Integer && v.kind != unstable.String {
			return wrong(`a duration, such as "5m", or whole seconds,`)
		}
		if v.kind == unstable.String && hasReference(v.text) {
			return ""
		}
		if _, err := duration(v); err != nil {
			return fmt.Sprintf("key %q: %v", key, err)
		}
		return ""
	}
	if v.kind != unstable.String {
		return wrong("a string")
	}
	if t == typeWord && !hasReference(v.text) {
		if err := checkWord(key, v.text); err != nil {
			return fmt.Sprintf("key %q %v", key, err)
		}
	}
	return ""
}

// badItem is the place of the first item of a list that is not a string, or
// that of the key.
func badItem(e entry) position {
	for _, item := range e.value.items {
		if item.kind != unstable.String {
			return item.pos
		}
	}
	return e.pos
}

// duration reads a value that is an integer of seconds or a string. Integers
// have TOML's spellings: 1_000, 0x10.
func duration(v value) (time.Duration, error) {
	if v.kind == unstable.String {
		return ParseDuration(v.text)
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(v.text, "_", ""), 0, 64)
	if err != nil {
		return 0, errDuration
	}
	return seconds(n)
}

func checkWord(key, word string) error {
	known := words[key]
	if contains(known, word) {
		return nil
	}
	list := strconv.Quote(known[0])
	for i, w := range known[1:] {
		list += [2]string{", ", " or "}[min(1, (i+2)/len(known))] + strconv.Quote(w)
	}
	return fmt.Errorf("must be %s%s", list, didYouMean(word, known))
}

// paths splits a list, or a string with commas, into its items.
func paths(v value) []value {
	if v.kind == unstable.Array {
		return v.items
	}
	var items []value
	for s := range strings.SplitSeq(v.text, ",") {
		if s = strings.TrimSpace(s); s != "" {
			items = append(items, value{kind: unstable.String, text: s, pos: v.pos})
		}
	}
	return items
}
