package migration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Section is one way of a migration: its statements, not their text.
type Section struct {
	Present bool
	Line    int // of its marker

	// Checksum is over the statements alone, so that comments around them,
	// line endings and the other section may change.
	Checksum Checksum
	Count    int // of statements

	from  source
	start sqltext.Pos // behind the marker line
	lexis *sqltext.Lexis
}

// ChecksumKind names how our checksums are made. It is stored beside each of
// them, so that another way can come without making old ones invalid.
const ChecksumKind = "sha256-statements"

// Checksum is a SHA-256 in hex.
type Checksum string

// Piece is what is known of a statement without its text.
type Piece struct {
	Pos  sqltext.Pos // in the file
	Hash Hash
}

// Hash is the SHA-256 of one statement, with line endings as LF and, behind
// COPY ... FROM stdin, its rows.
type Hash [sha256.Size]byte

// Short is enough of a hash to tell statements apart in the history.
func (h Hash) Short() string { return hex.EncodeToString(h[:8]) }

// ErrFileChanged says that a file is no longer the one that was loaded.
var ErrFileChanged = errors.New("the file changed while the run was under way")

// Outline reads the section and returns its statements without their text.
// each, unless nil, is given every statement in turn; it must not keep its
// text, nor its words, which hold on to the text.
func (s *Section) Outline(each func(sqltext.Statement)) ([]Piece, error) {
	if !s.Present {
		return nil, nil
	}
	var out []Piece
	sum := sha256.New()
	err := s.scan(func(st sqltext.Statement, h func() (Hash, error)) error {
		hash, err := h()
		if err != nil {
			return err
		}
		sum.Write(hash[:])
		out = append(out, Piece{st.Start, hash})
		if each != nil {
			each(st)
		}
		return nil
	})
	if err == nil && Checksum(hex.EncodeToString(sum.Sum(nil))) != s.Checksum {
		err = s.problem(s.Line, ErrFileChanged)
	}
	return out, err
}

// Statements reads the section again and yields the statements of the
// outline from number from (0 is the first) up to but without to. A
// statement that is not the one in the outline ends it with ErrFileChanged,
// before it is yielded or, where rows follow it, right behind.
func (s *Section) Statements(outline []Piece, from, to int) iter.Seq2[sqltext.Statement, error] {
	stop := errors.New("stop")
	return func(yield func(sqltext.Statement, error) bool) {
		if from >= to {
			return
		}
		i := 0
		err := s.scan(func(st sqltext.Statement, h func() (Hash, error)) error {
			defer func() { i++ }()
			switch {
			case i >= to:
				return stop
			case i < from:
				return nil
			}
			want := outline[i].Hash
			if st.Copy != nil {
				sum := startHash(st)
				st.Copy = io.TeeReader(st.Copy, newLF(sum))
				if !yield(st, nil) {
					return stop
				}
				if _, err := io.Copy(io.Discard, st.Copy); err != nil {
					return err
				}
				if Hash(sum.Sum(nil)) != want {
					return s.problem(st.Start.Line, ErrFileChanged)
				}
				return nil
			}
			got, err := h()
			if err != nil {
				return err
			}
			if got != want {
				return s.problem(st.Start.Line, ErrFileChanged)
			}
			if !yield(st, nil) {
				return stop
			}
			return nil
		})
		if err == nil && i < to {
			err = s.problem(s.Line, ErrFileChanged)
		}
		if err != nil && err != stop {
			yield(sqltext.Statement{}, err)
		}
	}
}

// scan calls each for every statement, with a function that reads its hash.
func (s *Section) scan(each func(sqltext.Statement, func() (Hash, error)) error) error {
	f, err := s.from.fsys.Open(s.from.name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(io.Discard, f, s.start.Offset); err != nil {
		return s.problem(s.Line, ErrFileChanged)
	}
	sc := sqltext.NewScanner(f, *s.lexis, sqltext.Options{Marker: isMarker})
	for {
		st, err := sc.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, sqltext.ErrMarker) {
			return nil
		}
		if err != nil {
			var cut *sqltext.Error
			if errors.As(err, &cut) {
				at := s.place(cut.Pos)
				return Problem{s.from.name, at.Line, at.Column, cut.Msg}
			}
			return fmt.Errorf("%s: %w", s.from.name, err)
		}
		st.Start, st.End = s.place(st.Start), s.place(st.End)
		if err := each(st, func() (Hash, error) { return hashOf(st) }); err != nil {
			return err
		}
	}
}

// place turns a position in the section into one in the file.
func (s *Section) place(p sqltext.Pos) sqltext.Pos {
	p.Offset += s.start.Offset
	if p.Line == 1 {
		p.Column += s.start.Column - 1
	}
	p.Line += s.start.Line - 1
	return p
}

func (s *Section) problem(line int, err error) error {
	return fmt.Errorf("%s:%d: %w", s.from.name, line, err)
}

func isMarker(line string) bool {
	_, ok := marker(line)
	return ok
}

func startHash(st sqltext.Statement) interface {
	io.Writer
	Sum([]byte) []byte
} {
	sum := sha256.New()
	io.WriteString(newLF(sum), st.Text)
	if st.Copy != nil {
		sum.Write([]byte{0})
	}
	return sum
}

func hashOf(st sqltext.Statement) (Hash, error) {
	sum := startHash(st)
	if st.Copy != nil {
		if _, err := io.Copy(newLF(sum), st.Copy); err != nil {
			return Hash{}, err
		}
	}
	return Hash(sum.Sum(nil)), nil
}

// lf passes text on with CRLF as LF, so that a checkout with other line
// endings is the same migration.
type lf struct {
	w  io.Writer
	cr bool // a CR is held back
}

func newLF(w io.Writer) *lf { return &lf{w: w} }

func (l *lf) Write(p []byte) (int, error) {
	n := len(p)
	if l.cr && n > 0 {
		if p[0] != '\n' {
			l.w.Write([]byte{'\r'})
		}
		l.cr = false
	}
	if n > 0 && p[n-1] == '\r' {
		l.cr, p = true, p[:n-1]
	}
	if bytes.IndexByte(p, '\r') >= 0 {
		p = bytes.ReplaceAll(p, []byte("\r\n"), []byte("\n"))
	}
	_, err := l.w.Write(p)
	return n, err
}
