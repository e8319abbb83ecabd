package myschema

import (
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func quoted(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, quote(n))
	}
	return strings.Join(out, ", ")
}

// literal spells a text for a session in which backslashes escape, as they do
// unless sql_mode says otherwise.
func literal(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
}

// atHome takes the inspected database's name out of a text that the server
// spelled, where it qualifies something that is known to be in it. (An alias
// may have the database's name too; it stands before columns.)
func (i *inspection) atHome(text string) string {
	out, _ := i.foundAtHome(text)
	return out
}

// foundAtHome tells besides what the text names.
func (i *inspection) foundAtHome(text string) (string, []schema.ID) {
	home := quote(i.state.Home) + "."
	if i.state.Home == "" || !strings.Contains(text, home) {
		return text, nil
	}
	var b strings.Builder
	var found []schema.ID
	for at := 0; at < len(text); {
		c := text[at]
		if c != '\'' && c != '"' && c != '`' {
			b.WriteByte(c)
			at++
			continue
		}
		end := closing(text, at)
		if strings.HasPrefix(text[at:], home) && !strings.HasSuffix(text[:at], ".") {
			next := at + len(home)
			if next < len(text) && text[next] == '`' {
				to := closing(text, next)
				name := strings.ReplaceAll(text[next+1:max(next+1, to-1)], "``", "`")
				if id, ok := i.names[name]; ok {
					found = append(found, id)
					at = next
					continue
				}
			}
		}
		b.WriteString(text[at:end])
		at = end
	}
	return b.String(), found
}

// closing is the end of what is quoted from here on.
func closing(text string, open int) int {
	for i := open + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && text[open] != '`':
			i++
		case text[i] != text[open]:
		case i+1 < len(text) && text[i+1] == text[open]:
			i++
		default:
			return i + 1
		}
	}
	return len(text)
}

// definer is whose rights an object has, "" for those of the account that
// looks: that is whose an object becomes that is made without a word on it.
func definer(who, me string) string {
	if who == me {
		return ""
	}
	return who
}

// account spells a definer, which the catalogue has as user@host.
func account(who string) string {
	user, host, ok := cutLast(who, "@")
	if !ok {
		return quote(who) // a role
	}
	return quote(user) + "@" + quote(host)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func definedBy(who string) string {
	if who == "" {
		return ""
	}
	return "DEFINER=" + account(who) + " "
}
