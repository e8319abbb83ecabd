package foreign

import (
	"slices"
	"strings"

	"github.com/dbwarden-go/dbwarden/schema"
)

// Bookkeeping is an object in which another tool keeps what it has applied.
type Bookkeeping struct {
	Object schema.ID `json:"object"`
	Tool   string    `json:"history_of"` // its title
}

// shape tells such a table: by its name, and by the columns that it has, since
// names like schema_migrations are anybody's.
type shape struct {
	table   string
	columns string // in any order
	more    bool   // later or older releases have others besides
	tool    string // its name
}

var shapes = []shape{
	{"goose_db_version", "id version_id is_applied tstamp", false, "goose"},
	{"schema_migrations", "version dirty", false, "golang-migrate"},
	{"schema_migrations", "version", false, "dbmate"},
	{"flyway_schema_history", "installed_rank version description type script checksum installed_by installed_on execution_time success", true, "flyway"},
	{"schema_version", "installed_rank version description type script checksum installed_by installed_on execution_time success", true, "flyway"},
	{"schema_version", "version", false, "tern"},
	{"gorp_migrations", "id applied_at", false, "sql-migrate"},
	{"atlas_schema_revisions", "version type applied total executed_at execution_time", true, "atlas"},
	{"alembic_version", "version_num", false, "alembic-sql"},
	{"databasechangelog", "id author filename dateexecuted orderexecuted exectype", true, "liquibase-sql"},
	{"databasechangeloglock", "id locked lockgranted lockedby", false, "liquibase-sql"},
}

func (s shape) is(t *schema.Table) bool {
	want := strings.Fields(s.columns)
	if !strings.EqualFold(t.Name, s.table) || len(t.Columns) < len(want) || !s.more && len(t.Columns) > len(want) {
		return false
	}
	return !slices.ContainsFunc(want, func(name string) bool {
		return !slices.ContainsFunc(t.Columns, func(c schema.Column) bool { return strings.EqualFold(c.Name, name) })
	})
}

// Bookkeepings are the tables of a state in which the tools that can be read keep
// what they have applied, with the sequences that belong to them.
func Bookkeepings(s *schema.State) (all []Bookkeeping) {
	for i := range s.Tables {
		t := &s.Tables[i]
		at := slices.IndexFunc(shapes, func(s shape) bool { return s.is(t) })
		if at < 0 {
			continue
		}
		title := Find(shapes[at].tool).Title
		all = append(all, Bookkeeping{s.Relative(t.ID()), title})
		for _, q := range s.Sequences {
			if q.Schema == t.Schema && strings.HasPrefix(strings.TrimPrefix(q.OwnedBy, t.Schema+"."), t.Name+".") {
				all = append(all, Bookkeeping{s.Relative(q.ID()), title})
			}
		}
	}
	return all
}

// WithoutBookkeeping is a state without those of Bookkeepings that none of these
// others has, and what was left out: a table that the migrations or models make is
// theirs.
func WithoutBookkeeping(s *schema.State, others ...*schema.State) (*schema.State, []Bookkeeping) {
	theirs := map[schema.ID]bool{}
	for _, o := range others {
		for _, t := range o.Tables {
			theirs[o.Relative(t.ID())] = true
		}
		for _, q := range o.Sequences {
			theirs[o.Relative(q.ID())] = true
		}
	}
	left := slices.DeleteFunc(Bookkeepings(s), func(b Bookkeeping) bool { return theirs[b.Object] })
	if len(left) == 0 {
		return s, nil
	}
	gone := map[schema.ID]bool{}
	for _, b := range left {
		gone[b.Object] = true
	}
	return s.Without(gone), left
}
