package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// gitNames are the names that a command of git prints with -z, run in a folder.
// Its error is what git says.
func gitNames(ctx context.Context, dir string, args ...string) ([]string, error) {
	git := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	var bad bytes.Buffer
	git.Stderr = &bad
	out, err := git.Output()
	if err != nil {
		if text := strings.TrimSpace(bad.String()); text != "" {
			err = errors.New(text)
		}
		return nil, err
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }), nil
}

// checkCommit refuses what git would take for an option of its own.
func checkCommit(commit string) error {
	if strings.HasPrefix(commit, "-") {
		return usagef("--onto %s: want a branch or a commit", commit)
	}
	return nil
}

// inCommit lists the files of a folder as they stand in a commit.
func inCommit(ctx context.Context, dir, commit string) ([]string, error) {
	if err := checkCommit(commit); err != nil {
		return nil, err
	}
	names, err := gitNames(ctx, dir, "ls-tree", "-z", "--name-only", commit)
	if err != nil {
		return nil, fmt.Errorf("ask git what stands in %s: %w", commit, err)
	}
	return names, nil
}

// changedFrom names the files of a folder that git knows as new or changed
// since the branch or commit, or since the working tree parted from it; those
// that git does not know at all among them. Files that are gone are left out.
func changedFrom(ctx context.Context, dir, commit string) (map[string]bool, error) {
	if err := checkCommit(commit); err != nil {
		return nil, err
	}
	changed := map[string]bool{}
	for _, args := range [][]string{
		{"diff", "--name-only", "-z", "--relative", "--no-renames", "--diff-filter=d", "--merge-base", commit, "--", "."},
		{"ls-files", "-z", "--others", "--exclude-standard", "--", "."},
	} {
		names, err := gitNames(ctx, dir, args...)
		if err != nil {
			return nil, &usageError{fmt.Sprintf("ask git what changed since %s: %v", commit, err), "name a branch or a commit that this clone has; a shallow one may need git fetch --unshallow"}
		}
		for _, name := range names {
			changed[name] = true
		}
	}
	return changed, nil
}
