package enginetest

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// Told is what a witness can say of a statement.
type Told string

const (
	Settled Told = "settled" // whether it took effect can be seen
	Again   Told = "again"   // it may be run twice
	Touched Told = "touched" // that it did not take effect can be seen; that it did, cannot
	HalfWay Told = "half"    // that it took effect can be seen; that it did not, cannot
	Never   Told = "never"   // only a person can tell
)

// Testimony is a statement and what can be told of it.
type Testimony struct {
	Setup     []string
	Statement string
	Told      Told

	// Meanwhile is what others do before anybody looks, in place of the
	// statement: it must not look as if the statement had taken effect, nor,
	// behind the statement, as if it had not.
	Meanwhile []string
}

// While is a Testimony with what others did meanwhile.
func While(setup []string, statement string, told Told, meanwhile ...string) Testimony {
	return Testimony{setup, statement, told, meanwhile}
}

// Says is a Testimony.
func Says(setup []string, statement string, told Told) Testimony {
	return Testimony{setup, statement, told, nil}
}

// Witnesses examines an engine's witness: for each statement it looks before,
// judges as if the statement had never been run, runs it, and judges again.
// What the house builds on: the first never says that it took effect, the
// second never that it did not, unless running it twice changes nothing.
func Witnesses(t *testing.T, e *engine.Engine, newDB func(t *testing.T) string, cases []Testimony) {
	for _, c := range cases {
		name := c.Statement
		if len(c.Meanwhile) > 0 {
			name += " while " + c.Meanwhile[0]
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := &exam{T: t, e: e, url: newDB(t)}
			x.db = x.open(x.url)
			s := x.connect(engine.ConnectOptions{App: "witness"})
			for _, q := range c.Setup {
				if _, err := s.Exec(t.Context(), q); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
			}
			all, err := sqltext.All(c.Statement, e.Lexis)
			if err != nil || len(all) != 1 {
				t.Fatalf("%d statements, %v", len(all), err)
			}
			ev, err := e.Witness.Before(t.Context(), s, all[0])
			if err != nil {
				// It runs without evidence then.
				t.Logf("looking before: %v", err)
			}
			again, err := engine.ReadEvidence(ev.Text())
			if err != nil || again.Text() != ev.Text() {
				t.Fatalf("the evidence is read as %v, %v", again, err)
			}
			judge := func() engine.Finding {
				now := make([]string, len(ev.Objects))
				for i, o := range ev.Objects {
					var err error
					if now[i], err = e.Witness.Now(t.Context(), s, o); err != nil {
						return engine.Finding{Saw: err.Error()}
					}
				}
				return ev.Judge(now)
			}
			for _, q := range c.Meanwhile {
				if _, err := s.Exec(t.Context(), q); err != nil {
					t.Fatalf("%s: %v", q, err)
				}
			}
			notRun := judge()
			if _, err := s.(engine.Plain).Execute(t.Context(), all[0]); err != nil {
				t.Fatal(err)
			}
			run := judge()
			want := map[Told][2]engine.Outcome{
				Settled: {engine.TookNot, engine.Took}, Again: {engine.TookNot, engine.TookNot},
				HalfWay: {engine.Unsure, engine.Took}, Touched: {engine.TookNot, engine.Unsure}, Never: {engine.Unsure, engine.Unsure},
			}[c.Told]
			if got := [2]engine.Outcome{notRun.Outcome, run.Outcome}; got != want {
				t.Errorf("told %v, want %v; before it ran: %s; after: %s", got, want, notRun.Saw, run.Saw)
			}
		})
	}
}
