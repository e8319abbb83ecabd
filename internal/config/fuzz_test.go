package config

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		oneFile, twoFile, "[[databases]]\nx = 1", "a.b.c = { d = [1, {e = 2}] }", "[warden.warden]\nwarden = 1", "''=1", "[databases.'']",
		"lock = { wait = 1979-05-27T07:32:00Z }", "model_paths = [[[]]]", "x = '''\n", "\ufeff[lock]", "run.lock_timeout = 0x7fffffffffffffff",
		"database_url = \"${\"", "database_url = 'a://b:c@${X}'\r\n", "[a]\n[a.b]\n[a]\n", "a.b = 1\n[a]\n",
	} {
		f.Add([]byte(seed), "main", uint8(0))
	}
	f.Fuzz(func(t *testing.T, toml []byte, name string, flags uint8) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName), toml, 0o600); err != nil {
			t.Fatal(err)
		}
		in := Input{Dir: dir, All: flags&1 != 0}
		if flags&2 != 0 {
			in.Database = name
		}
		if flags&4 != 0 {
			in.URL = name
		}
		c, err := Load(in)
		var e *Error
		switch {
		case err != nil && !errors.As(err, &e):
			t.Fatalf("%T is no *Error", err)
		case err != nil:
			_ = e.Error()
		case len(c.Selected) == 0:
			t.Fatal("nothing is selected")
		}
	})
}

func FuzzMask(f *testing.F) {
	f.Add("postgres://u:p%@h?key=%", "text % %4 p%25", "sqlite://")
	f.Fuzz(func(t *testing.T, secret, text, other string) {
		_ = NewSecret(secret).String()
		_, _ = checkURL(secret, nil)
		_ = Mask(text, NewSecret(secret), NewSecret(other))
	})
}
