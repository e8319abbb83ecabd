package journal

import "strings"

// KeptBytes is how much text of what is begun outside a transaction its entry
// keeps: where somebody has changed it before the migration could end, both
// texts can be shown. Of what is longer the checksum tells that it is another.
const KeptBytes = 1000

// MigrationBytes is how much text of a migration the entry keeps that says it
// is applied: where its file changes later, both can be shown. Of what is
// longer, the hashes of its statements tell which is another one.
const MigrationBytes = 4000

// Kept gathers the text that an entry keeps. A statement that may hold a
// password is left out.
type Kept struct {
	Room int // bytes; 0: KeptBytes

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
		k.b.WriteString(notKept + word)
		return true
	}
	room := k.Room
	if room == 0 {
		room = KeptBytes
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if room -= k.b.Len(); len(text) > room {
		text, k.more = text[:max(0, room)], true
	}
	k.b.WriteString(strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), ""))
	return !k.more
}

// Whole says that nothing is left out of a text that was kept.
func Whole(kept string) bool {
	return !strings.HasSuffix(kept, more) && !strings.Contains(kept, notKept)
}

const (
	more    = " …"
	notKept = "-- not kept: it says "
)

// Stop says that what follows is not to be had.
func (k *Kept) Stop() { k.more = true }

// String is what was gathered; an ellipsis at its end says that there was more.
func (k *Kept) String() string {
	if k.more {
		return k.b.String() + more
	}
	return k.b.String()
}

// Secretive finds what stands beside a secret in the products' own statements
// (CREATE ROLE, CREATE USER, CREATE SUBSCRIPTION, CREATE SERVER), and in many
// a column's name; "" where it finds nothing.
func Secretive(text string) string {
	for i := range len(text) {
		// One look at each byte: every statement of every migration comes by.
		word := ""
		switch text[i] | 0x20 {
		case 'p':
			word = "password"
		case 'i':
			word = "identified"
		case 's':
			word = "secret"
		case 'c':
			word = "credential"
		case 't':
			word = "token"
		case 'e':
			word = "encrypt"
		case 'a':
			word = "attach"
		default:
			continue
		}
		if rest := text[i:]; len(rest) >= len(word) && strings.EqualFold(rest[:len(word)], word) {
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
