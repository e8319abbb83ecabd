package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// longestFile is far more than any configuration needs; beyond it somebody
// named the wrong file.
const longestFile = 1 << 20

// readFile finds, reads and checks the configuration file. Where none is
// named and none is found, the file is empty and without a path.
func readFile(dir, named string) (*file, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, &Error{Msg: "the working directory cannot be found: " + reason(err)}
	}
	path, shown := named, named
	if named == "" {
		if path, shown, err = search(dir); err != nil {
			return nil, err
		}
		if path == "" {
			return &file{top: newScope("", position{})}, nil
		}
	} else if connects(named) {
		return nil, &Error{Msg: "--config takes the name of a file, and this is a URL or connection string", Hint: "a URL is given with --url"}
	} else if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	text, err := read(path)
	if err != nil {
		e := &Error{File: shown, Msg: "the configuration file cannot be read: " + reason(err)}
		if named != "" {
			e.Hint = fmt.Sprintf("--config takes the name of a file; without it the nearest %s is used, and 'dbwarden init' writes one", FileName)
		}
		return nil, e
	}
	f, err := parseFile(text, shown)
	if err != nil {
		return nil, err
	}
	f.path = filepath.Clean(path)
	return f, nil
}

// search looks for FileName from dir up to the root. What cannot be looked at
// is an error: going on would find another project's file, or none.
func search(dir string) (path, shown string, err error) {
	for at := dir; ; at = filepath.Dir(at) {
		path := filepath.Join(at, FileName)
		shown, err := filepath.Rel(dir, path)
		if err != nil {
			shown = path
		}
		_, err = os.Stat(path)
		switch {
		case err == nil:
			return path, shown, nil
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
			return "", "", &Error{File: shown, Msg: "cannot look for the configuration file: " + reason(err), Hint: "name it with --config"}
		}
		if filepath.Dir(at) == at {
			return "", "", nil
		}
	}
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read from: nothing is lost if closing fails
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.New("it is a folder")
	}
	text, err := io.ReadAll(io.LimitReader(f, longestFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > longestFile {
		return nil, errors.New("it is larger than 1 MiB")
	}
	return text, nil
}

// reason is an error without the path that the system puts before it.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return err.Error()
}
