package squash

import (
	"fmt"
	"slices"
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
	r   *Range
	e   *engine.Engine
	v   engine.Server
	s   Style
	bad migration.Problems
}

// planned says that a file is one of those whose place a plan takes.
func (w *writer) planned(i int) bool { return w.s.Planned != nil && i < w.s.Planned.Files }

func (w *writer) section(d migration.Direction) (string, error) {
	var b strings.Builder
	n := len(w.r.Old)
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
		text, err := w.part(w.r.Old[i], d, k == n-1)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		k++
	}
	return b.String(), nil
}

// part is one file's section, ended so that another one can follow. last says
// that none does.
func (w *writer) part(m *migration.Migration, d migration.Direction, last bool) (string, error) {
	text, err := m.SectionText(d)
	if err != nil {
		return "", err
	}
	text = strings.Trim(strings.ReplaceAll(text, "\r\n", "\n"), "\n") + "\n"
	what, err := w.look(m, d)
	if err != nil {
		return "", err
	}
	if !last {
		for _, at := range what.left {
			w.bad = append(w.bad, migration.Problem{File: m.File, Line: at.line,
				Msg: fmt.Sprintf("it sets %s for its session, and the files behind it would run with that: set it back at the end of the file, or leave the file out, by --from and --to", at.name)})
		}
	}
	head := "-- ---- " + m.File + " ----\n"
	if what.statements == 0 {
		return head, nil
	}
	if w.e.Lexis.Delimiter && strings.Contains(strings.ToUpper(text), "DELIMITER") {
		text += "DELIMITER ;\n"
	}
	if all, err := sqltext.All(text+"SELECT 1;\n", w.e.Lexis); err != nil || len(all) != what.statements+1 {
		text += ";\n" // its last statement was ended by the file's end
	}
	if w.s.Parted && !what.apart {
		text = "BEGIN;\n" + text + "COMMIT;\n"
	}
	return head + text, nil
}

// looked is what matters of a section's statements.
type looked struct {
	statements int
	apart      bool // some cannot stand between BEGIN and COMMIT, or do already
	left       []leftover
}

// leftover is a setting that lasts.
type leftover struct {
	name string
	line int
}

func (w *writer) look(m *migration.Migration, d migration.Direction) (out looked, err error) {
	_, err = m.Section(d).Outline(func(p migration.Piece) error {
		out.statements++
		t := w.e.Classify(p.Words, w.v)
		switch t.Kind {
		case engine.Begin, engine.Commit, engine.Rollback:
			out.apart = true
		case engine.Setting:
			name, lasts := setting(p.Statement)
			if len(p.Words) > 1 && p.Words[0] == "SET" && p.Words[1] == "LOCAL" {
				// It ends with its transaction, which all files share where none
				// has one of its own.
				name, lasts = "something (SET LOCAL)", !w.s.Parted && !out.apart
			}
			out.left = slices.DeleteFunc(out.left, func(l leftover) bool { return l.name == name })
			if lasts {
				out.left = append(out.left, leftover{name, p.Start.Line})
			}
		}
		out.apart = out.apart || t.Alone || t.Commits
		return nil
	})
	return out, err
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

// setting is what a setting is called, and whether it lasts beyond its file as
// something else than the session had.
func setting(st sqltext.Statement) (name string, lasts bool) {
	words := st.Words
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	flat := strings.ToUpper(strings.Join(strings.Fields(st.Text), " "))
	switch word(0) {
	case "RESET":
		return word(1), false
	case "PRAGMA":
		_, value, _ := strings.Cut(flat, "=")
		value = strings.Trim(strings.TrimSpace(value), "'\"")
		return word(1), !(word(1) == "FOREIGN_KEYS" && (value == "ON" || value == "1" || value == "TRUE"))
	case "SET":
		if word(1) == "LOCAL" || word(1) == "CONSTRAINTS" || word(1) == "TRANSACTION" {
			return word(1), false
		}
		rest := strings.TrimPrefix(flat, "SET ")
		rest = strings.TrimPrefix(rest, "SESSION ")
		rest = strings.TrimPrefix(rest, "@@SESSION.")
		rest = strings.TrimPrefix(rest, "@@")
		end := strings.IndexAny(rest, " =:")
		if end < 0 {
			return rest, true
		}
		name = strings.Trim(rest[:end], "`\"")
		if strings.HasPrefix(name, "@") && !strings.Contains(rest, ", ") {
			return name, false // a variable, which its own file alone reads
		}
		value := strings.Trim(strings.TrimSpace(strings.TrimPrefix(strings.TrimLeft(rest[end:], " :="), "TO ")), "'\"")
		back := value == "DEFAULT" || strings.HasPrefix(value, "@OLD")
		if name == "FOREIGN_KEY_CHECKS" || name == "UNIQUE_CHECKS" {
			back = back || value == "1" || value == "ON"
		}
		if strings.HasPrefix(name, "@OLD") { // SET @OLD_X = @@X, X = 0
			if _, more, ok := strings.Cut(rest, ","); ok {
				more = strings.TrimSpace(more)
				if at := strings.IndexAny(more, " ="); at > 0 {
					return more[:at], true
				}
			}
		}
		return name, !back
	}
	return word(0) + " " + word(1), true
}
