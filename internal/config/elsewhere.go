package config

import (
	"fmt"
	"strings"
)

// A URL may stand in a file of its own, or be printed by a program, so that
// whoever keeps secrets hands them over; and a password may be got anew for
// each connection, because some are good for minutes.

// placeOfURL is the strongest place that says where the database is, and the
// key that it belongs to, "" for none.
func (b *builder) placeOfURL() (place found, key string) {
	for _, k := range []string{keyURL, keyURLFile, keyURLCommand} {
		v, ok := b.find(k)
		switch {
		case !ok:
		case key != "" && v.strength == place.strength: // both from the environment: the file was checked
			b.keep(b.fail(v, fmt.Sprintf("%s is set too, and both say where the database is", place.name), "unset one of the two"))
		case key == "" || v.strength > place.strength:
			place, key = v, k
		}
	}
	return place, key
}

func (b *builder) fetches() bool { return b.selected && !b.in.FoldersOnly }

// urlInFile reads the URL from the file that a value names.
func (b *builder) urlInFile(v found) Secret {
	path := b.path(v, v.value)
	b.note(keyURLFile, path, b.source(v))
	if path == "" || !b.fetches() {
		return Secret{}
	}
	text, err := read(path)
	if err != nil {
		b.keep(b.fail(v, path+" cannot be read: "+reason(err), ""))
		return Secret{}
	}
	return b.fetched(v, string(text), path)
}

// urlOfProgram has the program run that a value names.
func (b *builder) urlOfProgram(v found) Secret {
	program := b.program(keyURLCommand)
	if len(program) == 0 || !b.fetches() {
		return Secret{}
	}
	if b.in.Fetch == nil {
		b.note(keyURL, "", "not asked for: "+keyURLCommand)
		return Secret{}
	}
	text, err := b.in.Fetch(v.dir, program)
	if err != nil {
		b.keep(b.fail(v, err.Error(), ""))
		return Secret{}
	}
	return b.fetched(v, text, program[0])
}

// fetched is a URL that came from elsewhere.
func (b *builder) fetched(v found, text, where string) Secret {
	text = strings.TrimSpace(text)
	s := NewSecret(text)
	b.note(keyURL, s.String(), where)
	msg, hint := "there is no URL in it", "a URL in one line is wanted, and nothing else"
	switch {
	case text == "":
	case strings.ContainsAny(text, "\r\n"):
		msg = "there is more than one line in it"
	default:
		msg, hint = checkURL(text, b.in.Schemes)
	}
	if msg != "" {
		b.keep(b.fail(v, where+": "+msg, hint))
		return Secret{}
	}
	return s
}

// password is where passwords come from, unless the URL comes from a stronger
// place: then it leads to some other database.
func (b *builder) password(url strength) {
	v, inFile := b.find(keyPasswordFile)
	key := keyPasswordFile
	if p, ok := b.find(keyPasswordCommand); ok && (!inFile || p.strength > v.strength) {
		v, key = p, keyPasswordCommand
	} else if !inFile {
		return
	}
	if v.strength < url {
		b.note(key, "", fmt.Sprintf("not used (%s): %s comes from a stronger place", b.source(v), keyURL))
		return
	}
	b.d.Password.Dir = v.dir
	if key == keyPasswordCommand {
		b.d.Password.Program = b.program(key)
		return
	}
	b.d.Password.File = b.path(v, v.value)
	b.note(key, b.d.Password.File, b.source(v))
}
