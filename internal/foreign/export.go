package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/lazy"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// An Outlet is a tool whose files can be written.
type Outlet struct {
	Name, Title string
	write       func(*exporter, *ours)
}

// Outlets are those that can be written.
var Outlets = []*Outlet{
	{"goose", "goose", (*exporter).goose},
	{"golang-migrate", "golang-migrate", (*exporter).golangMigrate},
	{"flyway", "Flyway", (*exporter).flyway},
}

// OutletNames are their names.
func OutletNames() []string {
	names := make([]string, len(Outlets))
	for i, o := range Outlets {
		names[i] = o.Name
	}
	return names
}

// FindOutlet returns the one of a name, nil where there is none.
func FindOutlet(name string) *Outlet {
	for _, o := range Outlets {
		if o.Name == name {
			return o
		}
	}
	return nil
}

// ExportOptions say what is exported.
type ExportOptions struct {
	Engine *engine.Engine
	Leave  []string // files that are left out
}

// An Exported file is one of the other tool's.
type Exported struct {
	Name string
	Text string
	From string // our file
}

// Export writes a folder of ours in the format of another tool. What cannot
// be said there comes back as migration.Problems, all of it at once. What
// was written is read again as import does it, and must hold the statements
// that are in our files.
func Export(o *Outlet, folder fs.FS, opt ExportOptions) ([]Exported, []Note, error) {
	kept := without{folder, opt.Leave}
	set, err := migration.Load(kept, opt.Engine.Lexis)
	if err != nil {
		return nil, nil, err
	}
	x := &exporter{outlet: o, o: opt, set: set}
	if set.Squashed() {
		kept.left = append(x.oneRoad(), kept.left...)
		if x.set, err = migration.Load(kept, opt.Engine.Lexis); err != nil {
			return nil, nil, err
		}
		set = x.set
	}
	for _, name := range opt.Leave {
		if _, err := fs.Stat(folder, name); err != nil {
			x.fail(name, 0, "named with --leave, and not in the folder")
		}
		x.note(name, "left out, as asked")
	}
	for _, m := range set.Migrations {
		text, err := fs.ReadFile(kept, m.File)
		if err != nil {
			return nil, nil, err
		}
		one, err := readOurs(m, string(text), opt.Engine)
		if err != nil {
			return nil, nil, err
		}
		if x.said(one) {
			o.write(x, one)
		}
	}
	if len(x.problems) == 0 {
		x.verify()
	}
	if len(x.problems) > 0 {
		return nil, nil, x.problems
	}
	return x.out, x.notes, nil
}

// oneRoad are the files that are left out where a squashed one stands beside what
// it replaces: no other tool knows of that, and would run both. What ran in
// databases are the old ones, so they stay as long as all of them are there.
func (x *exporter) oneRoad() (left []string) {
	for _, m := range x.set.Migrations {
		if len(m.Header.Replaces) == 0 || x.set.Replacer(m.Version) != nil {
			continue
		}
		var there []string
		whole := true
		for _, r := range m.Header.Replaces {
			whole = whole && x.set.Find(r.Version) != nil
		}
		for _, v := range migration.Versions(m.Header.Replaces) {
			if old := x.set.Find(v); old != nil {
				there = append(there, old.File)
			}
		}
		if whole {
			left = append(left, m.File)
			x.note(m.File, "left out: the files that it replaces are there")
			continue
		}
		left = append(left, there...)
		for _, name := range there {
			x.note(name, "left out: %s replaces it", m.File)
		}
		for _, other := range x.set.Migrations {
			if other != m && x.set.Replacer(other.Version) == nil && other.Version.Compare(m.Place()) > 0 && other.Version.Compare(m.Version) < 0 {
				x.fail(m.File, 0, "it runs ahead of %s here, as what it replaces did, and would run behind it in %s", other.File, x.outlet.Title)
				break
			}
		}
	}
	return left
}

// without is a folder but for some files.
type without struct {
	fs.FS
	left []string
}

func (w without) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(w.FS, name)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool { return slices.Contains(w.left, e.Name()) }), err
}

type exporter struct {
	outlet   *Outlet
	o        ExportOptions
	set      *migration.Set
	out      []Exported
	notes    []Note
	problems migration.Problems
}

func (x *exporter) fail(file string, line int, format string, args ...any) {
	x.problems = append(x.problems, migration.Problem{File: file, Line: line, Msg: fmt.Sprintf(format, args...)})
}

func (x *exporter) note(file string, format string, args ...any) {
	x.notes = append(x.notes, Note{File: file, Text: fmt.Sprintf(format, args...)})
}

func (x *exporter) add(m *migration.Migration, name, text string) {
	if i := slices.IndexFunc(x.out, func(f Exported) bool { return f.Name == name }); i >= 0 {
		x.fail(m.File, 0, "would become %s, as %s would", name, x.out[i].From)
	}
	x.out = append(x.out, Exported{name, text, m.File})
}

// ours is a migration of ours with its text.
type ours struct {
	m        *migration.Migration
	comments string // above the first section, but for headers
	lines    []string
	up, down []stated
	upRest   string // comments behind the last statement
	downRest string
}

// stated is a statement with the comments before it.
type stated struct {
	gap  string
	text string
	tail string
	rows string // behind COPY, with the line that ends them
	line int
	engine.Traits
}

var (
	ourHeader   = lazy.Regexp(`(?i)^\s*--\s*(depends_on|replaces|seed|transaction|lock_timeout|statement_timeout|vars|env|require|ensure)\s*(:|$)`)
	clientLine  = lazy.Regexp(`(?i)^\s*(delimiter\b.*|\\.*)$`)
	description = lazy.Regexp(`^[0-9]+[_-]?`)
)

// readOurs reads a file of ours with all that stands between its statements.
func readOurs(m *migration.Migration, text string, e *engine.Engine) (*ours, error) {
	o := &ours{m: m, lines: strings.Split(text, "\n")}
	sc := sqltext.NewScanner(strings.NewReader(strings.TrimPrefix(text, "\ufeff")), e.Lexis, sqltext.Options{Marker: isMarker})
	section, rest := (*[]stated)(nil), &o.comments
	for {
		st, err := sc.Next()
		switch {
		case err == sqltext.ErrMarker:
			line, _ := sc.Marker()
			*rest = strings.TrimSuffix(sc.Gap(), line)
			if i := strings.LastIndex(sc.Gap(), line); i >= 0 {
				*rest = sc.Gap()[:i]
			}
			section, rest = &o.up, &o.upRest
			if strings.Contains(strings.ToLower(line), string(migration.Down)) {
				section, rest = &o.down, &o.downRest
			}
			continue
		case err == io.EOF:
			*rest = sc.Gap()
			o.comments = lines(o.comments, func(l string) bool { return strings.TrimSpace(l) != "" && !ourHeader().MatchString(l) })
			for _, gap := range []*string{&o.upRest, &o.downRest} {
				*gap = comments(*gap)
			}
			return o, nil
		case err != nil:
			return nil, err
		}
		s := stated{gap: comments(st.Gap), text: st.Text, tail: strings.TrimSpace(st.Tail), line: st.Start.Line, Traits: e.Classify(st.Words, engine.Server{})}
		if st.Copy != nil {
			rows, err := io.ReadAll(st.Copy)
			if err != nil {
				return nil, err
			}
			if len(rows) > 0 && !bytes.HasSuffix(rows, []byte("\n")) {
				rows = append(rows, '\n')
			}
			s.rows = string(rows) + "\\.\n"
		}
		*section = append(*section, s)
	}
}

// lines are those of a text that are wanted.
func lines(text string, wanted func(string) bool) string {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(text, "\n") {
		if wanted(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// comments are what stands between statements, without what speaks to a
// client alone.
func comments(gap string) string {
	text := strings.Trim(lines(gap, func(l string) bool { return !clientLine().MatchString(strings.TrimRight(l, "\r\n")) }), " \t\r\n")
	if text == "" {
		return ""
	}
	return text + "\n"
}

// line is where a header stands.
func (o *ours) line(name string) int {
	for i, l := range o.lines {
		if m := ourHeader().FindStringSubmatch(l); m != nil && strings.EqualFold(m[1], name) {
			return i + 1
		}
	}
	return 0
}

// bare says that a way does not run in one transaction: because its header
// says so, or because of a statement in it.
func (o *ours) bare(statements []stated) bool {
	return len(statements) > 0 && (o.m.Header.TransactionOff || slices.ContainsFunc(statements, func(s stated) bool {
		return s.Alone || s.Kind == engine.Begin || s.Kind == engine.Commit
	}))
}

// said is what no outlet can say.
func (x *exporter) said(o *ours) bool {
	before, h := len(x.problems), o.m.Header
	if h.LockTimeout != nil {
		x.fail(o.m.File, o.line("lock_timeout"), "the header lock_timeout has no counterpart in %s", x.outlet.Title)
	}
	if h.StatementTimeout != nil {
		x.fail(o.m.File, o.line("statement_timeout"), "the header statement_timeout has no counterpart in %s", x.outlet.Title)
	}
	if h.Vars {
		x.fail(o.m.File, o.line("vars"), "the header vars has no counterpart in %s: what its variables stand for is not in the file", x.outlet.Title)
	}
	if len(h.Env) > 0 {
		x.fail(o.m.File, o.line("env"), "the header env has no counterpart in %s", x.outlet.Title)
	}
	for _, c := range h.Conditions {
		x.fail(o.m.File, c.Line, "the header %s has no counterpart in %s", c.Kind, x.outlet.Title)
	}
	for _, v := range h.DependsOn {
		if v.Compare(o.m.Version) > 0 {
			x.fail(o.m.File, o.line("depends_on"), "it runs behind the higher version %s here, and would run before it in %s", v, x.outlet.Title)
		}
	}
	for _, other := range x.set.Migrations {
		if h.Seed && !other.Header.Seed && !other.Version.IsZero() && other.Version.Compare(o.m.Version) > 0 {
			x.fail(o.m.File, o.line("seed"), "a seed runs behind all others here, and would run before %s in %s", other.File, x.outlet.Title)
			break
		}
	}
	if o.m.Kind != migration.Versioned && x.outlet.Name != "flyway" {
		x.fail(o.m.File, 0, "a repeatable migration, which %s does not know", x.outlet.Title)
	}
	for _, s := range slices.Concat(o.up, o.down) {
		if s.rows != "" && x.outlet.Name != "flyway" {
			x.fail(o.m.File, s.line, "the rows behind COPY … FROM stdin cannot be sent by %s", x.outlet.Title)
		}
	}
	return len(x.problems) == before
}

// name is the description as the file has it, which no tool takes empty.
func (o *ours) name() string {
	name := strings.TrimSuffix(description().ReplaceAllString(o.m.File, ""), o.m.File[len(o.m.File)-len(".sql"):])
	if name == "" {
		return "migration"
	}
	return name
}

// script joins statements as a client takes them.
func script(statements []stated, rest string) string {
	var b strings.Builder
	for _, s := range statements {
		b.WriteString(s.gap + s.text)
		switch {
		case strings.Contains(s.tail, "\n") || strings.HasPrefix(s.tail, "--") || strings.HasPrefix(s.tail, "#"):
			b.WriteString("; " + s.tail + "\n")
		case s.tail != "":
			b.WriteString(" " + s.tail + ";\n")
		default:
			b.WriteString(";\n")
		}
		b.WriteString(s.rows)
	}
	return b.String() + rest
}

func (x *exporter) goose(o *ours) {
	if v := o.m.Version.Key(); v == "0" || len(v) > 18 {
		x.fail(o.m.File, 0, "goose takes versions from 1 to 18 digits")
	}
	var b strings.Builder
	b.WriteString(o.comments)
	if o.bare(o.up) || o.bare(o.down) {
		b.WriteString("-- +goose NO TRANSACTION\n")
		if !o.bare(o.up) && len(o.up) > 1 || !o.bare(o.down) && len(o.down) > 1 {
			x.note(o.m.File, "both ways run outside of a transaction in goose, where one has one here")
		}
	}
	b.WriteString("-- +goose Up\n")
	x.gooseSection(&b, o, o.up, o.upRest)
	if o.m.Rollback.Present {
		b.WriteString("\n-- +goose Down\n")
		x.gooseSection(&b, o, o.down, o.downRest)
	} else {
		x.note(o.m.File, "irreversible here; goose down takes it back without doing anything")
	}
	x.add(o.m, o.m.Version.String()+"_"+o.name()+".sql", b.String())
}

// gooseSection writes statements as goose cuts them: at semicolons that end a
// line, without a look at quotes, and without blank lines and those that look
// like comments.
func (x *exporter) gooseSection(b *strings.Builder, o *ours, statements []stated, rest string) {
	for _, s := range append(slices.Clone(statements), stated{gap: rest}) {
		if strings.Contains(s.gap+s.text, "+goose") {
			x.fail(o.m.File, s.line, "goose would read \"+goose\" in it as a directive")
		}
		// goose knows line comments with two dashes alone: any other goes with its
		// statement, or becomes one of those.
		odd := strings.Contains(s.gap, "/*") || strings.HasPrefix(s.gap, "#") || strings.Contains(s.gap, "\n#")
		switch {
		case odd && s.text == "":
			b.WriteString("-- " + strings.ReplaceAll(strings.TrimSpace(s.gap), "\n", "\n-- ") + "\n")
		case odd:
			s.text = s.gap + s.text
		default:
			b.WriteString(s.gap)
		}
		whole := odd || strings.Contains(s.text, ";")
		for line := range strings.SplitSeq(s.text, "\n") {
			line = strings.TrimSpace(line)
			whole = whole || line == "" && s.text != "" || strings.HasPrefix(line, "--")
		}
		switch {
		case s.text == "":
		case whole:
			b.WriteString("-- +goose StatementBegin\n" + s.text + "\n-- +goose StatementEnd\n")
		default:
			b.WriteString(s.text + ";\n")
		}
		if s.tail != "" {
			b.WriteString(s.tail + "\n")
		}
	}
}

// golangMigrate sends a file as one text, which PostgreSQL runs in one
// transaction, and for SQLite puts one around it.
func (x *exporter) golangMigrate(o *ours) {
	if v := o.m.Version.Key(); len(v) > 18 {
		x.fail(o.m.File, 0, "golang-migrate takes versions of up to 18 digits")
	}
	base := o.m.Version.String() + "_" + o.name()
	for _, way := range []struct {
		name       string
		there      bool
		statements []stated
		rest       string
		comments   string
	}{{"up", true, o.up, o.upRest, o.comments}, {"down", o.m.Rollback.Present, o.down, o.downRest, ""}} {
		if !way.there {
			continue
		}
		caps := x.o.Engine.Caps
		if o.bare(way.statements) && caps.TransactionalDDL && (caps.File || len(way.statements) > 1) {
			x.fail(o.m.File, way.statements[0].line, "runs outside of a transaction here; golang-migrate has it all in one")
		}
		x.add(o.m, base+"."+way.name+".sql", way.comments+script(way.statements, way.rest))
	}
}

func (x *exporter) flyway(o *ours) {
	names := map[string]string{"V": "V" + o.m.Version.String() + "__" + o.name() + ".sql", "U": "U" + o.m.Version.String() + "__" + o.name() + ".sql"}
	head := ""
	if o.m.Kind != migration.Versioned {
		_, name, _ := strings.Cut(o.m.File, "__")
		names["V"] = "R__" + name
		if o.m.Kind == migration.RunsAlways {
			// Flyway runs again what has changed, and this has a new value each time.
			head = flywayRunsAgain + "\n"
		}
		if o.m.Rollback.Present {
			x.note(o.m.File, "the way back of a repeatable migration has no place in Flyway")
		}
	} else if o.m.Rollback.Present {
		x.flywayScript(o, names["U"], "", o.down, o.downRest)
	}
	x.flywayScript(o, names["V"], head+o.comments, o.up, o.upRest)
}

func (x *exporter) flywayScript(o *ours, name, head string, statements []stated, rest string) {
	text := head + script(statements, rest)
	var config []string
	if o.bare(statements) {
		config = append(config, "executeInTransaction=false")
	}
	if placeholder().MatchString(strings.TrimPrefix(text, flywayRunsAgain+"\n")) {
		if strings.Contains(head, flywayNow) {
			x.fail(o.m.File, 0, "holds ${…}, which Flyway would take for a placeholder; it runs always by one")
			return
		}
		config = append(config, "placeholderReplacement=false")
	}
	x.add(o.m, name, text)
	if len(config) > 0 {
		x.add(o.m, name+".conf", strings.Join(config, "\n")+"\n")
	}
}

// verify reads what was written as import would, and compares the statements.
func (x *exporter) verify() {
	var files []File
	for _, f := range x.out {
		files = append(files, File{Name: f.Name, Text: f.Text})
	}
	o := Options{Lexis: x.o.Engine.Lexis, Product: x.o.Engine.Name}
	p, err := Read(Find(x.outlet.Name), Folder(files), o)
	var back []File
	if err == nil {
		back, err = p.Files(o)
	}
	var set *migration.Set
	if err == nil {
		set, err = migration.Load(Folder(back), o.Lexis)
	}
	var bad migration.Problems
	if errors.As(err, &bad) {
		x.problems = append(x.problems, bad...)
		return
	}
	if err != nil {
		x.fail(".", 0, "%v", err)
		return
	}
	for _, m := range x.set.Migrations {
		got := set.Find(m.Version)
		if m.Version.IsZero() {
			// Its kind has to come back, too.
			kind, name, _ := strings.Cut(m.File, "__")
			got = set.FindFile(strings.ToUpper(kind) + "__" + fileName(strings.TrimSuffix(name, ".sql")) + ".sql")
		}
		if got == nil || got.Upgrade.Checksum() != m.Upgrade.Checksum() || m.Kind == migration.Versioned && m.Rollback.Present && got.Rollback.Checksum() != m.Rollback.Checksum() {
			x.fail(m.File, 0, "its statements would not stay what they are in a file of %s", x.outlet.Title)
		}
	}
}
