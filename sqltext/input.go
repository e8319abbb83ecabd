package sqltext

import (
	"bytes"
	"io"
)

const (
	chunkSize = 64 << 10 // read at once
	largeSize = 1 << 20  // a buffer that has grown beyond this is given back when it is no longer needed
)

// An input is a window on a reader. data begins with the current piece (the
// gap, the statement) and reaches as far as has been read; pos is the place
// of the scanner in it. Since the window only moves when a piece is taken,
// places in data stay valid while a piece grows.
type input struct {
	r     io.Reader
	base  []byte // what data is a part of
	data  []byte
	pos   int
	err   error // io.EOF or the reader's own, once there is nothing more to read
	moved int64 // bytes that were copied to make room, for the test of linear time
}

// fill reads more and reports whether there is more.
func (in *input) fill() bool {
	if in.err != nil {
		return false
	}
	if len(in.data) == cap(in.data) {
		in.makeRoom()
	}
	for range 100 {
		n, err := in.r.Read(in.data[len(in.data):cap(in.data)])
		in.data = in.data[:len(in.data)+n]
		in.err = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	in.err = io.ErrNoProgress
	return false
}

// makeRoom moves what is held to the front of the buffer or, where that would
// win too little, to a new one of twice its size: each byte is moved a bounded
// number of times, however large the statement.
func (in *input) makeRoom() {
	held := len(in.data)
	base := in.base
	if held >= len(base)/2 || len(base) > largeSize && held < len(base)/8 {
		base = make([]byte, max(in.chunk(), 2*held))
	}
	copy(base, in.data)
	in.base, in.data = base, base[:held]
	in.moved += int64(held)
}

// chunk returns how much to read at once: no more than a small text has.
func (in *input) chunk() int {
	if r, ok := in.r.(interface{ Len() int }); ok {
		return min(r.Len()+1, chunkSize)
	}
	return chunkSize
}

// peek returns the byte i places behind pos, or -1 behind the end.
func (in *input) peek(i int) int {
	if p := in.pos + i; p < len(in.data) {
		return int(in.data[p])
	}
	for in.pos+i >= len(in.data) {
		if !in.fill() {
			return -1
		}
	}
	return int(in.data[in.pos+i])
}

// has reports whether the input goes on with want at place i of the piece.
func (in *input) has(i int, want string) bool {
	for k := range len(want) {
		if in.peek(i-in.pos+k) != int(want[k]) {
			return false
		}
	}
	return true
}

// lineEnd returns the place of the next line feed, or of the end.
func (in *input) lineEnd() int {
	i := in.pos
	for {
		if k := bytes.IndexByte(in.data[i:], '\n'); k >= 0 {
			return i + k
		}
		i = len(in.data)
		if !in.fill() {
			return i
		}
	}
}

// take gives the first n bytes of the window away.
func (in *input) take(n int) {
	in.data = in.data[n:]
	in.pos = 0
}
