package journal

import (
	"fmt"
	"strings"
)

// KeptBytes is how much text of what is begun outside a transaction its entry
// keeps: where somebody has changed it before the migration could end, both
// texts can be shown. Of what is longer the checksum tells that it is another.
const KeptBytes = 1000

// Kept gathers the text that an entry keeps. A statement that may hold a
// password is left out.
type Kept struct {
	b    strings.Builder
	more bool // something is not in it
}

// Add takes the text of the next statement, and says whether there is room
// for another.
func (k *Kept) Add(text string) bool {
	if k.more {
		return false
	}
	if k.b.Len() > 0 {
		k.b.WriteString(";\n")
	}
	if word := Secretive(text); word != "" {
		fmt.Fprintf(&k.b, "-- not kept: it says %s", word)
		return true
	}
	if room := KeptBytes - k.b.Len(); len(text) > room {
		text, k.more = text[:max(0, room)], true
	}
	k.b.WriteString(strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), ""))
	return !k.more
}

// Stop says that what follows is not to be had.
func (k *Kept) Stop() { k.more = true }

// String is what was gathered; an ellipsis at its end says that there was more.
func (k *Kept) String() string {
	if k.more {
		return k.b.String() + " …"
	}
	return k.b.String()
}

// Secretive finds what stands beside a secret in the products' own statements
// (CREATE ROLE, CREATE USER, CREATE SUBSCRIPTION, CREATE SERVER), and in many
// a column's name; "" where it finds nothing.
func Secretive(text string) string {
	lower := strings.ToLower(text)
	for _, word := range []string{"password", "identified", "secret", "credential", "token", "encrypt", "attach"} {
		if strings.Contains(lower, word) {
			return word
		}
	}
	if userInURL(text) {
		return "who connects in a URL"
	}
	return ""
}

// userInURL finds the beginning of a URL with a password or token in it, as
// CREATE SUBSCRIPTION and ENGINE=FEDERATED take them: postgresql://user:word@host.
func userInURL(text string) bool {
	for {
		_, rest, found := strings.Cut(text, "://")
		if !found {
			return false
		}
		if i := strings.IndexAny(rest, "@'\" \t\r\n"); i >= 0 && rest[i] == '@' {
			return true
		}
		text = rest
	}
}
