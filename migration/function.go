package migration

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Go is a migration in Go: functions of the program that stand among the SQL
// files, in the order of their version. Exactly one of Up and UpConn is given,
// and one of Down and DownConn, or neither: then it is irreversible.
type Go struct {
	// Version is its place among the files, digits alone: "0005". No file may
	// have it.
	Version string

	// Description is for people: "split names".
	Description string

	// Up and Down work in one transaction, which is committed with the history
	// when they return nil, and rolled back when they return an error or panic:
	// then nothing of it has stayed. They may be called again for that: a run
	// that waited in vain for a lock rolls back, and tries anew.
	Up, Down func(ctx context.Context, tx Tx) error

	// UpConn and DownConn work outside of a transaction, for what cannot be
	// inside of one, and for work in many small ones (Conn.InTx). That they
	// begin is written down ahead, and that they are done behind them. One that
	// returns an error is called again by the next run, so that it must be able
	// to go on where it was; of one whose process was killed inside, nothing can
	// tell how far it came: a person says so, with Resolve.
	UpConn, DownConn func(ctx context.Context, conn Conn) error

	// Checksum tells one text of the function from another, where that is to be
	// known: an applied one whose Checksum is another by now counts as changed,
	// like a changed file. "" is never compared with anything but "".
	Checksum string
}

// Tx is what a migration in Go works with. Its methods are those of *sql.Tx,
// less Commit and Rollback: what is written against such an interface, as sqlc
// makes it, takes it. Placeholders are the product's ($1, or ?).
//
// All rows of a query are read before it returns, so that others can be run
// while they are looked at: large tables are gone through in pieces. The ctx of
// a call ends with the function's in any case. Statements that begin or end a
// transaction are refused, and so, on MySQL and MariaDB, is what commits by
// itself (CREATE, ALTER, DROP): those are for a Conn. A statement that has
// failed fails the transaction, unless a ROLLBACK TO a savepoint follows.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// Conn is what a migration in Go works with outside of a transaction: each
// statement is committed by itself. The lock is looked at before each of them.
type Conn interface {
	Tx

	// InTx calls do with a transaction, which is committed when do returns nil
	// and the lock is still this run's, and rolled back otherwise. Meanwhile the
	// Conn itself cannot be used.
	InTx(ctx context.Context, do func(ctx context.Context, tx Tx) error) error
}

// Function is one way of a migration in Go. One of Tx and Conn is set.
type Function struct {
	Name string // as the runtime has it: "example.com/shop/migrations.splitNames"
	File string // where it stands, as it was compiled
	Line int

	Tx   func(ctx context.Context, tx Tx) error
	Conn func(ctx context.Context, conn Conn) error
}

// String is the function with its place, for people.
func (f *Function) String() string {
	name, file := f.Name[strings.LastIndexByte(f.Name, '/')+1:], f.File[strings.LastIndexByte(f.File, '/')+1:]
	return fmt.Sprintf("%s (%s:%d)", name, file, f.Line)
}

// Function is what runs in direction d, nil for a migration that is a file, and
// for one without a way back.
func (m *Migration) Function(d Direction) *Function {
	switch {
	case m.code == nil:
		return nil
	case d == Down:
		return m.code.down
	}
	return m.code.up
}

// code is what a migration in Go has in the place of a file.
type code struct {
	up, down *Function
	text     string // which stands for either, where a statement does
}

// Functions are migrations in Go, in the order in which they are given. Problems
// are all that is wrong with them.
func Functions(all []Go) ([]*Migration, error) {
	made, bad := functions(all, nil)
	if len(bad) > 0 {
		return nil, bad
	}
	return made, nil
}

// Join puts migrations in Go among those of the set. Problems say what is wrong
// with them, and which versions are taken.
func (s *Set) Join(all []Go, lexis sqltext.Lexis) error {
	if len(all) == 0 {
		return nil
	}
	in := &folder{lexis: lexis, values: &Values{}}
	if len(s.Migrations) > 0 {
		in = s.Migrations[0].in
	}
	made, bad := functions(all, in)
	for _, m := range made {
		if other := s.Find(m.Version); other != nil {
			bad = append(bad, Problem{File: m.File, Msg: fmt.Sprintf("version %s is taken by %s; give one of them another number", m.Version, other.File)})
			continue
		}
		if by := s.around(m.Version); by != nil {
			bad = append(bad, Problem{File: m.File, Msg: fmt.Sprintf("version %s lies among those that %s replaces, which run as one; give it a higher number", m.Version, by.File)})
			continue
		}
		s.versions.Put(m.Version, m)
		s.Migrations = append(s.Migrations, m)
	}
	if len(bad) > 0 {
		return bad
	}
	slices.SortStableFunc(s.Migrations, InOrder)
	return nil
}

// around is a squashed migration that replaces what is below v and what is above
// it, and not v itself.
func (s *Set) around(v Version) *Migration {
	for _, m := range s.Migrations {
		below, above := false, false
		for _, w := range Versions(m.Header.Replaces) {
			below, above = below || w.Compare(v) < 0, above || w.Compare(v) > 0
		}
		if below && above && !names(m, v) {
			return m
		}
	}
	return nil
}

// functions makes migrations of them.
func functions(all []Go, in *folder) (made []*Migration, bad Problems) {
	for i, g := range all {
		fail := func(format string, args ...any) {
			what := fmt.Sprintf("migration %d in Go", i+1)
			if g.Version != "" {
				what = "migration " + g.Version + " in Go"
			}
			bad = append(bad, Problem{File: what, Msg: fmt.Sprintf(format, args...)})
		}
		v, err := ParseVersion(g.Version)
		if err != nil {
			fail("%v", err)
			continue
		}
		m := &Migration{Version: v, Kind: InGo, Description: g.Description, File: goFile(g), in: in, code: &code{text: goText(g.Checksum)}}
		switch {
		case (g.Up == nil) == (g.UpConn == nil):
			fail("it needs one of Up and UpConn")
			continue
		case g.Down != nil && g.DownConn != nil:
			fail("it has both Down and DownConn")
			continue
		case len(m.File) > maxName:
			fail("its description is longer than %d bytes", maxName)
			continue
		case len(g.Version) > maxVersion:
			fail("the version has more than %d digits", maxVersion)
			continue
		case !utf8.ValidString(g.Description) || strings.ContainsFunc(g.Description, unicode.IsControl):
			fail("its description is no text on one line: %q", g.Description)
			continue
		case slices.ContainsFunc(made, func(o *Migration) bool { return o.Version.Equal(v) }):
			fail("another one has that version")
			continue
		}
		m.code.up, m.Upgrade = m.function(Function{Tx: g.Up, Conn: g.UpConn})
		if g.Down != nil || g.DownConn != nil {
			m.code.down, m.Rollback = m.function(Function{Tx: g.Down, Conn: g.DownConn})
		}
		made = append(made, m)
	}
	return made, bad
}

// function makes one way of a migration in Go: a section of one statement, which
// the function stands for.
func (m *Migration) function(f Function) (*Function, Section) {
	pc := reflect.ValueOf(f.Tx).Pointer()
	if f.Tx == nil {
		pc = reflect.ValueOf(f.Conn).Pointer()
	}
	if at := runtime.FuncForPC(pc); at != nil {
		f.Name = at.Name()
		f.File, f.Line = at.FileLine(pc)
	}
	hash := sha256.Sum256([]byte(m.code.text))
	return &f, Section{Present: true, Count: 1, of: m, sum: sha256.Sum256(hash[:])}
}

// goText stands for a function where a statement does.
func goText(checksum string) string {
	switch {
	case checksum == "":
		return "GO FUNCTION"
	case !plainSum().MatchString(checksum):
		sum := sha256.Sum256([]byte(checksum))
		checksum = "sha256:" + hex.EncodeToString(sum[:])
	}
	return "GO FUNCTION '" + checksum + "'"
}

// plainSum is a checksum that can stand in quotes as it is.
var plainSum = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9._:+-]{1,128}$`) })

// goFile is what a migration in Go is called where others have their file.
func goFile(g Go) string {
	name := strings.Join(strings.FieldsFunc(g.Description, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r > 127)
	}), "_")
	return cmp.Or(g.Version, "?") + strings.TrimSuffix("_"+name, "_") + goEnding
}

const goEnding = ".go"

// IsGoFile says of a name in a history, or a journal, that it is a migration in
// Go.
func IsGoFile(name string) bool { return strings.HasSuffix(name, goEnding) }

// Stranger is a migration in Go that another program has: of what was written
// down of it.
func Stranger(version, file string) *Migration {
	return &Migration{Version: Version{version}, Kind: InGo, File: file}
}
