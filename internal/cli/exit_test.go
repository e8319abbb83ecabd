package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/plan"
)

// exitTable are a page's exit codes with their meaning, without links.
func exitTable(t *testing.T, page string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "## Exit codes\n\n")
	table, _, _ := strings.Cut(rest, "\n\n")
	rows := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| (\d+) \| (.*) \|$`).FindAllStringSubmatch(table, -1) {
		rows[m[1]] = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`).ReplaceAllString(m[2], "$1")
	}
	return rows
}

// TestExitCodesAreOneTable: the pages say the same, and what the program does.
func TestExitCodesAreOneTable(t *testing.T) {
	t.Parallel()
	table, readme := exitTable(t, "docs/commands.md"), exitTable(t, "README.md")
	if len(table) != 10 || fmt.Sprint(table) != fmt.Sprint(readme) {
		t.Errorf("docs/commands.md says\n%v\nand README.md\n%v", table, readme)
	}
	signal := func(s syscall.Signal) error { return Signal{s} }
	for _, c := range []struct {
		err  error
		code int
		told string
	}{
		{nil, exitOK, "done"},
		{errors.New("x"), exitError, "an error without a code of its own"},
		{migration.Problems{{Msg: "x"}}, exitError, "files that cannot be read as migrations"},
		{&plan.Refusal{Code: plan.ChangedFile}, exitError, "a refusal to run"},
		{&lock.ErrNewerTable{}, exitError, "a lock that cannot be looked at"},
		{&usageError{}, exitUsage, "on the command line"},
		{&plan.Refusal{Code: plan.UnknownVersion}, exitUsage, "a version that does not exist"},
		{&plan.Refusal{Code: plan.NotApplied}, exitUsage, "or that is not applied"},
		{&renameError{}, exitUsage, "must be told what was renamed"},
		{&dbwarden.MigrationError{}, exitMigration, "a migration failed"},
		{&lock.HeldError{}, exitHeld, "the lock is held"},
		{&plan.Refusal{Code: plan.InDoubt}, exitHeld, "a statement is in doubt"},
		{lock.ErrLost, exitLost, "the lock was lost while the run was under way"},
		{&dbwarden.DriftError{}, exitFound, "drift"},
		{foundError{exitFound}, exitFound, "found something"},
		{signal(syscall.SIGHUP), 129, "SIGHUP"},
		{signal(syscall.SIGINT), 130, "SIGINT"},
		{signal(syscall.SIGTERM), 143, "SIGTERM"},
	} {
		got := exitOK
		if c.err != nil {
			got = exitCode(context.Background(), fmt.Errorf("around it: %w", c.err))
		}
		if got != c.code || !strings.Contains(table[fmt.Sprint(c.code)], c.told) {
			t.Errorf("%T: exit code %d; want %d, which the page says of: %s", c.err, got, c.code, c.told)
		}
	}
}
