package engine

import (
	"fmt"
	"strings"
	"time"
)

// Activity is what a session is doing right now.
type Activity struct {
	// Object is the table that it waits for, "" where the product does not say.
	Object string

	Blockers []Blocker // who keeps it waiting, the longest first
	Phase    string    // of a long statement, in the server's words; "" where it does not say
	Percent  float64   // how much of the phase is done; negative: not known
}

// Blocker is a session that keeps another one waiting.
type Blocker struct {
	Session string // its number on the server
	User    string
	From    string        // address or host
	App     string        // what it calls itself
	Doing   string        // its statement, or the last one of its transaction
	For     time.Duration // how long its transaction, or else its statement, has been open

	// Likely is set where the server does not say who has the lock: this
	// session has a transaction open, and may be it.
	Likely bool
}

// String names it for people.
func (b Blocker) String() string {
	var s strings.Builder
	s.WriteString("session " + b.Session)
	if b.User != "" {
		s.WriteString(" of " + b.User)
		if b.From != "" {
			s.WriteString("@" + b.From)
		}
	}
	if b.App != "" {
		s.WriteString(" (" + b.App + ")")
	}
	if b.For > 0 {
		fmt.Fprintf(&s, ", open for %s", b.For.Round(time.Second))
	}
	if b.Doing != "" {
		s.WriteString(": " + Shorten(b.Doing, 200))
	}
	if b.Likely {
		s.WriteString(" (probably)")
	}
	return s.String()
}

// Blockers names them all.
func Blockers(bs []Blocker) string {
	words := make([]string, len(bs))
	for i, b := range bs {
		words[i] = b.String()
	}
	return strings.Join(words, "; ")
}

// Shorten makes one line of a statement, of at most n characters.
func Shorten(text string, n int) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= n {
		return string(runes)
	}
	return string(runes[:n]) + "..."
}
