//go:build !unix

package migration

import (
	"io"
	"os"
)

// readSmall reads as much of a file as there is room for.
func readSmall(name string, room []byte) (int, error) {
	f, err := os.Open(name)
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
