package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// gitNames are the names that a command of git prints with -z, run in a folder.
// Its error is what git says.
func gitNames(ctx context.Context, dir string, args ...string) ([]string, error) {
	git := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	git.Env = append(os.Environ(), "LC_ALL=C") // what it says is looked at
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
	if err == nil {
		return names, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	e := &usageError{fmt.Sprintf("--onto %s: %v", commit, err), "see that git can be asked about this folder, or name the files that are yours: dbwarden rebase FILE"}
	switch {
	case errors.Is(err, exec.ErrNotFound):
		e.msg = fmt.Sprintf("--onto %s: there is no git here that could tell what stands in it", commit)
		e.hint = "name the files that are yours: dbwarden rebase FILE"
	case strings.Contains(err.Error(), "not a git repository"):
		e.msg = fmt.Sprintf("--onto %s: the folder of the migrations is in no repository of git", commit)
		e.hint = "name the files that are yours: dbwarden rebase FILE"
	case !isCommit(ctx, dir, commit):
		e.msg = fmt.Sprintf("--onto %s: git knows no branch and no commit of that name here", commit)
		e.hint = "git branch --all lists those that it knows; git fetch gets what is new on the server, a branch of which is called origin/NAME"
	}
	return nil, e
}

func isCommit(ctx context.Context, dir, name string) bool {
	_, ok := gitLine(ctx, dir, "rev-parse", "--verify", "--quiet", name+"^{commit}")
	return ok
}

// gitLine is the one line that a command of git prints, false where it prints
// none or fails.
func gitLine(ctx context.Context, dir string, args ...string) (string, bool) {
	names, err := gitNames(ctx, dir, args...)
	if err != nil || len(names) == 0 {
		return "", false
	}
	line := strings.TrimSpace(names[0])
	return line, line != ""
}

// sharedBranches are the branches that all of a team begin from and merge into,
// as far as this clone tells: what the server calls its default branch, or else
// main, master, or what git is configured to call a first branch; there, and
// here. The one that is checked out is left out: a merge may just have brought
// one's own into it. None where there is no git, or no repository.
func sharedBranches(ctx context.Context, dir string) (all []string) {
	if _, ok := gitLine(ctx, dir, "rev-parse", "--git-dir"); !ok {
		return nil
	}
	const remote = "origin/"
	var names []string
	if line, ok := gitLine(ctx, dir, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"); ok {
		names = []string{strings.TrimPrefix(line, remote)}
	} else {
		names = []string{"main", "master"}
		if line, ok := gitLine(ctx, dir, "config", "--get", "init.defaultBranch"); ok {
			names = append(names, line)
		}
	}
	here, _ := gitLine(ctx, dir, "symbolic-ref", "--quiet", "HEAD")
	for _, name := range names {
		for _, ref := range []string{"refs/remotes/" + remote + name, "refs/heads/" + name} {
			if ref != here && isCommit(ctx, dir, ref) {
				all = append(all, strings.TrimPrefix(strings.TrimPrefix(ref, "refs/remotes/"), "refs/heads/"))
			}
		}
		if len(all) > 0 {
			break
		}
	}
	return all
}

// putBack is the command that brings a file back which is gone, as far as git
// knows it: from what was added or committed last, from before the commit that
// deleted it, or from another branch. "" where it does not.
func putBack(ctx context.Context, dir, shown, file string) string {
	ctx, cancel := context.WithTimeout(ctx, gitPatience)
	defer cancel()
	restore := func(from string) string {
		return "git -C " + shellWord(shown) + " restore" + from + " -- " + shellWord(file)
	}
	if _, ok := gitLine(ctx, dir, "ls-files", "--", file); ok {
		return restore("")
	}
	if commit, ok := gitLine(ctx, dir, "log", "-1", "--format=%h", "--diff-filter=D", "--", file); ok {
		return restore(" --source=" + commit + "~") // not ^, which some shells take for their own
	}
	if commit, ok := gitLine(ctx, dir, "log", "-1", "--all", "--format=%h", "--diff-filter=AM", "--", file); ok {
		return restore(" --source=" + commit)
	}
	return ""
}

// gitPatience is how long git may look for what only makes an advice better.
const gitPatience = 5 * time.Second

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
