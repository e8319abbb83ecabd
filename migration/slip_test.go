package migration_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// TestMisspeltHeadersAreRefused: each would otherwise be a comment, and the
// file would run without it.
func TestMisspeltHeadersAreRefused(t *testing.T) {
	t.Parallel()
	for line, meant := range map[string]string{
		// letters left out, added, changed, swapped
		"-- enviroment: prod":                `-- env: prod`,
		"-- Environment: production":         `-- env: production`,
		"-- environments: dev, staging":      `-- env: dev, staging`,
		"-- enviorment: prod":                `-- env: prod`,
		"-- evn: prod":                       `-- env: prod`,
		"-- envs: prod":                      `-- env: prod`,
		"-- environment: prod staging":       `-- env: dev, staging`,
		"-- requires: 0001":                  `-- depends_on: 0001`,
		"-- Requires: 0001, 0002":            `-- depends_on: 0001, 0002`,
		"-- tx: off":                         `-- transaction: off`,
		"-- requre: EXISTS (SELECT 1)":       `-- require: SELECT …`,
		"-- requires: SELECT 1":              `-- require: SELECT 1`,
		"-- ensuer: SELECT 1":                `-- ensure: SELECT 1`,
		"-- insure: SELECT 1":                `-- ensure: SELECT 1`,
		"-- transction: off":                 `-- transaction: off`,
		"-- transactions: off":               `-- transaction: off`,
		"-- trasnaciton: off":                `-- transaction: off`,
		"-- depend_on: [\"0001\"]":           `-- depends_on: ["0001"]`,
		"-- depends: 0001":                   `-- depends_on: 0001`,
		"-- statment_timout: 5s":             `-- statement_timeout: 5s`,
		"-- lock_timout: soon":               `-- lock_timeout: 10s`,
		"-- sed: on":                         `-- seed: on`,
		"-- var: on":                         `-- vars: on`,
		"-- variables: on":                   `-- vars: on`,
		"-- chek: ignore drop-table of mine": `-- check: ignore drop-table of mine`,

		// no value, other punctuation
		"-- no-transaction":         `-- transaction: off`,
		"-- No transaction":         `-- transaction: off`,
		"-- notransaction;":         `-- transaction: off`,
		"-- transaction off;":       `-- transaction: off`,
		"-- Transaction off.":       `-- transaction: off`,
		"--- transaction: off":      `-- transaction: off`,
		"-- -- transaction: off":    `-- transaction: off`,
		"-- @transaction off":       `-- transaction: off`,
		"-- transaction：off":        `-- transaction: off`,
		"-- lock_timeout ： 5s":      `-- lock_timeout: 5s`,
		"-- statement_timeout＝5s":   `-- statement_timeout: 5s`,
		"-- statement timeout 5s; ": `-- statement_timeout: 5s`,

		// blanks, hyphens and nothing for the underscore
		"-- lock timeout: 5s":       `-- lock_timeout: 5s`,
		"-- lock-timeout: 5s":       `-- lock_timeout: 5s`,
		"-- LockTimeout: 5s":        `-- lock_timeout: 5s`,
		"-- Lock Timeout: 5 s":      `-- lock_timeout: 10s`,
		"--statement-timeout:1h":    `-- statement_timeout: 1h`,
		"-- statement time out: 1h": `-- statement_timeout: 1h`,
		"-- dependson: [1]":         `-- depends_on: [1]`,
		"-- depends-on: 1":          `-- depends_on: 1`,
		"-- Depends on: 0001":       `-- depends_on: 0001`,
		"-- trans_action: off":      `-- transaction: off`,

		// no colon
		"-- transaction=off":                   `-- transaction: off`,
		"-- transaction = none":                `-- transaction: none`,
		"-- lock_timeout = 5s":                 `-- lock_timeout: 5s`,
		"-- env=prod":                          `-- env: prod`,
		"-- seed = yes":                        `-- seed: yes`,
		"-- vars=1":                            `-- vars: on`,
		"-- transaction off":                   `-- transaction: off`,
		"-- Transaction OFF":                   `-- transaction: OFF`,
		"-- lock timeout 5s":                   `-- lock_timeout: 5s`,
		"-- lock_timeout 300ms":                `-- lock_timeout: 300ms`,
		"-- depends_on [\"0001\", \"0002\"]":   `-- depends_on: ["0001", "0002"]`,
		"-- depends on 0001, 0002":             `-- depends_on: 0001, 0002`,
		"-- vars on":                           `-- vars: on`,
		"-- env prod, staging":                 `-- env: prod, staging`,
		"-- ensure select 1":                   `-- ensure: select 1`,
		"-- ensure SELECT count(*) = 0 FROM t": `-- ensure: SELECT count(*) = 0 FROM t`,
		"-- ensure select id from users where mail is null or mail = ''": `-- ensure: SELECT …`,
		"-- require EXISTS (SELECT 1 FROM t)":                            `-- require: SELECT …`,
		"-- require WITH a AS (SELECT 1) SELECT 1":                       `-- require: WITH a AS (SELECT 1) SELECT 1`,
		"-- seed;":                   `-- seed`,
		"-- check ignore drop-table": `-- check: ignore drop-table`,
	} {
		_, err := load(t, map[string]string{"1_a.sql": "-- a\n" + line + "\n-- upgrade\n"})
		if err == nil {
			t.Errorf("%s: is a comment", line)
			continue
		}
		said := strings.TrimSpace(strings.TrimPrefix(line, "--"))
		place := "1_a.sql:2:4: "
		if !strings.HasPrefix(line, "-- ") {
			place = "1_a.sql:2:3: "
		}
		if r := []rune(said); len(r) > 40 {
			said = string(r[:39]) + "…"
		}
		want := place + `unknown header "` + strings.ReplaceAll(said, `"`, `\"`) + `"; did you mean "` + strings.ReplaceAll(meant, `"`, `\"`) + `"? Within /* */ it is a comment`
		if err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", line, err, want)
		}
		// What it offers are ways out.
		for _, head := range []string{meant, "/* " + line + " */", "/*\n" + strings.TrimPrefix(line, "--") + "\n*/"} {
			if strings.HasSuffix(head, "…") || strings.HasSuffix(head, "reason") {
				continue
			}
			if _, err := load(t, map[string]string{"1_a.sql": head + "\n-- upgrade\n", "1.sql": ""}); err != nil && strings.Contains(err.Error(), "unknown header") {
				t.Errorf("%s: %v", head, err)
			}
		}
	}
	// The lines that a condition goes on in go with it.
	_, err := load(t, map[string]string{"1_a.sql": "-- requires: SELECT 1\n--   FROM t\n--   WHERE env = 'prod'\n-- upgrade\n"})
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}

// prose are comments that stand above real migrations, or might.
const prose = `-- Requires PostgreSQL 12
-- Requires PostgreSQL 12 or later: uses generated columns
-- Requires: PostgreSQL 12
-- required: the rows of 0004
-- Required extensions: pg_trgm
-- Note: takes long on big tables
-- Author: Ada
-- Ticket: SHOP-12
-- Environment variables are read by the application
-- Env vars: see the handbook
-- Environment setup
-- environment: production database only
-- Environment: see the handbook
-- requires: the rows of 0001
-- Requires: 2 GB of memory
-- tx: 0x4f2a
-- No transactions are used here
-- No transaction is open: the index is built concurrently
-- * transaction safe
--- the end of it
-- env settings
-- Ensure the index exists
-- Ensures that no user is without a mail
-- Ensure select privileges are granted
-- Ensure SELECT on users is granted to app
-- Ensure table users is there
-- Ensure values are unique
-- Ensure with care that it is so
-- Require values from the list
-- Transaction handling: one per statement
-- Transactions are not used here
-- transaction isolation level = serializable
-- Transaction safe
-- Translation: the German names
-- Transition: from ids to uuids
-- Lock timeout is set below
-- Lock timeouts are long here
-- The lock timeout: see below
-- lock the table first
-- Lock: none
-- Timeout: 5s
-- Statement timeout of the role = 5s
-- Depends on the users table
-- Depends: the users table
-- Depends on PostgreSQL 12
-- Dependencies: none
-- Seed data for the demo
-- Seeds
-- Seeds: the rows of the demo
-- See: https://example.org/x?seed=on
-- see also 0004: it does the same
-- Seen: yes
-- Need: none
-- Feed: off
-- Send: yes
-- Speed: on
-- Variables: see the handbook
-- Variables are not used
-- Vary: on
-- Checks the sums
-- Checked: by Ada
-- check = v * r^2
-- isolation: off
-- seeds.go: 17
-- check constraints are added
-- Date: 2024-01-02
-- Version: 3
-- End: of the header
-- vars are declared below
-- don't drop b; it is used
-- Name: actor; Type: TABLE; Schema: public; Owner: postgres
-- DROP TABLE actor;
-- SET lock_timeout = '5s';
-- SELECT 1
-- +goose Up
-- dialect: sqlite
-- Rollback: see the wiki
-- TODO: an index on mail
-- -------------------------------------
-- =====================================
-- x = 1
-- a:b
-- :
-- =
--
--- transaction
-- Besonderheit: läuft lange
-- Возврат: нет
-- 環境: 本番`

// TestProseIsNoHeader: a file is never refused for what is plainly said in it.
func TestProseIsNoHeader(t *testing.T) {
	t.Parallel()
	lines := strings.Split(prose, "\n")
	if data := os.Getenv(dbtest.DataVariable); data != "" {
		err := filepath.WalkDir(data, func(name string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, ".sql") {
				return err
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			for line := range strings.SplitSeq(string(text), "\n") {
				if at := strings.Index(line, "--"); at >= 0 {
					lines = append(lines, line[at:])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range lines {
		if _, err := load(t, map[string]string{"1_a.sql": line + "\n-- upgrade\n"}); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}
