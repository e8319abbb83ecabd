package sqltext

import (
	"bytes"
	"strings"
)

// maxDelimiter is what MySQL's own client takes; it cuts longer ones off
// without a word.
const maxDelimiter = 15

// atDelimiter reports whether the current delimiter stands here. One that
// begins like a comment is not looked for in the comment's opening.
func (s *Scanner) atDelimiter() bool {
	in := &s.in
	if !in.has(in.pos, s.delim) {
		return false
	}
	return s.delim != "/" || in.peek(1) != '*'
}

// clip ends a word where the delimiter begins inside it: in END$$ the dollar
// signs could be a part of the name, but the client looks for its delimiter
// first.
func (s *Scanner) clip() {
	in := &s.in
	if s.delim == "" || s.versions > 0 || !s.wordByte[s.delim[0]] && s.delim[0] != '.' {
		return
	}
	for i := s.tok + 1; i < in.pos; i++ {
		k := bytes.IndexByte(in.data[i:in.pos], s.delim[0])
		if k < 0 {
			return
		}
		i += k
		if in.has(i, s.delim) {
			in.pos = i
			return
		}
	}
}

// clientCommand deals with what is meant for the client and not for the
// server. It reports whether the newest token began a line that was passed
// over.
func (s *Scanner) clientCommand(k kind) (bool, error) {
	switch {
	case k == tokPunct && s.in.data[s.tok] == '\\' && (s.lex.MetaCommands || s.first < 0):
		return s.metaCommand()
	case s.first >= 0:
		return false, nil
	case k == tokPunct && s.in.data[s.tok] == ';':
		return true, nil // an empty statement, with another delimiter
	case k == tokWord && s.isDelimiterWord():
		return true, s.delimiterLine()
	}
	return false, nil
}

func (s *Scanner) isDelimiterWord() bool {
	in := &s.in
	const word = "DELIMITER"
	if !s.lex.Delimiter || in.pos-s.tok != len(word) || !strings.EqualFold(string(in.data[s.tok:in.pos]), word) {
		return false
	}
	c := in.peek(0)
	return c < 0 || s.class[c] == clsBlank
}

// delimiterLine reads the rest of a DELIMITER line and obeys it.
func (s *Scanner) delimiterLine() error {
	in := &s.in
	end := in.lineEnd()
	arg, rest := delimiterArgument(string(in.data[in.pos:end]))
	switch {
	case arg == "":
		return s.errorAt(s.tok, "DELIMITER names no delimiter")
	case strings.Contains(arg, `\`):
		return s.errorAt(s.tok, "a delimiter cannot hold a backslash")
	case len(arg) > maxDelimiter:
		return s.errorAt(s.tok, "a delimiter has %d bytes at most", maxDelimiter)
	case rest != "" && rest[0] != '#' && !strings.HasPrefix(rest, "--"):
		return s.errorAt(s.tok, "nothing else may stand on the line of DELIMITER %s", arg)
	}
	in.pos = end
	s.delim, s.class[';'] = arg, clsPunct
	if arg == ";" {
		s.delim, s.class[';'] = "", clsSemicolon
	}
	s.body.begin(&s.lex, s.delim == "")
	return nil
}

// delimiterArgument splits what follows the word DELIMITER.
func delimiterArgument(line string) (arg, rest string) {
	const blanks = " \t\r\v\f"
	line = strings.Trim(line, blanks)
	if line == "" {
		return "", ""
	}
	if q := line[0]; q == '\'' || q == '"' || q == '`' {
		if arg, rest, ok := strings.Cut(line[1:], line[:1]); ok {
			return arg, strings.TrimLeft(rest, blanks)
		}
	}
	if i := strings.IndexAny(line, blanks); i >= 0 {
		return line[:i], strings.TrimLeft(line[i:], blanks)
	}
	return line, ""
}

// endedByDelimiterLine reports whether the newest token begins a line such as
// DELIMITER ; in the middle of a statement: the delimiter before it has been
// forgotten, and what follows is meant to be read with the new one. Only a
// line of punctuation counts, since a column may be called delimiter.
func (s *Scanner) endedByDelimiterLine(k kind) bool {
	if k != tokWord || s.delim == "" || s.tokens == 0 || s.versions > 0 || !s.isDelimiterWord() || !s.alone() {
		return false
	}
	end := s.in.lineEnd()
	arg, rest := delimiterArgument(string(s.in.data[s.in.pos:end]))
	if arg == "" || rest != "" {
		return false
	}
	for i := range len(arg) {
		if c := s.class[arg[i]]; c == clsWord && arg[i] != '$' || c == clsDigit || c == clsQuote || arg[i] == ',' || arg[i] == ')' || arg[i] == '(' {
			return false
		}
	}
	return true
}
