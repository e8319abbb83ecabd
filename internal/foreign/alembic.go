package foreign

import (
	"regexp"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/internal/lazy"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

var (
	// What Alembic writes above each step of its offline mode. A merge has
	// several revisions on its left; some releases put the message behind.
	alembicStep = lazy.Regexp(`^-- Running (\w+) *(.*?) *-> *([^\s,]*)(?:, *(.*))?$`)

	// Its own bookkeeping.
	alembicOwn = lazy.Regexp(`(?is)^(INSERT\s+INTO|UPDATE|DELETE\s+FROM|CREATE\s+TABLE|DROP\s+TABLE)\s+(IF\s+(NOT\s+)?EXISTS\s+)?([\w"` + "`" + `]+\.)?["` + "`" + `]?alembic_version\b`)
)

// readAlembic reads what "alembic upgrade head --sql" writes, and what
// "alembic downgrade head:base --sql" does for the ways back. The order is that
// of the text. Alembic's own bookkeeping, and the transactions it puts around
// a step, are left out: they are no part of what the migrations make.
func readAlembic(r *reader) {
	byRevision := map[string]*Change{}
	var downs []*Change
	for _, f := range r.files(false, func(name string) bool { return strings.HasSuffix(name, ".sql") || isNumbered(name) }) {
		steps, back := r.alembicSteps(f)
		downs = append(downs, back...)
		for _, c := range steps {
			if other := byRevision[c.Key]; other != nil {
				r.fail(f.name, c.Source.Line, "revision %s stands in %s:%d already", c.Key, other.Source.File, other.Source.Line)
				continue
			}
			byRevision[c.Key] = c
			r.changes = append(r.changes, c)
		}
	}
	for _, d := range downs {
		switch c := byRevision[d.Key]; {
		case c == nil:
			r.fail(d.Source.File, d.Source.Line, "the way back of revision %s, whose way there is not here", d.Key)
		case c.Down != nil:
			r.fail(d.Source.File, d.Source.Line, "a second way back of revision %s", d.Key)
		default:
			c.Down = &d.Up
		}
	}
	if len(r.changes) == 0 && len(r.problems) == 0 {
		r.fail(".", 0, `no line "-- Running upgrade … -> …": write a file of them with: alembic upgrade head --sql`)
	}
}

// alembicSteps cuts a file at the lines that Alembic writes above each step.
func (r *reader) alembicSteps(f file) (ups, downs []*Change) {
	var preface Part
	w := writer{part: &preface}
	for i, line := range f.lines {
		m := alembicStep().FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil {
			w.line(line, i+1)
			continue
		}
		c := &Change{Kind: migration.Versioned, Source: Place{f.name, i + 1}}
		switch m[1] {
		case "upgrade":
			c.Key, c.Name = m[3], m[3]
			if m[4] != "" {
				c.Name += "_" + m[4]
			}
			if m[2] != "" {
				c.Parents = regexp.MustCompile(`, *`).Split(m[2], -1)
			}
			ups = append(ups, c)
		case "downgrade":
			c.Key = m[2]
			downs = append(downs, c)
		default:
			r.fail(f.name, i+1, "a step of the kind %q has no counterpart here", m[1])
		}
		w = writer{part: &c.Up}
	}
	r.alembicClean(f.name, &preface, true)
	for _, c := range slices.Concat(ups, downs) {
		r.alembicClean(f.name, &c.Up, false)
	}
	return ups, downs
}

// alembicClean takes out of a step what Alembic put around it. A COMMIT and a
// BEGIN inside of a step (an autocommit_block) stay: the transaction that they
// part is written out then, but for what of it holds nothing. A step that is
// nothing but such a block has no transaction at all.
func (r *reader) alembicClean(name string, p *Part, preface bool) {
	if len(p.Pieces) == 0 {
		return
	}
	text, line := p.Pieces[0].Text, p.Pieces[0].Line
	statements, err := sqltext.All(text, r.o.Lexis)
	if err != nil {
		return // told where the step is converted
	}
	own := func(st sqltext.Statement) bool { return alembicOwn().MatchString(st.Text) }
	last := -1 // of its bookkeeping: what bounds a transaction behind it is Alembic's
	for i, st := range statements {
		if own(st) {
			last = i
		}
	}
	step := []stepped{{bound: "BEGIN"}}
	gap, end, parted := "", 0, false // gap: the comments ahead of what is left out
	for i, st := range statements {
		end = int(st.End.Offset) + len(st.Tail) + len(st.Terminator)
		bound := boundOf(st)
		switch {
		case own(st), bound != "" && (preface || last >= 0 && i > last || i == 0 && bound == "BEGIN"):
			gap += st.Gap
		case preface:
			r.fail(name, line+st.Start.Line-1, "a statement above the first step, which no revision has")
			return
		default:
			parted = parted || bound != ""
			step = append(step, stepped{gap + st.Gap, text[st.Start.Offset:end], bound})
			gap = ""
		}
	}
	if preface {
		return
	}
	if step = append(step, stepped{gap: gap + text[end:], bound: "COMMIT"}); parted {
		step = tidied(step)
	}
	var b strings.Builder
	for _, s := range step {
		b.WriteString(s.gap + s.text)
	}
	rest := strings.TrimSpace(b.String())
	if parted {
		p.Bare = !slices.ContainsFunc(step, func(s stepped) bool { return s.bound != "" })
		for _, s := range step {
			switch {
			case s.bound == "BEGIN" && s.text == "":
				rest = "BEGIN;\n" + rest
			case s.bound == "COMMIT" && s.text == "":
				rest += "\nCOMMIT;"
			}
		}
	}
	p.Pieces = []Piece{{Text: rest + "\n", Line: line}}
}

// stepped is a statement of a step, with the comments before it, and whether it
// bounds a transaction: the step's own one does without a text.
type stepped struct{ gap, text, bound string }

// boundOf is BEGIN or COMMIT, "" of any other statement.
func boundOf(st sqltext.Statement) string {
	switch word := st.Word(0); {
	case (word == "BEGIN" || word == "COMMIT") && len(st.Words) == 1:
		return word
	case st.Starts("START", "TRANSACTION"):
		return "BEGIN"
	}
	return ""
}

// tidied leaves out what bounds nothing: a transaction without a statement, a
// BEGIN inside of one, a COMMIT outside. What is said in comments there stays.
func tidied(step []stepped) (out []stepped) {
	open, said := false, ""
	for _, s := range step {
		s.gap, said = said+s.gap, ""
		last := len(out) - 1
		switch {
		case s.bound != "" && open == (s.bound == "BEGIN"):
			said = comments(s.gap)
		case s.bound == "COMMIT" && out[last].bound == "BEGIN":
			said = comments(out[last].gap) + comments(s.gap)
			out, open = out[:last], false
		default:
			open = open && s.bound == "" || s.bound == "BEGIN"
			out = append(out, s)
		}
	}
	return append(out, stepped{gap: said})
}
