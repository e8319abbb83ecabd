package migration

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// FileDigests are the files of a folder that Load takes for migrations, each
// with a SHA-256 over the whole of it, line endings as LF: unlike a section's
// checksum, it tells of a changed comment, header or way back, too.
func FileDigests(fsys fs.FS) (map[string]string, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	buf := make([]byte, 64<<10)
	for _, e := range entries {
		if !isCandidate(e) {
			continue
		}
		sum := sha256.New()
		text := lf{w: sum}
		f, err := fsys.Open(e.Name())
		if err != nil {
			return nil, err
		}
		_, err = io.CopyBuffer(&text, onlyReader{f}, buf)
		f.Close() // it was only read
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		if text.cr {
			sum.Write([]byte{'\r'})
		}
		out[e.Name()] = hex.EncodeToString(sum.Sum(nil))
	}
	return out, nil
}

// onlyReader hides what else a file can do: it is to be read into the buffer.
type onlyReader struct{ io.Reader }

// isCandidate says that an entry of the folder is meant to be a migration.
func isCandidate(e fs.DirEntry) bool {
	n := e.Name()
	return !e.IsDir() && strings.EqualFold(path.Ext(n), ".sql") && !strings.HasPrefix(n, ".")
}
