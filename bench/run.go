//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// A sample is one measured run.
type sample struct {
	Wall   int64 `json:"wall"`   // nanoseconds
	CPU    int64 `json:"cpu"`    // nanoseconds, of the tool alone
	Memory int64 `json:"memory"` // bytes
	Trips  int   `json:"trips,omitempty"`
	Code   int   `json:"code"`
}

// of is the figure that a case speaks of.
func (s sample) of(f figure) float64 {
	switch f {
	case cpu:
		return float64(s.CPU)
	case memory:
		return float64(s.Memory)
	}
	return float64(s.Wall)
}

// A series is all runs of one tool in one case.
type series struct {
	Tool    string   `json:"tool"`
	Native  bool     `json:"native,omitempty"`
	Samples []sample `json:"samples"`
}

func (s series) median(f figure) float64 {
	all := make([]float64, len(s.Samples))
	for i, one := range s.Samples {
		all[i] = one.of(f)
	}
	slices.Sort(all)
	if len(all) == 0 {
		return 0
	}
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

func (s series) trips() float64 {
	all := make([]int, len(s.Samples))
	for i, one := range s.Samples {
		all[i] = one.Trips
	}
	slices.Sort(all)
	return float64(all[len(all)/2])
}

// A contestant is a tool in a case.
type contestant struct {
	name    string
	native  bool
	prepare func() error // before each run; nil: nothing
	command func() (command, error)
	check   func() error // behind each run; nil: nothing
}

// A bench runs cases.
type bench struct {
	ctx      context.Context
	work     string // a folder of its own
	programs string
	runs     int
	peers    bool // compare with other tools
	say      func(string, ...any)

	server  *server
	durable bool
	ready   map[string]bool // databases with a history, by name
	next    map[string]int  // the newest migration of each
	serial  int
}

func (b *bench) close() {
	if b.server != nil {
		b.server.stop()
		b.server = nil
	}
}

// on starts the server of a case, unless it is the one that runs already.
func (b *bench) on(c testCase) error {
	if b.server != nil && b.server.product == c.product && b.durable == c.durable {
		return nil
	}
	b.close()
	b.ready, b.next = map[string]bool{}, map[string]int{}
	var err error
	b.durable = c.durable
	b.server, err = startServer(c.product, c.durable, filepath.Join(b.work, "sqlite"))
	return err
}

// run measures one case, the contestants in turn.
func (b *bench) run(c testCase) ([]series, error) {
	var way *far
	if c.product != "" {
		if err := b.on(c); err != nil {
			return nil, err
		}
		if c.roundTrip > 0 {
			var err error
			if way, err = newFar(b.server.address(), c.roundTrip); err != nil {
				return nil, err
			}
			defer way.close()
		}
	}
	all, err := b.contestants(c, way)
	if err != nil {
		return nil, err
	}
	out := make([]series, len(all))
	for i, t := range all {
		out[i].Tool, out[i].Native = t.name, t.native
	}
	runs := b.runs
	if c.slow {
		runs = (runs + 4) / 5
	}
	for round := range runs {
		for k := range all {
			i := (k + round) % len(all)
			if hopeless(out, i) {
				continue
			}
			s, err := b.once(all[i], way)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", all[i].name, err)
			}
			out[i].Samples = append(out[i].Samples, s)
		}
	}
	return out, nil
}

// hopeless says that a tool has taken so much longer than another one that once
// is enough.
func hopeless(all []series, i int) bool {
	if len(all[i].Samples) == 0 {
		return false
	}
	fastest := all[i].Samples[0].Wall
	for _, s := range all {
		for _, one := range s.Samples {
			fastest = min(fastest, one.Wall)
		}
	}
	return all[i].Samples[0].Wall > max(10*fastest, int64(2*time.Second))
}

func (b *bench) once(t contestant, way *far) (sample, error) {
	if t.prepare != nil {
		if err := t.prepare(); err != nil {
			return sample{}, err
		}
	}
	cmd, err := t.command()
	if err != nil {
		return sample{}, err
	}
	if way != nil {
		way.take()
	}
	s, err := b.measure(cmd)
	if way != nil {
		s.Trips = way.take()
	}
	if err == nil && t.check != nil {
		err = t.check()
	}
	return s, err
}

// measure runs a command by the program measure.
func (b *bench) measure(cmd command) (sample, error) {
	var s sample
	c := exec.CommandContext(b.ctx, filepath.Join(b.programs, "measure"), cmd.args...)
	// An end of ours is the command's, too.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.Dir = b.work // no configuration of somebody's is found here
	c.Env = append(os.Environ(), cmd.env...)
	if cmd.stdin != "" {
		in, err := os.Open(cmd.stdin)
		if err != nil {
			return s, err
		}
		defer in.Close()
		c.Stdin = in
	}
	// A file, as a job's log is; a pipe would have to be read meanwhile.
	said, err := os.Create(filepath.Join(b.work, "said"))
	if err != nil {
		return s, err
	}
	defer said.Close()
	c.Stdout, c.Stderr = said, said
	r, w, err := os.Pipe()
	if err != nil {
		return s, err
	}
	defer r.Close()
	c.ExtraFiles = []*os.File{w}
	err = c.Start()
	w.Close()
	if err != nil {
		return s, err
	}
	text, _ := io.ReadAll(r) // what is missing does not parse
	err = c.Wait()
	if e := json.Unmarshal(text, &s); e != nil || err != nil || s.Code != 0 {
		tail, _ := os.ReadFile(said.Name())
		return s, fmt.Errorf("%v ended with %d: %v\n%s", cmd.args[0], s.Code, err, bytes.TrimSpace(tail[max(0, len(tail)-1000):]))
	}
	return s, nil
}

func (b *bench) contestants(c testCase, way *far) ([]contestant, error) {
	tools := []tool{warden}
	if b.peers {
		tools = append(tools, peers(c.product)...)
	}
	switch c.deed {
	case version:
		return []contestant{{name: warden.name, command: func() (command, error) {
			return command{args: []string{filepath.Join(b.programs, "dbwarden"), "version"}}, nil
		}}}, nil
	case stream:
		folder := filepath.Join(b.work, "large", c.name)
		if err := large(folder, int64(c.n)*1_000_000, c.copied); err != nil {
			return nil, err
		}
		p := b.place("large", warden, folder, nil)
		return []contestant{{name: warden.name, prepare: func() error { return b.server.create(b.ctx, "large") },
			command: func() (command, error) { return warden.up(p) }}}, nil
	}
	var out []contestant
	for _, t := range tools {
		var err error
		var one contestant
		if c.deed == apply {
			one, err = b.applies(c, t, way)
		} else {
			one, err = b.remembers(c, t)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		out = append(out, one)
	}
	return append(out, b.natives(c, way)...), nil
}

// place is a database of a tool's, by the far way where there is one.
func (b *bench) place(database string, t tool, folder string, way *far) place {
	u := b.server.database(database)
	if way != nil {
		u.Host = way.addr()
	}
	scratch := filepath.Join(b.work, "scratch", t.name, database)
	_ = os.MkdirAll(scratch, 0o755) // the tool says so
	return place{product: b.server.product, url: u, folder: folder, scratch: scratch, programs: b.programs}
}

// applies is a tool that brings an empty database up to date.
func (b *bench) applies(c testCase, t tool, way *far) (contestant, error) {
	folder := filepath.Join(b.work, "folders", t.name, fmt.Sprintf("%s-%d", c.work, c.n))
	if _, err := os.Stat(folder); err != nil {
		if err := t.format.write(folder, c.work, 1, c.n); err != nil {
			return contestant{}, err
		}
	}
	const database = "fresh"
	p := b.place(database, t, folder, way)
	p.blind = c.blind
	return contestant{
		name:    t.name,
		prepare: func() error { return b.server.create(b.ctx, database) },
		command: func() (command, error) { return t.up(p) },
		check:   func() error { return b.check(database, c.work, c.n) },
	}, nil
}

// remembers is a tool at a database that has a history.
func (b *bench) remembers(c testCase, t tool) (contestant, error) {
	// A folder of its own: migrations are added to it.
	name := fmt.Sprintf("%s_%d", bareWord(t.name), c.n)
	folder := filepath.Join(b.work, "histories", string(c.product), name)
	p := b.place(name, t, folder, nil)
	if !b.ready[name] {
		b.say("  %s applies %d", t.name, c.n)
		if err := t.format.write(folder, c.work, 1, c.n); err != nil {
			return contestant{}, err
		}
		if err := b.server.create(b.ctx, name); err != nil {
			return contestant{}, err
		}
		cmd, err := t.up(p)
		if err != nil {
			return contestant{}, err
		}
		if _, err := b.measure(cmd); err != nil {
			return contestant{}, err
		}
		if err := b.check(name, c.work, c.n); err != nil {
			return contestant{}, err
		}
		b.ready[name], b.next[name] = true, c.n
	}
	out := contestant{name: t.name, command: func() (command, error) { return t.up(p) }}
	switch c.deed {
	case status:
		out.command = func() (command, error) { return t.status(p) }
	case one:
		out.prepare = func() error {
			b.next[name]++
			return t.format.write(folder, c.work, b.next[name], b.next[name])
		}
		out.check = func() error { return b.check(name, c.work, b.next[name]) }
	}
	return out, nil
}

// natives are what the product's own client does of the kind: apply in one
// session, or read a history.
func (b *bench) natives(c testCase, way *far) []contestant {
	t := tool{name: map[product]string{postgres: "psql", mariadb: "mariadb", sqlite: "sqlite3"}[c.product]}
	add := func(name, file, database string, prepare, check func() error) contestant {
		p := b.place(database, t, "", way)
		return contestant{name: name, native: true, prepare: prepare, check: check,
			command: func() (command, error) { return client(p, file) }}
	}
	if _, err := client(place{product: c.product, url: &url.URL{}}, ""); err != nil {
		b.say("  no %s here: left out", t.name)
		return nil
	}
	switch c.deed {
	case apply:
		const database = "fresh"
		fresh := func() error { return b.server.create(b.ctx, database) }
		check := func() error { return b.check(database, c.work, c.n) }
		var out []contestant
		write := func(name, file, joined string) {
			file = filepath.Join(b.work, file)
			if err := script(file, c.work, c.n, "BEGIN", joined); err != nil {
				b.say("  %s: %v", name, err)
				return
			}
			out = append(out, add(name, file, database, fresh, check))
		}
		write(t.name, string(c.product)+"-plain.sql", ";\n")
		if c.product == postgres {
			write("psql, a message each", "postgres-joined.sql", "\\;\n")
		}
		return out
	case nothing, status:
		if !b.ready[fmt.Sprintf("dbwarden_%d", c.n)] {
			return nil
		}
		file := filepath.Join(b.work, "history.sql")
		if err := os.WriteFile(file, []byte("SELECT version, checksum FROM dbwarden_migrations;\n"), 0o644); err != nil {
			b.say("  %s: %v", t.name, err)
			return nil
		}
		return []contestant{add(t.name+" reads the history", file, fmt.Sprintf("dbwarden_%d", c.n), nil, nil)}
	}
	return nil
}

// check sees whether a tool has really done its work.
func (b *bench) check(database string, w work, n int) error {
	query, want := "SELECT COUNT(*) + 1 FROM facts", int64(n)
	if w == tables {
		query, want = fmt.Sprintf("SELECT COUNT(*) FROM t_%05d", n), 0
	}
	got, err := b.server.number(b.ctx, database, query)
	if err != nil {
		return fmt.Errorf("the work was not done: %w", err)
	}
	if got != want {
		return fmt.Errorf("the work was not done: %d instead of %d", got, want)
	}
	return nil
}

func bareWord(s string) string {
	out := []byte(s)
	for i, c := range out {
		if c < 'a' || c > 'z' {
			out[i] = '_'
		}
	}
	return string(out)
}
