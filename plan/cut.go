package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
)

// Mode is how a group of statements runs.
type Mode string

const (
	InTransaction Mode = "transaction" // all or nothing, with its journal entry
	Alone         Mode = "alone"       // outside transactions, written ahead
	Settings      Mode = "session"     // changes only the session: not journalled, run again on resume
	OwnCommands   Mode = "file's own"  // BEGIN and COMMIT of the file, which become the group's
)

// Group is a stretch of a section's statements, numbered from 0.
type Group struct {
	Mode     Mode
	From, To int // statements From up to but without To
	Begin    int // InTransaction: the file's own BEGIN, or -1 for ours
	Atomic   bool

	// Sole is a statement that changes rows where the file is outside
	// transactions: it gets one of its own, which it shares with its journal
	// entry. Run by itself it would be one as well, and be in doubt after a
	// crash, for rows tell nothing.
	Sole bool

	// EndedBy is the statement, from 1, that ended the file's own transaction
	// by itself (DDL on MySQL), so that what follows is outside of any; 0: none.
	EndedBy int
}

// Cut splits a section into groups. outline and traits run in parallel;
// ddl says that the engine's transactions hold DDL, off that the file asks
// for none.
func Cut(outline []migration.Piece, traits []engine.Traits, ddl, off bool) ([]Group, error) {
	c := cutter{outline: outline, traits: traits}
	commits := false // something in the file ends transactions by itself
	for _, t := range traits {
		commits = commits || t.Commits || t.Holds
	}
	c.open = !off && (ddl || !commits)
	return c.cut()
}

type cutter struct {
	outline []migration.Piece
	traits  []engine.Traits
	open    bool // statements are gathered in a transaction of ours
	groups  []Group
}

func (c *cutter) cut() ([]Group, error) {
	for i, t := range c.traits {
		if t.Refused != "" {
			return nil, c.errorf(i, "%s", t.Refused)
		}
	}
	for i := 0; i < len(c.traits); {
		t := c.traits[i]
		switch {
		case t.Kind == engine.Begin:
			end, err := c.own(i)
			if err != nil {
				return nil, err
			}
			i = end
		case t.Kind == engine.Commit && c.open:
			// A COMMIT without BEGIN: it ended the transaction that the file
			// believed to be in, and what follows is outside of any.
			c.add(Group{Mode: OwnCommands, From: i, To: i + 1})
			c.open = false
			i++
		case t.Kind == engine.Commit:
			c.add(Group{Mode: OwnCommands, From: i, To: i + 1})
			i++
		case t.Kind == engine.Rollback:
			return nil, c.errorf(i, "a ROLLBACK without BEGIN: it would undo the migration that it stands in")
		case t.Holds:
			end := i + 1
			for end < len(c.traits) && !c.traits[end-1].Frees {
				end++
			}
			c.add(Group{Mode: Alone, From: i, To: end, Begin: -1})
			i = end
		case t.Kind == engine.Setting && (t.Alone || !c.open):
			c.add(Group{Mode: Settings, From: i, To: i + 1, Begin: -1})
			i++
		case !c.open && t.Kind == engine.Data && t.Atomic && !t.Alone && !t.Commits:
			c.add(Group{Mode: InTransaction, From: i, To: i + 1, Begin: -1, Atomic: true, Sole: true})
			i++
		case t.Alone || !c.open:
			c.add(Group{Mode: Alone, From: i, To: i + 1, Begin: -1, Atomic: t.Atomic})
			i++
		default:
			c.add(Group{Mode: InTransaction, From: i, To: i + 1, Begin: -1, Atomic: true})
			i++
		}
	}
	return c.groups, nil
}

// own gathers a transaction that the file writes itself.
func (c *cutter) own(begin int) (int, error) {
	for i := begin + 1; i < len(c.traits); i++ {
		t := c.traits[i]
		switch {
		case t.Kind == engine.Commit:
			c.groups = append(c.groups, Group{Mode: InTransaction, From: begin + 1, To: i, Begin: begin, Atomic: true},
				Group{Mode: OwnCommands, From: i, To: i + 1})
			return i + 1, nil
		case t.Kind == engine.Rollback:
			return 0, c.errorf(i, "a transaction that ends with ROLLBACK does nothing: leave it out")
		case t.Kind == engine.Begin:
			return 0, c.errorf(i, "BEGIN inside the transaction that begins in line %d", c.outline[begin].Pos.Line)
		case t.Commits && !t.Alone && (t.Kind == engine.Definition || t.Kind == engine.Setting):
			// The transaction is over here whatever COMMIT follows, and the
			// file has always run so.
			g := Group{Mode: InTransaction, From: begin + 1, To: i, Begin: begin, Atomic: true, EndedBy: i + 1}
			if g.From == g.To {
				g = Group{Mode: OwnCommands, From: begin, To: i, EndedBy: i + 1}
			}
			c.groups = append(c.groups, g)
			c.open = false
			return i, nil
		case t.Commits:
			return 0, c.errorf(i, "this statement ends the transaction that begins in line %d by itself: take it out of there", c.outline[begin].Pos.Line)
		case t.Alone:
			return 0, c.errorf(i, "this statement cannot run inside the transaction that begins in line %d", c.outline[begin].Pos.Line)
		}
	}
	return 0, c.errorf(begin, "BEGIN without COMMIT")
}

// add appends a group, or extends the transaction before it.
func (c *cutter) add(g Group) {
	if n := len(c.groups); n > 0 && g.Mode == InTransaction && g.Begin < 0 && !g.Sole {
		if last := &c.groups[n-1]; last.Mode == InTransaction && last.Begin < 0 && !last.Sole && last.To == g.From {
			last.To = g.To
			return
		}
	}
	c.groups = append(c.groups, g)
}

func (c *cutter) errorf(i int, format string, args ...any) error {
	return &CutError{Pos: c.outline[i].Pos.Line, Msg: fmt.Sprintf(format, args...)}
}

// A CutError says why a section cannot be run as it is written.
type CutError struct {
	Pos int // line in the file
	Msg string
}

func (e *CutError) Error() string { return fmt.Sprintf("line %d: %s", e.Pos, e.Msg) }

// Fleeting finds the first statement, from 0, that makes something of its
// session's own while the section has a part behind it that does not share its
// transaction; -1 for none. A run that ends in between cannot be gone on with.
func Fleeting(groups []Group, traits []engine.Traits) int {
	for i, g := range groups {
		for k := g.From; k < g.To; k++ {
			if !traits[k].Fleeting {
				continue
			}
			for _, behind := range groups[i+1:] {
				if behind.Mode == InTransaction || behind.Mode == Alone {
					return k
				}
			}
		}
	}
	return -1
}

// Checksum is over the statements from..to (from 0, without to).
func Checksum(outline []migration.Piece, from, to int) string {
	sum := sha256.New()
	for _, p := range outline[from:to] {
		sum.Write(p.Hash[:])
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Mended finds the first of what has run that does not stand in the file as it
// ran, and its checksum in the file now, "" where the file ends before it. ok
// says that there is none.
func Mended(outline []migration.Piece, p Progress) (m Mark, now string, ok bool) {
	for _, m := range p.Marks {
		if m.To > len(outline) || m.From < 1 {
			return m, "", false
		}
		if now := Checksum(outline, m.From-1, m.To); now != m.Checksum {
			return m, now, false
		}
	}
	return Mark{}, "", true
}
