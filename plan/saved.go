package plan

import (
	"cmp"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/migration"
)

// SavedFormat is the Format of the plans that are made.
const SavedFormat = 1

// Saved is a plan of an upgrade that was written down: to be read by somebody,
// and to be run later as long as the world is the one that it was made for. It
// holds no secret: a statement that may hold one is left out.
//
// Its fields are the documented JSON.
type Saved struct {
	Format   int         `json:"dbwarden_plan"`
	About    string      `json:"about"`    // who made it, for people
	Database string      `json:"database"` // its label, for people
	Options  Options     `json:"options"`
	Steps    []SavedStep `json:"steps"`
	World    World       `json:"world"`
}

// Options are a Target's fields in JSON.
type Options struct {
	Count           int    `json:"count,omitempty"`
	To              string `json:"to_version,omitempty"`
	Atomic          bool   `json:"atomic,omitempty"`
	AllowChanged    bool   `json:"allow_changed,omitempty"`
	AllowMissing    bool   `json:"allow_missing,omitempty"`
	AllowOutOfOrder bool   `json:"allow_out_of_order,omitempty"`
}

// OptionsOf is the other way round than Target.
func OptionsOf(t Target) Options {
	return Options{t.Count, t.To.String(), t.Atomic, t.AllowChanged, t.AllowMissing, t.AllowOutOfOrder}
}

// Target is what the options say.
func (o Options) Target() (t Target, err error) {
	t = Target{Count: o.Count, Atomic: o.Atomic, AllowChanged: o.AllowChanged, AllowMissing: o.AllowMissing, AllowOutOfOrder: o.AllowOutOfOrder}
	if o.To != "" {
		t.To, err = migration.ParseVersion(o.To)
	}
	return t, err
}

// SavedStep is one migration of a saved plan.
type SavedStep struct {
	Version    string       `json:"version,omitempty"`
	File       string       `json:"file"`
	Kind       string       `json:"type"`
	Statements int          `json:"statements"`
	Done       int          `json:"already_done,omitempty"` // statements 1..Done of an interrupted attempt have run
	Groups     []SavedGroup `json:"groups"`
}

// SavedGroup is a Group with its statements, from 1.
type SavedGroup struct {
	Mode Mode     `json:"mode"`
	From int      `json:"from"`
	To   int      `json:"to"` // with this one
	SQL  []string `json:"sql,omitempty"`
	More int      `json:"left_out,omitempty"` // how many statements of it SQL does not show
}

// World is what a plan was made for: each file of the folder, each row of the
// history, and each object of the schema, with a digest of what it is; and each
// variable whose value the steps do not show, with a Veil of that.
type World struct {
	Files     map[string]string `json:"files"`
	History   map[string]string `json:"history"`
	Schema    map[string]string `json:"schema"` // nil: it was not looked at
	Variables map[string]string `json:"variables,omitempty"`
	Salt      string            `json:"salt,omitempty"` // of Variables
}

// NewWorld makes a world of its parts. A migration that is half done is a part
// of the history.
func NewWorld(files map[string]string, h *journal.History, schema map[string]string) World {
	w := World{Files: files, History: map[string]string{}, Schema: schema}
	for i := range h.Revisions {
		r := &h.Revisions[i]
		w.History[rowName(r)] = r.Digest()
	}
	if e, p := Unfinished(h); e != nil {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %d %v", e.Direction, p.Done, p.Doubt, p.Total, p.Marks))
		w.History[cmp.Or(e.Version, e.File)+" (half done)"] = hex.EncodeToString(sum[:])
	}
	return w
}

// NewSalt is the salt for the variables of a plan that is made for this world.
// It need not be secret, and no other world has it. That it is no random one
// lets the same plan be the same file.
func (w World) NewSalt() (string, error) {
	text, err := json.Marshal([]any{w.Files, w.History, w.Schema})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), nil
}

// veilRounds makes a Veil cost about a tenth of a second, for us once, and for
// who guesses at a value with each guess.
const veilRounds = 600_000

// Veil is what a saved plan has of a variable's value: it tells that another
// value is another one, and a value can be had of it by guessing alone, in
// which each guess takes its time and is good for this variable of this plan.
// It is PBKDF2 with HMAC-SHA-256 over the salt and the name.
func Veil(salt, name, value string) (string, error) {
	key, err := pbkdf2.Key(sha256.New, value, []byte(salt+" "+name), veilRounds, sha256.Size)
	return hex.EncodeToString(key), err
}

// rowName is what a row of the history is called.
func rowName(r *journal.Revision) string { return cmp.Or(r.Version.String(), r.File) }

// Moved is one thing that is no longer as it was when a plan was made.
type Moved struct {
	What string `json:"what"` // "file", "history", "schema", "variable"; "plan": the same would run in another way
	Name string `json:"name"`
	How  string `json:"how"` // "changed", "new", "gone"
}

func (m Moved) String() string {
	how := map[string]string{"changed": "has changed", "new": "is new", "gone": "is gone"}[m.How]
	switch m.What {
	case "file":
		return "the file " + m.Name + " " + how
	case "history":
		return "the history's row " + m.Name + " " + how
	case "schema":
		return m.Name + " " + how
	case "variable":
		how = map[string]string{"changed": "has another value", "new": "is new", "gone": "has no value"}[m.How]
		return "the variable " + m.Name + " " + how
	}
	return m.Name + " would run in another way than the plan says"
}

// Moved tells how now differs from the world that the plan was made for.
func (w World) Moved(now World) (out []Moved) {
	out = append(out, moved("file", w.Files, now.Files)...)
	out = append(out, moved("history", w.History, now.History)...)
	if w.Schema != nil {
		out = append(out, moved("schema", w.Schema, now.Schema)...)
	}
	return append(out, moved("variable", w.Variables, now.Variables)...)
}

func moved(what string, was, is map[string]string) (out []Moved) {
	all := maps.Clone(is)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, was)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		a, before := was[name]
		b, after := is[name]
		switch {
		case !before:
			out = append(out, Moved{what, name, "new"})
		case !after:
			out = append(out, Moved{what, name, "gone"})
		case a != b:
			out = append(out, Moved{what, name, "changed"})
		}
	}
	return out
}

// StepsMoved tells which steps are others now, by the first of them.
func (s *Saved) StepsMoved(now []SavedStep) []Moved {
	for i := range max(len(s.Steps), len(now)) {
		switch {
		case i >= len(s.Steps):
			return []Moved{{"plan", now[i].File, "new"}}
		case i >= len(now):
			return []Moved{{"plan", s.Steps[i].File, "gone"}}
		case !reflect.DeepEqual(s.Steps[i], now[i]):
			return []Moved{{"plan", s.Steps[i].File, "changed"}}
		}
	}
	return nil
}

// CarriedOut says that the plan has been run to its end, and nothing else has:
// the files are the same, and what is more in the history are its steps.
func (s *Saved) CarriedOut(now World, set *migration.Set, h *journal.History) bool {
	if len(s.Steps) == 0 || len(moved("file", s.World.Files, now.Files)) > 0 {
		return false
	}
	steps := map[string]bool{}
	for _, st := range s.Steps {
		steps[cmp.Or(st.Version, st.File)] = true
	}
	ran := 0
	for i := range h.Revisions {
		r := &h.Revisions[i]
		name := rowName(r)
		before, was := s.World.History[name]
		m := set.Find(r.Version)
		if r.Version.IsZero() {
			m = set.FindFile(r.File)
		}
		switch {
		case !steps[name] && before != r.Digest():
			return false
		case steps[name] && (m == nil || Changed(m, r) || was && before == r.Digest()):
			return false
		case steps[name]:
			ran++
		}
	}
	if e, _ := Unfinished(h); e != nil || ran != len(steps) {
		return false
	}
	for name := range s.World.History {
		if _, is := now.History[name]; !is && !steps[name[:max(0, len(name)-len(" (half done)"))]] {
			return false
		}
	}
	return true
}
