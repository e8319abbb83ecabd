package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/generate"
	"github.com/dbwarden-go/dbwarden/internal/scratch"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/schema"
)

// rename does in the scratch database what was renamed: first what the flags
// say, then what a person answers, and all along what follows from it. So the
// server itself says what becomes of views, keys and defaults.
func (g *generation) rename(ctx context.Context, d *scratch.Scratch) error {
	if err := g.renameAsTold(ctx, d); err != nil {
		return err
	}
	var in *bufio.Reader
	for {
		if err := g.follow(ctx, d); err != nil {
			return err
		}
		open := slices.DeleteFunc(generate.Questions(g.from, g.wanted, g.settled), func(q generate.Question) bool {
			return g.t.product.Rename(g.from, schema.Renaming{ID: q.Gone, To: q.May[0].Name}) == ""
		})
		if len(open) == 0 {
			return nil
		}
		if !g.asks() {
			return &renameError{open}
		}
		if in == nil {
			in = bufio.NewReader(g.Stdin)
		}
		to, err := g.ask(ctx, in, open[0])
		if errors.Is(err, errNotAnswered) {
			return &renameError{open}
		}
		if err != nil {
			return err
		}
		if to == "" {
			g.settled[open[0].Gone] = true
		} else if err := g.renameOne(ctx, d, schema.Renaming{ID: open[0].Gone, To: to}); err != nil {
			return err
		}
	}
}

// renameAsTold does what --rename says, tables first, and notes what --drop
// says.
func (g *generation) renameAsTold(ctx context.Context, d *scratch.Scratch) error {
	pairs := make([][2]string, len(g.flags.renames))
	for i, text := range g.flags.renames {
		old, to, ok := strings.Cut(text, ":")
		if !ok || old == "" || to == "" || strings.Contains(to, ":") {
			return usagef("--rename %s: want OLD:NEW, as users.mail:users.email", text)
		}
		pairs[i] = [2]string{old, to}
	}
	// A column may be named by its table's old name or by the new one.
	slices.SortStableFunc(pairs, func(a, b [2]string) int { return cmp.Compare(strings.Count(a[0], "."), strings.Count(b[0], ".")) })
	current := func(path string) string {
		for _, r := range g.renamed {
			if rest, ok := strings.CutPrefix(path, r.ID.Path()+"."); ok {
				path = r.Renamed().Path() + "." + rest
			}
		}
		return path
	}
	for _, p := range pairs {
		wrong := func(format string, args ...any) error {
			return &usageError{fmt.Sprintf("--rename %s:%s: %s", p[0], p[1], fmt.Sprintf(format, args...)), "dbwarden make-migrations --dry-run tells what is gone and what is new"}
		}
		id, err := generate.Named(g.from, current(p[0]))
		if err != nil {
			return wrong("%v in what the migrations make", err)
		}
		to, err := generate.Named(g.wanted, current(p[1]))
		if err != nil {
			return wrong("%v in the models", err)
		}
		r := schema.Renaming{ID: id, To: to.Name}
		switch other, none := generate.Named(g.from, to.Path()); {
		case to.Kind != id.Kind:
			return wrong("a %s does not become a %s", id.Kind, to.Kind)
		case to.Of != id.Of || to.Schema != id.Schema:
			return wrong("it would be in another place, and not only have another name")
		case none == nil && (other.Kind == to.Kind || to.Of == ""): // a table's column may be called like its trigger
			return wrong("%s is there already", to.Path())
		case g.t.product.Rename(g.from, r) == "":
			return wrong("%s renames no %s", g.t.product.Engine.Title, id.Kind)
		}
		if err := g.renameOne(ctx, d, r); err != nil {
			return err
		}
	}
	for _, name := range g.flags.drops {
		id, err := generate.Named(g.from, current(name))
		if err != nil {
			return usagef("--drop %s: %v in what the migrations make", name, err)
		}
		if _, err := generate.Named(g.wanted, id.Path()); err == nil {
			return usagef("--drop %s: it is in the models", name)
		}
		g.settled[id] = true
	}
	return nil
}

// follow renames what differs in nothing but its name.
func (g *generation) follow(ctx context.Context, d *scratch.Scratch) error {
	tried := map[schema.Renaming]bool{}
	for {
		i := -1
		all := generate.Follow(g.from, g.wanted)
		for n, r := range all {
			if i < 0 && !tried[r] && g.t.product.Rename(g.from, r) != "" {
				i = n
			}
		}
		if i < 0 {
			return nil
		}
		tried[all[i]] = true
		// Where the new name is another one's still, it is dropped and made.
		if err := g.renameOne(ctx, d, all[i]); err != nil && (ctx.Err() != nil || g.t.product.Engine.Fault(err).Kind == engine.Lost) {
			return err
		}
	}
}

// renameOne renames one object in the scratch database, and reads what became
// of the rest.
func (g *generation) renameOne(ctx context.Context, d *scratch.Scratch, r schema.Renaming) error {
	there := g.t.product.Rename(g.from, r)
	s, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden make-migrations", Limits: engine.Limits{Idle: -1}})
	if err != nil {
		return err
	}
	if _, err = s.Exec(ctx, there); err != nil && g.clearTexts(ctx, s) {
		_, err = s.Exec(ctx, there)
	}
	s.Close()
	if err != nil {
		return fmt.Errorf("rename %s to %s in a scratch database: %w", r.ID, r.To, err)
	}
	was := r.ID.Name
	for _, t := range g.from.Tables {
		if r.ID.Kind == schema.KindPrimaryKey && g.from.Relative(t.ID()).Path() == strings.TrimSuffix(r.ID.Path(), ".") {
			was = t.PrimaryKey.Name
		}
	}
	state, err := g.prover.Replay(ctx, d, g.folder, plan.Target{}) // nothing is left to run
	if err != nil {
		return err
	}
	g.take(state)
	back := g.t.product.Rename(g.from, schema.Renaming{ID: r.Renamed(), To: was})
	g.renamed = append(g.renamed, r)
	g.there = append(g.there, schema.Step{SQL: there})
	g.back = append([]schema.Step{{SQL: back}}, g.back...)
	return nil
}

// ask has a person say what became of something: its new name, or "" where
// it is to go.
func (g *generation) ask(ctx context.Context, in *bufio.Reader, q generate.Question) (to string, err error) {
	st := g.style(g.Stderr)
	fmt.Fprintf(g.Stderr, "%s is gone in the models.\n", st.Bold(q.Gone.String()))
	for i, may := range q.May {
		fmt.Fprintf(g.Stderr, "  %d  it is %s now: rename it, its data stays\n", i+1, st.Bold(may.Path()))
	}
	fmt.Fprintf(g.Stderr, "  %d  it was not renamed: drop it %s\n", len(q.May)+1, st.Bad("with its data"))
	for {
		fmt.Fprintf(g.Stderr, "Which? [1-%d] ", len(q.May)+1)
		line := make(chan string, 1)
		failed := make(chan error, 1)
		go func() {
			text, err := in.ReadString('\n')
			if err != nil {
				failed <- err
				return
			}
			line <- text
		}()
		select {
		case <-ctx.Done():
			fmt.Fprintln(g.Stderr)
			return "", context.Cause(ctx)
		case <-failed:
			fmt.Fprintln(g.Stderr)
			return "", errNotAnswered
		case text := <-line:
			switch n, err := strconv.Atoi(strings.TrimSpace(text)); {
			case err != nil || n < 1 || n > len(q.May)+1:
			case n == len(q.May)+1:
				return "", nil
			default:
				return q.May[n-1].Name, nil
			}
		}
	}
}

var errNotAnswered = errors.New("nobody answered")

// A renameError says that nobody knows whether something was renamed.
type renameError struct{ open []generate.Question }

func (e *renameError) Error() string {
	var lines []string
	for _, q := range e.open {
		var may []string
		for _, id := range q.May {
			may = append(may, id.Path())
		}
		lines = append(lines, fmt.Sprintf("%s is gone in the models, and %s is new", q.Gone, strings.Join(may, " or ")))
	}
	return strings.Join(lines, "; ") + ": renamed, or dropped with its data?"
}

// next are the flags that answer.
func (e *renameError) next() (lines []string) {
	for _, q := range e.open {
		for _, id := range q.May {
			lines = append(lines, fmt.Sprintf("it was renamed, and its data stays: --rename %s:%s", q.Gone.Path(), id.Path()))
		}
		lines = append(lines, "it was not, and its data may go: --drop "+q.Gone.Path())
	}
	return lines
}
