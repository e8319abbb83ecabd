package postgres

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

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
