package cli

import (
	"bytes"
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

	// Digest is the product's, where it has one: of all that the objects are worked
	// out of.
	Digest []byte `json:"digest,omitempty"`
}

// of says that both were taken in the same way.
func (f *fingerprint) of(other *fingerprint) bool {
	return f.Kind == other.Kind && f.Program == other.Program && f.Server == other.Server && f.Account == other.Account
}

// fingerprint is how a run looks at the target's schema: at all of it but
// grants, which `diff` leaves out too, the order of columns, and what another
// tool kept its history in, which somebody clears away behind `import`.
func (a *app) fingerprint(t *target) *dbwarden.Fingerprint {
	// print is one without its objects.
	print := func(ctx context.Context, s engine.Session) (*fingerprint, error) {
		v := s.Server()
		f := &fingerprint{Kind: schema.PrintKind, Program: a.Build.Version + " " + a.Build.Commit, Server: v.Product + " " + v.Version, Account: v.User}
		if t.product.Engine.Caps.File {
			f.Account = "" // whoever may read the file sees all of it
		}
		if t.product.Digest == nil {
			return f, nil
		}
		digest, err := t.product.Digest(ctx, s)
		f.Digest = []byte(digest)
		return f, err
	}
	// A run looks before and behind. What has one digest is looked at once.
	var last *fingerprint
	f := &dbwarden.Fingerprint{
		Take: func(ctx context.Context, s engine.Session) (string, error) {
			f, err := print(ctx, s)
			if err != nil {
				return "", err
			}
			if last != nil && last.of(f) && len(f.Digest) > 0 && bytes.Equal(last.Digest, f.Digest) {
				text, err := json.Marshal(last)
				return string(text), err
			}
			state, err := t.product.Inspect(ctx, s, schema.Options{Own: append(proven.OwnTables(), engine.ScratchTable)})
			if err != nil {
				return "", err
			}
			state, _ = foreign.WithoutBookkeeping(state.Theirs())
			f.Objects, last = schema.Fingerprint(state.WithoutGrants()), f
			text, err := json.Marshal(f)
			return string(text), err
		},
		Compare: drifted,
	}
	if t.product.Digest != nil {
		f.Same = func(ctx context.Context, s engine.Session, kept string) (bool, error) {
			was := readFingerprint(kept)
			if was == nil || len(was.Digest) == 0 {
				return false, nil
			}
			now, err := print(ctx, s)
			if err != nil || !was.of(now) || !bytes.Equal(was.Digest, now.Digest) {
				return false, err
			}
			last = was
			return true, nil
		}
	}
	return f
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
	if !was.of(is) {
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
