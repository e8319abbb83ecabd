package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// lines are the commands of a list in a job of GitLab's, which stand on a line
// each.
func lines(t *testing.T, text, job, list string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "\n"+job+":\n")
	if !ok {
		t.Fatalf("there is no job %s", job)
	}
	rest, _, _ = strings.Cut(rest, "\n\n")
	_, rest, ok = strings.Cut(rest, "  "+list+":\n")
	if !ok {
		t.Fatalf("the job %s has no %s", job, list)
	}
	var out []string
	for line := range strings.Lines(rest) {
		if strings.HasPrefix(line, "    #") {
			continue
		}
		command, ok := strings.CutPrefix(line, "    - ")
		if !ok {
			break
		}
		out = append(out, strings.TrimSpace(command))
	}
	if len(out) == 0 {
		t.Fatalf("%s of %s is empty", list, job)
	}
	return strings.Join(out, "\n") + "\n"
}

// The jobs install a release that its list of sums knows, and do what they
// are named for.
func TestTheJobsOfGitLabDoWhatTheySay(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("dpkg"); err != nil || runtime.GOOS != "linux" {
		t.Skip("the jobs are for an image of Debian: dpkg not found")
	}
	text, err := os.ReadFile(filepath.Join(root, "deploy/gitlab/dbwarden.yml"))
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner(t)
	name := fmt.Sprintf("dbwarden_1.2.3_linux_%s.tar.gz", runtime.GOARCH)
	r.write("releases/v1.2.3/nothing", "")
	archive := filepath.Join(r.dir, "releases/v1.2.3", name)
	if out, err := exec.CommandContext(t.Context(), "tar", "-czf", archive, "-C", filepath.Dir(program), "dbwarden").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	base := r.commit("repo")
	job := func(code int, name, want string, env ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", lines(t, string(text), ".dbwarden", "before_script")+lines(t, string(text), name, "script"))
		c.Dir = filepath.Join(r.dir, "repo", "db")
		c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "TMPDIR=" + r.temp, "CI_PROJECT_DIR=" + c.Dir,
			"CI_MERGE_REQUEST_DIFF_BASE_SHA=" + base, "DBWARDEN_VERSION=1.2.3", "DBWARDEN_RELEASES=file://" + filepath.Join(r.dir, "releases")}
		c.Env = append(c.Env, env...)
		out, err := c.CombinedOutput()
		if c.ProcessState.ExitCode() != code || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v, want exit code %d and %q\n%s", name, err, code, want, out)
		}
	}
	r.write("releases/v1.2.3/checksums.txt", strings.Repeat("0", 64)+"  "+name+"\n")
	job(1, ".dbwarden-migrate", "FAILED")
	r.write("releases/v1.2.3/checksums.txt", sum(t, archive)+"  "+name+"\n")
	job(0, ".dbwarden-plan", "CREATE TABLE users", "DATABASE_URL_READ=sqlite:///shop.db", "DBWARDEN_DATABASE_URL_FILE=nowhere")
	if !strings.Contains(r.read("repo/db/plan.txt"), "0001_users.sql") {
		t.Errorf("plan.txt: %s", r.read("repo/db/plan.txt"))
	}
	// A variable that is protected is not there on every branch.
	job(2, ".dbwarden-migrate", "Nothing ran.")
	if _, err := os.Stat(filepath.Join(r.dir, "repo/db/shop.db")); err == nil {
		t.Error("a file of SQLite was made")
	}
	job(0, ".dbwarden-migrate", "1 migrations applied.", "DBWARDEN_DATABASE_URL=sqlite:///shop.db")
	job(1, ".dbwarden-migrate", "postgresql://app:***@127.0.0.1:1/shop", "DBWARDEN_DATABASE_URL=postgresql://app:hush-hush@127.0.0.1:1/shop")
	// One that is not there at all makes no job that fails, and migrations run
	// behind the tests.
	for name, want := range map[string]string{
		".dbwarden-plan":    "\n    - if: $CI_PIPELINE_SOURCE == \"merge_request_event\" && $DATABASE_URL_READ\n",
		".dbwarden-migrate": "\n  stage: deploy\n",
	} {
		_, of, _ := strings.Cut(string(text), "\n"+name+":\n")
		if of, _, _ = strings.Cut(of, "\n\n"); !strings.Contains(of, want) {
			t.Errorf("%s is without %q:\n%s", name, want, of)
		}
	}
	r.write("repo/db/migrations/0002_drop.sql", "-- upgrade\nDROP TABLE users;\n")
	job(6, ".dbwarden-check", "drop-table")
	job(6, ".dbwarden-check", "Checked 1 migration: ")
	if !strings.Contains(r.read("repo/db/dbwarden.sarif"), `"2.1.0"`) {
		t.Errorf("dbwarden.sarif: %s", r.read("repo/db/dbwarden.sarif"))
	}
}

// pre-commit calls the entry with the staged files that the pattern finds.
func TestTheHookOfPreCommitChecksStagedFiles(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, ".pre-commit-hooks.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	value := func(key string) string {
		m := regexp.MustCompile(`(?m)^  ` + key + `: (.+)$`).FindSubmatch(text)
		if m == nil {
			t.Fatalf("the hook has no %s", key)
		}
		return string(m[1])
	}
	r := newRunner(t)
	hook := func(code int, staged ...string) {
		t.Helper()
		args := strings.Fields(value("entry"))[1:]
		for _, name := range staged {
			if regexp.MustCompile(value("files")).MatchString(name) {
				args = append(args, name)
			}
		}
		c := exec.CommandContext(t.Context(), program, args...)
		c.Dir, c.Env = filepath.Join(r.dir, "repo", "db"), []string{"PATH=" + os.Getenv("PATH")}
		if out, _ := c.CombinedOutput(); c.ProcessState.ExitCode() != code {
			t.Errorf("%q: exit code %d instead of %d\n%s", args, c.ProcessState.ExitCode(), code, out)
		}
	}
	r.write("repo/db/migrations/0002_drop.sql", "-- upgrade\nDROP TABLE users;\n")
	hook(0, "migrations/0001_users.sql", "README.md", "queries/drop.sql")
	hook(6, "README.md", "migrations/0002_drop.sql")
}
