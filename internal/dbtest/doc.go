// Package dbtest gives tests real database servers.
//
// Postgres, MariaDB and PgBouncer hand out one server each per test process.
// It is started from the binaries of this machine when the first test asks,
// listens on the loopback interface alone, keeps its files in a temporary
// folder and ends with the process that started it, however that ends.
// Where an environment variable names a server, that one is used instead:
//
//	DBWARDEN_TEST_POSTGRES_URL   postgres://admin:password@host:port/postgres
//	DBWARDEN_TEST_MARIADB_URL    mariadb://admin:password@host:port/mysql
//
// The user in these URLs must be allowed to create databases and accounts.
// The program withservers, below this folder, starts both servers once for a
// whole run of go test and sets the variables.
//
// A test that cannot have its server is skipped with a line that says what is
// missing; so is every such test under -short. The servers run in a time zone
// that is not UTC, on purpose: a clock that is read wrongly shows.
//
// Only tests and withservers import this package.
package dbtest
