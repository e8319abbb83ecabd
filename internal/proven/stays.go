package proven

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/desired"
	"github.com/dbwarden-go/dbwarden/journal"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
)

// Stays refuses migrations that reach beyond the database that they run in on
// one of these ways: to replay them in d would change its server, or another
// database. path spells a file of the folder for people.
func (p Prover) Stays(ctx context.Context, d engine.Database, set *migration.Set, path func(file string) string, ways ...migration.Direction) (engine.Server, error) {
	s, err := d.Connect(ctx, engine.ConnectOptions{App: "dbwarden " + p.Holder.Command, ReadOnly: true, Limits: engine.Limits{Idle: -1}})
	if err != nil {
		return engine.Server{}, err
	}
	v := s.Server()
	s.Close()
	var all []error
	for _, m := range set.Migrations {
		if set.Elsewhere(m) {
			continue
		}
		for _, way := range ways {
			_, err := m.Section(way).Outline(func(st migration.Piece) error {
				if why := p.Engine.Scratch.Strays(st.Statement, v); why != "" {
					all = append(all, fmt.Errorf("%s:%s: it cannot be replayed: %s", path(m.File), st.Start, why))
				}
				return nil
			})
			if err != nil {
				return v, err
			}
		}
	}
	return v, errors.Join(all...)
}

// SchemasOf are the schemas that the upgrades of a set make.
func SchemasOf(set *migration.Set) (names []string, err error) {
	for _, m := range set.Migrations {
		if set.Elsewhere(m) {
			continue // what it needs may not be known here
		}
		_, err := m.Upgrade.Outline(func(st migration.Piece) error {
			names = append(names, desired.Schemas([]desired.Made{{Statement: st.Statement}})...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// Spread has p read the schemas that a folder makes besides the one that its
// names lead to, where it makes any.
func (p *Prover) Spread(made []string, v engine.Server) {
	if len(made) == 0 {
		return
	}
	p.Options.Schemas = []string{v.Schema}
	for _, name := range made {
		if !slices.Contains(p.Options.Schemas, name) {
			p.Options.Schemas = append(p.Options.Schemas, name)
		}
	}
}

// OwnTables are our tables in a database, by all their names.
func OwnTables() []string {
	return []string{lock.Table, lock.RunTable, journal.HistoryTable, journal.LaterHistoryTable, journal.EntryTable, journal.FingerprintTable}
}
