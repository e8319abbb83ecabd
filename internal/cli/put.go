package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// madeBy stands near the beginning of each file that put writes, in a comment
// of the file's own language.
const madeBy = "made by dbwarden "

// put writes a text to a file, or to standard output where there is none. A
// file that something else wrote is left alone. Nobody sees the new one in
// part, and it keeps the permissions of the old one.
func (a *app) put(file, text string) error {
	if file == "" {
		_, err := io.WriteString(a.Stdout, text)
		return err
	}
	path := a.inDir(file)
	mode := fs.FileMode(0o666)
	switch old, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case len(old) > 0 && !strings.Contains(string(old[:min(len(old), 300)]), madeBy):
		return &usageError{fmt.Sprintf("%s is there already, and dbwarden did not write it", file), "name another file, or remove it"}
	case string(old) == text:
		return a.told(file, "is as it was")
	default:
		if st, err := os.Stat(path); err == nil {
			mode = st.Mode().Perm()
		}
	}
	part := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	if err := os.WriteFile(part, []byte(text), mode); err != nil {
		return errors.Join(err, remove(part))
	}
	if err := os.Rename(part, path); err != nil {
		return errors.Join(err, remove(part))
	}
	return a.told(file, "was written")
}

// remove takes a file away that may not be there.
func remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (a *app) told(file, what string) error {
	if !a.quiet {
		fmt.Fprintf(a.Stderr, "%s %s.\n", file, what)
	}
	return nil
}
