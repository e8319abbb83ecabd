package dbtest

import (
	"path/filepath"
	"testing"
)

// PrimaryAndStandby starts two PostgreSQL servers for one test, of which the
// second follows the first.
func PrimaryAndStandby(t testing.TB) (primary, standby *Server) {
	t.Helper()
	bin, err := postgresBinaries()
	own := func(start func() (*Server, error)) *Server {
		s := (&shared{title: "PostgreSQL", start: func() (*Server, error) {
			if err != nil {
				return nil, err
			}
			if !isProgram(filepath.Join(bin, "pg_basebackup")) {
				return nil, missing{"pg_basebackup"}
			}
			return start()
		}}).get(t)
		t.Cleanup(s.Stop)
		return s
	}
	streams := []string{"wal_level=replica", "max_wal_senders=4", "hot_standby=on"}
	primary = own(func() (*Server, error) { return startPostgresAt(bin, here, nil, streams...) })
	standby = own(func() (*Server, error) { return startPostgresAt(bin, here, primary, streams...) })
	return primary, standby
}
