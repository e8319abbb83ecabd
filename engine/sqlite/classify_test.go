package sqlite

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestStatementsAreClassifiedByTheirWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]engine.Traits{
		"INSERT INTO t VALUES ( 1 )":                  {Kind: engine.Data, Atomic: true},
		"INSERT OR FAIL INTO t":                       {Kind: engine.Data},
		"UPDATE OR FAIL t SET":                        {Kind: engine.Data},
		"UPDATE OR IGNORE t SET":                      {Kind: engine.Data, Atomic: true},
		"REPLACE INTO t":                              {Kind: engine.Data, Atomic: true},
		"DELETE FROM t":                               {Kind: engine.Data, Atomic: true},
		"SELECT 1":                                    {Kind: engine.Read, Atomic: true},
		"VALUES ( 1 )":                                {Kind: engine.Read, Atomic: true},
		"EXPLAIN QUERY PLAN DELETE":                   {Kind: engine.Read, Atomic: true},
		"WITH x AS ( SELECT 1 ) SELECT 1":             {Kind: engine.Read, Atomic: true},
		"WITH x AS ( SELECT 1 ) DELETE FROM t":        {Kind: engine.Data, Atomic: true},
		"WITH x AS ( SELECT 1 ) INSERT INTO t SELECT": {Kind: engine.Data, Atomic: true},
		"WITH x AS ( SELECT":                          {Kind: engine.Data, Atomic: true},
		"CREATE TABLE t ( a )":                        {Kind: engine.Definition, Atomic: true},
		"ALTER TABLE t ADD":                           {Kind: engine.Definition, Atomic: true},
		"DROP VIEW v":                                 {Kind: engine.Definition, Atomic: true},
		"BEGIN":                                       {Kind: engine.Begin},
		"BEGIN EXCLUSIVE TRANSACTION":                 {Kind: engine.Begin},
		"COMMIT":                                      {Kind: engine.Commit},
		"END TRANSACTION":                             {Kind: engine.Commit},
		"ROLLBACK":                                    {Kind: engine.Rollback},
		"ROLLBACK TRANSACTION":                        {Kind: engine.Rollback},
		"ROLLBACK TO x":                               {},
		"ROLLBACK TRANSACTION TO SAVEPOINT x":         {},
		"SAVEPOINT x":                                 {Inside: true},
		"VACUUM":                                      {Alone: true, Atomic: true},
		"VACUUM INTO 'x'":                             {Alone: true},
		"ATTACH 'x' AS y":                             {Kind: engine.Setting, Atomic: true},
		"DETACH y":                                    {Kind: engine.Setting, Alone: true, Atomic: true},
		"PRAGMA FOREIGN_KEYS = OFF":                   {Kind: engine.Setting, Alone: true, Atomic: true},
		"PRAGMA MAIN . FOREIGN_KEYS ( 0 )":            {Kind: engine.Setting, Alone: true, Atomic: true},
		"PRAGMA \"foreign_keys\" = OFF":               {Kind: engine.Setting, Alone: true, Atomic: true},
		"PRAGMA FOREIGN_KEYS":                         {Kind: engine.Read, Atomic: true},
		"PRAGMA FOREIGN_KEY_CHECK ( T )":              {Kind: engine.Read, Atomic: true},
		"PRAGMA LEGACY_ALTER_TABLE = ON":              {Kind: engine.Setting, Atomic: true},
		"PRAGMA DEFER_FOREIGN_KEYS = ON":              {Atomic: true},
		"PRAGMA JOURNAL_MODE = WAL":                   {Alone: true, Atomic: true},
		"PRAGMA WAL_CHECKPOINT":                       {Alone: true, Atomic: true},
		"PRAGMA USER_VERSION = 4":                     {Kind: engine.Data, Atomic: true},
		"PRAGMA OPTIMIZE":                             {},
		"PRAGMA NO_SUCH = 4":                          {Atomic: true},
		"REINDEX":                                     {Atomic: true},
		"":                                            {},
		"PRAGMA":                                      {},
	} {
		got := classify(strings.Fields(text), engine.Server{})
		got.Pace = 0 // see TestPace
		if got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

// The table of pragmas is held against SQLite: it is complete, and each does
// inside a transaction what its kind says.
func TestPragmasAreWhatSQLiteMakesOfThem(t *testing.T) {
	t.Parallel()
	s, _ := file(t)
	known, err := s.list(t.Context(), "SELECT name FROM pragma_pragma_list")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][2]string{
		"analysis_limit": {"70", "80"}, "application_id": {"7", "8"}, "busy_timeout": {"70", "80"}, "cache_size": {"70", "80"},
		"cache_spill": {"600", "700"}, "journal_mode": {"delete", "wal"}, "journal_size_limit": {"7000", "8000"},
		"locking_mode": {"normal", "exclusive"}, "max_page_count": {"7000", "8000"}, "mmap_size": {"0", "65536"},
		"synchronous": {"1", "2"}, "temp_store": {"1", "2"}, "user_version": {"7", "8"}, "wal_autocheckpoint": {"70", "80"},
	}
	for _, name := range known {
		kind := pragmas[name]
		switch kind {
		case "":
			t.Errorf("pragma %s is not classified", name)
		case pragmaRead, pragmaAction:
			continue
		}
		switch name {
		case "case_sensitive_like", "default_cache_size", "temp_store_directory": // cannot be read
			continue
		case "auto_vacuum", "encoding", "page_size": // fixed once there is a table, until VACUUM
			continue
		case "hard_heap_limit", "soft_heap_limit": // the whole process's
			continue
		case "schema_version": // a new one has everything read anew
			continue
		}
		two, ok := values[name]
		if !ok {
			two = [2]string{"0", "1"}
		}
		s, _ := file(t)
		read := func() string { return value(t, s, "PRAGMA "+name) }
		do(t, s, "CREATE TABLE t (a)", "PRAGMA "+name+" = "+two[0], "CREATE TEMP TABLE mine (a)", begin)
		if got := read(); got != two[0] {
			t.Errorf("%s: %s before the test", name, got)
		}
		_, setErr := s.Exec(t.Context(), "PRAGMA "+name+" = "+two[1])
		took := setErr == nil && read() == two[1]
		if _, err := s.Exec(t.Context(), "ROLLBACK"); err != nil {
			took = false // it ended the transaction
		}
		stayed := read() == two[1]
		var want [2]bool
		switch kind {
		case pragmaSession:
			want = [2]bool{true, true}
		case pragmaHeader, pragmaInside:
			want = [2]bool{true, false}
		}
		if got := [2]bool{took, stayed}; got != want {
			t.Errorf("%s (%s): works inside a transaction %v, stays after a rollback %v", name, kind, took, stayed)
		}
	}
}
