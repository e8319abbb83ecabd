package migration

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

const (
	readers  = 8        // how many files are read at once
	roomSize = 64 << 10 // a file that fits is read whole
)

// readAll reads the files, each by one of a few readers. What it returns for a
// file stands where the file stands; problems are in that order as well.
func readAll(fsys fs.FS, files []fs.DirEntry, lexis sqltext.Lexis) ([]*Migration, Problems) {
	found := make([]*Migration, len(files))
	bad := make([]Problems, len(files))
	// Each reader takes several files in a row, where there are many.
	several := min(1+len(files)/(readers*8), 64)
	var next atomic.Int64
	var all sync.WaitGroup
	in := &folder{fsys: fsys, lexis: lexis, values: &Values{}}
	for range min(readers, len(files)) {
		all.Go(func() {
			r := newLoader(in)
			defer r.close()
			for {
				to := int(next.Add(int64(several)))
				from := to - several
				if from >= len(files) {
					return
				}
				for i, f := range files[from:min(to, len(files))] {
					found[from+i], bad[from+i] = r.read(f)
				}
			}
		})
	}
	all.Wait()
	var problems Problems
	for _, b := range bad {
		problems = append(problems, b...)
	}
	return found, problems
}

// A loader reads one file after another, in the same memory.
type loader struct {
	*folder
	at   place // of an os.DirFS, whose files can be read with fewer calls
	open bool  // it is
	sc   *sqltext.Scanner
	room []byte
	slab []Migration // room for the next ones: one piece of memory for many
	sum  hash.Hash   // over the hashes of a section's statements
	hash Hash        // of one statement
}

func newLoader(in *folder) *loader {
	r := &loader{folder: in, room: make([]byte, roomSize), sum: sha256.New()}
	if dir := dirOf(in.fsys); dir != "" {
		// Where it cannot be opened, the files' own errors tell.
		at, err := openPlace(dir)
		r.at, r.open = at, err == nil
	}
	r.sc = sqltext.NewScanner(bytes.NewReader(nil), in.lexis, sqltext.Options{Marker: isMarker})
	return r
}

func (r *loader) close() {
	if r.open {
		r.at.close()
	}
}

// dirFS is what os.DirFS returns: the folder's name, as a type of its own.
var dirFS = reflect.TypeOf(os.DirFS(""))

// dirOf is the folder that an os.DirFS reads, "" of any other.
func dirOf(fsys fs.FS) string {
	if reflect.TypeOf(fsys) != dirFS {
		return ""
	}
	return reflect.ValueOf(fsys).String()
}

// begin makes the scanner begin with a file.
func (r *loader) begin(e fs.DirEntry) (io.Closer, error) {
	name := e.Name()
	if !e.Type().IsRegular() {
		// A link, mostly. A pipe would keep us waiting for somebody to write
		// into it.
		if info, err := fs.Stat(r.fsys, name); err != nil {
			return nil, err
		} else if !info.Mode().IsRegular() {
			return nil, errors.New("not a regular file")
		}
	}
	if r.open && fs.ValidPath(name) {
		n, err := r.at.readSmall(name, r.room)
		if err != nil {
			return nil, err
		}
		if n < len(r.room) {
			r.sc.Restart(r.room[:n], nil)
			return nil, nil
		}
	}
	f, err := r.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	n, err := io.ReadFull(f, r.room)
	switch err {
	case nil:
		r.sc.Restart(r.room, f)
		return f, nil
	case io.EOF, io.ErrUnexpectedEOF:
		r.sc.Restart(r.room[:n], nil)
		return nil, f.Close()
	}
	return nil, errors.Join(err, f.Close())
}

// read reads one file: its header, its sections and their checksums.
func (r *loader) read(e fs.DirEntry) (*Migration, Problems) {
	if len(r.slab) == 0 {
		r.slab = make([]Migration, 32)
	}
	m := &r.slab[0]
	if err := m.parseName(e.Name()); err != nil {
		return nil, Problems{{File: e.Name(), Msg: err.Error()}}
	}
	r.slab = r.slab[1:]
	m.in = r.folder
	file, err := r.begin(e)
	if err != nil {
		return nil, Problems{{File: m.File, Msg: reason(err)}}
	}
	if file != nil {
		defer file.Close()
	}

	var bad Problems
	fail := func(line, column int, format string, args ...any) {
		bad = append(bad, Problem{m.File, line, column, fmt.Sprintf(format, args...)})
	}
	broken := func(line int, err error) (*Migration, Problems) {
		var cut *sqltext.Error
		if errors.As(err, &cut) {
			fail(cut.Pos.Line, cut.Pos.Column, "%s", cut.Msg)
		} else {
			fail(line, 0, "%s", reason(err))
		}
		return nil, bad
	}
	sc := r.sc
	var section *Section
	finish := func() {
		if section != nil {
			r.sum.Sum(section.sum[:0])
			r.sum.Reset()
		}
	}
	r.sum.Reset()
	for {
		from := sc.Pos()
		st, err := sc.Glance()
		switch {
		case err == sqltext.ErrMarker:
			finish()
			line, at := sc.Marker()
			// Most gaps hold nothing but the marker.
			if gap := sc.GapBytes(); bytes.Count(gap, dashes) > 1 {
				if section != nil {
					misplaced(string(gap), from, fail)
				} else if len(bad) == 0 {
					h, problems := parseHeader(strings.TrimSuffix(string(gap), line), 1)
					m.Header = h
					for _, p := range append(problems, h.unreadable(r.sc.Reading())...) {
						fail(p.line, p.column, "%s", p.msg)
					}
				}
			}
			d, _ := marker(line)
			section = m.Section(d)
			if section.Present {
				fail(at.Line, 0, "a second -- %s section; the first is in line %d", d, section.Line)
				return nil, bad
			}
			*section = Section{Present: true, Line: at.Line, of: m, start: sc.Pos().Offset}
			continue
		case err == io.EOF:
			finish()
			if section != nil && bytes.Contains(sc.GapBytes(), dashes) {
				misplaced(sc.Gap(), from, fail)
			}
			if !m.Upgrade.Present && len(bad) == 0 {
				fail(1, 0, "no -- upgrade section; a migration has the line %q above its statements", "-- upgrade")
			}
			if len(bad) > 0 {
				return nil, bad
			}
			return m, nil
		case err != nil:
			return broken(0, err)
		}
		if section == nil {
			fail(st.Start.Line, st.Start.Column, "SQL above the first section; put the line %q above it", "-- upgrade")
			return nil, bad
		}
		if bytes.Contains(st.Gap, dashes) {
			misplaced(string(st.Gap), from, fail)
		}
		if r.hash, err = glanceHash(st); err != nil {
			return broken(st.Start.Line, err)
		}
		r.sum.Write(r.hash[:])
		section.Count++
	}
}

var dashes = []byte("--")

func glanceHash(g sqltext.Glance) (Hash, error) {
	if g.Copy == nil && bytes.IndexByte(g.Text, '\r') < 0 {
		return sha256.Sum256(g.Text), nil
	}
	return newHasher().hash(sqltext.Statement{Text: string(g.Text), Copy: g.Copy})
}

// reason is a file error without the path, which the problem names already.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Op + ": " + p.Err.Error()
	}
	return err.Error()
}
