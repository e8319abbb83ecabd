package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

func (a *app) planCommand() *cobra.Command {
	var to targetFlags
	var saved savedFlags
	var file string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what migrate would run, or save it to be run later",
		Long: "Shows what migrate --dry-run shows. With --save it is written into a file, to be read by somebody and then run\n" +
			"by migrate --plan, which refuses when a file, the history, the schema or a variable is another one by then.",
		Example: "  dbwarden plan\n  dbwarden plan --save plan.json\n  dbwarden migrate --plan plan.json",
	}
	cmd.Flags().IntVarP(&to.count, "count", "c", 0, "at most so `MANY` versioned migrations")
	cmd.Flags().BoolVar(&to.atomic, "atomic", false, "all in one transaction, or nothing; refused where a statement does not fit into one")
	to.addUp(cmd)
	cmd.Flags().StringVar(&file, "save", "", "write the plan into this `FILE`, as JSON")
	saved.addCheck(cmd)
	a.completeVersions(cmd, "to-version")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		t, err := to.target(cmd)
		if err != nil {
			return err
		}
		switch {
		case cmd.Flags().Changed("save") && file == "":
			return usagef("--save: the value is empty")
		case file != "" && a.all:
			return &usageError{"--save writes the plan of one database", a.nameIt()}
		case file == "" && cmd.Flags().Changed("schema-check"):
			return usagef("--schema-check means nothing without --save")
		}
		if err := saved.check(); err != nil {
			return err
		}
		use := useEach
		if file != "" {
			use = useOne
		}
		return a.each(cmd, wardenOptions{use: use, folder: true, schema: saved.on()}, func(ctx context.Context, tg *target) error {
			if file == "" {
				return a.preview(ctx, cmd, tg, migration.Up, t, nil)
			}
			p, err := tg.warden.Plan(ctx, t)
			if err != nil {
				return &runError{err: err, target: tg, result: &dbwarden.Result{Direction: migration.Up}}
			}
			text, err := writtenPlan(p)
			if err != nil {
				return err
			}
			if err := a.put(file, text); err != nil {
				return err
			}
			return a.preview(ctx, cmd, tg, migration.Up, t, map[string]any{"saved": file})
		})
	}
	return cmd
}

// addUp adds the flags of a way up.
func (f *targetFlags) addUp(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.to, "to-version", "t", "", "up to and with this `VERSION`")
	cmd.Flags().BoolVar(&f.changed, "allow-changed", false, "go on though an applied file has changed")
	cmd.Flags().BoolVar(&f.missing, "allow-missing", false, "go on though an applied file is gone")
	cmd.Flags().BoolVar(&f.late, "allow-out-of-order", false, "run files that are older than the newest applied one")
}

// savedFlags are about a saved plan.
type savedFlags struct{ file, schema string }

func (f *savedFlags) addCheck(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.schema, "schema-check", "on", "`on` or off: whether a saved plan is for one schema alone; off where the account may not look at it")
}

func (f *savedFlags) check() error {
	if f.schema != "on" && f.schema != "off" {
		return usagef("--schema-check %s: want on or off", f.schema)
	}
	return nil
}

// remake is the command that makes a plan like that one anew.
func (f *savedFlags) remake(o plan.Options) string {
	out := "dbwarden plan --save " + shellWord(f.file)
	if o.Count > 0 {
		out += " -c " + strconv.Itoa(o.Count)
	}
	if o.To != "" {
		out += " -t " + o.To
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{{o.Atomic, "atomic"}, {o.AllowChanged, "allow-changed"}, {o.AllowMissing, "allow-missing"}, {o.AllowOutOfOrder, "allow-out-of-order"}} {
		if flag.set {
			out += " --" + flag.name
		}
	}
	if !f.on() {
		out += " --schema-check off"
	}
	return out
}

func (f *savedFlags) on() bool { return f.schema != "off" }

// writtenPlan is the file.
func writtenPlan(p *plan.Saved) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(p)
	return b.String(), err
}

// readPlan reads such a file.
func (a *app) readPlan(file string) (*plan.Saved, error) {
	text, err := os.ReadFile(a.inDir(file))
	if err != nil {
		return nil, err
	}
	var format struct {
		Plan int `json:"dbwarden_plan"`
	}
	const hint = "dbwarden plan --save FILE writes one"
	if err := json.Unmarshal(text, &format); err != nil || format.Plan == 0 {
		return nil, &usageError{file + " is not a saved plan", hint}
	}
	if format.Plan != plan.SavedFormat {
		return nil, &usageError{fmt.Sprintf("%s is a plan of format %d, and this release reads %d", file, format.Plan, plan.SavedFormat), hint}
	}
	p := &plan.Saved{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		return nil, &usageError{fmt.Sprintf("%s: %v", file, err), hint}
	}
	return p, nil
}

// migratePlan is migrate --plan.
func (a *app) migratePlan(cmd *cobra.Command, f *savedFlags, wait *waitFlags, lim *limitFlags, with *backupFlags, metrics *metricsFlags) error {
	for _, name := range []string{"count", "to-version", "atomic", "dry-run", "baseline", "allow-changed", "allow-missing", "allow-out-of-order"} {
		if cmd.Flags().Changed(name) {
			return &usageError{"--plan runs the plan as it was saved: --" + name + " means nothing with it", "give it to dbwarden plan --save"}
		}
	}
	if a.all {
		return &usageError{"--plan is of one database", a.nameIt()}
	}
	if err := f.check(); err != nil {
		return err
	}
	p, err := a.readPlan(f.file)
	if err != nil {
		return err
	}
	if !f.on() {
		p.World.Schema = nil
	}
	return a.runs(cmd, migration.Up, wait, lim, running{
		do:   func(ctx context.Context, w *dbwarden.Warden) (*dbwarden.Result, error) { return w.MigrateSaved(ctx, p) },
		plan: f.file, replan: f.remake(p.Options), schema: f.on(), with: with, metrics: metrics,
	})
}

// digests is dbwarden.Config.Schema: the objects of a product's schema.
func (t *target) digests(ctx context.Context, s engine.Session) (map[string]string, error) {
	state, err := t.product.Inspect(ctx, s, schema.Options{Own: proven.OwnTables()})
	if err != nil {
		return nil, err
	}
	state = state.Theirs()
	if unseen := state.Unseen(); len(unseen) > 0 {
		return nil, &unseenError{unseen[0].String()}
	}
	out := map[string]string{}
	for id, digest := range state.Digests() {
		out[id.String()] = digest
	}
	return out, nil
}

// An unseenError says that a plan cannot tell whether the schema stays as it
// is.
type unseenError struct{ object string }

func (e *unseenError) Error() string {
	return "this account may not see the definition of " + e.object
}
