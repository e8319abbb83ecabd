package plan

import (
	"encoding/hex"
	"strings"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Difference is how an applied migration's file differs from what ran.
type Difference struct {
	Version string             `json:"version"`
	File    string             `json:"file"`
	Was     migration.Checksum `json:"was"` // of the statements that ran
	Is      migration.Checksum `json:"is"`  // of those in the file

	// Ran and Now are both texts, as far as they are kept: a statement that may
	// hold a secret is left out, and so is what is behind journal.MigrationBytes.
	// Ran is "" where nothing was kept.
	Ran string `json:"ran,omitempty"`
	Now string `json:"now,omitempty"`

	// Statement is the first one that is another, from 1; 0 where that is not
	// known. Line is where it stands in the file, 0 where the file ends before it.
	Statement int `json:"statement,omitempty"`
	Line      int `json:"line,omitempty"`

	RanStatements int `json:"ran_statements"`
	NowStatements int `json:"now_statements"`

	// Cosmetic: nothing but comments and blanks inside of statements differ.
	// Where not all of both texts is known, nobody says so.
	Cosmetic bool `json:"cosmetic"`
}

// Differ compares a file with what ran of it.
func Differ(m *migration.Migration, r *journal.Revision, ran journal.Ran, l sqltext.Lexis) (Difference, error) {
	d := Difference{Version: m.Version.String(), File: m.File, Was: r.Checksum, Is: m.Upgrade.Checksum(), Ran: ran.Text, RanStatements: ran.Statements}
	keep := journal.Kept{Room: journal.MigrationBytes}
	room := true
	_, err := m.Upgrade.Outline(func(p migration.Piece) error {
		room = room && keep.Add(p.AsWritten())
		i := d.NowStatements
		d.NowStatements++
		if d.Statement > 0 || len(ran.Hashes) == 0 || i >= MaxHashes {
			return nil
		}
		if i >= len(ran.Hashes) || ran.Hashes[i] != hex.EncodeToString(p.Hash[:migration.ShortLength]) {
			d.Statement, d.Line = i+1, p.Start.Line
		}
		return nil
	})
	d.Now = keep.String()
	if d.Statement == 0 && d.NowStatements < len(ran.Hashes) {
		d.Statement = d.NowStatements + 1
	}
	d.Cosmetic = err == nil && sameCode(d.Ran, d.Now, l)
	return d, err
}

// sameCode says that two texts differ in comments and blanks alone. A hint is
// no comment.
func sameCode(a, b string, l sqltext.Lexis) bool {
	if a == "" || !journal.Whole(a) || !journal.Whole(b) || strings.Contains(a+b, "/*+") {
		return false
	}
	x, whole := sqltext.Tokens(a, l)
	y, also := sqltext.Tokens(b, l)
	if !whole || !also || len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].Text != y[i].Text {
			return false
		}
	}
	return true
}
