package postgres

import (
	"encoding/hex"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// TestATextIsOneInEveryClientEncoding: where a file has set an encoding in which a
// backslash may be a part of a character, a text that is put into a statement
// stays a text.
func TestATextIsOneInEveryClientEncoding(t *testing.T) {
	t.Parallel()
	c := dbtest.Dial(t, dbtest.Postgres(t).NewDatabase(t))
	c.Exec(t, "CREATE TABLE victim (n int)", "SET backslash_quote = on")
	for _, encoding := range []string{"UTF8", "GBK", "SJIS", "BIG5", "LATIN1"} {
		c.Exec(t, "SET client_encoding = '"+encoding+"'")
		for _, text := range []string{`中\'; DROP TABLE victim; --`, `é\`, `\中`, `😀\'`, `\`, `a'\u0041`} {
			if got := c.Rows(t, "SELECT encode(convert_to("+quoteLiteral(text)+", 'UTF8'), 'hex')"); got[0][0] != hex.EncodeToString([]byte(text)) {
				t.Errorf("%s: %s came as %s", encoding, text, got[0][0])
			}
		}
	}
	c.Exec(t, "SELECT n FROM victim")
}

// Some platforms refuse a setting that their version knows; a value that no
// server takes stands for it.
func TestASettingThePlatformLacksIsDoneWithout(t *testing.T) {
	t.Parallel()
	d, err := open(dbtest.Postgres(t).URL(), engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	s := opened.(*session)
	s.settings = append(s.settings, setting{"tcp_keepalives_idle", "never", true}, setting{"work_mem", "5MB", false})
	if err := s.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Reset(t.Context(), engine.Limits{}); err != nil {
		t.Fatal(err)
	}
	var memory string
	err = s.Query(t.Context(), func(scan func(...any) error) error { return scan(&memory) }, "SHOW work_mem")
	if err != nil || memory != "5MB" {
		t.Errorf("the other settings are gone: %s, %v", memory, err)
	}

	s.settings = append(s.settings, setting{"work_mem", "lots", false})
	if err := s.begin(t.Context()); fault(err).Code != "22023" {
		t.Errorf("error %v", err)
	}
}
