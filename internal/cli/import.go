package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/foreign"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
)

// importFlags are those of import.
type importFlags struct {
	from             string
	dryRun, check    bool
	leave            []string
	values           []string
	verbatim         bool
	contexts, labels []string
	noHistory        bool
	history          foreign.HistoryOptions
	wait             waitFlags
}

func (a *app) importCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import --from TOOL DIR",
		Short: "Take over the migrations of another tool",
		Long: "Reads the migrations of another tool in the folder DIR and writes them into the migrations folder in dbwarden's format:\n" +
			"the ways there and back, what runs outside of a transaction, and every comment. It overwrites nothing, and leaves DIR as\n" +
			"it is. What has no counterpart is named with file and line, and then nothing is written.\n\n" +
			"Where the other tool has run on the database already, its history is taken over, under the lock, so that nothing runs\n" +
			"again. See that the other tool does not run meanwhile: it does not know our lock.\n\n" +
			"TOOL is " + strings.Join(foreign.Names(), ", ") + ".",
		Example: "  dbwarden import --from goose db/migrations --dry-run --check\n  dbwarden import --from goose db/migrations --no-history   # the files alone\n  dbwarden import --from flyway src/main/resources/db/migration --placeholder owner=app\n" +
			"  dbwarden import --from alembic-sql sql   # holds what alembic upgrade head --sql printed",
		Args: oneArg("folder"),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.from, "from", "", "the `TOOL` whose migrations these are")
	fs.BoolVar(&f.dryRun, "dry-run", false, "show what would be written, and write nothing")
	fs.BoolVar(&f.check, "check", false, "run both tools' statements in scratch databases, and write nothing unless the schemas are the same")
	fs.StringArrayVar(&f.leave, "leave", nil, "`FILE` in DIR that is not wanted. May be repeated")
	fs.StringArrayVar(&f.values, "placeholder", nil, "`NAME=VALUE` of a placeholder in the SQL. May be repeated")
	fs.BoolVar(&f.verbatim, "no-placeholders", false, "keep ${...} as it stands: these are no placeholders")
	fs.StringArrayVar(&f.contexts, "context", nil, "`NAME` of a context of Liquibase that holds, '*' for all. May be repeated")
	fs.StringArrayVar(&f.labels, "label", nil, "`NAME` of a label of Liquibase that is wanted, '*' for all. May be repeated")
	fs.BoolVar(&f.noHistory, "no-history", false, "the files alone: ask no database")
	fs.StringVar(&f.history.Table, "table", "", "the `TABLE` of the other tool's history, or SCHEMA.TABLE, where it is not the usual one")
	fs.BoolVar(&f.history.AllowMissing, "allow-missing", false, "go on though the other tool has applied what has no file")
	fs.BoolVar(&f.history.AllowChanged, "allow-changed", false, "go on though a file has changed since the other tool applied it")
	f.wait.addWait(cmd)
	cmd.RegisterFlagCompletionFunc("from", cobra.FixedCompletions(foreign.Names(), cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		tool, err := toolOf(f.from, foreign.Names(), "from")
		if err != nil {
			return err
		}
		o := foreign.Options{Leave: f.leave, Verbatim: f.verbatim, Contexts: f.contexts, Labels: f.labels, Values: map[string]string{}}
		for _, v := range f.values {
			name, value, ok := strings.Cut(v, "=")
			if !ok || name == "" {
				return usagef("--placeholder %q: want NAME=VALUE", v)
			}
			o.Values[name] = value
		}
		if err := f.wait.check(cmd); err != nil {
			return err
		}
		return a.each(cmd, wardenOptions{use: useFolder, wait: &f.wait}, func(ctx context.Context, t *target) error {
			if err := a.importFrom(ctx, cmd, t, foreign.Find(tool), a.inDir(args[0]), f, o); err != nil {
				return &runError{err: err, target: t}
			}
			return nil
		})
	}
	return cmd
}

// toolOf reads the name of a tool.
func toolOf(name string, known []string, flag string) (string, error) {
	if slices.Contains(known, name) {
		return name, nil
	}
	hint := "want one of " + strings.Join(known, ", ")
	if near := engine.Nearest(name, known); near != "" {
		hint = "did you mean: --" + flag + " " + near
	}
	if name == "" {
		return "", &usageError{"--" + flag + " is missing", hint}
	}
	return "", &usageError{fmt.Sprintf("--%s %s: no such tool", flag, name), hint}
}

// inDir is a path as the working directory has it.
func (a *app) inDir(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(a.Dir, name)
}

// importError is what keeps a folder of another tool from being taken over.
type importError struct{ problems migration.Problems }

func (e *importError) Error() string { return e.problems.Error() }

func (a *app) importFrom(ctx context.Context, cmd *cobra.Command, t *target, tool *foreign.Tool, dir string, f importFlags, o foreign.Options) error {
	e := t.product.Engine
	o.Lexis, o.Product = e.Lexis, e.Name
	p, files, err := a.convert(tool, dir, o)
	if err != nil {
		return err
	}
	states, err := a.placed(t, tool, dir, files)
	if err != nil {
		return err
	}
	h, err := a.adoption(t, p, files, f)
	if err != nil {
		return err
	}
	// What keeps the history from being taken over is found out before a file
	// is written.
	if err := h.look(ctx); err != nil {
		if _, ok := errors.AsType[*dbwarden.ConnectError](err); ok {
			a.warn("nothing was written: the database is asked what " + tool.Title + " has applied; --no-history takes the files alone")
		}
		return err
	}
	if f.check && len(files) > 0 {
		if err := a.checkImport(ctx, t, p, files, o); err != nil {
			return err
		}
	}
	if !f.dryRun {
		if err := a.place(ctx, t, files, states); err != nil {
			return err
		}
		if err := h.write(ctx); err != nil {
			a.warn("the files are written, and the history is not: run the same command again once this is settled")
			return err
		}
	}
	return a.showImport(cmd, t, p, dir, files, states, h, f)
}

// adoption is the other tool's history on its way into ours.
type adoption struct {
	*app
	p      *foreign.Project
	warden *dbwarden.Warden // nil: there is none to take over
	ledger dbwarden.Ledger
	record *foreign.Record  // as it was last read, nil where there is no table
	result *dbwarden.Result // what is written, or would be
}

func (a *app) adoption(t *target, p *foreign.Project, files []foreign.File, f importFlags) (*adoption, error) {
	h := &adoption{app: a, p: p, result: &dbwarden.Result{}}
	if f.noHistory || len(files) == 0 || !p.Tool.HasHistory() {
		return h, nil
	}
	names := map[*foreign.Change]string{}
	for _, one := range files {
		names[one.Change] = one.Name
	}
	h.ledger = func(ctx context.Context, s engine.Session) (out []dbwarden.Adopted, err error) {
		h.record = nil
		if s == nil {
			return nil, nil // no database yet, and nothing that was applied
		}
		if h.record, err = p.History(ctx, s, t.product.Engine, f.history); err != nil || h.record == nil {
			return nil, err
		}
		for _, r := range h.record.Rows {
			out = append(out, dbwarden.Adopted{File: names[r.Change], Elsewhere: journal.Elsewhere{Tool: p.Tool.Name, At: r.At, By: r.By, Duration: r.Duration}})
		}
		return out, nil
	}
	var err error
	h.warden, err = t.over(foreign.Folder(files))
	return h, err
}

// look reads without the lock what would be taken over.
func (h *adoption) look(ctx context.Context) (err error) {
	if h.warden != nil {
		h.result, err = h.warden.PreviewAdopt(ctx, h.ledger)
	}
	return err
}

// write takes it over, under the lock.
func (h *adoption) write(ctx context.Context) (err error) {
	if h.warden != nil && len(h.result.Planned) > 0 {
		h.result, err = h.warden.Adopt(ctx, h.ledger)
		h.letStop()
	}
	return err
}

// say tells what became of the history.
func (h *adoption) say(dryRun bool) string {
	switch n := len(h.result.Planned); {
	case h.warden == nil:
		return ""
	case h.record == nil:
		return fmt.Sprintf("There is no history of %s in this database: nothing of it was taken over.", h.p.Tool.Title)
	case n == 0 && len(h.record.Rows) == 0:
		return h.record.Table + " has nothing that is applied."
	case n == 0:
		return fmt.Sprintf("The history has what %s says already: %d migrations.", h.record.Table, len(h.record.Rows))
	case dryRun:
		return fmt.Sprintf("Would be taken over from %s as applied: %d migrations.", h.record.Table, n)
	default:
		return fmt.Sprintf("History taken over from %s: %d migrations are applied, none was run.", h.record.Table, n)
	}
}

// document is the same for machines; nil where there is none.
func (h *adoption) document() any {
	if h.warden == nil || h.record == nil {
		return nil
	}
	return map[string]any{"table": h.record.Table, "applied": len(h.record.Rows), "adopted": migrationsOf(h.result.Planned)}
}

// convert reads the other tool's folder.
func (a *app) convert(tool *foreign.Tool, dir string, o foreign.Options) (*foreign.Project, []foreign.File, error) {
	var files []foreign.File
	p, err := foreign.Read(tool, os.DirFS(dir), o)
	if err == nil {
		files, err = p.Files(o)
	}
	var bad migration.Problems
	switch {
	case errors.As(err, &bad):
		for i := range bad {
			bad[i].File = a.relative(filepath.Join(dir, bad[i].File))
		}
		return nil, nil, &importError{bad}
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, usagef("%s: there is no such folder", a.relative(dir))
	case err != nil:
		return nil, nil, err
	}
	return p, files, nil
}

// placed says of each file whether it is there already, and refuses where
// another one is in its place.
func (a *app) placed(t *target, tool *foreign.Tool, dir string, files []foreign.File) ([]string, error) {
	states := make([]string, len(files))
	entries, err := os.ReadDir(t.MigrationsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	taken, there := map[string]string{}, map[string]bool{}
	for _, e := range entries {
		there[e.Name()] = true
		if m := versionPrefix().FindStringSubmatch(e.Name()); m != nil && strings.EqualFold(filepath.Ext(e.Name()), ".sql") {
			v, _ := migration.ParseVersion(m[1]) // digits, by the pattern
			taken[v.Key()] = e.Name()
		}
	}
	var bad migration.Problems
	same := sameFolder(dir, t.MigrationsDir)
	for i, f := range files {
		states[i] = "created"
		if m := versionPrefix().FindStringSubmatch(f.Name); m != nil && !same {
			v, _ := migration.ParseVersion(m[1])
			if other := taken[v.Key()]; other != "" && other != f.Name {
				bad = append(bad, migration.Problem{File: t.path(other), Msg: "has the version of " + f.Name + ", which would be written"})
			}
		}
		if !there[f.Name] {
			continue
		}
		text, err := os.ReadFile(filepath.Join(t.MigrationsDir, f.Name))
		if err != nil {
			return nil, err
		}
		if states[i] = "kept"; strings.TrimPrefix(string(text), "\ufeff") != f.Text && !same {
			bad = append(bad, migration.Problem{File: t.path(f.Name), Msg: "is there already, and is another"})
		}
	}
	if same && tool.Name != "dbwarden-python" {
		return nil, &usageError{fmt.Sprintf("%s is the migrations folder itself, and holds the files of %s", a.relative(dir), tool.Title),
			"have them written into another folder: --migrations-dir FOLDER (and migrations_dir in warden.toml)"}
	}
	if len(bad) > 0 {
		return nil, &importError{bad}
	}
	return states, nil
}

func sameFolder(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// place writes the files that are not there.
func (a *app) place(ctx context.Context, t *target, files []foreign.File, states []string) error {
	var all []written
	for i, f := range files {
		if states[i] == "created" {
			all = append(all, written{filepath.Join(t.MigrationsDir, f.Name), f.Text})
		}
	}
	return a.writeAll(ctx, t.MigrationsDir, all)
}

// written is a file to be written.
type written struct{ path, text string }

// writeAll writes files into a folder. Where one cannot be written those
// before it are taken away again.
func (a *app) writeAll(ctx context.Context, dir string, files []written) (err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	var made []string
	defer func() {
		if err != nil {
			for _, name := range made {
				err = errors.Join(err, os.Remove(name))
			}
		}
	}()
	for _, f := range files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		ok, err := createWhole(f.path, f.text)
		if ok {
			made = append(made, f.path)
		}
		if err != nil {
			return err
		}
		if ok {
			continue
		}
		// Two at the same work do not disturb one another.
		if text, err := os.ReadFile(f.path); err != nil || string(text) != f.text {
			return errors.Join(fmt.Errorf("%s has come to be there meanwhile", a.relative(f.path)), err)
		}
	}
	return nil
}

// createWhole is create of a file that nobody sees in part, also where the
// process ends over it: a half-written migration must not be taken for one.
func createWhole(path, text string) (bool, error) {
	part := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid()))
	if ok, err := create(part, text); err != nil || !ok {
		return false, errors.Join(err, os.Remove(part))
	}
	defer os.Remove(part)
	switch err := os.Link(part, path); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrExist):
		return false, nil
	}
	return create(path, text) // a file system without links
}

// showImport tells what was written, or would be.
func (a *app) showImport(cmd *cobra.Command, t *target, p *foreign.Project, dir string, files []foreign.File, states []string, h *adoption, f importFlags) error {
	if h.record != nil {
		p.Notes = append(p.Notes, h.record.Notes...)
	}
	for i, n := range p.Notes {
		if n.File != "" {
			p.Notes[i].File = a.relative(filepath.Join(dir, n.File))
		}
	}
	if a.json() {
		list := []map[string]any{}
		for i, one := range files {
			doc := map[string]any{"file": t.path(one.Name), "from": a.relative(filepath.Join(dir, one.Change.Source.File)), "line": one.Change.Source.Line, "state": states[i]}
			if f.dryRun {
				doc["text"] = a.masked(one.Text)
			}
			list = append(list, doc)
		}
		return a.document(cmd, t, map[string]any{"tool": p.Tool.Name, "dry_run": f.dryRun, "checked": f.check, "files": list, "history": h.document(), "notes": append([]foreign.Note{}, p.Notes...)})
	}
	a.notes(p.Notes)
	st := a.style(a.Stdout)
	for i, one := range files {
		if f.dryRun {
			fmt.Fprintf(a.Stdout, "%s\n%s\n", st.Bold("-- "+t.path(one.Name)), st.SQL(render.Plain(a.masked(one.Text))))
			continue
		}
		fmt.Fprintf(a.Stdout, "%s %s\n", states[i], t.path(one.Name))
	}
	if len(files) == 0 {
		fmt.Fprintf(a.Stdout, "No migrations of %s in %s.\n", p.Tool.Title, a.relative(dir))
		return nil
	}
	if !f.dryRun {
		fmt.Fprintf(a.Stdout, "Migrations taken over from %s: %d.\n", p.Tool.Title, len(files))
	}
	if f.check {
		fmt.Fprintln(a.Stdout, "Checked in scratch databases: both ways lead to the same schema.")
	}
	if line := h.say(f.dryRun); line != "" {
		fmt.Fprintln(a.Stdout, line)
	}
	if f.dryRun {
		fmt.Fprintln(a.Stdout, "Dry run: nothing was written.")
	}
	return nil
}

// foreignHistory tells why another tool's history cannot be taken over.
func foreignHistory(d *description, e *foreign.HistoryError) {
	d.State = []string{"nothing was written"}
	d.Next = append(slices.Clone(e.Next), "or take the files alone: --no-history")
}

// notes tells on standard error what a person should know of a conversion.
func (a *app) notes(notes []foreign.Note) {
	if a.quiet {
		return
	}
	for _, n := range notes {
		where := n.File
		if n.Line > 0 {
			where = fmt.Sprintf("%s:%d", n.File, n.Line)
		}
		if where != "" {
			where += ": "
		}
		fmt.Fprintln(a.Stderr, a.style(a.Stderr).Dim("Note:")+" "+render.Plain(a.masked(where+n.Text)))
	}
}

// importing lists what keeps a folder from being taken over.
func (a *app) importing(d *description, e *importError) {
	lines := make([]string, len(e.problems))
	for i, p := range e.problems {
		lines[i] = p.Error()
	}
	first := e.problems[0]
	d.File, d.Line, d.Column, d.Problems = first.File, first.Line, first.Column, e.problems
	d.Message = lines[0]
	if len(lines) > 1 {
		d.Message = fmt.Sprintf("%d things stand in the way\n  %s", len(lines), strings.Join(lines, "\n  "))
	}
	d.State = []string{"nothing was written"}
	d.Next = []string{cmp.Or(a.command, "dbwarden import") + " -h has the flags that settle some of these"}
}
