package deploy

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // somebody changes a database by hand
)

// runner is a machine of GitHub's, as far as a step sees one: its variables,
// its files, and a gh that writes down what it is asked.
type runner struct {
	t         *testing.T
	dir, temp string
	outputs   string
	summary   string
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	for _, name := range []string{"bash", "jq", "curl", "tar"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("a step of GitHub's: %s not found", name)
		}
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{t: t, dir: dir, temp: filepath.Join(dir, "temp")}
	r.write("temp/nothing", "")
	r.write("bin/gh", "#!/bin/bash\n"+`echo "$*" >>"$RUNNER_TEMP/gh.said"
for a; do [[ $a != body=@* ]] || cp "${a#body=@}" "$RUNNER_TEMP/gh.body"; done
[[ $* != *--paginate* || ! -e $RUNNER_TEMP/gh.comments ]] || { while [[ $1 != --jq ]]; do shift; done; jq -r "$2" "$RUNNER_TEMP/gh.comments"; }`)
	// The migrations are in a folder of the repository.
	r.write("repo/db/warden.toml", "database_url = \"sqlite:///shop.db\"\n")
	r.write("repo/db/migrations/0001_users.sql", "-- upgrade\nCREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\n\n-- rollback\nDROP TABLE users;\n")
	return r
}

func (r *runner) write(name, text string) {
	r.t.Helper()
	name = filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o777); err != nil {
		r.t.Fatal(err)
	}
}

func (r *runner) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(r.dir, name)) // one that is not there is empty
	return string(text)
}

// commit commits what is in a folder, and says which commit that is.
func (r *runner) commit(folder string) string {
	r.t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		r.t.Skip("what a branch brings is git's to say: git not found")
	}
	var out []byte
	for _, args := range []string{"init -q", "add .", "-c user.name=a -c user.email=a@b commit -qm x", "rev-parse HEAD"} {
		c := exec.CommandContext(r.t.Context(), "git", strings.Fields(args)...)
		c.Dir = filepath.Join(r.dir, folder)
		var err error
		if out, err = c.CombinedOutput(); err != nil {
			r.t.Fatalf("git %s: %v\n%s", args, err, out)
		}
	}
	return strings.TrimSpace(string(out))
}

// step runs a script of the action's, which must end with code.
func (r *runner) step(code int, script string, env ...string) string {
	r.t.Helper()
	for _, name := range []string{"temp/output", "temp/summary", "temp/gh.said", "temp/gh.body"} {
		os.Remove(filepath.Join(r.dir, name))
	}
	path, err := filepath.Abs(filepath.Join(root, "deploy", "github", script))
	if err != nil {
		r.t.Fatal(err)
	}
	c := exec.CommandContext(r.t.Context(), path)
	c.Dir = filepath.Join(r.dir, "repo", "db")
	c.Env = append([]string{
		"PATH=" + filepath.Join(r.dir, "bin") + ":" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "HOME=" + r.dir,
		"GITHUB_OUTPUT=" + filepath.Join(r.temp, "output"), "GITHUB_STEP_SUMMARY=" + filepath.Join(r.temp, "summary"), "GITHUB_PATH=" + filepath.Join(r.temp, "path"),
		"GITHUB_WORKSPACE=" + filepath.Join(r.dir, "repo"), "GITHUB_REPOSITORY=owner/shop", "GITHUB_EVENT_PATH=" + filepath.Join(r.temp, "event.json"),
		"RUNNER_TEMP=" + r.temp, "INPUT_COMMENT=true",
	}, env...)
	out, err := c.CombinedOutput()
	if got := c.ProcessState.ExitCode(); got != code {
		r.t.Fatalf("%s %q: exit code %d instead of %d (%v)\n%s", script, env, got, code, err, out)
	}
	r.outputs, r.summary = r.read("temp/output"), r.read("temp/summary")
	return string(out)
}

func (r *runner) must(what, text, want string) {
	r.t.Helper()
	if !strings.Contains(text, want) {
		r.t.Errorf("%s is without %q:\n%s", what, want, text)
	}
}

func TestTheActionMigratesAndFindsDrift(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	url := "INPUT_DATABASE_URL=sqlite:///other.db"
	r.must("the log", r.step(0, "run.sh", "INPUT_COMMAND=migrate", url, "INPUT_ARGS=--wait 1m"), "Migrations completed successfully: 1 migrations applied.")
	r.must("the outputs", r.outputs, "exit-code=0\n")
	r.must("the summary", r.summary, "### Migrations\n\n```\nDatabase: sqlite:///other.db (environment DBWARDEN_DATABASE_URL)\nPending migrations (1):")
	r.step(0, "run.sh", "INPUT_COMMAND=drift", url)

	db, err := sql.Open("sqlite", filepath.Join(r.dir, "repo/db/other.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("ALTER TABLE users ADD COLUMN note TEXT"); err != nil {
		t.Fatal(err)
	}
	r.must("the log", r.step(6, "run.sh", "INPUT_COMMAND=drift", url), "::error title=drift::")
	r.must("the log", r.step(6, "run.sh", "INPUT_COMMAND=drift", url), "::error title=drift::the database is not what its migrations make\n")
	r.must("the outputs", r.outputs, "pending=0\n")
	r.must("the summary", r.summary, "- column users.note")
	r.must("the outputs", r.outputs, "exit-code=6\n")

	// A migration that is merged, and not deployed, is no change by hand.
	r.write("repo/db/migrations/0002_orders.sql", "-- upgrade\nCREATE TABLE orders (id INTEGER PRIMARY KEY);\n")
	r.must("the log", r.step(6, "run.sh", "INPUT_COMMAND=drift", "INPUT_ARGS=--url sqlite:///other.db"), "and migrations are pending (1), which differ, too")
	r.must("the outputs", r.outputs, "pending=1\n")
	os.Remove(filepath.Join(r.dir, "repo/db/migrations/0002_orders.sql"))

	r.write("repo/db/migrations/0002_broken.sql", "-- upgrade\nCREATE TABLE users (id INTEGER);\n")
	r.step(3, "run.sh", "INPUT_COMMAND=migrate", url)
	r.must("the outputs", r.outputs, "exit-code=3\n")
	r.must("the summary", r.summary, "0002_broken.sql")

	r.must("the log", r.step(2, "run.sh", "INPUT_COMMAND=mend"), "want check, plan, migrate or drift")
}

// A secret that is not there is an empty input, and no leave to migrate what
// else is named: a file of SQLite on the runner, which is thrown away.
func TestTheActionRefusesASecretThatIsNotThere(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	for _, command := range []string{"migrate", "plan", "drift", "check"} {
		for env, name := range map[string]string{"INPUT_DATABASE_URL=": "database-url", "DBWARDEN_DATABASE_URL=": "DBWARDEN_DATABASE_URL", "DBWARDEN_DATABASE_URL_FILE=": "DBWARDEN_DATABASE_URL_FILE"} {
			out := r.step(2, "run.sh", "INPUT_COMMAND="+command, env)
			r.must("the log", out, "::error title="+name+" is empty::There is no secret of that name here")
			r.must("the outputs", r.outputs, "exit-code=2\n")
		}
	}
	for _, name := range []string{"shop.db", "other.db"} {
		if _, err := os.Stat(filepath.Join(r.dir, "repo/db", name)); err == nil {
			t.Errorf("%s was made", name)
		}
	}
	// What action.yml hands over where the input is left out.
	action, err := os.ReadFile(filepath.Join(root, "deploy/github/action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?s)\n  database-url:\n.*?default: "(.*?)"`).FindSubmatch(action)
	if m == nil || len(m[1]) == 0 {
		t.Fatalf("an input that is left out looks like an empty one: %q", m)
	}
	out := r.step(0, "run.sh", "INPUT_COMMAND=migrate", "INPUT_DATABASE_URL="+string(m[1]))
	r.must("the log", out, "Database: sqlite:///shop.db (warden.toml:1)")
	r.must("the log", out, "1 migrations applied.")
}

// The log says where it ran, and not with which password.
func TestTheActionNamesTheDatabase(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	url := "postgresql://app:hush-hush@127.0.0.1:1/shop"
	for _, env := range [][]string{
		{"INPUT_DATABASE_URL=" + url},
		{"INPUT_ARGS=--wait 1s\n--url\n" + url},
		{"INPUT_ARGS=--url=" + url},
	} {
		out := r.step(1, "run.sh", append(env, "INPUT_COMMAND=migrate")...)
		r.must("the log", out, "Database: postgresql://app:***@127.0.0.1:1/shop (")
		r.must("the summary", r.summary, "Database: postgresql://app:***@127.0.0.1:1/shop (")
		if strings.Contains(out+r.summary, "hush-hush") {
			t.Errorf("%q: the password is told:\n%s", env, out)
		}
	}
	r.write("temp/event.json", `{"pull_request": {"number": 17}}`)
	r.must("the log", r.step(0, "run.sh", "INPUT_COMMAND=plan"), "Database: sqlite:///shop.db (warden.toml:1)")
	if body := r.read("temp/gh.body"); body == "" || strings.Contains(body, "Database: ") {
		t.Errorf("the comment:\n%s", body)
	}
}

func TestTheActionAnnotatesWhatCheckFinds(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	r.write("repo/db/migrations/0002_a, b.sql", "-- upgrade\nALTER TABLE users RENAME COLUMN email TO mail;\n\n-- rollback\nALTER TABLE users RENAME COLUMN mail TO email;\n")
	out := r.step(6, "run.sh", "INPUT_COMMAND=check", "INPUT_ARGS=--offline")
	r.must("the log", out, "::error file=db/migrations/0002_a%2C b.sql,line=2,col=19,title=rename-column::who knows users.email fails from here on")
	r.must("the outputs", r.outputs, "exit-code=6\n")
	_, sarif, _ := strings.Cut(r.outputs, "sarif=")
	sarif, _, _ = strings.Cut(sarif, "\n")
	text, err := os.ReadFile(sarif)
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct{ Results []struct{ RuleID string } }
	}
	if err := json.Unmarshal(text, &log); err != nil || log.Version != "2.1.0" || len(log.Runs[0].Results) == 0 || log.Runs[0].Results[0].RuleID != "rename-column" {
		t.Errorf("%v\n%s", err, text)
	}
	r.step(2, "run.sh", "INPUT_COMMAND=check", "INPUT_ARGS=--nonsense")
	if strings.Contains(r.outputs, "sarif=") {
		t.Error("there is a log of a check that did not take place")
	}
}

// A pull request is judged for what it brings: migrations that ran long ago
// would have each of them fail.
func TestAPullRequestIsCheckedForWhatItBrings(t *testing.T) {
	t.Parallel()
	workflow, err := os.ReadFile(filepath.Join(root, "deploy/github/pull-request.yml"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?s)command: check\n.*?args: ([^#\n]*)`).FindSubmatch(workflow)
	if m == nil {
		t.Fatal("the workflow checks nothing")
	}
	r := newRunner(t)
	r.write("repo/db/migrations/0002_drop.sql", "-- upgrade\nDROP TABLE users;\n")
	r.commit("repo")
	r.write("repo/db/migrations/0003_orders.sql", "-- upgrade\nCREATE TABLE orders (id INTEGER PRIMARY KEY);\n\n-- rollback\nDROP TABLE orders;\n")
	r.commit("repo") // as the merge that GitHub makes: the branch that it goes into is its first parent
	r.must("the log", r.step(0, "run.sh", "INPUT_COMMAND=check", "INPUT_ARGS="+string(m[1])), "Checked 1 migration: nothing found.")
}

func TestTheActionWritesThePlanIntoThePullRequest(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	r.write("repo/db/migrations/0002_text.sql", "-- upgrade\nINSERT INTO users (email) VALUES ('\n```\n');\n")
	r.step(0, "run.sh", "INPUT_COMMAND=plan")
	r.must("the outputs", r.outputs, "pending=2\n")
	if said := r.read("temp/gh.said"); said != "" {
		t.Errorf("there is no pull request, and gh was called: %s", said)
	}
	r.write("temp/event.json", `{"pull_request": {"number": 17}}`)
	r.step(0, "run.sh", "INPUT_COMMAND=plan")
	r.must("what gh was asked", r.read("temp/gh.said"), "api --method POST repos/owner/shop/issues/17/comments --field body=@")
	body := r.read("temp/gh.body")
	r.must("the comment", body, "<!-- dbwarden plan db   -->\n### Migrations: what would run\n\n````\nPending migrations (2):")
	r.must("the comment", body, "CREATE TABLE users")
	if !strings.HasSuffix(strings.TrimSpace(body), "\n````") {
		t.Errorf("the block does not end:\n%s", body)
	}
	// The second push of the same pull request.
	r.write("temp/gh.comments", `[{"id": 1, "body": "hello", "user": {"type": "Bot"}},
		{"id": 2, "body": "<!-- dbwarden plan db   --> mine now", "user": {"type": "User"}, "author_association": "CONTRIBUTOR"},
		{"id": 3, "body": "<!-- dbwarden plan other   -->", "user": {"type": "Bot"}},
		{"id": 4711, "body": "<!-- dbwarden plan db   -->\nwhat would run", "user": {"type": "Bot"}, "author_association": "NONE"}]`)
	r.step(0, "run.sh", "INPUT_COMMAND=plan")
	r.must("what gh was asked", r.read("temp/gh.said"), "api --method PATCH repos/owner/shop/issues/comments/4711 --field body=@")
	// Nothing of a name gets into the question, or out of the comment's head.
	r.step(0, "run.sh", "INPUT_COMMAND=plan", "INPUT_CONFIG=warden.toml", "INPUT_ARGS=--migrations-dir\nmigrations")
	said := r.read("temp/gh.said")
	r.must("what gh was asked", said, `startswith("<!-- dbwarden plan db warden.toml  -->")) and (.user.type == "Bot" or `)
	r.write("repo/db/x\" --> $(touch gone) '.toml", "database_url = \"sqlite:///shop.db\"\n")
	r.step(0, "run.sh", "INPUT_COMMAND=plan", "INPUT_CONFIG=x\" --> $(touch gone) '.toml")
	r.must("what gh was asked", r.read("temp/gh.said"), `startswith("<!-- dbwarden plan db x_ ___ __touch gone_ _.toml  -->"))`)
	if _, err := os.Stat(filepath.Join(r.dir, "repo/db/gone")); err == nil {
		t.Error("an input was run")
	}
	r.step(0, "run.sh", "INPUT_COMMAND=plan", "INPUT_COMMENT=false")
	if said := r.read("temp/gh.said"); said != "" {
		t.Errorf("no comment is wanted, and gh was called: %s", said)
	}
	// A token that may not write fails no plan.
	r.write("bin/gh", "#!/bin/sh\nexit 1\n")
	r.must("the log", r.step(0, "run.sh", "INPUT_COMMAND=plan"), "::warning::the plan could not be written")
}

func TestTheActionInstallsOnlyWhatIsListed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the release that is laid out here is for Linux")
	}
	r := newRunner(t)
	name := fmt.Sprintf("dbwarden_1.2.3_linux_%s.tar.gz", runtime.GOARCH)
	r.write("releases/v1.2.3/nothing", "")
	archive := filepath.Join(r.dir, "releases/v1.2.3", name)
	if out, err := exec.CommandContext(t.Context(), "tar", "-czf", archive, "-C", filepath.Dir(program), "dbwarden").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := []string{"VERSION=1.2.3", "DBWARDEN_RELEASES=file://" + filepath.Join(r.dir, "releases")}

	r.write("releases/v1.2.3/checksums.txt", strings.Repeat("0", 64)+"  "+name+"\n")
	r.step(1, "install.sh", env...)
	for _, bad := range []string{"1.2", "1.2.3|", "../1.2.3", "{1,2}.2.3", "1.2.3\n::error::", "latest"} {
		r.must("the log", r.step(1, "install.sh", "VERSION="+bad, env[1]), "::error::version: want a release, like 1.0.0")
	}
	r.write("releases/v1.2.3/checksums.txt", strings.Repeat("0", 64)+"  another.tar.gz\n")
	r.must("the log", r.step(1, "install.sh", env...), "::error::checksums.txt of dbwarden 1.2.3 does not list "+name)
	if path := r.read("temp/path"); path != "" {
		t.Errorf("what is not listed came on the PATH: %s", path)
	}
	r.write("releases/v1.2.3/checksums.txt", sum(t, archive)+"  "+name+"\n")
	r.step(0, "install.sh", "VERSION=v1.2.3", env[1])
	out, err := exec.CommandContext(t.Context(), filepath.Join(strings.TrimSpace(r.read("temp/path")), "dbwarden"), "version").CombinedOutput()
	if err != nil || !bytes.HasPrefix(out, []byte("dbwarden 1.2.3 ")) {
		t.Errorf("%v: %s", err, out)
	}
}

// Words of a pull request's files are no commands to the runner, and arguments
// on several lines are all there.
func TestTheActionTakesNoCommandsFromMigrations(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	r.write("repo/db/migrations/0002_text.sql", "-- upgrade\nINSERT INTO users (email) VALUES ('\n::add-mask::a\n   ::error file=x::b\n::stop-commands::c\n');\n")
	r.write("repo/db/migrations/0003_no.sql", "-- upgrade\nSELECT 1;\n")
	for _, command := range []string{"plan", "check", "migrate"} {
		out := r.step(map[string]int{"check": 6}[command], "run.sh", "INPUT_COMMAND="+command, "INPUT_ARGS=-v\n"+map[string]string{"check": "--offline", "plan": "-t 0002", "migrate": "-t\n0002"}[command])
		if command != "check" && strings.Contains(out, "0003_no") {
			t.Errorf("%s: an argument on another line is lost:\n%s", command, out)
		}
		stopped, word := false, ""
		for line := range strings.Lines(out) {
			line = strings.TrimSpace(line)
			switch {
			case word == "" && strings.HasPrefix(line, "::stop-commands::"):
				stopped, word = true, strings.TrimPrefix(line, "::stop-commands::")
			case word != "" && line == "::"+word+"::":
				stopped = false
			case strings.HasPrefix(line, "::") && !stopped && !strings.Contains(line, "title="):
				t.Errorf("%s: the runner is told %q", command, line)
			}
		}
		if stopped || len(word) != 32 {
			t.Errorf("%s: the runner hears nothing any more, behind %q", command, word)
		}
		if command != "check" {
			r.must("the log", out, "::add-mask::a")
		}
	}
}

// What a script reads of the environment the action gives it, and no input is
// put into the text of a script, where it could be more than a word.
func TestTheActionHandsItsInputsOver(t *testing.T) {
	t.Parallel()
	action, err := os.ReadFile(filepath.Join(root, "deploy/github/action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(root, "deploy/github/run.sh"))
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`INPUT_[A-Z_]+`).FindAllString(string(script), -1)
	if len(names) < 6 {
		t.Fatalf("only %q", names)
	}
	for _, name := range names {
		input := strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "INPUT_")), "_", "-")
		if !strings.Contains(string(action), name+": ${{ inputs."+input+" }}") || !strings.Contains(string(action), "\n  "+input+":\n") {
			t.Errorf("action.yml does not hand %s over", name)
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^ +run: .*$`).FindAllString(string(action), -1) {
		if strings.Contains(line, "${{") {
			t.Errorf("an input is put into a script: %s", line)
		}
	}
	for _, out := range regexp.MustCompile(`steps\.run\.outputs\.([a-z-]+)`).FindAllStringSubmatch(string(action), -1) {
		if !strings.Contains(string(script), "output "+out[1]+" ") {
			t.Errorf("run.sh never says the output %s", out[1])
		}
	}
}

// Scripts that run on others' machines are read by shellcheck.
func TestScriptsForOthersAreSound(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck not found; ./test installs what is missing")
	}
	scripts, err := filepath.Glob(filepath.Join(root, "deploy/*/*.sh"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	scripts = append(scripts, filepath.Join(root, "packaging/prepare"))
	if out, err := exec.CommandContext(t.Context(), "shellcheck", scripts...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
