package postgres

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A flush is several units in one round trip: every request of theirs, in the
// extended protocol, and one Sync behind the last. When one fails, the server
// by itself skips all that stands before Sync, the COMMITs of later units
// too, and it says which request it was. In one message of the simple
// protocol, which is no faster, a mistake of spelling in the last statement
// would refuse the first.
//
// All units but the last commit without waiting for the disk or a standby.
// The last COMMIT waits, and the log is written in order: when it is
// answered, all of them are as safe as the server was set up to make them.

// A flush is small enough to lie in the kernel's buffers as a whole: a client
// that is stopped in the middle of sending would hold its locks, and the
// server has no limit for that.
const (
	flushUnits = 64
	flushBytes = 64 << 10
)

// RunAll does units in as few round trips as it can.
func (s *session) RunAll(ctx context.Context, units []engine.Unit) (done int, err error) {
	for done < len(units) {
		f, unread := s.gather(units[done:])
		n, again := 0, len(f.units) == 0 && unread == nil
		if len(f.units) > 0 {
			n, again, err = s.flush(ctx, f)
			done += n
			if err != nil && !again {
				return done, err
			}
		}
		if again {
			// It does not fit, or something of ours stood in its way, and
			// nothing of it ran.
			if n, err = engine.RunEach(ctx, s, units[done:done+1]); err != nil {
				return done, err
			}
			done += n
			continue
		}
		if unread != nil {
			return done, unread
		}
	}
	return done, nil
}

// request is one of those that a flush is made of.
type request struct {
	unit  int
	part  engine.Part
	index int // within the part
	text  string
	args  []any
	named bool // as a prepared statement

	values [][]byte // args, spelled
}

// flush is what is sent at once.
type flush struct {
	units    []engine.Unit
	limits   engine.Limits
	texts    [][]sqltext.Statement // of each unit
	stays    []bool                // the session is as it was behind each unit: see inert.go
	requests []request
}

// gather reads units, as many as fit. unread is the error of the first that
// cannot be read.
func (s *session) gather(units []engine.Unit) (f flush, unread error) {
	if s.server.Pooled {
		return f, nil // a backend is ours for one transaction
	}
	bytes := 0
	for _, u := range units[:min(len(units), flushUnits)] {
		var texts []sqltext.Statement
		if texts, unread = readUnit(u, &bytes); texts == nil || unread != nil {
			break
		}
		f.units, f.texts, f.limits = append(f.units, u), append(f.texts, texts), *u.Fresh
		f.stays = append(f.stays, s.calm && stays(u, texts))
	}
	for i := range f.units {
		s.add(&f, i)
	}
	f.name()
	return f, unread
}

// readUnit reads the statements of a unit; nil for one that does not fit.
func readUnit(u engine.Unit, bytes *int) ([]sqltext.Statement, error) {
	if u.Begin == "" || u.Fresh == nil {
		return nil, nil
	}
	texts := []sqltext.Statement{}
	for st, err := range u.Statements {
		if err != nil {
			return nil, &engine.UnitError{Part: engine.PartStatement, Index: len(texts), Statement: st, Err: err, RolledBack: true}
		}
		if *bytes += len(st.Text); *bytes > flushBytes || !fitsFlush(st) {
			return nil, nil
		}
		texts = append(texts, st)
	}
	return texts, nil
}

// placeholder is a value in the extended protocol, and a mistake in the
// simple one.
var placeholder = lazily(`\$[0-9]`)

// fitsFlush says whether a statement means the same in a flush. Above, what
// it is has been looked at; here is what no caller can know.
func fitsFlush(st sqltext.Statement) bool {
	return st.Copy == nil && !st.Starts("COPY") && kind(st.Words) != engine.Setting && !placeholder().MatchString(st.Text)
}

// add makes the requests of unit i.
func (s *session) add(f *flush, i int) {
	u := f.units[i]
	put := func(part engine.Part, index int, text string, args ...any) {
		f.requests = append(f.requests, request{unit: i, part: part, index: index, text: text, args: args})
	}
	put(engine.PartBegin, 0, u.Begin)
	if i == 0 || !f.stays[i-1] || *u.Fresh != *f.units[i-1].Fresh {
		for _, text := range undoing {
			if i == 0 || text != "DEALLOCATE ALL" {
				// Whatever reads or makes a prepared statement does not fit
				// into a flush, and ours are among them.
				put(engine.PartBegin, 0, text)
			}
		}
		limits := limitSettings(*u.Fresh, s.given)
		put(engine.PartBegin, 0, setSQL(slices.Concat(limits, s.settings), false, ""))
		if s.schema != "" {
			put(engine.PartBegin, 0, pathSQL(s.schema, false, ""))
		}
	}
	if i < len(f.units)-1 {
		put(engine.PartBegin, 0, "SET LOCAL synchronous_commit TO off")
	}
	queries := func(part engine.Part, list []engine.Query) {
		for k, q := range list {
			if q.Text == restore {
				if f.stays[i] {
					continue
				}
				for _, text := range restoring {
					put(part, k, text)
				}
				continue
			}
			put(part, k, q.Text, q.Args...)
		}
	}
	queries(engine.PartOpening, u.Opening)
	for k, st := range f.texts[i] {
		put(engine.PartStatement, k, st.Text)
	}
	queries(engine.PartClosing, u.Closing)
	if i == len(f.units)-1 {
		put(engine.PartClosing, 0, calm)
	}
	put(engine.PartCommit, 0, "COMMIT")
}

// name finds the requests of ours that are sent more than once and take long
// to plan. The server plans them once.
func (f *flush) name() {
	count := map[string]int{}
	for _, r := range f.requests {
		if r.planned() {
			count[r.text]++
		}
	}
	for i, r := range f.requests {
		if r.planned() && count[r.text] > 1 {
			f.requests[i].named = true
		}
	}
}

func (r request) planned() bool {
	return r.part != engine.PartStatement && (len(r.args) > 0 || strings.HasPrefix(r.text, "SELECT "))
}

// flush sends a flush and reads what comes back. done units are in the
// database for good; again says that units[done] has failed on our account,
// and that nothing of it ran.
func (s *session) flush(ctx context.Context, f flush) (done int, again bool, err error) {
	fail := func(r request, err error, rolledBack bool) error {
		e := &engine.UnitError{Part: r.part, Index: r.index, Err: err, RolledBack: rolledBack}
		if r.part == engine.PartStatement {
			e.Statement = f.texts[r.unit][r.index]
		}
		return e
	}
	if ctx.Err() != nil {
		return 0, false, fail(f.requests[0], context.Cause(ctx), true)
	}
	if s.conn.TxStatus() != 'I' && !s.conn.IsClosed() {
		return 0, false, fail(f.requests[0], errors.New("reset the session: a transaction is open"), true)
	}
	for i, r := range f.requests {
		values, err := encodeEarly(r.args)
		if err != nil {
			return 0, false, fail(r, err, true)
		}
		f.requests[i].values = values
	}
	s.limits = limitSettings(f.limits, s.given)
	failed, err := s.send(ctx, f)
	switch {
	case err == nil && ctx.Err() == nil:
		return len(f.units), false, nil
	case err == nil:
		// A request to cancel may have ended the wait for a standby.
		if err := s.harden(ctx); err != nil {
			return 0, false, fail(request{part: engine.PartCommit}, err, false)
		}
		return len(f.units), false, nil
	}
	err = s.explain(ctx, err)
	s.undo(ctx)
	if failed.unit > 0 {
		err = errors.Join(err, s.harden(ctx))
	}
	if s.conn.IsClosed() {
		// What was answered need not be on the disk yet, should it be the
		// server that has ended.
		if failed.unit > 0 {
			failed = request{part: engine.PartCommit}
		}
		return 0, false, fail(failed, s.explain(ctx, err), false)
	}
	// The reset is ours, and so is a prepared statement that is gone or does
	// not fit any more (26000, 0A000).
	code := fault(err).Code
	again = failed.part == engine.PartBegin && ctx.Err() == nil || failed.named && (code == "26000" || code == "0A000")
	return failed.unit, again, fail(failed, err, true)
}

// harden writes something, and so waits for the disk and the standby to have
// all that was written before.
func (s *session) harden(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hardenTime)
	defer cancel()
	s.quiet = true
	if _, err := s.drain(ctx, "SELECT pg_catalog.pg_logical_emit_message(true, 'dbwarden', '')"); s.conn.IsClosed() {
		return err
	}
	// Where that function may not be called, the log's own writer comes to
	// it within a second.
	return nil
}

// hardenTime is what the server gets to put on its disk what is committed.
const hardenTime = commitTime

// send puts a flush on the wire and reads the answers, and tells those who
// watch. failed is the request that the error is about.
func (s *session) send(ctx context.Context, f flush) (failed request, err error) {
	p := s.conn.StartPipeline(ctx)
	defer p.Close() // a second time, unless an observer panics
	steps := make([]request, 0, len(f.requests))
	names := map[string]string{} // of prepared statements, by text
	for _, r := range f.requests {
		name := ""
		if r.named {
			if name = names[r.text]; name == "" {
				name = "dbwarden_" + strconv.Itoa(len(names)+1)
				names[r.text] = name
				p.SendPrepare(name, r.text, nil)
				steps = append(steps, request{unit: r.unit, part: r.part, index: r.index, named: true})
			}
		}
		if name != "" {
			p.SendQueryPrepared(name, r.values, nil, nil)
		} else {
			p.SendQueryParams(r.text, r.values, nil, nil, nil)
		}
		if r.part == engine.PartCommit || r.part == engine.PartStatement && len(f.units) == 1 {
			// What has ended is told at once, without waiting for what follows.
			p.SendFlushRequest()
		}
		steps = append(steps, r)
	}
	for _, name := range names {
		p.SendDeallocate(name)
	}
	if err := p.Sync(); err != nil {
		return steps[0], errors.Join(err, p.Close())
	}
	w := watching{flush: f, unit: -1}
	for _, r := range steps {
		w.reach(r.unit)
		// Deferred triggers of the user's speak in COMMIT.
		s.quiet = r.part != engine.PartStatement && r.part != engine.PartCommit
		tag, yes, err := answer(p)
		if r.text == calm && r.part == engine.PartClosing {
			s.calm = err == nil && yes
		}
		if err == nil && r.part == engine.PartCommit && tag.String() != "COMMIT" {
			err = errAborted
		}
		if err != nil {
			// What Close says is of the same error, or that the session is
			// gone, which the connection tells.
			_ = p.Close()
			return r, err
		}
		if r.part == engine.PartStatement {
			w.done(tag)
		}
	}
	return steps[len(steps)-1], p.Close()
}

// watching tells those who watch the units of a flush. A statement is said to
// begin when the one before it is known to have ended, or with its unit: the
// answers to what of ours stands between come with its own.
type watching struct {
	flush
	unit, index int
	began       time.Time
}

// reach says that the answers of a unit come next.
func (w *watching) reach(unit int) {
	if unit != w.unit {
		w.unit, w.index = unit, 0
		w.begin()
	}
}

func (w *watching) begin() {
	w.began = time.Now()
	if w.index < len(w.texts[w.unit]) {
		w.tell(engine.Progress{})
	}
}

// done says that the statement which was begun has ended.
func (w *watching) done(tag pgconn.CommandTag) {
	w.tell(engine.Progress{Done: true, Rows: changed(tag, w.texts[w.unit][w.index]), Elapsed: max(time.Since(w.began), 1), Shared: true})
	w.index++
	w.begin()
}

func (w *watching) tell(p engine.Progress) {
	if watch := w.units[w.unit].Watch; watch != nil {
		p.Index, p.Statement = w.index, w.texts[w.unit][w.index]
		watch(p)
	}
}

// answer reads the answer to one request, and drops its rows. yes says that
// the last one began with TRUE.
func answer(p *pgconn.Pipeline) (tag pgconn.CommandTag, yes bool, err error) {
	result, err := p.GetResults()
	if err != nil {
		return pgconn.CommandTag{}, false, err
	}
	switch result := result.(type) {
	case *pgconn.ResultReader:
		for result.NextRow() {
			yes = len(result.Values()) > 0 && string(result.Values()[0]) == "t"
		}
		tag, err = result.Close()
		return tag, yes, err
	case nil:
		return pgconn.CommandTag{}, false, errStranger
	}
	return pgconn.CommandTag{}, false, nil // a statement was prepared
}

// encodeEarly spells values that are sent before the statements have run: the
// late ones are for the server to fill in; see Dialect.Elapsed.
func encodeEarly(args []any) ([][]byte, error) {
	early := slices.Clone(args)
	for i, a := range early {
		if _, late := a.(engine.Late); late {
			early[i] = nil
		}
	}
	return encode(early)
}
