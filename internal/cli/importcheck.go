package cli

import (
	"context"
	"fmt"

	"github.com/dbwarden-go/dbwarden/internal/foreign"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// An unequalError says that migrations which were made of another tool's do
// not lead to the schema that the other tool's lead to.
type unequalError struct {
	tool   string
	missed []schema.Change
}

func (e *unequalError) Error() string {
	return fmt.Sprintf("the migrations do not lead to the schema that those of %s lead to", e.tool)
}

// unequal tells what is another.
func unequal(d *description, e *unequalError) {
	d.State = []string{"nothing was written, and no database was changed"}
	d.Changes = e.missed
	for _, c := range e.missed {
		d.State = append(d.State, "is not as it should be: "+c.String())
	}
	d.Next = []string{"look at what becomes of the files with --dry-run; a repeatable migration runs behind all versioned ones here"}
}

// checkImport runs the other tool's statements in one scratch database, our
// files in another, and compares what becomes of them.
func (a *app) checkImport(ctx context.Context, t *target, p *foreign.Project, files []foreign.File, o foreign.Options) error {
	folder := foreign.Folder(files)
	set, err := migration.Load(folder, o.Lexis)
	if err != nil {
		return err
	}
	made, err := proven.SchemasOf(set)
	if err != nil {
		return err
	}
	spaces := made
	var stretches []proven.Stretch
	for _, c := range p.Changes {
		statements, err := c.Statements(o)
		if err != nil {
			return err
		}
		stretches = append(stretches, proven.Stretch{Name: c.Source.File, Statements: statements})
	}
	var theirs, ours *schema.State
	run := func(state **schema.State, how func(proven.Prover, *scratch.Scratch) (*schema.State, error)) error {
		return a.inScratch(ctx, t, func(d *scratch.Scratch) error {
			server, err := a.staying(ctx, t, a.prover(t, "import", nil), d, set, migration.Up)
			if err != nil {
				return err
			}
			if len(spaces) > 0 {
				spaces = append([]string{server.Schema}, made...)
			}
			if *state, err = how(a.prover(t, "import", spaces), d); err == nil && server.Schema == server.Database {
				unnamed(*state) // a random name
			}
			return err
		})
	}
	if !p.Kept() { // else both ways are one
		err = run(&theirs, func(p proven.Prover, d *scratch.Scratch) (*schema.State, error) { return p.Run(ctx, d, stretches) })
		if err != nil {
			return fmt.Errorf("run the statements of %s in a scratch database: %w", p.Tool.Title, err)
		}
	}
	err = run(&ours, func(p proven.Prover, d *scratch.Scratch) (*schema.State, error) {
		return p.Replay(ctx, d, folder, plan.Target{})
	})
	if err != nil {
		return fmt.Errorf("run the migrations in a scratch database: %w", err)
	}
	if p.Kept() {
		return nil
	}
	if missed := proven.Missed(ours, theirs, nil); len(missed) > 0 {
		return &unequalError{p.Tool.Title, missed}
	}
	return nil
}
