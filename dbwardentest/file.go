package dbwardentest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// cache is the folder of the templates, below the user's cache folder.
const cache = "dbwarden/test-templates"

// File names in it, behind a digest: a template; the lock of whoever makes it;
// and, behind a random word, one in the making.
const (
	whole  = ".db"
	making = ".making"
	locked = ".lock"
)

// file makes a database that is a file, in a folder of the test. Where there is
// no cache folder it is migrated.
func (m *maker) file(t testing.TB) (string, error) {
	t.Helper()
	dir, err := m.folder(t)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "test.db")
	templates, err := templates()
	if err != nil {
		err = m.migrate(t.Context(), path)
	} else {
		err = m.copyFile(t.Context(), templates, path)
	}
	if err != nil {
		return "", err
	}
	return m.parts.URL(m.url, path)
}

// folder is one that goes with the test.
func (m *maker) folder(t testing.TB) (string, error) {
	t.Helper()
	if !m.keep {
		return t.TempDir(), nil // a failed test's file is gone: the name tells nobody anything
	}
	dir, err := os.MkdirTemp("", "dbwardentest-")
	if err == nil {
		made := true
		m.farewell(t, filepath.Join(dir, "test.db"), &made, nil)
	}
	return dir, err
}

func templates() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(dir, filepath.FromSlash(cache))
	return dir, os.MkdirAll(dir, 0o700)
}

func (m *maker) copyFile(ctx context.Context, dir, path string) error {
	digest, err := m.digest(ctx, nil)
	if err != nil {
		return err
	}
	template := filepath.Join(dir, digest+whole)
	for {
		err := copyTo(template, path)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := m.templateFile(ctx, template); err != nil {
			return err
		}
	}
}

// copyTo copies a template. Nobody opens one as a database, or writes to it, so
// that its bytes are the whole of it.
func copyTo(template, path string) (err error) {
	from, err := os.Open(template)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = io.Copy(to, from); err == nil {
		// Its time says when it was used. That this fails makes it older than it
		// is, and one day it is made anew.
		now := time.Now()
		_ = os.Chtimes(template, now, now)
	}
	return errors.Join(err, to.Close())
}

// templateFile makes the template, once: under the lock that a database file
// has, of another file, and by a rename, so that a killed process leaves no half
// of one.
func (m *maker) templateFile(ctx context.Context, template string) (err error) {
	lock, err := m.turn(ctx, strings.TrimSuffix(template, whole)+locked)
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := os.Stat(template); !errors.Is(err, fs.ErrNotExist) {
		return err // whoever had the lock before has made it, or it cannot be seen
	}
	sweepFiles(filepath.Dir(template))
	part, err := os.MkdirTemp(filepath.Dir(template), "*"+making)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(part)) }()
	made := filepath.Join(part, "test.db")
	if err := m.migrate(ctx, made); err != nil {
		return err
	}
	if err := settled(made); err != nil {
		return err
	}
	return os.Rename(made, template)
}

// settled sees to it that a database that nobody has open is in its file, and
// the file on the disk.
func settled(path string) error {
	for _, beside := range []string{"-wal", "-journal"} {
		if info, err := os.Stat(path + beside); err == nil && info.Size() > 0 {
			return fmt.Errorf("the new database is in use: it has a file %s", filepath.Base(path+beside))
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// turn takes the lock of a file, and gives it back with the session.
func (m *maker) turn(ctx context.Context, path string) (engine.Session, error) {
	url, err := m.parts.URL(m.url, path)
	if err != nil {
		return nil, err
	}
	d, err := m.config.Engine.Open(url, engine.OpenOptions{})
	if err != nil {
		return nil, err
	}
	s, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden test", Foreign: true})
	if err != nil {
		return nil, err
	}
	key := engine.Key{Schema: s.Server().Schema, Digest: sha256.Sum256([]byte("dbwarden test template"))}
	for {
		ok, err := m.config.Engine.Native.Try(ctx, s, key)
		if ok {
			return s, nil
		}
		if err == nil {
			select {
			case <-ctx.Done():
				err = fmt.Errorf("wait for another process to make the template: %w", context.Cause(ctx))
			case <-time.After(asked):
				continue
			}
		}
		return nil, errors.Join(err, s.Close())
	}
}

// sweepFiles removes templates that were not used for long, and what killed
// processes left. Nobody's test depends on it.
func sweepFiles(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		age, name := time.Since(info.ModTime()), filepath.Join(dir, e.Name())
		switch {
		case strings.HasSuffix(e.Name(), making) && age > engine.TestAge,
			strings.HasSuffix(e.Name(), whole) && age > engine.TemplateAge,
			strings.Contains(e.Name(), locked) && age > engine.TemplateAge:
			_ = os.RemoveAll(name)
		}
	}
}
