package plan

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Mode is how a group of statements runs.
type Mode string

const (
	InTransaction Mode = "transaction" // all or nothing, with its journal entry
	Alone         Mode = "alone"       // outside transactions, written ahead
	Settings      Mode = "session"     // changes only the session: not journalled, run again on resume
	OwnCommands   Mode = "file's own"  // BEGIN and COMMIT of the file, which become the group's
	OneByOne      Mode = "one by one"  // outside transactions, each statement a group of its own: see Single
)

// Group is a stretch of a section's statements, numbered from 0.
type Group struct {
	Mode     Mode
	From, To int // statements From up to but without To
	Begin    int // InTransaction: the file's own BEGIN, or -1 for ours
	Atomic   bool

	// Checksum is over its statements, without those that a resumed run has
	// behind it; "" for OneByOne.
	Checksum migration.Checksum

	// Sole is a statement that changes rows where the file is outside
	// transactions: it gets one of its own, which it shares with its journal
	// entry. Run by itself it would be one as well, and be in doubt after a
	// crash, for rows tell nothing.
	Sole bool

	// EndedBy is the line of the statement that ended the file's own
	// transaction by itself (DDL on MySQL), so that what follows is outside of
	// any; 0: none.
	EndedBy int
}

// Single is the group of statement i where it is outside transactions.
func Single(i int, t engine.Traits) Group {
	g := Group{Mode: Alone, From: i, To: i + 1, Begin: -1, Atomic: t.Atomic}
	switch {
	case t.Kind == engine.Setting:
		g.Mode, g.Atomic = Settings, false
	case t.Kind == engine.Data && t.Atomic && !t.Alone && !t.Commits:
		g.Mode, g.Sole = InTransaction, true
	}
	return g
}

// Rules say how a section is to be cut.
type Rules struct {
	Classify func(words []string) engine.Traits
	Ties     func(st sqltext.Statement) engine.Ties
	DDL      bool     // the engine's transactions hold DDL
	Off      bool     // the file asks for no transaction
	Resume   Progress // how far an attempt came before
}

// Outline is what is known of a section when it has been read to its end. It
// does not grow with the number of statements: those in one transaction, and
// those in a row outside of any, are one group.
type Outline struct {
	Statements int
	Groups     []Group

	// Last is where the last group ends, but for a COMMIT behind it, so that
	// the history row can be written with it; 0 where it is a setting.
	Last int

	Apart   Place // the first statement that does not run inside a transaction with others
	Setting Place // the first that sets something in the session
	Doubt   Place // Progress.Doubt

	// Fleeting makes something of its session's own while the section has a
	// part behind it that does not share its transaction: a run that ends in
	// between cannot be gone on with.
	Fleeting Place

	// Unpooled cannot run, or not go on, where a pooler hands each transaction
	// to another connection, for the reason Why.
	Unpooled Place
	Why      string

	// Bonds are what its statements take of one another by way of the session.
	Bonds *Bonds

	// Mended is the first of what has run that does not stand in the file as
	// it ran, nil for none.
	Mended *Mended

	hashes []byte // short ones, in a row
}

// Place is a statement, from 1, and the line it begins in. The zero Place is
// none.
type Place struct{ Number, Line int }

// Hashes are the short hashes of its first statements, in hex.
func (o *Outline) Hashes() []string {
	out := make([]string, 0, len(o.hashes)/migration.ShortLength)
	for h := range slices.Chunk(o.hashes, migration.ShortLength) {
		out = append(out, hex.EncodeToString(h))
	}
	return out
}

// MaxHashes bounds what the history keeps of a migration's statements.
const MaxHashes = 10_000

// Cut reads a section and cuts it into groups. read gives its statements in
// turn, from the first one; it may be called again.
func Cut(read func(each func(migration.Piece) error) error, r Rules) (*Outline, error) {
	c := newCutter(r, !r.Off, nil)
	// Where transactions hold no DDL, one statement that ends them keeps the
	// whole file out of them.
	c.whole = !r.Off && !r.DDL
	err := read(c.add)
	open := !r.Off && err != errCommits
	if err == errCommits {
		c = newCutter(r, open, nil)
		err = read(c.add)
	}
	if err != nil {
		return nil, err
	}
	if spans := c.out.Bonds.spans(c.out.Groups, r.Off); len(spans) > 0 {
		c = newCutter(r, open, spans)
		if err := read(c.add); err != nil {
			return nil, err
		}
	}
	return c.end()
}

// errCommits says that a statement ends transactions by itself.
var errCommits = errors.New("a statement commits")

// A cutter cuts into groups what it is given.
type cutter struct {
	rules Rules
	whole bool // nothing is gathered in a transaction unless all of it can be
	open  bool // statements are gathered in a transaction of ours
	spans []span
	out   *Outline

	own  Place         // the file's BEGIN, while its transaction goes on
	held bool          // a statement Holds, and none has freed it yet
	sum  migration.Sum // over the newest group
	ran  ran

	free int // from this statement on, one transaction takes them all

	begun        int   // groups behind which a run may end, each of OneByOne counted
	transactions int   // how many of them are transactions
	fleeting     Place // the first statement that makes something of its session's own
	swept        Place // the first that leaves something which the session takes away
}

func newCutter(r Rules, open bool, spans []span) *cutter {
	return &cutter{rules: r, open: open, spans: spans, out: &Outline{Bonds: newBonds(r.Resume.Done)}, sum: migration.NewSum(), ran: ran{marks: r.Resume.Marks, sum: migration.NewSum()}}
}

// add takes the next statement.
func (c *cutter) add(p migration.Piece) error {
	t := c.rules.Classify(p.Words)
	at := Place{c.out.Statements + 1, p.Start.Line}
	if t.Refused != "" {
		return cutError(at, "%s", t.Refused)
	}
	if c.whole && (t.Commits || t.Holds) {
		return errCommits
	}
	mode, err := c.place(at, t, p.Copy != nil)
	if err != nil {
		return err
	}
	if i := at.Number - 1; i >= c.rules.Resume.Done && i >= c.newest().From {
		c.sum.Add(p.Hash)
	}
	c.bind(at, t, mode, p.Statement)
	c.note(at, t, mode, p.Hash)
	return nil
}

// place puts a statement into a group, and says how it runs.
func (c *cutter) place(at Place, t engine.Traits, rows bool) (Mode, error) {
	i := at.Number - 1
	if len(c.spans) > 0 && i >= c.spans[0].from {
		if i == c.spans[0].from {
			c.push(Group{Mode: InTransaction, From: i, To: i, Begin: -1, Atomic: true})
			c.begin(InTransaction)
		}
		if c.extend(); i+1 == c.spans[0].to {
			c.spans = c.spans[1:]
		}
		return InTransaction, nil
	}
	if c.own.Number > 0 {
		if in, err := c.inOwn(at, t); in || err != nil {
			return InTransaction, err
		}
	}
	switch {
	case c.held:
		c.extend()
		c.held = !t.Frees
		return Alone, nil
	case t.Kind == engine.Begin:
		c.own = at
		c.push(Group{Mode: InTransaction, From: i + 1, To: i + 1, Begin: i, Atomic: true})
		return OwnCommands, nil
	case t.Kind == engine.Commit:
		// Where it has no BEGIN, it ended the transaction that the file
		// believed to be in, and what follows is outside of any.
		c.open = c.open && c.own.Number > 0
		c.own = Place{}
		c.push(Group{Mode: OwnCommands, From: i, To: i + 1})
		return OwnCommands, nil
	case t.Kind == engine.Rollback:
		return "", cutError(at, "a ROLLBACK without BEGIN: it would undo the migration that it stands in")
	case t.Holds:
		c.push(Group{Mode: Alone, From: i, To: i, Begin: -1})
		c.begin(Alone)
		c.extend()
		c.held = !t.Frees
		return Alone, nil
	case t.Inside && !c.open:
		return "", cutError(at, "this statement is for the inside of a transaction, and here the file runs outside of any: write BEGIN and COMMIT around it")
	case t.Alone || !c.open:
		return c.single(i, t, rows), nil
	}
	if g := c.newest(); g.Mode != InTransaction || g.Begin >= 0 || g.Sole {
		c.push(Group{Mode: InTransaction, From: i, To: i, Begin: -1, Atomic: true})
		c.begin(InTransaction)
	}
	c.extend()
	return InTransaction, nil
}

// inOwn goes on with a transaction that the file writes itself, and says
// whether the statement is a part of it.
func (c *cutter) inOwn(at Place, t engine.Traits) (bool, error) {
	g := c.newest()
	empty := g.From == g.To
	switch {
	case t.Kind == engine.Commit:
		if empty {
			c.begin(InTransaction)
			c.out.Last = g.To
		}
		return false, nil
	case t.Kind == engine.Rollback:
		return false, cutError(at, "a transaction that ends with ROLLBACK does nothing: leave it out")
	case t.Kind == engine.Begin:
		return false, cutError(at, "BEGIN inside the transaction that begins in line %d", c.own.Line)
	case t.Commits && !t.Alone && (t.Kind == engine.Definition || t.Kind == engine.Setting):
		// The transaction is over here whatever COMMIT follows, and the file
		// has always run so.
		if g.EndedBy = at.Line; empty {
			*g = Group{Mode: OwnCommands, From: g.Begin, To: g.To, EndedBy: at.Line}
		}
		c.open, c.own = false, Place{}
		return false, nil
	case t.Commits:
		return false, cutError(at, "this statement ends the transaction that begins in line %d by itself: take it out of there", c.own.Line)
	case t.Alone:
		return false, cutError(at, "this statement cannot run inside the transaction that begins in line %d", c.own.Line)
	}
	if empty {
		c.begin(InTransaction)
	}
	c.extend()
	return true, nil
}

// single is a statement outside transactions. What has rows is kept as a group,
// since its checksum is known only here.
func (c *cutter) single(i int, t engine.Traits, rows bool) Mode {
	g := Single(i, t)
	c.out.Last = 0
	if g.Mode != Settings {
		c.begin(g.Mode)
		c.out.Last = g.To
	}
	switch last := c.newest(); {
	case rows:
		c.push(g)
	case last.Mode == OneByOne:
		last.To = g.To
	default:
		c.push(Group{Mode: OneByOne, From: g.From, To: g.To, Begin: -1})
	}
	return g.Mode
}

// begin notes that something begins which runs by itself: a crash may come
// before it.
func (c *cutter) begin(m Mode) {
	if c.out.Fleeting.Number == 0 {
		c.out.Fleeting = c.fleeting
	}
	c.begun++
	if m == InTransaction {
		c.transactions++
	}
}

// push ends the newest group and begins another one.
func (c *cutter) push(g Group) {
	c.close()
	c.out.Groups = append(c.out.Groups, g)
}

func (c *cutter) close() {
	if g := c.newest(); g.Mode == InTransaction || g.Mode == Alone {
		g.Checksum = c.sum.Checksum()
	}
	c.sum.Reset()
}

// extend makes the next statement a part of the newest group.
func (c *cutter) extend() {
	g := c.newest()
	g.To++
	c.out.Last = g.To
}

// newest is the group that was begun last, or an empty one before there is any.
func (c *cutter) newest() *Group {
	if n := len(c.out.Groups); n > 0 {
		return &c.out.Groups[n-1]
	}
	return &Group{}
}

// bind notes what a statement has to do with those before it.
func (c *cutter) bind(at Place, t engine.Traits, m Mode, st sqltext.Statement) {
	i, g, ended := at.Number-1, c.newest(), c.begun
	if m == InTransaction || m == Alone {
		ended-- // its own
	}
	switch {
	case m == OwnCommands, g.Begin >= 0, g.Mode == Alone && g.To > g.From+1, m != InTransaction && !joins(t):
		c.free = i + 1
	}
	in := i
	if g.Mode == InTransaction {
		in = g.From
	}
	var ties engine.Ties
	if c.rules.Ties != nil {
		ties = c.rules.Ties(st)
	}
	c.out.Bonds.add(spot{i, at.Line, ended}, in, c.free, t, ties)
}

// note remembers what is to be known of a statement later.
func (c *cutter) note(at Place, t engine.Traits, m Mode, h migration.Hash) {
	o := c.out
	o.Statements++
	first := func(p *Place, is bool) {
		if is && p.Number == 0 {
			*p = at
		}
	}
	first(&o.Apart, t.Alone || t.Commits || t.Holds || t.Kind == engine.Begin || t.Kind == engine.Commit)
	first(&o.Setting, t.Kind == engine.Setting)
	first(&o.Doubt, at.Number == c.rules.Resume.Doubt)
	first(&c.fleeting, t.Fleeting)
	first(&c.swept, t.Residue == engine.Swept)
	if at.Number > c.rules.Resume.Done && o.Unpooled.Number == 0 {
		switch {
		case m == Alone, m == Settings:
			o.Unpooled, o.Why = at, "it runs outside a transaction, and through a pooler that hands each transaction to another connection nothing guards it there"
		case m == InTransaction && t.Residue == engine.Stuck:
			o.Unpooled, o.Why = at, "what it makes belongs to its connection, which the pooler gives to others"
		}
	}
	if len(o.hashes) < MaxHashes*migration.ShortLength {
		o.hashes = append(o.hashes, h[:migration.ShortLength]...)
	}
	c.ran.see(at, h)
}

// end is called behind the last statement.
func (c *cutter) end() (*Outline, error) {
	if c.own.Number > 0 {
		return nil, cutError(c.own, "BEGIN without COMMIT")
	}
	c.close()
	o := c.out
	if o.Bonds.ends = c.begun; o.Last == o.Statements && o.Last > 0 {
		o.Bonds.ends--
	}
	if o.Unpooled.Number == 0 && c.swept.Number > 0 && (c.transactions > 1 || c.rules.Resume.Done > 0) {
		o.Unpooled, o.Why = c.swept, "it is for the whole session, and the pooler gives each of this file's transactions another connection"
	}
	o.Mended = c.ran.mended()
	return o, nil
}

func cutError(at Place, format string, args ...any) error {
	return &CutError{Pos: at.Line, Msg: fmt.Sprintf(format, args...)}
}

// A CutError says why a section cannot be run as it is written.
type CutError struct {
	Pos int // line in the file
	Msg string
}

func (e *CutError) Error() string { return fmt.Sprintf("line %d: %s", e.Pos, e.Msg) }
