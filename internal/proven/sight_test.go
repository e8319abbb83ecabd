package proven_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/engine/sqlite/liteschema"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/schema"
)

// listed counts how often a folder is loaded.
type listed struct {
	fs.FS
	n *atomic.Int32
}

func (l listed) ReadDir(name string) ([]fs.DirEntry, error) {
	l.n.Add(1)
	return fs.ReadDir(l.FS, name)
}

// counted counts the sessions of a database that look and do nothing else.
type counted struct {
	engine.Database
	looking *atomic.Int32
}

func (c counted) Connect(ctx context.Context, o engine.ConnectOptions) (engine.Session, error) {
	if o.ReadOnly && o.App == "dbwarden verify" {
		c.looking.Add(1)
	}
	return c.Database.Connect(ctx, o)
}

// A folder is loaded once, whatever its length; one session looks at each
// database; and of the states of a migration that leads back, the one is read
// that was not there before.
func TestAProofLooksAsOftenAsItMust(t *testing.T) {
	t.Parallel()
	const n = 12
	files := fstest.MapFS{}
	for i := range n {
		files[fmt.Sprintf("%04d_m.sql", i+1)] = &fstest.MapFile{Data: fmt.Appendf(nil, "-- upgrade\nCREATE TABLE t%d (n INTEGER);\n-- rollback\nDROP TABLE t%[1]d;\n", i)}
	}
	var loads, looking, read, databases atomic.Int32
	folder := listed{files, &loads}
	p, set, main := proving(t, folder)
	p.Digest = liteschema.Digest
	p.Inspect = func(ctx context.Context, s engine.Session, o schema.Options) (*schema.State, error) {
		read.Add(1)
		return liteschema.Inspect(ctx, s, o)
	}
	all, err := proven.Folder{FS: folder, Set: set}.Prove(t.Context(), func(do func(proven.Prover, engine.Database) error) error {
		databases.Add(1)
		d, err := scratch.Open(t.Context(), p.Engine, main, nil, "")
		if err != nil {
			return err
		}
		return errors.Join(do(p, counted{d, &looking}), d.Close(t.Context()))
	})
	if err != nil || len(all.Each) != n || all.Whole.Verdict != proven.Proven {
		t.Fatal(all, err)
	}
	for _, one := range all.Each {
		if one.Verdict != proven.Proven {
			t.Errorf("%s: %s", one.Migration.File, one.Verdict)
		}
	}
	if loads.Load() != 1 || looking.Load() != databases.Load() || databases.Load() != 2 {
		t.Errorf("%d loads, %d sessions that look at %d databases; want 1, 2 and 2", loads.Load(), looking.Load(), databases.Load())
	}
	// Of all together: empty, there, back where our own tables are, and there.
	if got := read.Load(); got > n+6 {
		t.Errorf("%d inspections for %d migrations", got, n)
	}
}
