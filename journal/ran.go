package journal

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Ran is what is remembered of the statements of an applied migration.
type Ran struct {
	Statements int
	Hashes     []string // short ones, of the first of them
	Text       string   // as far as it was kept; "" where it was not
}

// Ran reads what is remembered of a revision's statements: in two queries, for
// one that somebody wants to look at.
func (j *Journal) Ran(ctx context.Context, s engine.Session, r *Revision) (Ran, error) {
	d := j.Engine.Dialect
	var ran Ran
	var n sql.NullInt64
	var hashes sql.NullString
	err := s.Query(ctx, func(scan func(...any) error) error { return scan(&n, &hashes) },
		"SELECT statements, statement_hashes FROM "+j.table(j.name())+" WHERE id = "+d.Bind(1), r.ID)
	if err != nil {
		return ran, fmt.Errorf("read the history of %s: %w", r.File, err)
	}
	ran.Statements, ran.Hashes = int(n.Int64), strings.Fields(hashes.String)
	column, value := "version", r.Version.String()
	if r.Version.IsZero() {
		column, value = "filename", r.File
	}
	// The newest is of this revision: a version is applied once at a time.
	err = j.entries(ctx, s, "WHERE event IN ('"+string(Applied)+"', '"+string(Repaired)+"') AND "+column+" = '"+strings.ReplaceAll(value, "'", "''")+
		"' ORDER BY id DESC LIMIT 1", func(e Entry) {
		if e.Checksum == string(r.Checksum) {
			ran.Text = e.Text
		}
	})
	if err != nil {
		return ran, fmt.Errorf("read the journal of %s: %w", r.File, err)
	}
	return ran, nil
}
