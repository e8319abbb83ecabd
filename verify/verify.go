// Package verify proves the migrations of a folder as `dbwarden verify` does:
// each runs in a scratch database, there, back and there again, and the schemas
// on the way are compared. The database that is planned for is at most read.
//
// It is a package of its own, and not a verb of the Warden, so that a service
// which only migrates does not link what reads and compares schemas. Its place
// is a test:
//
//	func TestMigrations(t *testing.T) {
//		db, err := postgres.Engine().Open(os.Getenv("TEST_DATABASE_URL"), engine.OpenOptions{})
//		…
//		res, err := verify.Run(t.Context(), dbwarden.Config{Engine: postgres.Engine(), Database: db, Migrations: folder},
//			verify.Options{Inspect: pgschema.Inspect})
//		if err == nil {
//			err = res.Err()
//		}
//		if err != nil {
//			t.Fatal(err)
//		}
//	}
package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/schema"
)

// Options say how a folder is proven. Inspect is required.
type Options struct {
	// Inspect reads a schema: pgschema.Inspect, myschema.Inspect or
	// liteschema.Inspect, of the engine that the Config has.
	Inspect func(context.Context, engine.Session, schema.Options) (*schema.State, error)

	// Digest tells for less than Inspect whether a schema is another one; nil:
	// nothing does. There is liteschema.Digest.
	Digest func(context.Context, engine.Session) (string, error)

	// Dev is an empty database of the same product in which to do it; it is
	// emptied behind it. nil: a new one is made beside Config.Database, which on
	// PostgreSQL takes the right CREATEDB, and on MariaDB and MySQL rights on
	// `dbwarden\_scratch\_%`. On SQLite it is memory in any case.
	Dev engine.Database

	// Schema is the one that the database was opened with
	// (engine.OpenOptions.Schema), where Dev is to have it too.
	Schema string

	// Only says which migrations are proven: others run where these need them.
	// nil: all, and then all of them together as well.
	Only func(*migration.Migration) bool

	// Data has rows generated for every table, and tells what a rollback loses
	// of them.
	Data bool

	// Told is called before each migration that is proven; nil: nobody.
	Told func(n, of int, m *migration.Migration)
}

// A Verdict is what became of one migration.
type Verdict string

const (
	// Proven: its rollback led back to the schema before it, and it led to the
	// same schema again.
	Proven Verdict = "proven"
	// Differs: one of its ways led elsewhere.
	Differs Verdict = "differs"
	// Failed: one of its ways could not be gone.
	Failed Verdict = "failed"
	// Irreversible: it has no rollback section, which is no fault.
	Irreversible Verdict = "irreversible"
	// Repeats: a repeatable migration, which has no way back, ran.
	Repeats Verdict = "repeats"
	// Unreached: it was not tried, since one before it failed.
	Unreached Verdict = "unreached"
)

// Bad says that something is to be mended.
func (v Verdict) Bad() bool { return v == Differs || v == Failed }

// A Proof is a verdict with its reasons.
type Proof struct {
	Migration *migration.Migration // nil: all of the folder together
	Verdict   Verdict

	On  string // of Failed: "the way there", "the way back", "the way there again"
	Err error  // of Failed: a *dbwarden.MigrationError, or what kept it from running

	// Back are the differences between the schema behind the rollback and the
	// one before the migration: what is Added is missing, what is Removed was
	// left. Again are those between its two ways there.
	Back, Again []schema.Change

	// Lost is what the rollback lost of generated rows.
	Lost []Loss
}

// A Loss is what of generated rows is gone behind a rollback.
type Loss struct {
	Object schema.ID // a table whose rows, or a column whose values, are gone
	Had    int
	Kept   int

	// Since: the rollback takes the object away with what was written into it
	// since the migration. Else it was there before.
	Since bool
}

// Result is what became of a folder.
type Result struct {
	Each  []Proof // in the order in which they run
	Whole *Proof  // of all together; nil with Options.Only, and of an empty folder

	// Unfilled are the tables for which no row could be generated, with the
	// server's last word.
	Unfilled map[schema.ID]string
}

// Err is nil where nothing is to be mended, else a *Error.
func (r *Result) Err() error {
	var bad []Proof
	for _, p := range r.Each {
		if p.Verdict.Bad() {
			bad = append(bad, p)
		}
	}
	if r.Whole != nil && r.Whole.Verdict.Bad() {
		bad = append(bad, *r.Whole)
	}
	if bad == nil {
		return nil
	}
	return &Error{bad}
}

// An Error says which migrations are to be mended, and why. Mend their files,
// or, where they are applied already, write new ones.
type Error struct{ Proofs []Proof }

func (e *Error) Error() string {
	var lines []string
	for _, p := range e.Proofs {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// Unwrap are the errors of those that failed.
func (e *Error) Unwrap() (all []error) {
	for _, p := range e.Proofs {
		if p.Err != nil {
			all = append(all, p.Err)
		}
	}
	return all
}

// String is one line of what is wrong, and one for each difference: + is missing
// behind the rollback, - is left by it, ~ is another one.
func (p Proof) String() string {
	what := "all together"
	if p.Migration != nil {
		what = p.Migration.File
	}
	var lines []string
	tell := func(why string, changes []schema.Change) {
		if len(changes) == 0 {
			return
		}
		lines = append(lines, what+": "+why+":")
		for _, c := range changes {
			sign := map[schema.Op]string{schema.Added: "+", schema.Removed: "-", schema.Changed: "~"}[c.Op]
			lines = append(lines, "  "+sign+" "+c.ID.String())
		}
	}
	tell("its rollback does not lead back", p.Back)
	tell("run again it leads to another schema", p.Again)
	if p.Verdict == Failed {
		lines = append(lines, fmt.Sprintf("%s fails on %s: %v", what, p.On, p.Err))
	}
	if lines == nil {
		return what + ": " + string(p.Verdict)
	}
	return strings.Join(lines, "\n")
}

// Run proves the migrations of c's folder. Of c it takes Engine, Database,
// Migrations and Go, or Loaded, Env and Vars; conditions are not asked, hooks not
// called. Functions of migrations in Go are called, several times, and what they
// do outside of the database is done.
//
// An error is that of the place or of the folder: migration.Problems, a
// *DeniedError, a *UnfitError, a migration that would reach beyond its database,
// or the database's own. What a migration does wrong is in the Result, and in
// its Err. The scratch database is taken away in any case, also where ctx ends.
func Run(ctx context.Context, c dbwarden.Config, o Options) (*Result, error) {
	if o.Inspect == nil {
		return nil, errors.New("verify: Options need Inspect, as pgschema.Inspect")
	}
	if c.Engine == nil || c.Database == nil {
		return nil, errors.New("verify: Config needs an Engine and a Database")
	}
	set := c.Loaded
	if set == nil {
		if c.Migrations == nil && len(c.Go) == 0 {
			return nil, errors.New("verify: Config needs Migrations")
		}
		var err error
		if set, err = c.Load(c.Migrations); err != nil {
			return nil, err
		}
	}
	made, err := proven.SchemasOf(set)
	if err != nil {
		return nil, err
	}
	f := proven.Folder{FS: c.Migrations, Set: set, Wanted: o.Only, Data: o.Data, Told: o.Told}
	all, err := f.Prove(ctx, func(do func(proven.Prover, engine.Database) error) (err error) {
		d, err := scratch.Open(ctx, c.Engine, c.Database, o.Dev, o.Schema)
		if err != nil {
			return named(err)
		}
		// Also where ctx has ended.
		defer func() { err = errors.Join(err, d.Close(ctx)) }()
		p := proven.Prover{
			Engine: c.Engine, Inspect: o.Inspect, Digest: o.Digest, Options: schema.Options{Own: append(proven.OwnTables(), engine.ScratchTable)},
			Holder: c.Holder, Env: c.Env, Vars: c.Vars,
		}
		server, err := p.Stays(ctx, d, set, func(file string) string { return file }, migration.Up, migration.Down)
		if err != nil {
			return err
		}
		p.Spread(made, server)
		return do(p, d)
	})
	if err != nil {
		return nil, err
	}
	res := &Result{Unfilled: all.Unfilled}
	for _, p := range all.Each {
		res.Each = append(res.Each, proofOf(p))
	}
	if all.Whole != nil {
		whole := proofOf(*all.Whole)
		res.Whole = &whole
	}
	return res, nil
}

func proofOf(p proven.Proof) Proof {
	out := Proof{Migration: p.Migration, Verdict: Verdict(p.Verdict), On: p.On, Err: p.Err, Back: p.Back, Again: p.Again}
	for _, l := range p.Lost {
		out.Lost = append(out.Lost, Loss(l))
	}
	return out
}

// A DeniedError says that the user may make no database for it. Run Grant as
// somebody who may, or set Options.Dev.
type DeniedError struct {
	Grant string // SQL
	Err   error
}

func (e *DeniedError) Error() string {
	return "no right to make a scratch database: " + e.Err.Error() + "; run " + e.Grant + " or give an empty database as Dev"
}
func (e *DeniedError) Unwrap() error { return e.Err }

// An UnfitError says why Options.Dev cannot be used: it is the database that is
// planned for, holds something, or is reached through a pooler.
type UnfitError struct{ Label, Why string }

func (e *UnfitError) Error() string { return "Dev, " + e.Label + ", cannot be used: " + e.Why }

// named gives errors of the scratch database names that a program can ask for.
func named(err error) error {
	if e, ok := errors.AsType[*scratch.DeniedError](err); ok {
		return &DeniedError{e.Grant, e.Err}
	}
	if e, ok := errors.AsType[*scratch.UnfitError](err); ok {
		return &UnfitError{e.Label, e.Why}
	}
	return err
}
