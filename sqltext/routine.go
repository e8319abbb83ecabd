package sqltext

// MySQL's routines, triggers and events hold blocks within blocks: BEGIN, IF,
// CASE, LOOP, WHILE, REPEAT and FOR, each with its END. Hardly any of these
// words is reserved, and IF and REPEAT are functions too, so they count only
// where a statement may begin: behind a semicolon, THEN, ELSE, DO and the
// like. CASE counts everywhere, since it is an expression as well.

// A block is something open.
type block byte

const (
	blkBegin block = iota + 1
	blkIf
	blkCase       // the statement
	blkExpression // CASE within an expression
	blkLoop
	blkWhile // or FOR
	blkRepeat
	blkUntil // the condition of a REPEAT, which its END follows
)

// A blockSet is what stepBlock knows besides what is open.
type blockSet struct {
	starts  bool // a statement may begin with the next token
	label   bool // the token before stood there: with a colon behind it, it is a label
	handler bool // in DECLARE ... HANDLER FOR, up to its statement
	ended   bool // the token before was an END that closed something
}

// stepAnonymous stands behind a BEGIN that begins the statement. With NOT
// ATOMIC it is MariaDB's block, else it begins a transaction.
func stepAnonymous(b *body, t sign) step {
	if t.word != kwNot {
		return nil
	}
	b.blocks = append(b.blocks, blkBegin)
	b.block.starts = true
	return stepBlock
}

// stepParameters passes over a routine's name and parameters.
func stepParameters(b *body, t sign) step {
	b.parens(t)
	if t.is(')') && b.depth == 0 {
		return stepRoutine
	}
	return stepParameters
}

// stepEachRow passes over a trigger's header, FOR EACH ROW.
func stepEachRow(b *body, t sign) step {
	if t.word == kwRow && b.prev.word == kwEach {
		return stepRoutine
	}
	return stepEachRow
}

// stepEventDo passes over an event's header up to DO.
func stepEventDo(b *body, t sign) step {
	b.parens(t)
	if t.word == kwDo && b.depth == 0 && !b.named() {
		return stepRoutine
	}
	return stepEventDo
}

// stepRoutine looks for the beginning of the one statement that is the body:
// a block, or a simple statement, which its semicolon ends. It has to pass
// over what a routine says of itself (RETURNS type, READS SQL DATA, FOLLOWS
// other_trigger) and over a label.
func stepRoutine(b *body, t sign) step {
	b.parens(t)
	if b.depth > 0 || b.named() {
		return stepRoutine
	}
	switch t.word {
	case kwBegin, kwIf, kwCase, kwLoop, kwWhile, kwRepeat, kwFor:
		return b.openBlock(t)
	case kwSet:
		if b.prev.word == kwCharacter {
			return stepRoutine
		}
		return nil
	}
	if t.word.simple() {
		return nil
	}
	return stepRoutine
}

// openBlock begins a body with its outermost block.
func (b *body) openBlock(t sign) step {
	b.at = t.at
	b.block.starts = true
	return stepBlock(b, t)
}

// stepBlock follows the blocks of a body up to the END of the outermost.
func stepBlock(b *body, t sign) step {
	was := b.block
	b.block = blockSet{handler: was.handler}
	if b.named() {
		return stepBlock
	}
	starts := was.starts
	if was.handler {
		switch t.word {
		case kwBegin, kwIf, kwCase, kwLoop, kwWhile, kwRepeat:
			starts = true
		}
		b.block.handler = !starts && !t.word.simple()
	}
	top := b.top()
	switch t.word {
	case kwNone:
		b.punctuation(t, was)
	case kwBegin:
		if starts {
			b.push(blkBegin, true)
		}
	case kwLoop:
		if starts {
			b.push(blkLoop, true)
		}
	case kwRepeat:
		if starts {
			b.push(blkRepeat, true)
		}
	case kwIf:
		if starts {
			b.push(blkIf, false)
		}
	case kwWhile, kwFor:
		if starts {
			b.push(blkWhile, false)
		}
	case kwCase:
		switch {
		case was.ended: // END CASE
		case starts:
			b.push(blkCase, false)
		default:
			b.push(blkExpression, false)
		}
	case kwNot, kwAtomic: // BEGIN NOT ATOMIC
		b.block.starts = was.starts && top == blkBegin
	case kwThen, kwElse:
		b.block.starts = top == blkIf || top == blkCase
	case kwDo:
		b.block.starts = !starts && top == blkWhile
	case kwUntil:
		if starts && top == blkRepeat {
			b.blocks[len(b.blocks)-1] = blkUntil
		}
	case kwHandler:
		b.block.handler = !starts
	case kwEnd:
		if starts || top == blkExpression || top == blkUntil {
			b.blocks = b.blocks[:len(b.blocks)-1]
			b.block.ended = true
			if len(b.blocks) == 0 {
				return nil
			}
		}
	default:
		b.block.label = starts
	}
	return stepBlock
}

// punctuation deals with what is no keyword.
func (b *body) punctuation(t sign, was blockSet) {
	switch {
	case t.is(';'):
		b.block = blockSet{starts: true}
	case t.is(':'):
		b.block.starts = was.label
	case t.kind == tokWord, t.kind == tokString:
		b.block.label = was.starts
	}
}

// top returns the innermost open block, 0 before the first.
func (b *body) top() block {
	if len(b.blocks) == 0 {
		return 0
	}
	return b.blocks[len(b.blocks)-1]
}

func (b *body) push(k block, starts bool) {
	b.blocks = append(b.blocks, k)
	b.block.starts = starts
}
