package migration

import (
	"io"
	"iter"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A Reader reads a section that was outlined before. It goes forward: to go
// back further than the block that it holds, it begins anew.
//
// A statement is given only when the whole block that it stands in is what was
// outlined. Rows of COPY are looked at while they pass, so that a change in
// them is an error right behind them.
type Reader struct {
	s    *Section
	seal Seal

	text  *text // nil: not begun
	hash  *hasher
	next  *sqltext.Statement // one with rows, read already and behind the block
	block []known
	first int // the number of the block's first statement, from 0
	count int // of the blocks so far

	// Of a block that is one statement with rows:
	rows  bool // they have not been read to their end
	given bool // they may have been read
}

// known is a statement that stood in the outline; of one with rows the hash is
// not known.
type known struct {
	sqltext.Statement
	hash Hash
}

// Reader reads the section again that Outline has sealed.
func (s *Section) Reader(seal Seal) *Reader { return &Reader{s: s, seal: seal} }

// Close lets go of the file. The Reader may be used again.
func (r *Reader) Close() {
	if r.text != nil {
		r.text.close()
	}
	*r = Reader{s: r.s, seal: r.seal, hash: r.hash}
}

// Statements yields the statements from number from (0 is the first) up to but
// without to. ErrFileChanged ends it.
func (r *Reader) Statements(from, to int) iter.Seq2[sqltext.Statement, error] {
	return func(yield func(sqltext.Statement, error) bool) {
		for i := from; i < to; i++ {
			st, err := r.at(i)
			if err != nil {
				yield(sqltext.Statement{}, err)
				return
			}
			if st.Copy == nil {
				if !yield(st.Statement, nil) {
					return
				}
				continue
			}
			r.given = true
			if !yield(st.Statement, nil) {
				return
			}
			if err := r.endRows(); err != nil {
				yield(sqltext.Statement{}, err)
				return
			}
		}
	}
}

// Peek returns statement i, from 0, and its hash. Its rows, where it has some,
// are not to be read, and its hash is not known.
func (r *Reader) Peek(i int) (sqltext.Statement, Hash, error) {
	k, err := r.at(i)
	return k.Statement, k.hash, err
}

// Near yields statement i and those behind it up to but without to, as far as
// they can be had without going on in the file: whoever runs them next need not
// begin anew. Rows are not to be read.
func (r *Reader) Near(i, to int) iter.Seq2[sqltext.Statement, error] {
	return func(yield func(sqltext.Statement, error) bool) {
		if k, err := r.at(i); i >= to || !yield(k.Statement, err) || err != nil {
			return
		}
		for i++; i < to; i++ {
			if i >= r.first+len(r.block) {
				yield(sqltext.Statement{}, io.EOF)
				return
			}
			if !yield(r.block[i-r.first].Statement, nil) {
				return
			}
		}
	}
}

// at goes to statement i.
func (r *Reader) at(i int) (known, error) {
	if i < r.first || r.given && i == r.first {
		r.Close()
	}
	for i >= r.first+len(r.block) {
		if err := r.read(); err != nil {
			r.Close()
			return known{}, err
		}
	}
	return r.block[i-r.first], nil
}

// read reads the next block.
func (r *Reader) read() error {
	if err := r.begin(); err != nil {
		return err
	}
	if err := r.endRows(); err != nil {
		return err
	}
	r.first += len(r.block)
	clear(r.block)
	r.block, r.given = r.block[:0], false
	var b block
	for !b.ends() {
		st, err := r.statement()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if st.Copy != nil && b.size > 0 {
			r.next = &st
			break
		}
		if st.Copy != nil {
			r.hash.begin(st)
			st.Copy = io.TeeReader(st.Copy, r.hash)
			r.block, r.rows = append(r.block, known{Statement: st}), true
			return nil
		}
		h, err := r.hash.hash(st)
		if err != nil {
			return err
		}
		b.add(st, h)
		r.block = append(r.block, known{st, h})
	}
	return r.compare(&b)
}

func (r *Reader) begin() (err error) {
	if r.hash == nil {
		r.hash = newHasher()
	}
	if r.text == nil {
		r.text, err = r.s.open()
	}
	return err
}

// statement is the next one, without what stands around it.
func (r *Reader) statement() (sqltext.Statement, error) {
	if st := r.next; st != nil {
		r.next = nil
		return *st, nil
	}
	st, err := r.text.next()
	st.Gap, st.Tail, st.Terminator = "", "", ""
	return st, err
}

// endRows reads what nobody has read of a block's rows.
func (r *Reader) endRows() error {
	if !r.rows {
		return nil
	}
	st := r.block[0].Statement
	if _, err := io.Copy(io.Discard, st.Copy); err != nil {
		return err
	}
	r.rows = false
	var b block
	b.add(st, r.hash.end())
	return r.compare(&b)
}

// compare says whether the block is the one that was outlined.
func (r *Reader) compare(b *block) error {
	if r.count < len(r.seal.blocks) && b.size > 0 && b.end() == r.seal.blocks[r.count] {
		r.count++
		return nil
	}
	line := r.s.Line
	if len(r.block) > 0 {
		line = r.block[0].Start.Line
	}
	return r.s.problem(line, ErrFileChanged)
}
