package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/event"
	"github.com/dbwarden-go/dbwarden/internal/config"
	"github.com/dbwarden-go/dbwarden/internal/foreign"
	"github.com/dbwarden-go/dbwarden/internal/proven"
	"github.com/dbwarden-go/dbwarden/internal/render"
	"github.com/dbwarden-go/dbwarden/schema"
)

// A fingerprint is the digests of a schema, with all else that decides what an
// inspector sees: its own release, the server's, and the account, which may not
// see everything. What another one saw says nothing about drift.
type fingerprint struct {
	Kind    string        `json:"kind"` // of the digests
	Program string        `json:"program"`
	Server  string        `json:"server"`
	Account string        `json:"account"`
	Objects schema.Prints `json:"objects"`
}

// fingerprint is how a run looks at the target's schema: at all of it but
// grants, which `diff` leaves out too, the order of columns, and what another
// tool kept its history in, which somebody clears away behind `import`.
func (a *app) fingerprint(t *target) *dbwarden.Fingerprint {
	return &dbwarden.Fingerprint{
		Take: func(ctx context.Context, s engine.Session) (string, error) {
			state, err := t.product.Inspect(ctx, s, schema.Options{Own: append(proven.OwnTables(), engine.ScratchTable)})
			if err != nil {
				return "", err
			}
			state, _ = foreign.WithoutBookkeeping(state.Theirs())
			v := s.Server()
			account := v.User
			if t.product.Engine.Caps.File {
				account = "" // whoever may read the file sees all of it
			}
			text, err := json.Marshal(fingerprint{
				Kind: schema.PrintKind, Program: a.Build.Version + " " + a.Build.Commit, Server: v.Product + " " + v.Version, Account: account,
				Objects: schema.Fingerprint(state.WithoutGrants()),
			})
			return string(text), err
		},
		Compare: drifted,
	}
}

// drifted names what differs between two fingerprints of the same kind.
func drifted(kept, now string) []string {
	if kept == now {
		return nil // as it mostly is
	}
	was, is := readFingerprint(kept), readFingerprint(now)
	if was == nil || is == nil {
		return nil
	}
	if was.Kind != is.Kind || was.Program != is.Program || was.Server != is.Server || was.Account != is.Account {
		return nil
	}
	var out []string
	for _, c := range was.Objects.Changes(is.Objects) {
		out = append(out, c.String())
	}
	return out
}

// readFingerprint returns nil for what another release may have written, whose
// digests need not look like ours.
func readFingerprint(text string) *fingerprint {
	f := &fingerprint{}
	if json.Unmarshal([]byte(text), f) != nil {
		return nil
	}
	return f
}

// drifted warns before a run.
func (a *app) drifted(e event.Event) {
	a.warn(e.Detail)
	t := &target{Database: config.Database{Name: e.Database, Target: e.Target}}
	fmt.Fprintf(a.Stderr, "  %s%s\n", a.style(a.Stderr).Accent("next: "), render.Plain(a.masked(a.typed(t, driftNext))))
}

// driftNext is what somebody does who is told of drift.
const driftNext = "dbwarden diff migrations shows how the database differs from what the migrations make"
