package check

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Options say what to check, and how strictly.
type Options struct {
	Product *Product
	Engine  *engine.Engine
	Server  engine.Server

	// Checked says which migrations are judged; the others tell what is
	// there.
	Checked func(*migration.Migration) bool

	// Together: what is checked runs as one, so that a table which one of its
	// migrations makes is new to the next one. Without it a table is new in
	// its own migration alone.
	Together bool

	// Severity is what the configuration says of rules.
	Severity map[string]Severity

	// Unjudged: what is not understood is a finding, and not a number alone.
	Unjudged bool

	// NoLockTimeout: the runs wait for locked tables without a limit.
	NoLockTimeout bool

	// NoStatementTimeout: their statements run without one.
	NoStatementTimeout bool

	// Sizes asks for the size of tables; nil: nobody can be asked.
	Sizes func(tables []ddl.Name) (map[string]Size, error)
}

// Run judges the migrations of a folder, but for those of other environments.
func Run(set *migration.Set, o Options) (*Report, error) {
	r := &run{o: o, schema: newSchema(), rules: map[string]*Rule{}, out: &Report{}}
	for _, rule := range AllRules(o.Product) {
		r.rules[rule.ID] = &rule
	}
	for _, m := range set.Migrations {
		if set.Elsewhere(m) {
			continue
		}
		// Either a squashed one runs or what it replaces.
		if by := set.Replacer(m.Version); by != nil && (o.Checked(by) || !o.Checked(m)) {
			continue
		}
		if err := r.migration(m); err != nil {
			return nil, err
		}
	}
	return r.out, r.weigh()
}

// AllRules are the common rules and the product's own.
func AllRules(p *Product) []Rule {
	list := commonRules()
	if p != nil && p.Rules != nil {
		list = append(list, p.Rules()...)
	}
	return list
}

// run is one go through a folder.
type run struct {
	o      Options
	schema *Schema
	rules  map[string]*Rule
	out    *Report
	tables []ddl.Name // those whose size matters

	found []Finding // of the migration at hand
	ahead []read    // its statements
}

// read is one statement, as it was read.
type read struct {
	sql  sqltext.Statement
	ddl  *ddl.Statement
	own  []*ignore
	made engine.Traits
}

func (r *run) section(s *migration.Section) ([]read, error) {
	var list []read
	_, err := s.Outline(func(p migration.Piece) error {
		st := p.Statement
		st.Copy = nil
		list = append(list, read{st, ddl.Read(st.Text, r.o.Product.Dialect), gapIgnores(st), r.o.Engine.Classify(st.Words, r.o.Server)})
		return nil
	})
	return list, err
}

func (r *run) migration(m *migration.Migration) error {
	up, err := r.section(&m.Upgrade)
	if err != nil {
		return err
	}
	checked := r.o.Checked(m)
	if !checked {
		for _, s := range up {
			if s.ddl.Understood {
				r.schema.apply(s.ddl, false)
			}
		}
		return nil
	}
	r.out.Checked = append(r.out.Checked, m.File)
	r.found, r.ahead = nil, up
	whole := headerIgnores(m.Header.Check)
	groups := r.groups(m, up, whole)
	inGroup := -1
	var held *Held
	for i := range up {
		g := groupOf(groups, i)
		switch {
		case g < 0 || groups[g].Mode != plan.InTransaction:
			held = nil
		case g != inGroup || held == nil:
			held = &Held{}
		}
		inGroup = g
		c := &Context{Stmt: up[i].ddl, SQL: up[i].sql, Number: i + 1, Schema: r.schema, Server: r.o.Server, Migration: m, Held: held,
			run: r, ignores: slices.Concat(up[i].own, whole)}
		if g >= 0 {
			c.Group = groups[g]
		}
		if up[i].ddl.Understood {
			r.common(c)
			r.o.Product.Look(c)
			r.schema.apply(up[i].ddl, true)
		} else {
			c.Unsure(up[i].ddl.StoppedAt, "this statement is not understood, so that no rule looked at it")
		}
	}
	down, err := r.section(&m.Rollback)
	if err != nil {
		return err
	}
	r.wayBack(m, up, down, whole)
	if !r.o.Together {
		r.schema.settle()
	}
	all := whole
	for _, s := range slices.Concat(up, down) {
		all = append(all, s.own...)
	}
	r.ignoresThemselves(m, all)
	sortFindings(r.found)
	r.out.Findings = append(r.out.Findings, r.found...)
	return nil
}

// groups are how the upgrade runs; nil where it cannot.
func (r *run) groups(m *migration.Migration, up []read, whole []*ignore) []plan.Group {
	outline, err := plan.Cut(func(each func(migration.Piece) error) error {
		for _, s := range up {
			if err := each(migration.Piece{Statement: s.sql}); err != nil {
				return err
			}
		}
		return nil
	}, plan.Rules{
		Classify: func(words []string) engine.Traits { return r.o.Engine.Classify(words, r.o.Server) },
		DDL:      r.o.Engine.Caps.TransactionalDDL, Off: m.Header.TransactionOff,
	})
	var cut *plan.CutError
	if errors.As(err, &cut) {
		r.report("cannot-run", Finding{File: m.File, Line: cut.Pos, Column: 1, Section: string(migration.Up), Message: "migrate will refuse this: " + cut.Msg}, whole)
		return nil
	}
	var groups []plan.Group
	for _, g := range outline.Groups {
		if g.Mode != plan.OneByOne {
			groups = append(groups, g)
			continue
		}
		for i := g.From; i < g.To; i++ {
			groups = append(groups, plan.Single(i, up[i].made))
		}
	}
	r.modes(m, up, groups, whole)
	return groups
}

func groupOf(groups []plan.Group, i int) int {
	return slices.IndexFunc(groups, func(g plan.Group) bool { return g.From <= i && i < g.To })
}

// report keeps a finding, unless its rule is off or the file says that it is
// known.
func (r *run) report(id string, f Finding, ignores []*ignore) {
	rule := r.rules[id]
	if rule == nil {
		panic("check: no rule " + id)
	}
	f.Rule, f.Severity = rule, rule.Severity
	if s, ok := r.o.Severity[id]; ok {
		f.Severity = s
	}
	if f.Severity == Off {
		return
	}
	for _, have := range r.found { // one statement, one finding of a kind at a place
		if have.Rule == rule && have.Line == f.Line && have.Column == f.Column {
			return
		}
	}
	if id == notUnderstood {
		if r.out.Unjudged++; !r.o.Unjudged {
			return
		}
	}
	for _, ig := range ignores {
		if ig.rule == id {
			ig.used = true
			r.out.Ignored = append(r.out.Ignored, Ignored{f, ig.reason})
			return
		}
	}
	if rule.Sized && f.key != "" {
		n := ddl.Name{Name: f.key, Text: f.Table}
		if t := r.schema.tables[f.key]; t != nil {
			n = t.Name
		}
		if !slices.ContainsFunc(r.tables, func(have ddl.Name) bool { return have.Key() == n.Key() }) {
			r.tables = append(r.tables, n)
		}
	}
	r.found = append(r.found, f)
}

// settle makes everything old: the next migration finds it in use.
func (s *Schema) settle() {
	for _, t := range s.tables {
		t.Fresh = false
		for _, c := range t.Columns {
			c.Fresh = false
		}
	}
	clear(s.fresh)
}

// ignoresThemselves judges the comments that ignore something.
func (r *run) ignoresThemselves(m *migration.Migration, all []*ignore) {
	for _, ig := range all {
		f := Finding{File: m.File, Line: ig.line, Column: 1}
		switch {
		case ig.rule == "":
			f.Message = fmt.Sprintf("nobody knows what %q asks for; it is: -- check: ignore RULE reason", "check: "+ig.reason)
			r.report("bad-ignore", f, nil)
		case r.rules[ig.rule] == nil:
			f.Message = fmt.Sprintf("there is no rule %q", ig.rule)
			if near := engine.Nearest(ig.rule, r.names()); near != "" {
				f.Message += fmt.Sprintf("; did you mean %q?", near)
			}
			r.report("bad-ignore", f, nil)
		case ig.reason == "":
			f.Message = fmt.Sprintf("%s is ignored, and the comment does not say why", ig.rule)
			r.report("bad-ignore", f, nil)
		case !ig.used && r.o.Severity[ig.rule] != Off:
			f.Message = fmt.Sprintf("%s finds nothing here: the comment can go", ig.rule)
			r.report("unused-ignore", f, nil)
		}
	}
}

func (r *run) names() []string {
	var list []string
	for id := range r.rules {
		list = append(list, id)
	}
	slices.Sort(list)
	return list
}
