package migration

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Section is one way of a migration: its statements, not their text.
type Section struct {
	Present bool
	Line    int // of its marker
	Count   int // of statements

	// There may be very many sections: what they have in common is held once,
	// and the checksum as the bytes that it is.
	of    *Migration
	start int64 // behind the marker line
	sum   [sha256.Size]byte
}

// Checksum is over the statements alone, so that comments around them, line
// endings and the other section may change. Without a section it is "".
func (s *Section) Checksum() Checksum {
	if !s.Present {
		return ""
	}
	return Checksum(hex.EncodeToString(s.sum[:]))
}

// Has says whether that is the section's checksum.
func (s *Section) Has(c Checksum) bool {
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], s.sum[:])
	return s.Present && string(text[:]) == string(c)
}

// ChecksumKind names how our checksums are made. It is stored beside each of
// them, so that another way can come without making old ones invalid.
const ChecksumKind = "sha256-statements"

// Checksum is a SHA-256 in hex.
type Checksum string

// Piece is a statement with its hash. Its rows have been read.
type Piece struct {
	sqltext.Statement
	Hash Hash
}

// ErrFileChanged says that a file is no longer the one that was loaded.
var ErrFileChanged = errors.New("the file changed while the run was under way")

// ErrFileGone says that a file is no longer where it was loaded from. It is an
// ErrFileChanged too.
var ErrFileGone = fmt.Errorf("%w: it was deleted or renamed", ErrFileChanged)

// Outline reads the section and gives each of its statements in turn; who keeps
// one keeps its text. What it returns knows them again. Problems say which
// variables have no value.
func (s *Section) Outline(each func(Piece) error) (Seal, error) {
	if !s.Present {
		return Seal{}, nil
	}
	t, err := s.open()
	if err != nil {
		return Seal{}, err
	}
	defer t.close()
	var seal sealer
	var bad Problems
	sum, h := NewSum(), newHasher()
	for {
		st, err := t.next()
		if err == io.EOF {
			break
		}
		if unfilled, ok := err.(Problems); ok {
			bad = append(bad, unfilled...) // all of them are told at once
			continue
		}
		if err != nil {
			return Seal{}, err
		}
		hash, err := h.hash(st)
		if err != nil {
			return Seal{}, err
		}
		sum.Add(hash)
		seal.add(st, hash)
		if err := each(Piece{st, hash}); err != nil {
			return Seal{}, err
		}
	}
	if len(bad) > 0 {
		return Seal{}, bad
	}
	if !s.Has(sum.Checksum()) {
		return Seal{}, s.problem(s.Line, ErrFileChanged)
	}
	return seal.end(), nil
}

// text is a section that is being read.
type text struct {
	s    *Section
	file fs.File // nil: it is a function's
	sc   *sqltext.Scanner
}

func (s *Section) open() (*text, error) {
	if code := s.of.code; code != nil {
		return &text{s, nil, sqltext.NewScanner(strings.NewReader(code.text), s.of.in.lexis, sqltext.Options{})}, nil
	}
	f, err := s.of.in.fsys.Open(s.of.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.problem(s.Line, ErrFileGone)
	}
	if err != nil {
		return nil, fmt.Errorf("read the migration again: %w", err)
	}
	if _, err := io.CopyN(io.Discard, f, s.start); err != nil {
		f.Close()
		return nil, s.problem(s.Line, ErrFileChanged)
	}
	return &text{s, f, sqltext.NewScanner(sizedFrom(f, s.start), s.of.in.lexis, sqltext.Options{Marker: isMarker})}, nil
}

func (t *text) close() {
	if t.file != nil {
		t.file.Close()
	}
}

// next returns the next statement, with its variables filled in, and io.EOF
// behind the last one. Problems are those of its variables alone.
func (t *text) next() (sqltext.Statement, error) {
	reading := t.sc.Reading()
	st, err := t.sc.Next()
	switch {
	case err == nil:
		st.Start, st.End = t.s.place(st.Start), t.s.place(st.End)
		if t.s.of.Header.Vars {
			return t.s.of.in.values.statement(st, reading, t.s.of.File)
		}
		return st, nil
	case errors.Is(err, io.EOF), errors.Is(err, sqltext.ErrMarker):
		return st, io.EOF
	}
	var cut *sqltext.Error
	if errors.As(err, &cut) {
		at := t.s.place(cut.Pos)
		return st, Problem{t.s.of.File, at.Line, at.Column, cut.Msg}
	}
	return st, fmt.Errorf("%s: %w", t.s.of.File, err)
}

// place turns a position in the section into one in the file.
func (s *Section) place(p sqltext.Pos) sqltext.Pos {
	p.Offset += s.start
	p.Line += s.Line // the section begins with the line behind its marker
	return p
}

func (s *Section) problem(line int, err error) error {
	return fmt.Errorf("%s:%d: %w", s.of.File, line, err)
}

func isMarker(line string) bool {
	_, ok := marker(line)
	return ok
}
