package migration

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A directive is one header that a file may have.
type directive struct {
	name    string
	example string   // of its value
	also    []string // other words that people have for it; they are not understood, but told of

	// read takes the value of the line at.
	read func(h *Header, at int, value string) error

	bare      bool // it means something without a value as well
	condition bool // its value may go on in the lines below

	// fits says whether a value could be meant for this header and hardly for
	// anything else. It tells a header that lost its colon from a sentence.
	fits func(value string) bool

	// may says whether a value behind a colon may have been meant for this header
	// at all; nil for any.
	may func(value string) bool

	// whole are lines that say without a value what "-- name: whole's value" says.
	whole map[string]string

	// below says whether a value does harm by being passed over, where it stands
	// below the first section; nil for a header that is one there, too, or of
	// which people write in the same words above their rows.
	below func(value string) bool
}

// directives are all headers that may stand above the first section.
var directives = []directive{
	{
		name: "depends_on", example: `["0001", "0002"]`,
		read: func(h *Header, _ int, value string) error {
			vs, err := parseDependsOn(value)
			h.DependsOn = append(h.DependsOn, vs...)
			return err
		},
		also: []string{"requires"}, // which is English as well: only with versions behind it
		fits: isVersions, below: isVersions,
	},
	{
		name: "replaces", example: "0001, 0002",
		read: func(h *Header, _ int, value string) error {
			if !listsVersions(value) {
				return nil // a comment: "replaces: the old view"
			}
			rs, err := parseReplaces(value)
			h.Replaces = append(h.Replaces, rs...)
			return err
		},
		fits: isVersions, below: isVersions,
	},
	{
		name: "seed", bare: true, example: "on", also: []string{"seeds"},
		read: func(h *Header, _ int, value string) (err error) {
			h.Seed = true
			if value != "" {
				h.Seed, err = parseSwitch(value)
			}
			return err
		},
		fits: isSwitch,
	},
	{
		name: "transaction", example: "off", also: []string{"transactional", "tx", "txn"},
		read: func(h *Header, _ int, value string) error {
			on, err := parseSwitch(value)
			h.TransactionOff = err == nil && !on
			return err
		},
		whole: map[string]string{
			"notransaction": "off", "notransactions": "off", "nontransactional": "off", "transactionoff": "off", "withouttransaction": "off", "notx": "off",
		},
		fits:  isSwitch,
		below: func(value string) bool { on, err := parseSwitch(value); return err == nil && !on },
	},
	{
		name: "lock_timeout", example: "10s",
		read: func(h *Header, _ int, value string) (err error) {
			h.LockTimeout, err = readDuration(value)
			return err
		},
		fits: isDuration, below: isLimit,
	},
	{
		name: "statement_timeout", example: "1h",
		read: func(h *Header, _ int, value string) (err error) {
			h.StatementTimeout, err = readDuration(value)
			return err
		},
		fits: isDuration, below: isLimit,
	},
	{
		name: "vars", example: "on", also: []string{"variables"},
		read: func(h *Header, _ int, value string) (err error) {
			h.Vars, err = parseSwitch(value)
			return err
		},
		fits:  isSwitch,
		below: func(value string) bool { on, err := parseSwitch(value); return err == nil && on },
	},
	{
		name: "env", example: "dev, staging", also: []string{"envs", "evn", "environment"}, may: mayBeEnvironments,
		read: func(h *Header, _ int, value string) error {
			envs, err := parseEnv(value)
			h.Env = append(h.Env, envs...)
			return err
		},
		fits: areEnvironments, below: func(value string) bool { _, err := parseEnv(value); return err == nil },
	},
	{
		name: "require", example: "SELECT …", condition: true,
		read: readCondition(Require), fits: isQuery, below: beginsLikeQuery,
	},
	{
		name: "ensure", example: "SELECT …", condition: true,
		read: readCondition(Ensure), fits: isQuery, below: beginsLikeQuery,
	},
	{
		name: "check", example: "ignore RULE reason",
		read: func(h *Header, at int, value string) error {
			h.Check = append(h.Check, Note{at, value})
			return nil
		},
		fits: isIgnore,
	},
}

func readCondition(kind ConditionKind) func(h *Header, at int, value string) error {
	return func(h *Header, at int, value string) error {
		h.Conditions = append(h.Conditions, Condition{Kind: kind, Line: at, Query: value})
		return nil
	}
}

func readDuration(value string) (*time.Duration, error) {
	d, err := ParseDuration(value)
	if err != nil {
		return nil, err
	}
	return &d, nil
}

func isVersions(value string) bool {
	vs, err := parseDependsOn(value)
	return err == nil && len(vs) > 0
}
func isSwitch(value string) bool        { _, err := parseSwitch(value); return err == nil }
func isLimit(value string) bool         { _, err := ParseDuration(value); return err == nil }
func beginsLikeQuery(value string) bool { return asks(strings.Fields(strings.ToUpper(value))) }

func isDuration(value string) bool      { return likely().duration.MatchString(value) }
func isIgnore(value string) bool        { return likely().ignore.MatchString(value) }
func isQuery(value string) bool         { return likely().query.MatchString(value) }
func areEnvironments(value string) bool { return likely().environments.MatchString(value) }

// mayBeEnvironments tells a list of environments from "environment: production
// database only". A list may have blanks for its commas.
func mayBeEnvironments(value string) bool {
	if _, err := parseEnv(value); err == nil {
		return true
	}
	for word := range strings.FieldsSeq(value) {
		if !areEnvironments(strings.Trim(word, ",;.")) {
			return false
		}
	}
	return true
}

// likely are patterns of what is a header's value even without a colon.
var likely = sync.OnceValue(func() (p struct{ duration, ignore, query, environments *regexp.Regexp }) {
	p.duration = regexp.MustCompile(`(?i)^\d+(\.\d+)?\s*(ms|s|m|h|secs?|seconds?|mins?|minutes?|hours?)?$`)
	p.ignore = regexp.MustCompile(`(?i)^ignore\s+[a-z]+(-[a-z]+)+`)

	// Any word may be an environment's name. These are what they are mostly
	// called; "environment variables" are none.
	p.environments = regexp.MustCompile(`(?i)^(dev|devel|development|tests?|testing|qa|uat|ci|local|demo|preview|sandbox|stage|stg|staging|prod|prd|production|live)(\s*,\s*[\w.-]+)*$`)

	// "Ensure select privileges are granted" and "Require values from the list"
	// are sentences, and begin as queries do.
	p.query = regexp.MustCompile(`(?is)^\(*\s*(` +
		`(not\s+)?exists\s*\(` + // a query without its SELECT
		`|select\s+(distinct\s+)?([-+]?\d|['*(]|true\b|false\b|null\b|case\s+when\b|(not\s+)?exists\s*\(|not\s*\(|[\w.]+\()` +
		`|select\s+(distinct\s+)?[\w."]+(\s*(,|=|<>|!=|<|>|\|\||\bas\b|\bis\b|\bin\b)\s*[\w."']+)*\s+from\s+[\w."]+(\s+(as\s+)?\w+)?\s*($|[;,)]|(where|join|left|inner|cross|group|having|order|limit)\b)` +
		`|with\s+(recursive\s+)?\w+(\s*\([^)]*\))?\s+as\s+((not\s+)?materialized\s+)?\(` +
		`|values\s*\(` +
		`)`)
	return p
})

// saying is the line that has a value in this header, as it should be written.
func (d *directive) saying(value string) string {
	if value == "" && d.bare {
		return "-- " + d.name
	}
	if err := d.read(&Header{}, 0, value); value == "" || err != nil || len([]rune(value)) > 40 || d.condition && !beginsLikeQuery(value) {
		value = d.example
	}
	return fmt.Sprintf("-- %s: %s", d.name, value)
}
