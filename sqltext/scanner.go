package sqltext

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// Options say what else a Scanner should look out for.
type Options struct {
	// Marker, when set, is asked about every line comment (-- ...) that
	// stands alone on its line, with only blanks before it: not inside
	// strings, quoted names, dollar quotes, block comments or rows of COPY.
	// It is given the comment without the end of its line. True ends the
	// current statement, as the end of the input does, and the section.
	// It must answer the same line the same way each time: it may be asked
	// again, and about lines within an unfinished quote.
	Marker func(line string) bool
}

// ErrMarker is returned by Next where a section ends.
var ErrMarker = errors.New("a marker line ends the section")

// A Scanner cuts a text into statements while reading it. It holds one
// statement at a time, with the gap before it. It is not safe for use by
// several goroutines.
type Scanner struct {
	lex      Lexis
	opt      Options
	class    [256]class
	wordByte [256]bool // what may stand inside a word

	in  input
	cur Pos // of the window's first byte

	// What the section so far has set.
	delim string // in place of ";", "" for ";"
	mode  mode

	piece
	spans []span // the leading words
	upper []byte // room to put them in upper case

	rows     *copyRows // of the statement before, when it was a COPY
	glancing bool      // Glance was called, not Next
	glance   Glance
	gap      []byte // of the window; the next call may overwrite it
	asked    string // the line that may be a marker, and last was
	marker   string
	markerAt Pos
	err      error // what ended it all
	work     int64 // bytes looked at, for the test of linear time
}

// A piece is what is known of the statement being read. Places are offsets
// into the window.
type piece struct {
	bom         int  // length of the byte order mark at its beginning
	atLineStart bool // it begins at the start of a line
	tok         int  // where the newest token begins
	first, last int  // the statement's first token and the end of its last; first is -1 before there is one
	tokens      int  // how many there are, without version comments' openings
	versions    int  // version comments that are open
	versionAt   int  // where the innermost began
	escaped     bool // the newest string was an E'...'
	body        body
}

// A span is one of the leading words.
type span struct {
	from, to int
	bare     bool
}

// NewScanner makes a Scanner that reads r as l says. It reads r in chunks, no
// further than it must to end a statement and at most one chunk more.
func NewScanner(r io.Reader, l Lexis, o Options) *Scanner {
	s := &Scanner{lex: l, opt: o, class: l.classes()}
	for c, k := range s.class {
		s.wordByte[c] = k == clsWord || k == clsDigit || c == '$'
	}
	s.restart(input{r: r})
	return s
}

// Restart makes the Scanner read another input, as a new one would: begun is
// how it begins, r is what follows behind that, nil for nothing. The memory of
// begun is the Scanner's from then on.
func (s *Scanner) Restart(begun []byte, r io.Reader) {
	begun = begun[:len(begun):len(begun)]
	in := input{r: r, base: begun, data: begun}
	if r == nil {
		in.err = io.EOF
	}
	s.restart(in)
}

func (s *Scanner) restart(in input) {
	s.in, s.cur = in, Pos{Line: 1, Column: 1}
	s.rows, s.gap, s.marker, s.markerAt, s.err, s.work = nil, nil, "", Pos{}, nil, 0
	s.resetSection()
	s.piece = piece{atLineStart: true}
}

// All cuts a small text. Rows of COPY are held in memory.
func All(text string, l Lexis) ([]Statement, error) {
	var all []Statement
	s := NewScanner(strings.NewReader(text), l, Options{})
	for {
		st, err := s.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if st.Copy != nil {
			rows, err := io.ReadAll(st.Copy)
			if err != nil {
				return all, err
			}
			st.Copy = bytes.NewReader(rows)
		}
		all = append(all, st)
	}
}

// Next returns the next statement. At the end of the input the error is
// io.EOF; where Options.Marker said true it is ErrMarker, and the next call
// goes on behind that line with fresh state (DELIMITER, string modes); where
// the text cannot be cut it is an *Error; else it is the reader's own,
// wrapped. All but ErrMarker are final.
func (s *Scanner) Next() (Statement, error) {
	if s.err != nil {
		return Statement{}, s.err
	}
	s.glancing = false
	st, err := s.next()
	if err != nil && err != ErrMarker {
		s.err = err
	}
	return st, err
}

// A Glance is what there is to see of a statement without keeping it. Gap and
// Text are as a Statement has them, in memory that the next call overwrites.
type Glance struct {
	Gap, Text []byte
	Start     Pos
	Copy      io.Reader
}

// Glance is Next for who does not keep the statement: it makes no strings.
func (s *Scanner) Glance() (Glance, error) {
	if s.err != nil {
		return Glance{}, s.err
	}
	s.glancing = true
	if _, err := s.next(); err != nil {
		if err != ErrMarker {
			s.err = err
		}
		return Glance{}, err
	}
	return s.glance, nil
}

// Marker returns the line that made Next return ErrMarker, from its dashes to
// its end, and where it begins.
func (s *Scanner) Marker() (line string, at Pos) { return s.marker, s.markerAt }

// Pos returns where the next piece of the input, gap or statement, begins.
func (s *Scanner) Pos() Pos { return s.cur }

// Gap returns the input between the last statement and the end, after Next
// returned io.EOF or ErrMarker. With ErrMarker it ends with the marker line
// and its line feed.
func (s *Scanner) Gap() string { return string(s.gap) }

// GapBytes is Gap in memory that the next call overwrites.
func (s *Scanner) GapBytes() []byte { return s.gap }

func (s *Scanner) next() (Statement, error) {
	s.gap, s.marker, s.markerAt = nil, "", Pos{}
	if err := s.begin(); err != nil {
		return Statement{}, err
	}
	for {
		k, err := s.token()
		if err != nil {
			return Statement{}, err
		}
		switch k {
		case tokEnd:
			return s.endSection(-1)
		case tokLineComment:
			if s.atMarker() {
				return s.endSection(s.tok)
			}
			continue
		case tokComment:
			continue
		case tokTerminator:
			if s.tokens == 0 {
				s.first = -1 // nothing, or a version comment with nothing in it
				continue
			}
			if !s.body.open() {
				return s.cut(s.tok)
			}
			k = tokPunct
		}
		if gap, err := s.clientCommand(k); err != nil {
			return Statement{}, err
		} else if gap {
			continue
		}
		if s.endedByDelimiterLine(k) {
			return s.cutOpen()
		}
		s.add(k)
	}
}

// begin prepares for the piece that begins at the window's start.
func (s *Scanner) begin() error {
	s.piece = piece{first: -1, atLineStart: s.piece.atLineStart}
	s.spans = s.spans[:0]
	s.body.begin(&s.lex, s.delim == "")
	if s.rows != nil {
		end, err := s.rows.discard()
		s.rows = nil
		if err != nil {
			return err
		}
		s.in.pos = end
	}
	if s.cur.Offset == 0 && s.in.pos == 0 {
		return s.skipByteOrderMark()
	}
	return nil
}

func (s *Scanner) skipByteOrderMark() error {
	switch in := &s.in; {
	case in.has(0, "\xff\xfe"), in.has(0, "\xfe\xff"):
		return s.errorAt(0, msgUTF16)
	case in.has(0, "\xef\xbb\xbf"):
		s.bom, in.pos = 3, 3
	}
	return nil
}

// add makes the newest token a part of the statement.
func (s *Scanner) add(k kind) {
	if s.first < 0 {
		s.first = s.tok
	}
	end := s.in.pos
	s.last = end
	if k == tokVersion || k == tokVersionClose {
		return
	}
	s.escaped = s.escaped && k == tokString
	if s.tokens < MaxWords {
		s.spans = append(s.spans, span{s.tok, end, k == tokWord})
	}
	s.tokens++
	if s.body.step != nil {
		s.body.see(k, s.in.data[s.tok:end], s.tok)
	}
}

// advance takes n bytes of the window.
func (s *Scanner) advance(n int) {
	s.cur = s.place(n)
	s.in.take(n)
}

// cutOpen cuts a statement that has no terminator.
func (s *Scanner) cutOpen() (Statement, error) {
	s.in.pos = s.last
	return s.cut(s.last)
}

// cut takes the statement whose terminator lies between place i and in.pos.
func (s *Scanner) cut(i int) (Statement, error) {
	if s.body.copies {
		if err := s.restOfLine(); err != nil {
			return Statement{}, err
		}
	}
	if err := s.checkNUL(); err != nil {
		return Statement{}, err
	}
	if s.glancing {
		s.cutGlance()
		return Statement{}, nil
	}
	data, end := s.in.data, s.in.pos
	st := Statement{
		Gap:        string(data[:s.first]),
		Text:       string(data[s.first:s.last]),
		Start:      s.place(s.first),
		Terminator: string(data[i:end]),
	}
	st.End = st.Start.advance(data[s.first:s.last])
	if i > s.last {
		st.Tail = string(data[s.last:i])
	}
	st.Words = s.words(st.Text)
	s.cur = st.End.advance(data[s.last:end])
	s.taken(st.Start)
	if s.rows != nil {
		st.Copy = s.rows
	}
	s.follow(st)
	return st, nil
}

// cutGlance is cut without the strings, but for the few statements that say
// how the next ones are read.
func (s *Scanner) cutGlance() {
	data := s.in.data
	s.glance = Glance{Gap: data[:s.first], Text: data[s.first:s.last], Start: s.place(s.first)}
	if s.mayFollow(s.glance.Text) {
		text := string(s.glance.Text)
		s.follow(Statement{Text: text, Words: s.words(text)})
	}
	s.cur = s.place(s.in.pos)
	s.taken(s.glance.Start)
	if s.rows != nil {
		s.glance.Copy = s.rows
	}
}

// taken moves behind the statement that began at start.
func (s *Scanner) taken(start Pos) {
	s.in.take(s.in.pos)
	s.piece.atLineStart = s.body.copies
	if s.body.copies {
		s.rows = &copyRows{s: s, lineStart: true, at: start}
	}
}

// checkNUL refuses a NUL byte in what is about to be taken.
func (s *Scanner) checkNUL() error {
	if i := bytes.IndexByte(s.in.data[:s.in.pos], 0); i >= 0 {
		return s.errorAt(i, msgNUL)
	}
	return nil
}
