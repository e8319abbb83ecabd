package dbtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// VersionsVariable chooses the PostgreSQL versions that PostgresVersions
// names: "12 18", or "all" for 12 to 18. By default they are the oldest and
// the newest.
const VersionsVariable = "DBWARDEN_TEST_POSTGRES_VERSIONS"

// CacheVariable names the folder in which ./test keeps what it fetched.
const CacheVariable = "DBWARDEN_TEST_CACHE"

// PostgresVersions are the versions on which the tests of the lock are run,
// besides the one that Postgres is.
func PostgresVersions(t testing.TB) []int {
	t.Helper()
	switch text := os.Getenv(VersionsVariable); text {
	case "":
		return []int{12, 18}
	case "all":
		return []int{12, 13, 14, 15, 16, 17, 18}
	default:
		var list []int
		for _, word := range strings.Fields(text) {
			n, err := strconv.Atoi(word)
			if err != nil {
				t.Fatalf("dbtest: %s: %q is no version", VersionsVariable, word)
			}
			list = append(list, n)
		}
		return list
	}
}

// PostgresVersion returns the process's server of that version. Its programs
// are what fetch-postgres, beside this file, has fetched.
func PostgresVersion(t testing.TB, version int) *Server {
	t.Helper()
	versions.lock.Lock()
	s := versions.of[version]
	if s == nil {
		s = &shared{title: fmt.Sprintf("PostgreSQL %d", version), start: func() (*Server, error) {
			bin := filepath.Join(cache(), "postgres", "node_modules", fmt.Sprintf("pg%d", version), "native", "bin")
			if !isProgram(filepath.Join(bin, "postgres")) {
				return nil, missing{bin}
			}
			return startPostgres(bin)
		}}
		versions.of[version] = s
	}
	versions.lock.Unlock()
	return s.get(t)
}

var versions = struct {
	lock sync.Mutex
	of   map[int]*shared
}{of: map[int]*shared{}}

// cache is a folder that outlives test runs. Root's own is closed to the
// accounts that servers run as.
func cache() string {
	if dir := os.Getenv(CacheVariable); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil || os.Geteuid() == 0 {
		dir = "/var/cache"
	}
	return filepath.Join(dir, "dbwarden-test")
}
