package migration

import (
	"io"
	"io/fs"
	"math"
)

// sized is the rest of a file whose size is known, so that whoever reads it
// takes no more room than it needs.
type sized struct {
	io.Reader
	left int64
}

// sizedFrom is what stands in f from offset on, which is where f is.
func sizedFrom(f fs.File, offset int64) io.Reader {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f
	}
	return &sized{f, info.Size() - offset}
}

// Len is a promise for buffers only: the file may have grown.
func (s *sized) Len() int { return int(min(max(s.left, 0), math.MaxInt32)) }

func (s *sized) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.left -= int64(n)
	return n, err
}
