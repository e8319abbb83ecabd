package migration

import (
	"crypto/sha256"
	"hash"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A Seal knows a section again that is read once more, so that nothing runs
// which was not planned. A hash of every statement would do, and would be as
// large as a file of small ones; so it has one for every block of them, and a
// Reader reads a block to its end before it gives the first of it.
type Seal struct{ blocks []Hash }

// blockSize is how much text ends a block. It, and its statements, are what a
// Reader holds.
const blockSize = 64 << 10

// A block is one that is being read. Where it ends is told by the statements
// alone, so that the same ones are cut into the same blocks again.
type block struct {
	sum  hash.Hash // of the hashes of its statements
	size int       // of their text
}

func (b *block) add(st sqltext.Statement, h Hash) {
	if b.sum == nil {
		b.sum = sha256.New()
	}
	b.sum.Write(h[:])
	b.size += len(st.AsWritten())
}

// ends says that no more statements are to be added.
func (b *block) ends() bool { return b.size >= blockSize }

// end returns the block's hash and makes it the next one.
func (b *block) end() Hash {
	h := Hash(b.sum.Sum(nil))
	b.sum.Reset()
	b.size = 0
	return h
}

// sealer makes a Seal.
type sealer struct {
	block
	seal Seal
}

func (s *sealer) add(st sqltext.Statement, h Hash) {
	// Rows of COPY are not held, and so are known only when they have been
	// read: their statement is a block of its own.
	if st.Copy != nil {
		s.end()
	}
	s.block.add(st, h)
	if st.Copy != nil || s.ends() {
		s.end()
	}
}

// end ends the block, unless it is empty.
func (s *sealer) end() Seal {
	if s.size > 0 {
		s.seal.blocks = append(s.seal.blocks, s.block.end())
	}
	return s.seal
}
