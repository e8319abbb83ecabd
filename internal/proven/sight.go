package proven

import (
	"context"
	"fmt"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/schema"
)

// sight is a session that looks at one database again and again: a server
// reads its catalogue far sooner where it has just read it. Runs have sessions
// of their own.
type sight struct {
	p Prover
	d engine.Database
	s engine.Session // nil: there is none

	last []known // the newest first
}

// known is a state with its digest.
type known struct {
	digest string
	state  *schema.State
}

// ways are how many states one migration goes through: as many are worth
// being known again.
const ways = 4

// state is the schema as it is.
func (v *sight) state(ctx context.Context) (*schema.State, error) {
	if v.s != nil {
		state, err := v.look(ctx)
		if err == nil || ctx.Err() != nil {
			return state, err
		}
		v.close() // a migration may have ended it
	}
	var err error
	if v.s, err = v.p.connect(ctx, v.d); err != nil {
		v.s = nil
		return nil, err
	}
	// Where migrations make schemas, which one is current may change with
	// them, and only a new session goes by it.
	if len(v.p.Options.Schemas) > 0 {
		defer v.close()
	}
	return v.look(ctx)
}

func (v *sight) look(ctx context.Context) (*schema.State, error) {
	digest := ""
	if v.p.Digest != nil {
		var err error
		if digest, err = v.p.Digest(ctx, v.s); err != nil {
			return nil, err
		}
		for _, k := range v.last {
			if k.digest == digest {
				return k.state, nil
			}
		}
	}
	state, err := v.p.Inspect(ctx, v.s, v.p.Options)
	if err != nil {
		return nil, err
	}
	state = state.Theirs()
	if digest != "" {
		v.last = append([]known{{digest, state}}, v.last[:min(len(v.last), ways-1)]...)
	}
	return state, nil
}

func (v *sight) close() {
	if v.s != nil {
		v.s.Close()
		v.s = nil
	}
}

func (p Prover) connect(ctx context.Context, d engine.Database) (engine.Session, error) {
	s, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden " + p.Holder.Command, ReadOnly: true, Limits: engine.Limits{Idle: -1}})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", d.Label(), err)
	}
	return s, nil
}
