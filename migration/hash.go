package migration

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Hash is the SHA-256 of one statement, with line endings as LF and, behind
// COPY ... FROM stdin, its rows.
type Hash [sha256.Size]byte

// ShortLength is how many bytes of a hash are enough to tell statements apart
// in the history.
const ShortLength = 8

// A Sum is over statements in a row: the SHA-256 of their hashes.
type Sum struct{ h hash.Hash }

// NewSum returns the sum over no statement.
func NewSum() Sum { return Sum{sha256.New()} }

// SumOf is over these statements.
func SumOf(hashes ...Hash) Checksum {
	s := NewSum()
	for _, h := range hashes {
		s.Add(h)
	}
	return s.Checksum()
}

// Add takes one more statement.
func (s Sum) Add(h Hash) { s.h.Write(h[:]) }

// AddChecksum takes one more checksum, for a sum over checksums.
func (s Sum) AddChecksum(c Checksum) { io.WriteString(s.h, string(c)) }

// Reset begins anew.
func (s Sum) Reset() { s.h.Reset() }

// Checksum is the sum so far.
func (s Sum) Checksum() Checksum { return Checksum(hex.EncodeToString(s.h.Sum(nil))) }

// A hasher hashes statements, one after another in the same memory.
type hasher struct {
	sum  hash.Hash
	text lf
	buf  []byte
}

func newHasher() *hasher {
	h := &hasher{sum: sha256.New()}
	h.text.w = h.sum
	return h
}

// begin takes a statement's text, and says of rows that they follow.
func (h *hasher) begin(st sqltext.Statement) {
	h.sum.Reset()
	for text := st.AsWritten(); len(text) > 0; {
		n := min(len(text), 32<<10)
		h.buf = append(h.buf[:0], text[:n]...)
		h.text.Write(h.buf)
		text = text[n:]
	}
	h.text.cr = false
	if st.Copy != nil {
		h.sum.Write([]byte{0})
	}
}

// Write takes rows.
func (h *hasher) Write(rows []byte) (int, error) { return h.text.Write(rows) }

func (h *hasher) end() Hash {
	h.text.cr = false
	h.buf = h.sum.Sum(h.buf[:0])
	return Hash(h.buf)
}

// hash reads a statement, with its rows.
func (h *hasher) hash(st sqltext.Statement) (Hash, error) {
	h.begin(st)
	if st.Copy != nil {
		if _, err := io.Copy(h, st.Copy); err != nil {
			return Hash{}, err
		}
	}
	return h.end(), nil
}

// lf passes text on with CRLF as LF, so that a checkout with other line
// endings is the same migration.
type lf struct {
	w  io.Writer
	cr bool // a CR is held back
}

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
