package foreign

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A File is a migration of ours that was made of a change.
type File struct {
	Name   string
	Text   string
	Change *Change
}

// Files makes migrations of a project's changes. Each is read again as we
// will read it, and must hold the very statements that stand in the other
// tool's file: what does not is a problem.
func (p *Project) Files(o Options) ([]File, error) {
	c := converter{p: p, o: o}
	var out []File
	for _, ch := range p.Changes {
		out = append(out, File{Name: ch.File, Text: c.file(ch), Change: ch})
	}
	if len(c.problems) == 0 {
		c.verify(out)
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return out, nil
}

type converter struct {
	p        *Project
	o        Options
	problems migration.Problems
	wanted   map[*Part][]string // the statements of each part
}

func (c *converter) fail(ch *Change, line int, format string, args ...any) {
	c.problems = append(c.problems, migration.Problem{File: ch.Source.File, Line: line, Msg: fmt.Sprintf(format, args...)})
}

func (c *converter) file(ch *Change) string {
	if ch.whole != "" {
		return ch.whole
	}
	up, n := c.section(ch, &ch.Up)
	var down string
	m := 0
	if ch.Down != nil {
		down, m = c.section(ch, ch.Down)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- from %s, %s\n\n", c.p.Tool.Title, ch.Source.File)
	// The header is for the whole file; a way that has a transaction while the
	// other has none writes its own.
	upBare, downBare := ch.Up.Bare && n > 0, ch.Down != nil && ch.Down.Bare && m > 0
	if upBare || downBare {
		b.WriteString("-- transaction: off\n\n")
		if !upBare && n > 1 {
			up = c.enclose(&ch.Up, up)
		}
		if ch.Down != nil && !downBare && m > 1 {
			down = c.enclose(ch.Down, down)
		}
	}
	b.WriteString("-- upgrade\n" + up)
	if ch.Down != nil {
		b.WriteString("\n-- rollback\n" + down)
	}
	return b.String()
}

// enclose writes out the transaction of a part.
func (c *converter) enclose(p *Part, text string) string {
	for _, st := range c.wanted[p] {
		if word := strings.ToUpper(strings.Fields(st)[0]); word == "BEGIN" || word == "START" {
			return text // it has one of its own
		}
	}
	c.wanted[p] = slices.Concat([]string{"BEGIN"}, c.wanted[p], []string{"COMMIT"})
	return "BEGIN;\n" + ended(text, c.o.Lexis) + "COMMIT;\n"
}

// section is a part's text for our file, and how many statements it holds.
func (c *converter) section(ch *Change, p *Part) (string, int) {
	var b strings.Builder
	for i, piece := range p.Pieces {
		text := piece.Text
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		text, statements, err := c.piece(ch, piece, text)
		if err != nil {
			var cut *sqltext.Error
			if errors.As(err, &cut) {
				c.fail(ch, piece.Line+cut.Pos.Line-1, "%s", cut.Msg)
			} else {
				c.fail(ch, piece.Line, "%v", err)
			}
			return "", 0
		}
		if piece.Whole || i < len(p.Pieces)-1 {
			text = ended(text, c.o.Lexis)
		}
		if piece.Whole && len(statements) > 1 && c.o.Lexis.Delimiter {
			// It went to the server in one piece, which our reader would cut.
			before, one, after := undivided(text, c.o.Lexis)
			i := slices.IndexFunc(delimiters, func(d string) bool { return !strings.Contains(one, d) })
			if i < 0 {
				c.fail(ch, piece.Line, "a statement with semicolons and with all of %s in it: write it with DELIMITER lines of your own", strings.Join(delimiters, " "))
				return "", 0
			}
			text, statements = before+"DELIMITER "+delimiters[i]+"\n"+one+delimiters[i]+"\nDELIMITER ;\n"+after, []string{one}
		}
		if c.wanted == nil {
			c.wanted = map[*Part][]string{}
		}
		c.wanted[p] = append(c.wanted[p], statements...)
		b.WriteString(text)
	}
	return trimBlankLines(b.String()), len(c.wanted[p])
}

// delimiters are what may end a statement with semicolons in it.
var delimiters = []string{"$$", "//", "$$$", "||", "@@@"}

// undivided is a text that goes to the server in one piece, from its first
// statement to its last, and the comments before and behind it.
func undivided(text string, lexis sqltext.Lexis) (before, one, after string) {
	all, err := sqltext.All(text, lexis)
	if err != nil || len(all) == 0 {
		return "", text, ""
	}
	from, last := all[0].Start.Offset, all[len(all)-1]
	if after = strings.TrimLeft(strings.Replace(text[last.End.Offset:], ";", "", 1), " \t\r\n"); after != "" && !strings.HasSuffix(after, "\n") {
		after += "\n"
	}
	return text[:from], text[from:last.End.Offset], after
}

// trimBlankLines takes the blank lines off both ends.
func trimBlankLines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	blank := func(line string) bool { return strings.TrimSpace(line) == "" }
	for len(lines) > 0 && blank(lines[0]) {
		lines = lines[1:]
	}
	for len(lines) > 0 && blank(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "")
}

// piece cuts a text into statements. Comments that would begin a section of
// ours are changed: the other tool means nothing by them.
func (c *converter) piece(ch *Change, piece Piece, text string) (string, []string, error) {
	for {
		sc := sqltext.NewScanner(strings.NewReader(text), c.o.Lexis, sqltext.Options{Marker: isMarker})
		_, err := cutAll(sc)
		if err != sqltext.ErrMarker {
			break
		}
		line, at := sc.Marker()
		i := int(at.Offset) + strings.Index(text[at.Offset:], line)
		word := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "--"))
		text = text[:i] + "-- (" + word + ")" + text[i+len(strings.TrimRight(line, "\r")):]
		c.p.Notes = append(c.p.Notes, Note{ch.Source.File, piece.Line + at.Line - 1, fmt.Sprintf("the comment %q would begin a section, and is written in brackets", strings.TrimSpace(line))})
	}
	statements, err := cutAll(sqltext.NewScanner(strings.NewReader(text), c.o.Lexis, sqltext.Options{}))
	return text, statements, err
}

// cutAll are the statements up to the end or a marker, in which case the
// error is sqltext.ErrMarker.
func cutAll(sc *sqltext.Scanner) (out []string, err error) {
	for {
		st, err := sc.Next()
		switch {
		case err == sqltext.ErrMarker:
			return out, err
		case err != nil && isEnd(err):
			return out, nil
		case err != nil:
			return out, err
		}
		text, err := textOf(st)
		if err != nil {
			return out, err
		}
		out = append(out, text)
	}
}

// sectionsOf are the statements of each section of a file of ours, with their
// rows.
func sectionsOf(text string, lexis sqltext.Lexis) (map[migration.Direction][]string, error) {
	out := map[migration.Direction][]string{}
	var section migration.Direction
	sc := sqltext.NewScanner(strings.NewReader(text), lexis, sqltext.Options{Marker: isMarker})
	for {
		statements, err := cutAll(sc)
		out[section] = append(out[section], statements...)
		if err != sqltext.ErrMarker {
			return out, err
		}
		line, _ := sc.Marker()
		section = migration.Up
		if strings.Contains(strings.ToLower(line), string(migration.Down)) {
			section = migration.Down
		}
	}
}

// isMarker says whether a comment begins a section of ours.
func isMarker(line string) bool {
	word := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "--"))
	switch strings.ToLower(strings.TrimSpace(strings.TrimSuffix(word, ":"))) {
	case string(migration.Up), string(migration.Down):
		return true
	}
	return false
}

// ended puts a semicolon behind the last statement of a text, where it has
// none.
func ended(text string, lexis sqltext.Lexis) string {
	statements, err := sqltext.All(text, lexis)
	if err != nil || len(statements) == 0 {
		return text
	}
	last := statements[len(statements)-1]
	if last.Terminator != "" || last.Copy != nil {
		return text
	}
	return text[:last.End.Offset] + ";" + text[last.End.Offset:]
}

// verify reads the files as we will.
func (c *converter) verify(files []File) {
	byName := map[string]File{}
	for _, f := range files {
		byName[f.Name] = f
	}
	set, err := migration.Load(Folder(files), c.o.Lexis)
	var bad migration.Problems
	if errors.As(err, &bad) {
		for _, p := range bad {
			f := byName[p.File]
			c.fail(f.Change, f.sourceLine(p.Line), "as a migration of dbwarden: %s", p.Msg)
		}
		return
	}
	if err != nil {
		c.problems = append(c.problems, migration.Problem{File: ".", Msg: err.Error()})
		return
	}
	for _, m := range set.Migrations {
		f := byName[m.File]
		if f.Change.whole != "" {
			continue
		}
		got, err := sectionsOf(f.Text, c.o.Lexis)
		if err != nil {
			c.fail(f.Change, f.Change.Source.Line, "%v", err)
			continue
		}
		for _, d := range []migration.Direction{migration.Up, migration.Down} {
			part := &f.Change.Up
			if d == migration.Down {
				part = f.Change.Down
			}
			if part == nil {
				continue
			}
			if got := got[d]; !slices.Equal(got, c.wanted[part]) {
				c.fail(f.Change, f.Change.Source.Line, "its statements would not stay what they are (%d there, %d here): end each of them with a semicolon", len(c.wanted[part]), len(got))
			}
		}
	}
}

// sourceLine is the line of the other tool's file where a line of ours comes
// from, as far as its text tells.
func (f File) sourceLine(line int) int {
	lines := strings.Split(f.Text, "\n")
	if line < 1 || line > len(lines) {
		return f.Change.Source.Line
	}
	text := strings.TrimSpace(lines[line-1])
	for _, p := range []*Part{&f.Change.Up, f.Change.Down} {
		if p == nil {
			continue
		}
		for _, piece := range p.Pieces {
			for i, l := range strings.Split(piece.Text, "\n") {
				if text != "" && strings.TrimSpace(l) == text {
					return piece.Line + i
				}
			}
		}
	}
	if f.Change.whole != "" {
		return line
	}
	return f.Change.Source.Line
}
