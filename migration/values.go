package migration

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Value is what stands for a variable.
type Value struct {
	Text   string
	Secret bool // it is never shown
}

// Values fill in the variables of files whose header says "-- vars: on".
//
// A variable is ${'name'}, its value as a text; ${"name"}, as a name; or
// ${name}, as it is, which is refused where the value could be read as anything
// but the one word, name or number that it is: in code a value of words with
// dots between them, or a number below zero; inside a string or a quoted name one
// without a quote, a backslash, a bracket or a dollar sign. Comments and rows
// of COPY stay as they are, and $${ is a plain ${. What is put in is not looked
// through again.
//
// A statement is cut, hashed and kept as it is written; what is filled in may
// not make more than one statement of it.
type Values struct {
	Find map[string]Value // by names in lower case: case does not count

	// Near gives the name that was most likely meant by an unknown one, ""
	// for none; nil is asked for none.
	Near func(name string) string

	// Literal and Identifier spell a text and a name as the product reads them.
	Literal, Identifier func(string) string
}

// Fill has the set's files take their variables' values from v.
func (s *Set) Fill(v *Values) {
	if len(s.Migrations) > 0 {
		s.Migrations[0].in.values = v // they share it, those in Go too
	}
}

// ValidVariable says whether a variable may have this name: letters, digits and
// underscores, at most 64, and no digit at the beginning.
func ValidVariable(name string) bool {
	return len(name) <= 64 && patterns().name.MatchString(name)
}

var patterns = sync.OnceValue(func() (p struct{ name, variable, code, negative *regexp.Regexp }) {
	p.name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	p.variable = regexp.MustCompile(`^\$\{\s*(?:([A-Za-z_][A-Za-z0-9_]*)|'([A-Za-z_][A-Za-z0-9_]*)'|"([A-Za-z_][A-Za-z0-9_]*)")\s*\}`)
	p.code = regexp.MustCompile(`^[\pL\pN_]+(\.[\pL\pN_]+)*$`)
	p.negative = regexp.MustCompile(`^-[0-9]+(\.[0-9]+)?$`)
	return p
})

// statement fills in a statement's variables.
func (v *Values) statement(st sqltext.Statement, r sqltext.Reading, file string) (sqltext.Statement, error) {
	if !strings.Contains(st.Text, "${") {
		return st, nil
	}
	f := &filling{v: v, st: st, r: r, file: file}
	stretches, err := r.Stretches(st.Text)
	if err != nil {
		f.fail(0, "its quotes cannot be told apart, and so its variables cannot be filled in")
		return st, f.bad
	}
	f.code(st.Text, 0, stretches, "")
	if len(f.bad) > 0 {
		return st, f.bad
	}
	text := f.text.String()
	words, err := r.Words(text, st.Copy != nil)
	if err != nil {
		f.fail(0, "with its variables filled in it is not the one statement that was written any more")
		return st, f.bad
	}
	st.Filled = sqltext.NewFilled(st.Text, f.shown.String(), f.secrets, f.marks)
	st.Filled.Variables = f.names
	st.Text, st.Words = text, words
	return st, nil
}

// filling is one statement whose variables are being filled in.
type filling struct {
	v           *Values
	st          sqltext.Statement
	r           sqltext.Reading
	file        string
	text, shown strings.Builder
	marks       []sqltext.Mark
	secrets     []string
	names       []string // of the variables
	bad         Problems
}

func (f *filling) fail(at int, format string, args ...any) {
	pos := f.st.Offset(at)
	f.bad = append(f.bad, Problem{f.file, pos.Line, pos.Column, fmt.Sprintf(format, args...)})
}

func (f *filling) plain(text string) {
	f.text.WriteString(text)
	f.shown.WriteString(text)
}

// code fills in a stretch of code that begins at an offset in the statement.
// tag is the dollar quote that it stands in, "" for none.
func (f *filling) code(text string, offset int, stretches []sqltext.Stretch, tag string) {
	for i := 0; i < len(text); {
		for len(stretches) > 0 && stretches[0].From < i {
			stretches = stretches[1:] // inside a variable
		}
		end := len(text)
		if len(stretches) > 0 {
			if end = stretches[0].From; end == i {
				f.stretch(text, offset, stretches[0], tag)
				i, stretches = stretches[0].To, stretches[1:]
				continue
			}
		}
		k := strings.Index(text[i:end], "${")
		if k < 0 {
			f.plain(text[i:end])
			i = end
			continue
		}
		f.plain(text[i : i+k])
		i += k
		if strings.HasSuffix(text[:i], "$") {
			f.fail(offset+i, "a plain ${ is no code: $${ stands for it inside of strings")
			i += len("${")
			continue
		}
		i += f.variable(text, offset, i, tag, false)
	}
}

// stretch fills in a string, or a name in quotes. What stands between dollar
// quotes is code again, where it reads as such.
func (f *filling) stretch(text string, offset int, s sqltext.Stretch, tag string) {
	whole := text[s.From:s.To]
	if s.Comment || !strings.Contains(whole, "${") {
		f.plain(whole)
		return
	}
	if whole[0] == '$' {
		own := whole[:strings.IndexByte(whole[1:], '$')+2]
		body := whole[len(own) : len(whole)-len(own)]
		f.plain(own)
		if inner, err := f.r.Stretches(body); err == nil {
			f.code(body, offset+s.From+len(own), inner, own)
		} else if strings.Contains(body, "${") {
			f.fail(offset+s.From, "what stands between %s and %s is not SQL, in which alone variables can be filled in", own, own)
		}
		f.plain(own)
		return
	}
	for i := 0; i < len(whole); {
		k := strings.Index(whole[i:], "${")
		if k < 0 {
			f.plain(whole[i:])
			return
		}
		if strings.HasSuffix(whole[i:i+k], "$") {
			f.plain(whole[i:i+k-1] + "${")
			i += k + len("${")
			continue
		}
		f.plain(whole[i : i+k])
		i += k
		i += f.variable(whole, offset+s.From, i, tag, true)
	}
}

// variable fills in the one that begins at text[i:], and returns how long it
// is there.
func (f *filling) variable(text string, offset, i int, tag string, quoted bool) int {
	at := offset + i
	m := patterns().variable.FindStringSubmatch(text[i:])
	if m == nil {
		f.fail(at, "this is no variable: write ${name}, ${'name'} for a text or ${\"name\"} for a name; inside of quotes ${name} alone, and $${ for a plain ${")
		return len("${")
	}
	written, name := m[0], m[1]+m[2]+m[3]
	value, known := f.v.Find[strings.ToLower(name)]
	if !known {
		near := ""
		if f.v.Near != nil {
			if n := f.v.Near(name); n != "" {
				near = fmt.Sprintf("; did you mean %s?", n)
			}
		}
		f.fail(at, "the variable %s has no value%s", name, near)
		return len(written)
	}
	spelled := value.Text
	switch why := f.unfit(text, i, m, value.Text, quoted); {
	case why != "":
		f.fail(at, "the value of %s %s", name, why)
		return len(written)
	case m[2] != "":
		spelled = f.v.Literal(value.Text)
	case m[3] != "":
		spelled = f.v.Identifier(value.Text)
	}
	if tag != "" && strings.Contains(spelled, tag) {
		f.fail(at, "the value of %s holds %s, which ends the text that it stands in: quote that with another tag", name, tag)
		return len(written)
	}
	f.marks = append(f.marks, sqltext.Mark{At: f.text.Len(), Len: len(spelled), From: at, Written: len(written)})
	f.names = append(f.names, strings.ToLower(name))
	f.text.WriteString(spelled)
	if !value.Secret {
		f.shown.WriteString(spelled)
	} else {
		f.shown.WriteString(written)
		for _, s := range []string{spelled, value.Text} {
			if s != "" {
				f.secrets = append(f.secrets, s)
			}
		}
	}
	return len(written)
}

// unfit says why a value cannot stand at text[i:], "" where it can.
func (f *filling) unfit(text string, i int, m []string, value string, quoted bool) string {
	before, behind := text[:i], text[i+len(m[0]):]
	switch {
	case strings.ContainsRune(value, 0) || !utf8.ValidString(value):
		return "is no text that a database takes"
	case m[1] == "":
		const quotes = "'\"`$"
		switch {
		case quoted:
			return "stands inside of quotes already, where only ${name} can"
		case m[3] != "" && value == "":
			return "is empty, and so no name"
		case before != "" && strings.IndexByte(quotes, before[len(before)-1]) >= 0, behind != "" && strings.IndexByte(quotes, behind[0]) >= 0:
			return "would touch another quote: put a blank between"
		}
	case quoted:
		if strings.ContainsAny(value, "'\"`\\[]$") {
			return "holds a quote, a backslash, a bracket or a dollar sign, which cannot stand inside of other quotes: write ${'" + m[1] + "'} without quotes around it"
		}
	case patterns().negative.MatchString(value) && !strings.HasSuffix(before, "-"), patterns().code.MatchString(value):
	default:
		return "is no plain word, name or number: write ${'" + m[1] + "'} for a text, ${\"" + m[1] + "\"} for a name"
	}
	return ""
}
