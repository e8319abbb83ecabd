package mysql

import (
	"context"
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// insertID keeps a file's LAST_INSERT_ID() over the statements of ours
// between its own: "INSERT INTO parent ...; INSERT INTO child VALUES
// (LAST_INSERT_ID())" must not get the number of a journal entry.
type insertID struct {
	theirs  bool   // the server's value is the file's, and not yet saved
	covered bool   // one of ours may stand in its place
	value   uint64 // the file's, where covered
}

// note is told of each statement of the file's that succeeded.
func (i *insertID) note(t engine.Traits, text string, r reply) {
	switch t.Kind {
	case engine.Data:
		i.theirs = i.theirs || r.insertID != 0
	case engine.Other:
		i.theirs = true // a procedure, and whatever it does
	case engine.Read, engine.Setting:
		i.theirs = i.theirs || len(text) > smallText || strings.Contains(strings.ToUpper(text), "LAST_INSERT_ID")
	}
}

// save is called before a statement of ours.
func (i *insertID) save(ctx context.Context, s *session, text string) error {
	if !i.theirs || !strings.HasPrefix(text, "INSERT") {
		return nil
	}
	err := s.query(ctx, func(scan func(...any) error) error { return scan(&i.value) }, "SELECT LAST_INSERT_ID() LIMIT 1")
	if err != nil {
		return fmt.Errorf("save LAST_INSERT_ID(): %w", err)
	}
	i.theirs, i.covered = false, true
	return nil
}

// restore is called before a statement of the file's.
func (i *insertID) restore(ctx context.Context, s *session) error {
	if !i.covered {
		return nil
	}
	if _, err := s.Exec(ctx, fmt.Sprintf("SET last_insert_id = %d", i.value)); err != nil {
		return fmt.Errorf("restore LAST_INSERT_ID(): %w", err)
	}
	i.theirs, i.covered = true, false
	return nil
}
