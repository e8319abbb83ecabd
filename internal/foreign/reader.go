package foreign

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/migration"
)

// A reader reads one folder.
type reader struct {
	tool     *Tool
	fsys     fs.FS
	o        Options
	changes  []*Change
	notes    []Note
	problems migration.Problems
	skipped  map[string]bool
	read     []string // files that stand beside migrations, and were read
	left     []string // of Options.Leave, those that were met
}

func (r *reader) fail(file string, line int, format string, args ...any) {
	r.problems = append(r.problems, migration.Problem{File: file, Line: line, Msg: fmt.Sprintf(format, args...)})
}

func (r *reader) note(file string, line int, format string, args ...any) {
	r.notes = append(r.notes, Note{file, line, fmt.Sprintf(format, args...)})
}

// programs are the endings of files that other tools run as programs.
var programs = []string{".go", ".java", ".class", ".jar", ".kt", ".groovy", ".py", ".js", ".ts", ".rb", ".php", ".sh", ".cs", ".xml", ".yaml", ".yml", ".json", ".hcl"}

// files returns the texts of the folder's migrations, by name. what says of a
// file whether it is one of the tool's migrations, from its name. A file that
// is one and is no SQL is a problem; anything else that is there is noted, so
// that a person sees what was not read.
func (r *reader) files(deep bool, migrations func(name string) bool) []file {
	var out []file
	err := fs.WalkDir(r.fsys, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case strings.HasPrefix(path.Base(name), "."):
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			if deep {
				return nil
			}
			r.note(name, 0, "a folder, which %s does not read: not carried over", r.tool.Title)
			return fs.SkipDir
		case slices.Contains(r.o.Leave, name):
			r.left = append(r.left, name)
			r.note(name, 0, "left out, as asked")
			return nil
		}
		ending := strings.ToLower(path.Ext(name))
		switch is := migrations(path.Base(name)); {
		case slices.Contains(r.read, name):
		case is && ending == ".sql":
			text, err := fs.ReadFile(r.fsys, name)
			if err != nil {
				return err
			}
			out = append(out, newFile(name, string(text)))
		case is && slices.Contains(programs, ending):
			r.fail(name, 0, "a migration that is not SQL: write what it does in SQL, or go on without it: --leave %s", name)
		case ending == ".sql":
			r.fail(name, 0, "not the name of a migration of %s: go on without it with --leave %s", r.tool.Title, name)
		default:
			r.note(name, 0, "not a migration: not carried over")
		}
		return nil
	})
	if err != nil {
		r.fail(".", 0, "%v", err)
	}
	return out
}

// beside returns the files whose name ends so, which stand beside migrations
// and say something of them.
func (r *reader) beside(ending string) (out []file) {
	_ = fs.WalkDir(r.fsys, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, ending) {
			return err
		}
		text, err := fs.ReadFile(r.fsys, name)
		if err != nil {
			r.fail(name, 0, "%v", err)
			return nil
		}
		out, r.read = append(out, newFile(name, string(text))), append(r.read, name)
		return nil
	}) // what cannot be walked is told by files
	return out
}

// unknownLeft says of files that were to be left and are not there.
func (r *reader) unknownLeft() {
	for _, name := range r.o.Leave {
		if !slices.Contains(r.left, name) {
			r.fail(name, 0, "named with --leave, and not in the folder")
		}
	}
}

// A file is one of the folder's, in lines.
type file struct {
	name  string
	text  string
	lines []string // with their ends
}

func newFile(name, text string) file {
	text = strings.TrimPrefix(text, "\ufeff")
	f := file{name: name, text: text, lines: strings.SplitAfter(text, "\n")}
	if n := len(f.lines); f.lines[n-1] == "" {
		f.lines = f.lines[:n-1]
	}
	return f
}

// base is the name without its folder.
func (f file) base() string { return path.Base(f.name) }

// A writer puts lines together to pieces.
type writer struct {
	part *Part
	open bool // the last piece goes on
}

// line adds a line to the last piece, or begins one.
func (w *writer) line(text string, n int) {
	if !w.open {
		w.part.Pieces = append(w.part.Pieces, Piece{Line: n})
		w.open = true
	}
	w.part.Pieces[len(w.part.Pieces)-1].Text += text
}

// cut ends the last piece.
func (w *writer) cut() { w.open = false }

// whole begins a piece that is sent whole.
func (w *writer) whole(n int) {
	w.part.Pieces = append(w.part.Pieces, Piece{Line: n, Whole: true})
	w.open = true
}
