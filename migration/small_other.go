//go:build !unix

package migration

import (
	"io"
	"os"
	"path/filepath"
)

// A place is a folder.
type place string

func openPlace(dir string) (place, error) { return place(dir), nil }

func (p place) close() {}

// readSmall reads as much of a file as there is room for.
func (p place) readSmall(name string, room []byte) (int, error) {
	f, err := os.Open(filepath.Join(string(p), name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := io.ReadFull(f, room)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, err
}
