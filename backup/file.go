package backup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// SumSuffix ends the name of the checksum's file, which sha256sum -c reads. The
// comments at its head say what the backup is of.
const SumSuffix = ".sha256"

// A File is a finished backup.
type File struct {
	Path    string // absolute
	Engine  string // engine.Engine.Name
	Product string // "PostgreSQL 15.18"
	Scope   string // engine.Backup.Scope: "shop"
	Schema  string // that it is of alone; "": of the whole database
	Version string // the newest one that was applied, "" for none
	Run     string // of the run that made it
	Made    time.Time
	Sum     string // SHA-256, in hex
	Bytes   int64
}

const header = "# dbwarden backup"

func (f *File) sumFile() []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, header)
	for _, kv := range [][2]string{{"engine", f.Engine}, {"product", f.Product}, {"database", f.Scope}, {"version", f.Version}, {"run", f.Run},
		{"made", f.Made.UTC().Format(time.RFC3339Nano)}, {"schema", f.Schema}} {
		if kv[0] == "schema" && kv[1] == "" {
			continue
		}
		fmt.Fprintf(&b, "# %s: %s\n", kv[0], strings.NewReplacer("\n", " ", "\r", " ").Replace(kv[1]))
	}
	fmt.Fprintf(&b, "%s  %s\n", f.Sum, filepath.Base(f.Path))
	return b.Bytes()
}

// A SumError says that a backup cannot be trusted.
type SumError struct {
	File string // as it was asked for
	Why  string

	// None: there is no checksum's file of ours beside it.
	None bool
}

func (e *SumError) Error() string { return e.File + ": " + e.Why }

// Open reads what is told of a backup beside it. It does not look whether the
// backup is whole: see Verify.
func Open(path string) (*File, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	text, err := os.ReadFile(abs + SumSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &SumError{File: path, Why: "no checksum stands beside it, in " + filepath.Base(path) + SumSuffix, None: true}
	}
	if err != nil {
		return nil, err
	}
	f := &File{Path: abs, Bytes: info.Size()}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 0; lines.Scan(); n++ {
		line := lines.Text()
		if n == 0 && line != header {
			return nil, &SumError{File: path, Why: "it was not made by dbwarden: " + filepath.Base(path) + SumSuffix + " does not say so", None: true}
		}
		key, value, ok := strings.Cut(strings.TrimPrefix(line, "# "), ": ")
		if !strings.HasPrefix(line, "#") {
			f.Sum, _, _ = strings.Cut(line, " ")
			continue
		}
		if !ok {
			continue
		}
		switch key {
		case "engine":
			f.Engine = value
		case "product":
			f.Product = value
		case "database":
			f.Scope = value
		case "schema":
			f.Schema = value
		case "version":
			f.Version = value
		case "run":
			f.Run = value
		case "made":
			f.Made, _ = time.Parse(time.RFC3339Nano, value) // shown, and no more
		}
	}
	if len(f.Sum) != hex.EncodedLen(sha256.Size) || f.Engine == "" {
		return nil, &SumError{File: path, Why: filepath.Base(path) + SumSuffix + " holds no checksum, or does not say what it is of"}
	}
	return f, nil
}

// Verify reads the backup, which o is open of, and compares its checksum:
// *SumError where it is another. progress is told how many bytes of how many
// have been read.
func (f *File) Verify(ctx context.Context, o *os.File, progress func(done, of int64)) error {
	sum := sha256.New()
	for done := int64(0); ; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := io.CopyN(sum, o, 1<<20)
		done += n
		progress(done, f.Bytes)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.Sum {
		return &SumError{File: f.Path, Why: fmt.Sprintf("its checksum is %.16s… and not %.16s…: the file has been changed, or is cut short", got, f.Sum)}
	}
	return nil
}
