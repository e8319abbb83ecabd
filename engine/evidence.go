package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A Witness tells afterwards whether a statement took effect that ran outside
// a transaction, and whose end nobody heard of.
//
// It knows classes of statements, not all of them: what a text does not tell
// with certainty, and what leaves nothing to be seen, has no evidence, and a
// person has to say.
type Witness struct {
	// Before looks at what st is about to change, in the session that will
	// run it. No Objects and no Again: nothing can be told of it.
	Before func(ctx context.Context, s Session, st sqltext.Statement) (Evidence, error)

	// Presume is what Before is going to say if st finds things as it wants
	// them, with a condition in SQL that holds exactly then. "" for a statement
	// of which only a look tells; nil where that is so of all.
	Presume func(s Session, st sqltext.Statement) (Evidence, string)

	// Now says how an object is: "" for one that is not there, else something
	// that is equal as long as nothing has changed. An error says that it
	// cannot be told.
	Now func(ctx context.Context, s Session, o Object) (string, error)

	// Clear takes away what a broken statement left of o, where Judge asks
	// for it; nil where nothing ever is.
	Clear func(ctx context.Context, s Session, o Object) error
}

// Evidence is what is written down before a statement, to tell afterwards
// whether it took effect.
type Evidence struct {
	// Again: to run it twice is to run it once, so that nothing has to be
	// looked at.
	Again   bool     `json:"again,omitempty"`
	Objects []Object `json:"objects,omitempty"`
}

// Object is a thing in the catalogue that a statement changes.
type Object struct {
	Rule   Rule   `json:"rule"`
	Kind   string `json:"kind"`             // what to look at, in the engine's words
	Schema string `json:"schema,omitempty"` // as the catalogue has it
	Name   string `json:"name,omitempty"`
	Of     string `json:"of,omitempty"`     // the table it belongs to
	ID     string `json:"id,omitempty"`     // what it keeps when it is renamed
	Before string `json:"before,omitempty"` // Witness.Now, before
}

// String names the object for people.
func (o Object) String() string {
	name := o.Name
	if o.Schema != "" {
		name = o.Schema + "." + name
	}
	if o.Of != "" {
		name += " of " + o.Of
	}
	return o.Kind + " " + name
}

// Rule is what a statement does to an object.
type Rule string

const (
	Makes   Rule = "makes"   // it is there afterwards
	Drops   Rule = "drops"   // it is gone afterwards
	Alters  Rule = "alters"  // it is there, and otherwise. What cannot be seen may be done twice
	Touches Rule = "touches" // as Alters, but others may have changed it as well: that it has changed tells nothing
	Rewords Rule = "rewords" // it is there, and otherwise or not; the same text again does nothing
	Trims   Rule = "trims"   // one of several of that name is gone
	Rewrite Rule = "rewrite" // as Alters, but the rows change, and must not twice
	Builds  Rule = "builds"  // Makes in several steps, which may leave an invalid one
	Redoes  Rule = "redoes"  // it may be run twice, and broken off it leaves something invalid beside the object
)

// Unfinished and InWork begin what Witness.Now says of an object that is built
// in several steps: it was left in the middle; somebody is at it now.
const (
	Unfinished = "unfinished "
	InWork     = "in work "
)

// Outcome is how a statement ended.
type Outcome int

const (
	Unsure  Outcome = iota // only a person can tell
	Took                   // it took effect
	TookNot                // it did not, or may be run again as if it had not
)

// Finding is what the evidence says.
type Finding struct {
	Outcome Outcome
	Saw     string   // for people: what was looked at, and seen
	Clear   []Object // with TookNot: what is left of the broken statement
}

// Judge compares how things were with how they are: now runs in parallel to
// e.Objects. It is pure.
func (e Evidence) Judge(now []string) Finding {
	if e.Again {
		return Finding{Outcome: TookNot, Saw: "it can be run twice"}
	}
	if len(e.Objects) == 0 || len(now) != len(e.Objects) {
		return Finding{Saw: "nothing that it changes can be looked up"}
	}
	const untold Outcome = -1
	f := Finding{Outcome: untold}
	var saw []string
	// What comes or goes tells more than what is as it was: a clause may have
	// asked for what was there already.
	decided := false
	for i, o := range e.Objects {
		one, _ := o.judge(now[i])
		decided = decided || one == Took && (o.Rule == Makes || o.Rule == Drops)
	}
	for i, o := range e.Objects {
		one, text := o.judge(now[i])
		saw = append(saw, o.String()+" "+text)
		if one == TookNot && strings.HasPrefix(now[i], Unfinished) && now[i] != o.Before {
			f.Clear = append(f.Clear, o)
		}
		switch {
		case o.Rule == Drops && o.Before == "" && now[i] == "", o.Rule == Makes && o.Before != "" && now[i] == o.Before:
			// DROP IF EXISTS of something that never was tells nothing, nor
			// does CREATE IF NOT EXISTS of something that is there.
		case decided && one == TookNot && (o.Rule == Alters || o.Rule == Touches):
		case f.Outcome == untold:
			f.Outcome = one
		case f.Outcome != one:
			f.Outcome = Unsure
		}
	}
	if f.Outcome == untold {
		f.Outcome = TookNot
	}
	f.Saw = strings.Join(saw, "; ")
	return f
}

func (o Object) judge(now string) (Outcome, string) {
	same, was, is := now == o.Before, o.Before != "", now != ""
	switch o.Rule {
	case Makes, Builds:
		switch {
		case strings.HasPrefix(now, InWork):
			return Unsure, "is being built by another session"
		case was && same && strings.HasPrefix(now, Unfinished):
			return Unsure, "was there before, and invalid"
		case was && same:
			return TookNot, "was there before"
		case was:
			return Unsure, "was there before, and is not as it was"
		case strings.HasPrefix(now, Unfinished):
			return TookNot, "was left invalid"
		case is:
			return Took, "is there, and was not before"
		}
		return TookNot, "is not there"
	case Drops:
		switch {
		case was && !is:
			return Took, "is gone, and was there before"
		case same && was:
			return TookNot, "is still there"
		case same:
			return TookNot, "was not there before"
		}
		return Unsure, "is there, and is not the one from before"
	case Alters, Rewrite, Touches:
		switch {
		case same && was && o.Rule == Rewrite:
			return Unsure, "looks as it did before, as it may also afterwards"
		case same && was:
			return TookNot, "is as it was"
		case same:
			return TookNot, "was not there before"
		case was && !is:
			return Unsure, "is gone"
		case !was:
			return Unsure, "is there, and was not before"
		case o.Rule == Touches:
			return Unsure, "has changed, as others may have changed it, too"
		}
		return Took, "has changed"
	case Redoes:
		if same {
			return TookNot, "has nothing invalid beside it"
		}
		return TookNot, "has something invalid beside it"
	case Rewords, Trims:
		switch {
		case same:
			return TookNot, "is as it was"
		case !is && o.Rule == Rewords:
			return TookNot, "is gone"
		}
		return Took, "has changed"
	}
	return Unsure, "was looked at by a newer release"
}

// Text is how evidence is kept; "" for none.
func (e Evidence) Text() string {
	if !e.Again && len(e.Objects) == 0 {
		return ""
	}
	text, err := json.Marshal(e)
	if err != nil {
		return ""
	}
	return string(text)
}

// ReadEvidence reads what Text wrote.
func ReadEvidence(text string) (Evidence, error) {
	var e Evidence
	if text == "" {
		return e, nil
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return Evidence{}, fmt.Errorf("read the evidence: %w", err)
	}
	return e, nil
}

// Whole fills in how the objects are now.
func (w Witness) Whole(ctx context.Context, s Session, objects ...Object) (Evidence, error) {
	for i := range objects {
		var err error
		if objects[i].Before, err = w.Now(ctx, s, objects[i]); err != nil {
			return Evidence{}, err
		}
	}
	return Evidence{Objects: objects}, nil
}

// A Phrase reads a statement's tokens from the left.
type Phrase struct {
	Tokens []sqltext.Token
	Whole  bool // they are all the tokens there are
	Fold   bool // bare names are in lower case, as PostgreSQL has them
}

// ReadPhrase cuts a statement into tokens.
func ReadPhrase(st sqltext.Statement, l sqltext.Lexis) *Phrase {
	tokens, whole := sqltext.Tokens(st.Text, l)
	return &Phrase{Tokens: tokens, Whole: whole}
}

// Next reports whether these words come next, and passes them then.
func (p *Phrase) Next(words ...string) bool {
	if len(p.Tokens) < len(words) {
		return false
	}
	for i, w := range words {
		if t := p.Tokens[i]; !t.Is(w) && (t.Bare || t.Text != w) {
			return false
		}
	}
	p.Tokens = p.Tokens[len(words):]
	return true
}

// OneOf passes one of these words, and returns it; "" for none.
func (p *Phrase) OneOf(words ...string) string {
	for _, w := range words {
		if p.Next(w) {
			return w
		}
	}
	return ""
}

// Name passes a name, qualified or not, and returns its parts; nil where
// there is none that can be read with certainty.
func (p *Phrase) Name() []string {
	var parts []string
	for {
		part, ok := p.ident()
		if !ok {
			return nil
		}
		parts = append(parts, part)
		if !p.Next(".") {
			return parts
		}
	}
}

func (p *Phrase) ident() (string, bool) {
	if len(p.Tokens) == 0 {
		return "", false
	}
	t := p.Tokens[0]
	name, ok := t.Text, t.Bare
	switch {
	case t.Bare && p.Fold:
		name, ok = lower(name), len(name) < foldLimit
	case t.Bare:
	case len(name) > 2 && (name[0] == '"' || name[0] == '`') && name[0] == name[len(name)-1]:
		q := name[:1]
		name, ok = strings.ReplaceAll(name[1:len(name)-1], q+q, q), true
	case len(name) > 2 && name[0] == '[' && name[len(name)-1] == ']':
		name, ok = name[1:len(name)-1], true
	}
	if ok {
		p.Tokens = p.Tokens[1:]
	}
	return name, ok
}

// foldLimit is the length at which PostgreSQL begins to shorten names.
const foldLimit = 64

// lower folds ASCII alone, as the server does in UTF-8.
func lower(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, name)
}

// End reports whether nothing follows.
func (p *Phrase) End() bool { return p.Whole && len(p.Tokens) == 0 }

// Has reports whether one of these words stands in the rest, in brackets or
// not.
func (p *Phrase) Has(words ...string) bool {
	return slices.ContainsFunc(p.Tokens, func(t sqltext.Token) bool {
		return slices.ContainsFunc(words, t.Is)
	})
}

// Fleeting reports whether what follows CREATE, which is passed, makes a
// temporary table and nothing else that could be seen: its session took it
// along, so that to run it again is to run it once. A query that it is filled
// from may call what changes other things.
func (p *Phrase) Fleeting() bool {
	tokens := p.Tokens
	defer func() { p.Tokens = tokens }()
	p.Next("OR", "REPLACE")
	p.OneOf("GLOBAL", "LOCAL")
	if p.OneOf("TEMP", "TEMPORARY") == "" || !p.Next("TABLE") || !p.Whole {
		return false
	}
	query := p.Has("SELECT", "EXECUTE", "WITH", "VALUES", "TABLE")
	for i, t := range p.Tokens {
		if i > 0 && t.Text == "(" && query && !slices.ContainsFunc([]string{"AS", "IN", "AND", "OR", "NOT", "FROM", "ON", "SELECT", "WHERE", "VALUES", ",", "(", "=",
			"COUNT", "SUM", "MIN", "MAX", "AVG", "COALESCE"}, func(word string) bool { return p.Tokens[i-1].Is(word) || p.Tokens[i-1].Text == word }) {
			return false
		}
	}
	return !p.Has("EXECUTE")
}

// To passes everything up to and with a word that stands in no brackets.
func (p *Phrase) To(word string) bool {
	depth := 0
	for i, t := range p.Tokens {
		switch {
		case t.Text == "(":
			depth++
		case t.Text == ")":
			depth--
		case depth == 0 && t.Is(word):
			p.Tokens = p.Tokens[i+1:]
			return true
		}
	}
	return false
}
