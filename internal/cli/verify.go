package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/schema"
)

// slow is after how long verify says where it is, each time.
const slow = 5 * time.Second

func (a *app) verifyCommand() *cobra.Command {
	var data bool
	cmd := &cobra.Command{
		Use:   "verify [FILE|VERSION...]",
		Short: "Prove that each rollback leads back, in a scratch database",
		Long: "Runs every migration of the folder, or the named ones behind those before them, in a scratch database: there, back and\n" +
			"there again. Says which rollbacks do not lead back to the schema that was there, and what does not run. At the end all are\n" +
			"rolled back together. The database that is migrated is not looked at, and only schemas are compared, not rows\n" +
			"but with --data.\n\n" +
			"  +  is missing behind the rollback\n  -  is left by it\n  ~  is another one\n\n" +
			"It exits with 6 when something is to be mended. A migration without a rollback section is named, and is no fault.",
		Example: "  dbwarden verify\n  dbwarden verify 0042\n  dbwarden verify migrations/0042_add_email.sql\n  dbwarden verify -o json",
		Args:    cobra.ArbitraryArgs,
	}
	cmd.Flags().BoolVar(&data, "data", false, "generate rows for every table, and say what a rollback loses of them")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.each(cmd, wardenOptions{use: useFolder, folder: true}, func(ctx context.Context, t *target) error {
			return a.verify(ctx, cmd, t, args, data)
		})
	}
	return cmd
}

func (a *app) verify(ctx context.Context, cmd *cobra.Command, t *target, args []string, data bool) error {
	folder := os.DirFS(t.MigrationsDir)
	set, err := t.wants.Load(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return &folderError{t.MigrationsDir}
	}
	if err != nil {
		return &runError{err: err, target: t}
	}
	named, err := a.named(t, set, args)
	if err != nil {
		return err
	}
	made, err := proven.SchemasOf(set)
	if err != nil {
		return &runError{err: err, target: t}
	}
	f := proven.Folder{FS: folder, Set: set, Data: data, Told: a.proving(t)}
	if len(named) > 0 {
		f.Wanted = func(m *migration.Migration) bool { return named[m.File] }
	}
	all, err := f.Prove(ctx, func(do func(proven.Prover, engine.Database) error) error {
		return a.inScratch(ctx, t, func(d *scratch.Scratch) error {
			p := a.prover(t, "verify", nil)
			server, err := a.staying(ctx, t, p, d, set, migration.Up, migration.Down)
			if err != nil {
				return err
			}
			p.Spread(made, server)
			return do(p, d)
		})
	})
	if err != nil {
		return &runError{err: err, target: t}
	}
	v := &verified{app: a, ctx: ctx, t: t, each: all.Each, whole: all.Whole, data: data, unfilled: all.Unfilled}
	if a.json() {
		err = v.document(cmd)
	} else {
		v.show()
	}
	if err == nil && v.bad() {
		err = foundError{exitFound}
	}
	return err
}

// named are the files of the folder that arguments name.
func (a *app) named(t *target, set *migration.Set, args []string) (map[string]bool, error) {
	named := map[string]bool{}
	for _, arg := range args {
		name := filepath.Base(arg)
		if v, err := migration.ParseVersion(arg); err == nil {
			m := set.Find(v)
			if m == nil {
				return nil, &usageError{fmt.Sprintf("no migration in %s has version %s", a.relative(t.MigrationsDir), v), "dbwarden status lists the versions"}
			}
			name = m.File
		}
		if !slices.ContainsFunc(set.Migrations, func(m *migration.Migration) bool { return m.File == name }) {
			return nil, &usageError{fmt.Sprintf("%s is no migration in %s", arg, a.relative(t.MigrationsDir)), "name files or versions of that folder; --migrations-dir names another one"}
		}
		named[name] = true
	}
	return named, nil
}

// proving says now and then where a long proof is.
func (a *app) proving(t *target) func(n, of int, m *migration.Migration) {
	last := time.Now()
	return func(n, of int, m *migration.Migration) {
		if a.quiet || time.Since(last) < slow {
			return
		}
		last = time.Now()
		fmt.Fprintf(a.Stderr, "Proving %d of %d: %s\n", n, of, t.path(m.File))
	}
}

// verified is what verify found out.
type verified struct {
	*app
	ctx   context.Context
	t     *target
	each  []proven.Proof
	whole *proven.Proof

	data     bool
	unfilled map[schema.ID]string
}

func (v *verified) bad() bool {
	return slices.ContainsFunc(v.each, func(p proven.Proof) bool { return p.Verdict.Bad() }) || v.whole != nil && v.whole.Verdict.Bad()
}

// fault describes why a way could not be gone. What becomes of lock and
// database is not told: they were made for this.
func (v *verified) fault(p proven.Proof) description {
	d := v.describe(&runError{err: p.Err, target: v.t}, v.ctx)
	d.State, d.Next = nil, nil
	return d
}

// faultOf says what is wrong with one, or nothing. Where several things are, the
// others come of the first.
func faultOf(p proven.Proof) string {
	switch {
	case len(p.Back) > 0:
		return "its rollback does not lead back"
	case len(p.Again) > 0 && p.Migration != nil && p.Migration.Kind != migration.Versioned:
		return "run a second time, what runs always leads to another schema"
	case len(p.Again) > 0:
		return "run again behind its rollback it leads to another schema"
	case p.Verdict == proven.Failed:
		return "fails on " + p.On
	case p.Verdict == proven.Irreversible:
		return "irreversible: it has no rollback section"
	case p.Verdict == proven.Unreached:
		return "not tried, since one before it fails"
	}
	return ""
}

func (v *verified) show() {
	st := v.style(v.Stdout)
	count := map[proven.Verdict]int{}
	for _, p := range v.each {
		count[p.Verdict]++
		file := v.t.path(p.Migration.File)
		switch p.Verdict {
		case proven.Differs:
			v.differs(st, file, p)
		case proven.Failed:
			v.fails(st, file, p)
		case proven.Irreversible:
			fmt.Fprintf(v.Stdout, "%s: %s\n", file, st.Warn(faultOf(p)))
		case proven.Unreached:
			if v.verbose {
				fmt.Fprintf(v.Stdout, "%s: %s\n", file, faultOf(p))
			}
		default:
			if v.verbose {
				fmt.Fprintf(v.Stdout, "%s: %s\n", file, st.Good(string(p.Verdict)))
			}
		}
		v.loses(st, file, p)
	}
	if v.whole != nil {
		v.together(st, *v.whole)
	}
	for _, id := range v.cannotFill() {
		fmt.Fprintf(v.Stdout, "%s: %s\n", st.Warn("no rows could be generated for "+render.Plain(id.String())), render.Plain(v.masked(v.unfilled[id])))
	}
	var parts []string
	for _, verdict := range []proven.Verdict{proven.Proven, proven.Differs, proven.Failed, proven.Irreversible, proven.Repeats, proven.Unreached} {
		if n := count[verdict]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", map[proven.Verdict]string{proven.Proven: "proven", proven.Differs: "not leading back", proven.Failed: "failed",
				proven.Irreversible: "irreversible", proven.Repeats: "repeatable", proven.Unreached: "not tried"}[verdict], n))
		}
	}
	if len(parts) == 0 {
		fmt.Fprintln(v.Stdout, "Nothing to verify: there are no migrations.")
		return
	}
	fmt.Fprintf(v.Stdout, "Verified %s. %s\n", counted(len(v.each), "migration"), strings.Join(parts, ", "))
}

func (v *verified) differs(st render.Style, what string, p proven.Proof) {
	fmt.Fprintf(v.Stdout, "%s: %s\n", what, st.Bad(faultOf(p)))
	changes := p.Back
	if len(changes) == 0 {
		changes = p.Again
	}
	render.Changes(v.Stdout, st, changes)
}

func (v *verified) fails(st render.Style, what string, p proven.Proof) {
	d := v.fault(p)
	if len(p.Back) > 0 {
		v.differs(st, what, p)
	}
	fmt.Fprintf(v.Stdout, "%s: %s: %s\n", what, st.Bad("fails on "+p.On), d.Message)
	if d.Caret != "" {
		fmt.Fprintln(v.Stdout, d.Caret)
	}
	for _, k := range []string{"code", "detail", "hint"} {
		if s := d.Server[k]; s != "" {
			fmt.Fprintf(v.Stdout, "  %s%s\n", st.Dim(k+": "), strings.ReplaceAll(s, "\n", "\n    "))
		}
	}
}

// loses tells what the rollback of one loses of generated rows.
func (v *verified) loses(st render.Style, file string, p proven.Proof) {
	told := slices.DeleteFunc(slices.Clone(p.Lost), func(l proven.Loss) bool { return l.Since && !v.verbose }) // as with any new table
	if len(told) == 0 {
		return
	}
	fmt.Fprintf(v.Stdout, "%s: %s\n", file, st.Warn("loses rows or values when it is rolled back"))
	for _, l := range told {
		why := fmt.Sprintf("%d of %d that were there before", l.Had-l.Kept, l.Had)
		if l.Since {
			why = "what was written into it since"
		}
		fmt.Fprintf(v.Stdout, "  %s %s: %s\n", st.Bad("!"), render.Plain(l.Object.String()), why)
	}
}

// cannotFill are the tables without rows, in order.
func (v *verified) cannotFill() (ids []schema.ID) {
	for id := range v.unfilled {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b schema.ID) int { return strings.Compare(a.String(), b.String()) })
	return ids
}

// together tells of all of them in a row.
func (v *verified) together(st render.Style, p proven.Proof) {
	const all = "All together"
	switch p.Verdict {
	case proven.Proven:
		if v.verbose {
			fmt.Fprintf(v.Stdout, "%s: %s\n", all, st.Good("proven"))
		}
	case proven.Differs:
		v.differs(st, all, p)
	case proven.Failed:
		v.fails(st, all, p)
	}
}

func (v *verified) document(cmd *cobra.Command) error {
	list := []map[string]any{}
	for _, p := range v.each {
		row := v.row(p)
		row["file"] = filepath.ToSlash(v.t.path(p.Migration.File))
		if !p.Migration.Version.IsZero() {
			row["version"] = p.Migration.Version.String()
		}
		list = append(list, row)
	}
	doc := map[string]any{"migrations": list, "proven": !v.bad()}
	if v.whole != nil {
		doc["together"] = v.row(*v.whole)
	}
	if v.data {
		unfilled := []map[string]any{}
		for _, id := range v.cannotFill() {
			unfilled = append(unfilled, map[string]any{"object": id, "message": v.masked(v.unfilled[id])})
		}
		doc["unfilled"] = unfilled
	}
	return v.app.document(cmd, v.t, doc)
}

func (v *verified) row(p proven.Proof) map[string]any {
	row := map[string]any{"verdict": p.Verdict}
	put := func(k string, all []schema.Change) {
		if len(all) > 0 {
			row[k] = all
		}
	}
	put("back", p.Back)
	put("again", p.Again)
	if len(p.Lost) > 0 {
		row["lost"] = p.Lost
	}
	if p.Verdict == proven.Failed {
		row["on"] = p.On
		row["error"] = v.fault(p).document()
	}
	return row
}
