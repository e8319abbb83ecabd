package main

import (
	"io/fs"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/dbwardentest"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite"
)

// TestNotes has a database of its own in each part, whatever the others write.
func TestNotes(t *testing.T) {
	for _, body := range []string{"one", "two", "three"} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			s := database(t)
			if _, err := s.Exec(t.Context(), "INSERT INTO notes (body) VALUES (?)", body); err != nil {
				t.Fatal(err)
			}
			var number int
			err := s.Query(t.Context(), func(scan func(...any) error) error { return scan(&number) }, "SELECT count(*) FROM notes")
			if err != nil || number != 2 { // the second migration writes one
				t.Errorf("%d notes, want 2: %v", number, err)
			}
		})
	}
}

// database is a session in a new, migrated database. A program would open the
// URL with the driver that it uses.
func database(t *testing.T) engine.Session {
	folder, err := fs.Sub(files, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	e := sqlite.Engine()
	url := dbwardentest.New(t, "sqlite:///:memory:", dbwarden.Config{Engine: e, Migrations: folder})
	d, err := e.Open(url, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.Connect(t.Context(), engine.ConnectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
