package sqltext

// metaCommand deals with a command of psql. pg_dump writes \restrict and
// \unrestrict, which mean nothing to anybody else; all other commands would
// change what the file does, so that leaving them out would be a lie. No
// product has a statement that begins with a backslash, and where each
// statement stands alone, one that fails would be half a migration.
func (s *Scanner) metaCommand() (bool, error) {
	in := &s.in
	at := s.tok
	in.pos = at + 1
	for c := in.peek(0); c >= 0 && s.class[c] == clsWord; c = in.peek(0) {
		in.pos++
	}
	if in.pos == at+1 && in.peek(0) > ' ' {
		in.pos++
	}
	name := string(in.data[at+1 : in.pos])
	if s.first < 0 && (name == "restrict" || name == "unrestrict") {
		in.pos = in.lineEnd()
		return true, nil
	}
	switch {
	case name != "" && !s.lex.MetaCommands:
		return false, s.errorAt(at, `\%s is a command of psql or of another client, not SQL`, shorten(name))
	case name == "":
		return false, s.errorAt(at, "a backslash outside quotes is not SQL")
	case name == ".":
		return false, s.errorAt(at, `\. ends rows of COPY ... FROM stdin, and there are none here`)
	}
	return false, s.errorAt(at, `\%s is a command of psql, not SQL; %s`, shorten(name), metaAdvice(name))
}

// metaAdvice says what to do instead.
func metaAdvice(name string) string {
	switch name {
	case "i", "ir", "include", "include_relative":
		return "put the SQL of that file here"
	case "c", "connect":
		return "a file runs in the one database that it is run for"
	case "copy":
		return "use COPY ... FROM stdin with its rows behind it"
	case "set", "unset", "gset", "prompt":
		return "its variables are not known here: write the values"
	case "g", "gx", "gexec", "gdesc", "crosstabview", ";":
		return "end the statement with ;"
	case "if", "elif", "else", "endif":
		return "use a DO block"
	}
	return "take it out"
}
