package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/internal/squash"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// squashFlags are those of squash.
type squashFlags struct {
	description, from, to, version string
	offline, yes, dry              bool
	undo, prune                    bool

	first, last migration.Version
	wait        waitFlags
}

func (a *app) squashCommand() *cobra.Command {
	var f squashFlags
	cmd := &cobra.Command{
		Use:   "squash [DESCRIPTION | --undo [VERSION] | --prune [VERSION]]",
		Short: "Make of many migrations one file that leads where they lead",
		Long: "Writes one migration that stands for those from one version to another one, and keeps what they do to rows. Before it is\n" +
			"kept, the old files and the new one run there, back and there again in scratch databases, and schema and rows are\n" +
			"compared; what is not the same is not written. New databases run the new file alone. Those that ran the old ones run\n" +
			"nothing, and a note of it comes into their history. The old files stay until --prune deletes them; until then --undo\n" +
			"takes the squash back.",
		Example: "  dbwarden squash --dry-run\n  dbwarden squash --to 0040\n  dbwarden squash \"first year\" --from 0001 --to 0040 --yes\n" +
			"  dbwarden squash --undo\n  dbwarden squash --prune --all --yes",
		Args: atMostOne("squash takes one description, or one version with --undo and --prune", "put a description into quotes"),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.from, "from", "", "the first `VERSION`; without it the first of the folder")
	fs.StringVar(&f.to, "to", "", "the last `VERSION`, which is in it; without it the last of the folder")
	fs.StringVar(&f.version, "version", "", "this `VERSION` for the new file instead of the next one")
	fs.BoolVar(&f.offline, "offline", false, "look into no database but the scratch ones, and note nothing in a history")
	fs.BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	fs.BoolVar(&f.dry, "dry-run", false, "print the file, proven, and write nothing")
	fs.BoolVar(&f.undo, "undo", false, "take a squash back: databases go by the old files again, and the file that stands for them is deleted")
	fs.BoolVar(&f.prune, "prune", false, "delete the old files, when it is proven once more and the database does not need them")
	f.wait.addWait(cmd)
	a.completeVersions(cmd, "from")
	a.completeVersions(cmd, "to")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.wait.check(cmd); err != nil {
			return err
		}
		if f.undo || f.prune {
			if f.undo && f.prune {
				return usagef("--undo and --prune contradict each other")
			}
			for _, name := range []string{"from", "to", "version"} {
				if cmd.Flags().Changed(name) {
					return usagef("--%s means nothing with --undo and --prune", name)
				}
			}
			var v migration.Version
			if len(args) > 0 {
				var err error
				if v, err = migration.ParseVersion(args[0]); err != nil {
					return usagef("%v", err)
				}
			}
			return a.keep(cmd, &f, v)
		}
		var err error
		if f.description, err = describedBy(args); err != nil {
			return err
		}
		if a.all {
			return &usageError{"squash works on one folder", "name the database with -d instead of --all; migrate --all notes it in the others"}
		}
		for _, v := range []struct {
			flag, text string
			into       *migration.Version
		}{{"from", f.from, &f.first}, {"to", f.to, &f.last}} {
			if v.text == "" {
				continue
			}
			if *v.into, err = migration.ParseVersion(v.text); err != nil {
				return usagef("--%s: %v", v.flag, err)
			}
		}
		return a.each(cmd, wardenOptions{use: useFolder, folder: true, wait: &f.wait, observe: a.observer(words{})}, func(ctx context.Context, t *target) error {
			if err := a.squash(ctx, cmd, t, &f); err != nil {
				return &runError{err: err, target: t}
			}
			return nil
		})
	}
	return cmd
}

// squashing is one squashed migration in the making.
type squashing struct {
	*app
	t      *target
	f      *squashFlags
	folder fs.FS
	set    *migration.Set
	of     *squash.Range
	prover proven.Prover
	server engine.Server
	name   string

	rest bool               // the files behind it are gone through, too
	old  *proven.Road       // of the old files
	was  *proven.Road       // the same, with rows in the tables from below; nil: there are none, or they do not run so
	skip map[schema.ID]bool // columns that get another value each time
	open []string           // what is not proven

	oneWay string // why there is no way back; "" for there is one
	style  squash.Style
	text   string
	passed []string // why what would have been shorter was not taken
}

func (a *app) squash(ctx context.Context, cmd *cobra.Command, t *target, f *squashFlags) error {
	s := &squashing{app: a, t: t, f: f}
	var err error
	if !f.dry {
		var locks folderLocks
		defer locks.release()
		if err := locks.take(ctx, t); err != nil {
			return err
		}
	}
	if s.folder, err = wholeFolder(t, f.dry); err != nil {
		return err
	}
	if s.set, err = t.wants.Load(s.folder); err != nil {
		return err
	}
	if s.of, err = squash.Choose(s.set, f.first, f.last); err != nil {
		return err
	}
	if err := s.of.Refused(); err != nil {
		return err
	}
	if !f.offline {
		if err := s.settled(ctx); err != nil {
			return err
		}
	}
	version, err := a.nextVersion(t.MigrationsDir, f.version)
	if err != nil {
		return err
	}
	slug := slugOf(f.description)
	if slug == "" {
		slug = "squashed_" + strings.ReplaceAll(s.of.Name(), " ", "_")
	}
	s.name = version + "_" + slug + ".sql"
	if err := s.keepsOrder(s.of.Probe()); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.walkOld(ctx); err != nil {
		return err
	}
	if err := s.find(ctx); err != nil {
		return err
	}
	if f.dry {
		return s.show(cmd, nil)
	}
	if !f.yes && a.asks() {
		if err := s.consent(ctx); err != nil {
			return err
		}
	}
	path := filepath.Join(t.MigrationsDir, s.name)
	switch made, err := createWhole(path, s.text); {
	case err != nil:
		return err
	case !made:
		return fmt.Errorf("%s exists already", a.relative(path))
	}
	var noted *dbwarden.Result
	if !f.offline {
		noted, err = t.warden.Track(ctx)
		a.letStop()
		if err != nil {
			return fmt.Errorf("%s is written and stands; that this database has it already is not noted in its history, which the next migrate does: %w", a.relative(path), err)
		}
	}
	return s.show(cmd, noted)
}

// settled refuses where one of the old ones is half done: what it is to become
// decides what the history has.
func (s *squashing) settled(ctx context.Context) error {
	l, err := s.t.warden.Lock(ctx)
	if errors.Is(err, engine.ErrNoDatabase) {
		return nil
	}
	if err != nil || l.Unfinished == nil {
		return err
	}
	for _, m := range s.of.Old {
		if plan.SameMigration(l.Unfinished, m.Version.String(), m.File) {
			code := plan.HalfApplied
			if l.Unfinished.Direction == migration.Down {
				code = plan.HalfReverted
			}
			return &plan.Refusal{Code: code, Items: []plan.Item{{Version: m.Version.String(), File: m.File}}, Progress: l.Progress}
		}
	}
	return nil
}

// prepare finds out what a scratch database is like, and refuses what would
// reach beyond it.
func (s *squashing) prepare(ctx context.Context) error {
	config := s.t.wants
	set, err := config.Load(s.only(s.of.Below, s.of.Old))
	if err != nil {
		return err
	}
	made, err := proven.SchemasOf(set)
	if err != nil {
		return err
	}
	return s.inScratch(ctx, s.t, func(d *scratch.Scratch) error {
		s.prover = s.app.prover(s.t, "squash", nil)
		if s.server, err = s.staying(ctx, s.t, s.prover, d, set, migration.Up, migration.Down); err != nil {
			return err
		}
		if s.rest = len(s.of.Above) > 0; s.rest {
			above, err := config.Load(s.only(s.of.Above))
			if err != nil {
				return err
			}
			if _, err := s.staying(ctx, s.t, s.prover, d, above, migration.Up); err != nil {
				s.rest = false
				s.notProven("where the files behind it lead: %v", err)
			}
			more, err := proven.SchemasOf(above)
			if err != nil {
				return err
			}
			made = append(made, more...)
		}
		if len(made) > 0 {
			s.prover = s.app.prover(s.t, "squash", append([]string{s.server.Schema}, made...))
		}
		return nil
	})
}

// notProven notes what is said beside the proof.
func (s *squashing) notProven(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(s.open, text) {
		s.open = append(s.open, text)
	}
}

func (s *squashing) showNotProven() {
	for _, text := range s.maskedAll(s.open) {
		fmt.Fprintf(s.Stderr, "%s not proven: %s\n", s.app.style(s.Stderr).Warn("Warning:"), render.Plain(text))
	}
}

// before is the folder as it was without the new file, after as it is with this one.
func (s *squashing) before() fs.FS { return proven.Without(s.folder, []string{s.name}) }
func (s *squashing) after(text string) fs.FS {
	return proven.With(s.before(), s.name, []byte(text))
}

// keepsOrder refuses a text with which a new database would run the others in
// another order.
func (s *squashing) keepsOrder(text string) error {
	old, err := s.t.wants.Load(s.before())
	if err != nil {
		return err
	}
	now, err := s.t.wants.Load(s.after(text))
	if err != nil {
		return err
	}
	return s.of.KeepsOrder(old, now, s.name)
}

// only is the folder with these migrations and no others.
func (s *squashing) only(kept ...[]*migration.Migration) fs.FS {
	stay := map[string]bool{}
	for _, ms := range kept {
		for _, m := range ms {
			stay[m.File] = true
		}
	}
	var hidden []string
	for _, m := range s.set.Migrations {
		if !stay[m.File] {
			hidden = append(hidden, m.File)
		}
	}
	return proven.Without(s.folder, hidden)
}

// road goes one road in a scratch database of its own.
func (s *squashing) road(ctx context.Context, t proven.Route) (r *proven.Road, err error) {
	t.Below, t.Rest = len(s.of.Below), s.rest && !t.Fill
	err = s.inScratch(ctx, s.t, func(d *scratch.Scratch) error {
		r, err = s.prover.Road(ctx, d, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	if s.server.Schema == s.server.Database { // a random name
		for _, state := range append(slices.Clone(r.Stops), r.There.State, r.Back.State, r.Again.State, r.Whole.State) {
			if state != nil {
				unnamed(state)
			}
		}
	}
	if t.Rest && r.Err != nil && r.On != "the way there" {
		t.Back, t.Stops = false, nil // what lies behind is looked at all the same
		more, err := s.road(ctx, t)
		if err != nil {
			return nil, err
		}
		r.Whole, r.Beyond = more.Whole, more.Beyond
	}
	return r, nil
}

// walkOld goes the road of the old files.
func (s *squashing) walkOld(ctx context.Context) (err error) {
	if m := s.of.OneWay(); m != nil && s.oneWay == "" {
		s.oneWay = s.t.path(m.File) + " has no rollback section"
	}
	plannable := 0
	if s.t.product.Plan != nil && !s.t.product.PlanSaysDefaults && s.text == "" {
		if plannable, err = s.of.Plannable(s.t.product.Engine, s.server, s.t.product.Check().Dialect); err != nil {
			return err
		}
	}
	var stops []int
	if plannable > 0 {
		stops = []int{0, plannable}
	}
	way := proven.Route{Folder: s.before(), N: len(s.of.Old), Stops: stops, Back: s.oneWay == ""}
	if s.old, err = s.road(ctx, way); err != nil {
		return err
	}
	switch {
	case s.old.Err != nil && s.old.On == "the way there":
		return fmt.Errorf("the old files do not run on an empty database: %w", s.old.Err)
	case s.old.Err != nil && s.old.On == "the way back":
		s.oneWay = "the old files themselves fail on the way back: " + s.old.Err.Error()
	}
	if s.old.Beyond != nil {
		s.notProven("where the files behind it lead, which do not run on an empty database: %v", s.old.Beyond)
	}
	if err := s.walkOldFilled(ctx, way); err != nil {
		return err
	}
	s.style = squash.Style{OneWay: s.oneWay != ""}
	if plannable == 0 {
		return nil
	}
	up, left := s.t.product.Plan(s.old.Stops[0], s.old.Stops[1])
	down, leftBack := s.t.product.Plan(s.old.Stops[1], s.old.Stops[0])
	for _, steps := range [][]schema.Step{up, down} {
		for i := range steps {
			steps[i].Loses = "" // the files say what they take
		}
	}
	if len(left)+len(leftBack) == 0 {
		s.style.Planned = &squash.Planned{Files: plannable, Up: up, Down: down}
	}
	return nil
}

// walkOldFilled goes the road of the old files once more with rows in the tables
// that are there before them: on an empty table an UPDATE does nothing that a
// comparison could see.
func (s *squashing) walkOldFilled(ctx context.Context, way proven.Route) error {
	if len(s.of.Below) == 0 {
		return nil // there are none
	}
	way.Stops, way.Fill, way.Back = nil, true, s.oneWay == ""
	r, err := s.road(ctx, way)
	if err != nil {
		return err
	}
	var bare []string
	for id, why := range r.Unfilled {
		bare = append(bare, fmt.Sprintf("%s (%s)", id, why))
	}
	if slices.Sort(bare); len(bare) > 0 {
		s.notProven("what it does to rows of tables for which none could be made: %s", strings.Join(first(bare, 8), ", "))
	}
	switch {
	case r.Filled == 0:
	case r.Err != nil && r.On == "the way there":
		s.notProven("what it does to rows that are there before it: with generated ones the old files fail: %v", r.Err)
	default:
		s.was = r
	}
	return nil
}

// find looks for the first style that leads where the old files lead: the
// shortest one, then the statements of the files as they are, then those with
// each file's transaction kept.
func (s *squashing) find(ctx context.Context) error {
	plain := squash.Style{OneWay: s.style.OneWay}
	parted := plain
	parted.Parted = true
	var styles []squash.Style
	if s.style.Planned != nil {
		styles = append(styles, s.style)
	}
	styles = append(styles, plain)
	if s.t.product.Engine.Caps.TransactionalDDL {
		styles = append(styles, parted)
	}
	mustPart, err := s.of.MustPart(s.t.product.Engine, s.server)
	if err != nil {
		return err
	}
	if mustPart {
		s.passed = append(s.passed, "some of its checks wait for the end of the transaction (DEFERRABLE, DEFERRED), and tables with such checks open cannot be altered: each file keeps a transaction of its own")
	}
	var bad error
	for _, style := range styles {
		if mustPart && !style.Parted {
			continue
		}
		text, err := s.of.Text(s.t.product.Engine, s.server, style)
		if err == nil {
			err = s.prove(ctx, text)
		}
		if err == nil {
			s.style, s.text = style, text
			return nil
		}
		_, ours := errors.AsType[*apartError](err)
		if _, refused := errors.AsType[*squash.Error](err); !ours && !refused || ctx.Err() != nil {
			return err
		}
		s.passed = append(s.passed, err.Error())
		bad = err
	}
	return bad
}

// proveAgain proves of a file that is there that it leads where the old ones do.
func (s *squashing) proveAgain(ctx context.Context, m *migration.Migration) error {
	text, err := fs.ReadFile(s.folder, m.File)
	if err != nil {
		return err
	}
	s.text = string(text)
	if err := s.keepsOrder(s.text); err != nil {
		return err
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if !m.Rollback.Present {
		s.oneWay = "it has no rollback section"
	}
	if err := s.walkOld(ctx); err != nil {
		return err
	}
	return s.prove(ctx, s.text)
}

// An apartError is a squashed migration that was not written: it does not lead
// where the old files lead.
type apartError struct {
	file string
	fork *proven.Fork // nil: it could not be gone
	on   string
	err  error
}

func (e *apartError) Error() string {
	text := e.file + " does not lead where the old files lead, on " + e.on
	if e.err != nil {
		return text + ": " + e.err.Error()
	}
	var what []string
	for _, c := range e.fork.Schema {
		what = append(what, c.String())
	}
	for _, id := range e.fork.Rows {
		what = append(what, "other rows in "+id.String())
	}
	return text + ": " + strings.Join(what[:min(len(what), 3)], "; ")
}
func (e *apartError) Unwrap() error { return e.err }

// prove goes the new file's road and compares: on an empty database, through the
// whole folder, and then with rows in the tables from below.
func (s *squashing) prove(ctx context.Context, text string) error {
	if err := s.keepsOrder(text); err != nil {
		return err
	}
	way := proven.Route{Folder: s.after(text), N: 1, Back: !s.style.OneWay}
	if err := s.compare(ctx, way, s.old, ""); err != nil || s.was == nil {
		return err
	}
	way.Fill = true
	return s.compare(ctx, way, s.was, ", with generated rows in the tables that are there before it")
}

// compare goes one road of the new file's and compares it with the old files' one.
func (s *squashing) compare(ctx context.Context, way proven.Route, old *proven.Road, with string) error {
	r, err := s.road(ctx, way)
	if err != nil {
		return err
	}
	if r.Err != nil && (old.Err == nil || old.On != r.On) {
		return &apartError{file: s.name, on: r.On + with, err: r.Err}
	}
	if r.Beyond != nil && old.Beyond == nil {
		return &apartError{file: s.name, on: proven.Rest, err: r.Beyond}
	}
	fork := old.Parts(r, s.skip)
	if fork != nil && len(fork.Rows) > 0 {
		// What is another each time it runs, a moment or a random number, is
		// seen by running the old files once more.
		again, err := s.road(ctx, proven.Route{Folder: s.before(), N: len(s.of.Old), Fill: way.Fill})
		if err != nil {
			return err
		}
		if s.skip == nil {
			s.skip = map[schema.ID]bool{}
		}
		for _, id := range slices.Concat(old.There.Rows.Unlike(again.There.Rows, nil), old.Whole.Rows.Unlike(again.Whole.Rows, nil)) {
			if id.Kind == schema.KindColumn {
				s.skip[id] = true
			}
		}
		fork = old.Parts(r, s.skip)
	}
	if fork != nil {
		return &apartError{file: s.name, on: fork.On + with, fork: fork}
	}
	return nil
}

// apart tells what is another.
func (a *app) apart(d *description, t *target, e *apartError) {
	a.fault(d, t, e.err)
	d.Message = e.Error()
	d.State = []string{"nothing was written, and no database was changed"}
	if e.fork != nil {
		d.Changes = e.fork.Schema
		for _, c := range e.fork.Schema {
			d.State = append(d.State, "is not as it should be: "+c.String())
		}
		for _, id := range e.fork.Rows {
			d.State = append(d.State, "has other rows: "+id.String())
		}
	}
	d.Next = []string{"squash those around it: --from and --to"}
}

// losses are what is not kept.
func (s *squashing) losses() []string {
	lost := []string{fmt.Sprintf("the versions in between: a new database runs %s as one, and goes back as one", s.of.Name())}
	if p := s.style.Planned; p != nil {
		lost = append(lost, fmt.Sprintf("the comments of %d files, whose definitions are written anew", p.Files))
	}
	if s.oneWay != "" {
		lost = append(lost, "the way back: "+s.oneWay)
	}
	return lost
}

func (s *squashing) consent(ctx context.Context) error {
	s.showLosses(s.losses())
	fmt.Fprintln(s.Stderr, s.typed(s.t, "The old files stay; dbwarden squash --undo takes it back as long as they do."))
	return s.agreed(ctx, fmt.Sprintf("Squash %d migrations into %s?", len(s.of.Old), render.Plain(s.name)), "not squashed")
}

// show tells of the file that was written, or would be.
func (s *squashing) show(cmd *cobra.Command, noted *dbwarden.Result) error {
	path := filepath.Join(s.t.MigrationsDir, s.name)
	how := "combined"
	switch {
	case s.style.Planned != nil:
		how = "planned"
	case s.style.Parted:
		how = "parted"
	}
	var files, seeds, volatile []string
	for _, m := range s.of.Old {
		files = append(files, m.File)
	}
	for _, m := range s.of.Seeds {
		seeds = append(seeds, m.File)
	}
	for id := range s.skip {
		volatile = append(volatile, id.String())
	}
	slices.Sort(volatile)
	if s.json() {
		doc := map[string]any{"file": s.relative(path), "written": !s.f.dry, "how": how, "replaces": files, "reversible": s.oneWay == "",
			"seeds": append([]string{}, seeds...), "not_compared": append([]string{}, volatile...), "not_proven": s.maskedAll(s.open), "noted": []map[string]any{}}
		if noted != nil {
			doc["noted"] = migrationsOf(noted.Completed)
		}
		if s.f.dry {
			doc["sql"] = s.text
		}
		return s.document(cmd, s.t, doc)
	}
	if s.f.dry {
		fmt.Fprint(s.Stdout, s.app.style(s.Stdout).SQL(s.text))
	} else {
		fmt.Fprintf(s.Stdout, "Created migration: %s\n", s.relative(path))
	}
	if s.quiet {
		return nil
	}
	st := s.app.style(s.Stderr)
	ways := "there, back and there again"
	if s.oneWay != "" {
		ways = "on the way there"
		fmt.Fprintf(s.Stderr, "%s it has no way back: %s\n", st.Warn("Warning:"), render.Plain(s.masked(s.oneWay)))
	}
	for _, why := range s.passed {
		fmt.Fprintf(s.Stderr, "not written shorter: %s\n", render.Plain(s.masked(why)))
	}
	fmt.Fprintf(s.Stderr, "It stands for %d migrations, %s. Proven: the same schema and the same rows, %s.\n", len(files), s.of.Name(), ways)
	if len(volatile) > 0 {
		fmt.Fprintf(s.Stderr, "Not compared, because the old files themselves make other values each time: %s\n", render.Plain(strings.Join(volatile, ", ")))
	}
	s.showNotProven()
	if len(seeds) > 0 {
		fmt.Fprintf(s.Stderr, "Seeds stay as they are, and run behind all others: %s\n", render.Plain(strings.Join(seeds, ", ")))
	}
	if noted != nil {
		s.noted(noted.Completed)
	}
	if s.f.dry {
		fmt.Fprintf(s.Stderr, "Dry run: %s was not written.\n", s.relative(path))
	} else {
		fmt.Fprintln(s.Stderr, s.typed(s.t, "next: read it, and commit it. The old files are needed until every database has run them, or none of them: dbwarden squash --prune deletes them, --undo takes this back"))
	}
	return nil
}
