package squash

import (
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/generate"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/schema"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Planned are the first files of a range, whose statements are replaced by a
// plan, there and back.
type Planned struct {
	Files    int
	Up, Down []schema.Step
}

// A Style says how a text is written.
type Style struct {
	// Planned is nil where all files are taken as they are.
	Planned *Planned

	// Parted: each file that is taken as it is gets a transaction of its own.
	Parted bool

	// OneWay: without a rollback section.
	OneWay bool
}

// Text is the new file's, in this style. An *Error says why these files cannot
// be combined so.
func (r *Range) Text(e *engine.Engine, v engine.Server, s Style) (string, error) {
	w := &writer{r: r, e: e, v: v, s: s}
	var err error
	if w.cleared, err = r.clearing(e); err != nil {
		return "", err
	}
	up, err := w.section(migration.Up)
	if err != nil {
		return "", err
	}
	down := ""
	if !s.OneWay {
		if down, err = w.section(migration.Down); err != nil {
			return "", err
		}
		down = "\n-- rollback\n" + down
	}
	off := w.off()
	if len(w.bad) > 0 {
		return "", &Error{w.bad}
	}
	return r.header(off) + "\n-- upgrade\n" + up + down, nil
}

type writer struct {
	r       *Range
	e       *engine.Engine
	v       engine.Server
	s       Style
	cleared string // what takes the variables of a file away again; "" for there are none
	bad     migration.Problems
}

// planned says that a file is one of those whose place a plan takes.
func (w *writer) planned(i int) bool { return w.s.Planned != nil && i < w.s.Planned.Files }

func (w *writer) section(d migration.Direction) (string, error) {
	var b strings.Builder
	n := len(w.r.Old)
	open := false
	for k := 0; k < n; {
		i := k
		if d == migration.Down {
			i = n - 1 - k
		}
		if k > 0 {
			b.WriteString("\n")
		}
		if w.planned(i) {
			p := w.s.Planned
			steps := p.Up
			if d == migration.Down {
				steps = p.Down
			}
			fmt.Fprintf(&b, "-- ---- %s to %s, as they are together ----\n", w.r.Old[0].File, w.r.Old[p.Files-1].File)
			b.WriteString(generate.Section(steps, w.e, w.v))
			k += p.Files
			continue
		}
		text, bare, err := w.part(w.r.Old[i], d, k == 0, k == n-1)
		if err != nil {
			return "", err
		}
		if w.s.Parted && bare && open {
			// What it does would join the transaction of the file ahead of it.
			b.WriteString("BEGIN;\nSELECT 1;\nCOMMIT;\n")
		}
		if text != "" {
			open = bare
		}
		b.WriteString("-- ---- " + w.r.Old[i].File + " ----\n" + text)
		k++
	}
	return b.String(), nil
}

// part is one file's section, ended so that another one can follow. first says
// that none is ahead of it, last that none follows. bare: it is in no transaction
// that is written out. A section without statements is "".
func (w *writer) part(m *migration.Migration, d migration.Direction, first, last bool) (text string, bare bool, err error) {
	if text, err = m.SectionText(d); err != nil {
		return "", false, err
	}
	text = strings.Trim(text, "\r\n") + "\n" // what stands within is kept to the byte: a string may hold line ends
	what, err := w.look(m, d, first)
	if err != nil {
		return "", false, err
	}
	if !last {
		for _, at := range what.left {
			w.bad = append(w.bad, migration.Problem{File: m.File, Line: at.line, Msg: at.why})
		}
	}
	if what.reads != nil {
		w.bad = append(w.bad, migration.Problem{File: m.File, Line: what.reads.line, Msg: what.reads.why})
	}
	if what.statements == 0 {
		return "", false, nil
	}
	if w.e.Lexis.Delimiter && strings.Contains(strings.ToUpper(text), "DELIMITER") {
		text += "DELIMITER ;\n"
	}
	if all, err := sqltext.All(text+"SELECT 1;\n", w.e.Lexis); err != nil || len(all) != what.statements+1 {
		text += ";\n" // its last statement was ended by the file's end
	}
	if !last {
		text += w.cleared
	}
	if w.s.Parted && !what.apart && !m.Header.TransactionOff {
		return "BEGIN;\n" + text + "COMMIT;\n", false, nil
	}
	return text, !m.Header.TransactionOff, nil
}

// off says that the new file asks for no transactions, and refuses where some
// of the files do and others do not: one file has one way of running.
func (w *writer) off() bool {
	var off []*migration.Migration
	taken, commits := 0, false
	for i, m := range w.r.Old {
		if w.planned(i) {
			continue
		}
		taken++
		if m.Header.TransactionOff {
			off = append(off, m)
		}
		_, err := m.Upgrade.Outline(func(p migration.Piece) error {
			commits = commits || w.e.Classify(p.Words, w.v).Commits
			return nil
		})
		commits = commits || err != nil
	}
	all := len(off) > 0 && len(off) == taken && w.s.Planned == nil
	if !all && !commits { // where one statement ends transactions, no file is in one
		for _, m := range off {
			w.bad = append(w.bad, migration.Problem{File: m.File, Msg: "it runs outside of transactions (header transaction: off), and others do not: leave it out, by --from and --to"})
		}
	}
	return all
}
