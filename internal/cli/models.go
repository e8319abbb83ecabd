package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/desired"
	"github.com/dbwarden-go/dbwarden/internal/gomodel"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/schema"
)

func (a *app) modelsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:         "models",
		Short:       "Show the schema that the models describe",
		Long:        "Shows the schema that model_paths and model_command describe, as the database itself reads it: the models are run in a\nscratch database. The database that is migrated is not written to. --out sql prints it as a script\nthat makes the same schema in an empty database.",
		Example:     "  dbwarden models\n  dbwarden models --out sql",
		Annotations: map[string]string{formats: "txt,json,yaml,sql"},
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.each(cmd, wardenOptions{use: useFolder}, func(ctx context.Context, t *target) error {
			state, err := a.desired(ctx, t)
			if err != nil {
				return &runError{err: err, target: t}
			}
			return a.showSchema(cmd, t, state)
		})
	}
	return cmd
}

// desired is the schema that a database's models describe.
func (a *app) desired(ctx context.Context, t *target) (*schema.State, error) {
	state, _, err := a.desiredWith(ctx, t, nil)
	return state, err
}

// desiredWith looks into some more schemas besides those that the models make,
// and says which it looked into; nil is the current one alone.
func (a *app) desiredWith(ctx context.Context, t *target, more []string) (state *schema.State, schemas []string, err error) {
	models, err := a.modelsOf(ctx, t)
	if err != nil {
		return nil, nil, err
	}
	err = a.inScratch(ctx, t, func(d *scratch.Scratch) error {
		state, schemas, err = a.runModels(ctx, t, d, models, more)
		return err
	})
	return state, schemas, err
}

// runModels makes what models describe in a scratch database, and reads it.
func (a *app) runModels(ctx context.Context, t *target, d *scratch.Scratch, models []desired.Model, more []string) (*schema.State, []string, error) {
	made, err := desired.Run(ctx, t.product.Engine, d, models)
	if err != nil {
		return nil, nil, err
	}
	session, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden models", ReadOnly: true})
	if err != nil {
		return nil, nil, err
	}
	defer session.Close()
	o := schema.Options{Own: append(proven.OwnTables(), engine.ScratchTable)}
	for _, name := range append(desired.Schemas(made), more...) {
		if len(o.Schemas) == 0 {
			o.Schemas = []string{session.Server().Schema}
		}
		if !slices.Contains(o.Schemas, name) {
			o.Schemas = append(o.Schemas, name)
		}
	}
	state, err := t.product.Inspect(ctx, session, o)
	if err != nil {
		return nil, nil, err
	}
	state = state.Theirs()
	state.Database = "models"
	if v := session.Server(); v.Schema == v.Database { // a random name, which says nothing
		unnamed(state)
	}
	return state, o.Schemas, nil
}

// unnamed takes the name of the current schema out of a state.
func unnamed(s *schema.State) {
	blank := func(name *string) {
		if *name == s.Home {
			*name = ""
		}
	}
	for i := range s.Tables {
		blank(&s.Tables[i].Schema)
	}
	for i := range s.Views {
		blank(&s.Views[i].Schema)
	}
	for i := range s.Routines {
		blank(&s.Routines[i].Schema)
	}
	for i := range s.Sequences {
		blank(&s.Sequences[i].Schema)
	}
	for i := range s.Events {
		blank(&s.Events[i].Schema)
	}
	s.Depends = slices.Clone(s.Depends)
	for i := range s.Depends {
		blank(&s.Depends[i].Object.Schema)
		blank(&s.Depends[i].Needs.Schema)
	}
	s.Schemas = slices.DeleteFunc(s.Schemas, func(n schema.Namespace) bool { return n.Name == s.Home })
	s.Home = ""
}

// modelsOf reads the models of a database.
func (a *app) modelsOf(ctx context.Context, t *target) ([]desired.Model, error) {
	paths := t.ModelPaths
	if len(paths) == 0 && len(t.ModelCommand) == 0 {
		for _, name := range desired.DefaultFolders {
			if dir := filepath.Join(t.ModelDir, name); isFolder(dir) {
				paths = []string{dir}
				break
			}
		}
		if len(paths) == 0 {
			return nil, &desired.PathError{Path: t.ModelDir, Why: "no models: there is no folder " + strings.Join(desired.DefaultFolders, "/, ") + "/"}
		}
	}
	files, err := desired.Find(paths)
	if err != nil {
		return nil, err
	}
	models, err := desired.Read(files.SQL, a.relative)
	if err != nil {
		return nil, err
	}
	if len(files.Go) > 0 {
		tables, err := gomodel.Read(files.Go, t.product.Engine.Name, a.Getenv)
		if err != nil {
			return nil, err
		}
		if len(tables) == 0 && len(models) == 0 && len(t.ModelCommand) == 0 {
			return nil, &desired.PathError{Path: files.Go[0], Why: "the Go package has no struct with tags of gorm, bun or db"}
		}
		for _, table := range tables {
			models = append(models, desired.Model{Name: fmt.Sprintf("%s:%d:%d", a.relative(table.File), table.Line, table.Column), From: "type " + table.Type, Text: table.SQL})
		}
	}
	if len(t.ModelCommand) > 0 {
		m, err := desired.Command(ctx, t.ModelCommand, t.ModelDir)
		if err != nil {
			return nil, err
		}
		models = append(models, m)
	}
	return models, nil
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// scratch makes a database for planning.
func (a *app) scratch(ctx context.Context, t *target) (*scratch.Scratch, error) {
	var dev engine.Database
	devScheme := config.Database{URL: t.DevURL}.Scheme()
	if e := t.product.Engine; !t.DevURL.IsZero() && e.Scratch.Memory == nil {
		if !slices.Contains(e.Schemes, devScheme) {
			return nil, &usageError{fmt.Sprintf("dev_url is of another product than %s", t.urlName()), "planning needs a database of the same product"}
		}
		var err error
		if dev, err = e.Open(t.DevURL.Reveal(), engine.OpenOptions{Dir: t.DevBaseDir}); err != nil {
			return nil, &usageError{"dev_url: " + strings.TrimPrefix(err.Error(), "database URL: "), "dbwarden config shows where it comes from"}
		}
	}
	return scratch.Open(ctx, t.product.Engine, t.db, dev, t.PostgresSchema)
}

// inScratch does something in a database for planning, and takes it away.
func (a *app) inScratch(ctx context.Context, t *target, do func(*scratch.Scratch) error) (err error) {
	d, err := a.scratch(ctx, t)
	if err != nil {
		return err
	}
	defer func() {
		// Also where a signal ended the context.
		err = errors.Join(err, d.Close(ctx))
	}()
	return do(d)
}

// prover replays migrations in databases for planning.
func (a *app) prover(t *target, command string, schemas []string) proven.Prover {
	return proven.Prover{
		Engine: t.product.Engine, Inspect: t.product.Inspect, Digest: t.product.Digest, Options: schema.Options{Own: append(proven.OwnTables(), engine.ScratchTable), Schemas: schemas},
		Holder: lock.Holder{User: a.User, Host: a.Host, Pid: a.Pid, Program: "dbwarden " + a.Build.Version, Command: command},
		Env:    t.Env, Vars: variables(t.Vars),
	}
}
