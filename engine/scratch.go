package engine

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Scratch are a product's parts of a database for planning: an empty one, in
// which somebody's definitions are run to see what becomes of them. What is
// common to all products (which of the ways is gone, who may use a database
// that was given for it) stands above this seam.
type Scratch struct {
	// Memory makes a database that this process alone has, with the settings
	// of like's URL; nil where the product has no such thing, and then all
	// that is below is there.
	Memory func(like Database) (Database, error)

	// Create makes an empty database on the server of like, with the
	// encoding and the order of letters of the one there, and the same
	// current schema. It bears a mark, by which one that a killed process left
	// is found again: Create removes those that are older than a day and
	// without sessions. Nothing is written to like itself. A fault of kind
	// Denied says that the right to make databases is missing, and Right
	// names it.
	Create func(ctx context.Context, like Database) (made Database, drop func(context.Context) error, err error)

	// Right is the SQL that gives the right which Create needs.
	Right func(v Server) string

	// Same says that two URLs lead to one database, as far as they tell.
	Same func(a, b Database) bool

	// LocksServer says that a native lock is seen in all databases of a server,
	// and not only in the one where it was taken.
	LocksServer bool

	// Look says what is in a database that was given for planning, at most
	// a few things of many, and whether it bears our mark: then a run that was
	// killed left them.
	Look func(ctx context.Context, s Session) (found []string, marked bool, err error)

	// Mark sets the mark or takes it away.
	Mark func(ctx context.Context, s Session, on bool) error

	// Empty takes away whatever Look finds.
	Empty func(ctx context.Context, s Session) error

	// Within makes a schema in a database that was given, and gives the
	// database with that as its current one; nil where there are no schemas.
	Within func(ctx context.Context, s Session, d Database, schema string) (Database, error)

	// Strays is why a statement would reach beyond the database that it is
	// run in, to the server or to another database: it must not be run for
	// planning. "" where it would not, as far as its leading words tell.
	Strays func(st sqltext.Statement, v Server) string

	// Loosen has the session take references to tables that are not there
	// yet, so that two tables may name one another; nil where they can be
	// written in another way only, or need nothing.
	Loosen func(ctx context.Context, s Session) error

	// Dangling are the references that lead nowhere after that.
	Dangling func(ctx context.Context, s Session) ([]string, error)
}

// ScratchTable is the mark of a scratch database on a product whose databases
// bear no comment. It is ours, as the lock's table is.
const ScratchTable = "dbwarden_scratch"

// scratchPrefix begins the name of every database that is made for planning.
const scratchPrefix = "dbwarden_scratch_"

// ScratchAge is after what time a database for planning was left behind.
const ScratchAge = 24 * time.Hour

// NewScratchName is the name of a new database for planning: random, and fit
// to be recognised.
func NewScratchName() string { return scratchPrefix + strings.ToLower(rand.Text()) }

// IsScratchName says whether a database is called as those made for planning
// are. The mark in it decides.
func IsScratchName(name string) bool {
	random, ok := strings.CutPrefix(name, scratchPrefix)
	return ok && len(random) == len(rand.Text())
}

// dropTime is what it may take to drop a database: PostgreSQL writes a
// checkpoint for that, which takes its time on a busy server.
const dropTime = 2 * time.Minute

// Cleanup drops a database also after the run's own context ended.
func Cleanup(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTime)
	defer cancel()
	return do(ctx)
}
