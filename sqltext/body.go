package sqltext

// A body watches the tokens of one statement for a part that holds semicolons
// of its own. It reads the header first (CREATE ... FUNCTION), to know which
// products' rules count, or that none do; then step is nil and nothing is
// watched any more.
//
// The bodies are told by their words, which is no more than a good guess where
// a product allows its keywords as names. Every way of guessing wrong leaves
// a statement that no server accepts.
type body struct {
	lex      *Lexis
	routines bool // bodies of routines are to be found: no DELIMITER ends them
	step     step
	prev     sign
	depth    int // of parentheses, where the step counts them
	at       int // where the body began

	atomic  int      // PostgreSQL: BEGIN and CASE without their END
	rule    bool     // PostgreSQL: CREATE RULE
	held    bool     // a semicolon was inside parentheses
	copies  bool     // PostgreSQL: COPY ... FROM stdin
	trigger trigger  // SQLite
	blocks  []block  // MySQL: what is open
	block   blockSet // MySQL: more of it
}

// A step takes one token and returns what takes the next.
type step func(b *body, t sign) step

// A sign is a token, as far as bodies need to know it.
type sign struct {
	kind kind
	word keyword
	char byte // of punctuation
	at   int
}

// is reports whether the sign is this punctuation.
func (t sign) is(c byte) bool { return t.kind == tokPunct && t.char == c }

// begin starts watching a statement.
func (b *body) begin(l *Lexis, semicolons bool) {
	*b = body{lex: l, routines: l.RoutineBodies && semicolons, step: stepStart}
}

// see takes the statement's next token.
func (b *body) see(k kind, text []byte, at int) {
	t := sign{kind: k, at: at}
	switch k {
	case tokWord:
		t.word = keywordOf(text)
	case tokPunct:
		t.char = text[0]
	}
	b.step = b.step(b, t)
	b.prev = t
}

// open reports whether a semicolon here is a part of the statement.
func (b *body) open() bool {
	switch {
	case b.rule && b.depth > 0:
		b.held = true
		return true
	case b.trigger == triggerOpen:
		return true
	}
	return b.atomic > 0 || len(b.blocks) > 0
}

// unfinished reports whether the end of the input here is too early.
func (b *body) unfinished() bool {
	if b.rule {
		return b.held && b.depth > 0
	}
	return b.open()
}

// parens counts parentheses.
func (b *body) parens(t sign) {
	switch {
	case t.is('('):
		b.depth++
	case t.is(')') && b.depth > 0:
		b.depth--
	}
}

// named reports whether the word t can only be a name: t.end, @end.
func (b *body) named() bool { return b.prev.is('.') || b.prev.is('@') }

func stepStart(b *body, t sign) step {
	switch t.word {
	case kwCreate:
		return stepCreate
	case kwAlter:
		if b.routines {
			return stepCreate
		}
	case kwCopy:
		if b.lex.CopyRows {
			return stepCopy
		}
	case kwBegin:
		if b.routines {
			b.at = t.at
			return stepAnonymous
		}
	case kwIf, kwCase, kwLoop, kwWhile, kwRepeat, kwFor:
		if b.routines {
			return b.openBlock(t)
		}
	}
	return nil
}

// stepCreate stands behind CREATE and looks for what is created.
func stepCreate(b *body, t sign) step {
	switch t.word {
	case kwOr, kwReplace, kwTemp, kwAggregate:
		return stepCreate
	case kwDefiner:
		return stepDefiner
	case kwFunction, kwProcedure:
		switch {
		case b.routines:
			return stepParameters
		case b.lex.AtomicBodies:
			return stepAtomicHead
		}
	case kwTrigger:
		switch {
		case b.routines:
			return stepEachRow
		case b.lex.TriggerBodies:
			return stepTriggerHead
		}
	case kwEvent:
		if b.routines {
			return stepEventDo
		}
	case kwRule:
		if b.lex.RuleActions {
			b.rule = true
			return stepRule
		}
	}
	return nil
}

// stepDefiner reads DEFINER = user@host, or CURRENT_USER().
func stepDefiner(_ *body, t sign) step {
	if t.is('=') {
		return stepUser
	}
	return nil
}

func stepUser(*body, sign) step { return stepUserEnd }

func stepUserEnd(b *body, t sign) step {
	switch {
	case t.is('@'), t.is('.'), t.is('-'):
		return stepUser
	case t.is('('), t.is(')'):
		return stepUserEnd
	}
	return stepCreate(b, t)
}

// stepCopy looks for FROM stdin. STDOUT means the same there.
func stepCopy(b *body, t sign) step {
	b.parens(t)
	if b.depth == 0 && b.prev.word == kwFrom {
		b.copies = t.word == kwStdin
		return nil
	}
	return stepCopy
}

// stepRule counts the parentheses of CREATE RULE ... DO (a; b).
func stepRule(b *body, t sign) step {
	if t.is('(') && b.depth == 0 {
		b.at = t.at
	}
	b.parens(t)
	return stepRule
}

// stepAtomicHead looks for BEGIN ATOMIC.
func stepAtomicHead(b *body, t sign) step {
	b.parens(t)
	if t.word == kwAtomic && b.prev.word == kwBegin && b.depth == 0 {
		b.at = b.prev.at
		b.atomic = 1
		return stepAtomic
	}
	return stepAtomicHead
}

// stepAtomic counts up to the END of a BEGIN ATOMIC body, which follows a
// semicolon, or nothing at all. Only CASE has an END besides it. Behind a dot
// or AS such a word is a name, and END is one wherever it could close nothing:
// SELECT a end.
func stepAtomic(b *body, t sign) step {
	if b.named() || b.prev.word == kwAs {
		return stepAtomic
	}
	switch t.word {
	case kwCase:
		b.atomic++
	case kwEnd:
		if b.atomic > 1 || b.prev.is(';') || b.prev.word == kwAtomic {
			b.atomic--
		}
		if b.atomic == 0 {
			return nil
		}
	}
	return stepAtomic
}

// A trigger is how far a trigger of SQLite has come.
type trigger byte

const (
	triggerNone trigger = iota
	triggerOpen
	triggerEnded // its END has been seen
)

func stepTriggerHead(b *body, t sign) step {
	if t.word == kwBegin && !b.named() {
		b.at = t.at
		b.trigger = triggerOpen
		return stepTrigger
	}
	return stepTriggerHead
}

// stepTrigger looks for an END at the place of a statement, which is how
// SQLite's own shell knows the end: the END of CASE never follows a semicolon.
func stepTrigger(b *body, t sign) step {
	b.trigger = triggerOpen
	if t.word == kwEnd && (b.prev.is(';') || b.prev.word == kwBegin) {
		b.trigger = triggerEnded
	}
	return stepTrigger
}

// unfinishedBody makes the Error for a body that a section's end cuts off.
// Only a body made of words can be cut by a marker line: it has no quotes to
// hold it together.
func (s *Scanner) unfinishedBody(marker int) error {
	at := s.body.at
	what := "the body that begins here is not finished: its END is missing"
	if s.body.rule {
		what = "the parenthesis that begins here is not finished"
	}
	if marker >= 0 {
		return s.errorAt(at, "%s before line %d (%s)", what, s.place(marker).Line,
			shorten(markerLine(s.in.data[marker:s.in.pos])))
	}
	return s.errorAt(at, "%s", what)
}
