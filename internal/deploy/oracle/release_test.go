package oracle

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// A release of a commit, as far as goreleaser would make it without a place to
// put it.
type release struct {
	config.Project
	dir    string // of ours
	binary string
}

// filled are the blanks of the configuration.
var filled = strings.NewReplacer("{{ .Version }}", "1.2.3", "{{ .ShortCommit }}", "abc1234", "{{ .FullCommit }}", strings.Repeat("abcd", 10),
	"{{ .CommitDate }}", "2026-11-26T20:00:00Z", "{{ .ProjectName }}", "dbwarden", "{{ .Os }}", runtime.GOOS, "{{ .Arch }}", runtime.GOARCH)

var commit = time.Date(2026, 11, 26, 20, 0, 0, 0, time.UTC)

// made is the one of these tests.
var made *release

func TestMain(m *testing.M) {
	code := m.Run()
	if made != nil {
		os.RemoveAll(made.dir)
	}
	os.Exit(code)
}

func theRelease(t *testing.T) *release {
	t.Helper()
	if made != nil {
		return made
	}
	project, err := config.Load(filepath.Join(root, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	r := &release{Project: project}
	if r.dir, err = os.MkdirTemp("", "dbwarden-release-"); err != nil {
		t.Fatal(err)
	}
	made = r
	for _, hook := range project.Before.Hooks {
		r.run(t, root, nil, strings.Fields(filled.Replace(hook))...)
	}
	b := project.Builds[0]
	if len(b.Goos) != 3 || len(b.Goarch) != 2 || !slices.Contains(b.Env, "CGO_ENABLED=0") {
		t.Errorf("builds: %+v", b)
	}
	r.binary = filepath.Join(r.dir, b.Binary)
	r.run(t, root, append(os.Environ(), b.Env...), slices.Concat([]string{"go", "build"}, b.Flags, []string{"-ldflags", filled.Replace(strings.Join(b.Ldflags, " ")), "-o", r.binary, b.Main})...)
	return r
}

func (r *release) run(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), args[0], args[1:]...)
	c.Dir, c.Env = dir, env
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// pack makes a package as goreleaser has nfpm make it.
func (r *release) pack(t *testing.T, format, dir string) string {
	t.Helper()
	n := r.NFPMs[0]
	packager, err := nfpm.Get(format)
	if err != nil {
		t.Fatal(err)
	}
	moment := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, filled.Replace(text))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	contents := files.Contents{{Source: r.binary, Destination: n.Bindir + "/dbwarden", FileInfo: &files.ContentFileInfo{Mode: 0o755, MTime: moment(n.MTime)}}}
	for _, c := range n.Contents {
		contents = append(contents, &files.Content{Source: filepath.Join(root, c.Source), Destination: c.Destination, Type: c.Type, Packager: c.Packager,
			FileInfo: &files.ContentFileInfo{Mode: c.FileInfo.Mode, MTime: moment(c.FileInfo.MTime)}})
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: n.PackageName, Version: "1.2.3", Arch: runtime.GOARCH, Platform: "linux", Maintainer: n.Maintainer, Description: n.Description,
		Vendor: n.Vendor, Homepage: n.Homepage, License: n.License, Section: n.Section, Priority: n.Priority, MTime: moment(n.MTime),
		Overridables: nfpm.Overridables{Contents: contents},
	})
	if err := nfpm.PrepareForPackager(info, format); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, packager.ConventionalFileName(info))
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := packager.Package(info, f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

// own are the files of a package, wherever its kind of system looks for them.
var own = []string{"/usr/bin/dbwarden", "/usr/share/bash-completion/completions/dbwarden", "/usr/share/fish/vendor_completions.d/dbwarden.fish",
	"/usr/share/man/man1/dbwarden.1.gz", "/usr/share/man/man1/dbwarden-migrate.1.gz", "/usr/share/man/man1/dbwarden-lock-status.1.gz"}

// What is packed for Debian is installed by dpkg into a root of its own, works
// there, and is gone again behind it.
func TestADebIsInstalledAndWorks(t *testing.T) {
	if _, err := exec.LookPath("dpkg"); err != nil || os.Geteuid() != 0 {
		t.Skip("dpkg installs as root, on Debian and what comes of it")
	}
	r := theRelease(t)
	deb := r.pack(t, "deb", t.TempDir())
	if want := "dbwarden_1.2.3_" + runtime.GOARCH + ".deb"; filepath.Base(deb) != want {
		t.Errorf("it is called %s, and docs/install.md says %s", filepath.Base(deb), want)
	}
	at := t.TempDir()
	for _, dir := range []string{"info", "updates", "triggers"} {
		if err := os.MkdirAll(filepath.Join(at, "var/lib/dpkg", dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"status", "available"} {
		if err := os.WriteFile(filepath.Join(at, "var/lib/dpkg", file), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dpkg := func(args ...string) string {
		t.Helper()
		return r.run(t, r.dir, nil, append([]string{"dpkg", "--root=" + at, "--log=" + filepath.Join(r.dir, "log")}, args...)...)
	}
	dpkg("--install", deb)
	if out := dpkg("--verify", "dbwarden"); out != "" {
		t.Errorf("dpkg finds another thing than it installed:\n%s", out)
	}
	if out := dpkg("--status", "dbwarden"); !strings.Contains(out, "Status: install ok installed\n") || !strings.Contains(out, "Version: 1.2.3\n") || strings.Contains(out, "Depends:") {
		t.Errorf("dpkg says\n%s", out)
	}
	listed := strings.Fields(dpkg("--listfiles", "dbwarden"))
	for _, want := range append(own, "/usr/share/zsh/vendor-completions/_dbwarden", "/usr/share/doc/dbwarden/copyright") {
		if !slices.Contains(listed, want) {
			t.Errorf("without %s", want)
		}
	}
	for _, name := range listed {
		if name == "/." {
			continue
		}
		about, err := os.Lstat(filepath.Join(at, name))
		if err != nil {
			t.Error(err)
			continue
		}
		want := fs.FileMode(0o644)
		if about.IsDir() {
			want = fs.ModeDir | 0o755
		} else if name == "/usr/bin/dbwarden" {
			want = 0o755
		}
		if owner := about.Sys().(*syscall.Stat_t); about.Mode() != want || owner.Uid != 0 || owner.Gid != 0 {
			t.Errorf("%s is %s of %d:%d", name, about.Mode(), owner.Uid, owner.Gid)
		}
		if !about.IsDir() && !about.ModTime().Equal(commit) {
			t.Errorf("%s is of %s, and the commit of %s", name, about.ModTime().UTC(), commit)
		}
	}

	program := filepath.Join(at, "usr/bin/dbwarden")
	home := t.TempDir()
	env := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	if out := r.run(t, home, env, program, "version"); !strings.HasPrefix(out, "dbwarden 1.2.3 (abc1234) ") {
		t.Errorf("the program says %s", out)
	}
	r.run(t, home, env, program, "init")
	if err := os.WriteFile(filepath.Join(home, "migrations/0001_users.sql"), []byte("-- upgrade\nCREATE TABLE users (id INTEGER PRIMARY KEY);\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := r.run(t, home, env, program, "migrate"); !strings.Contains(out, "1 migrations applied.") {
		t.Errorf("the program says\n%s", out)
	}
	for shell, file := range map[string]string{"bash": "/usr/share/bash-completion/completions/dbwarden", "zsh": "/usr/share/zsh/vendor-completions/_dbwarden", "fish": "/usr/share/fish/vendor_completions.d/dbwarden.fish"} {
		text, err := os.ReadFile(filepath.Join(at, file))
		if err != nil || string(text) != r.run(t, home, env, program, "completion", shell) {
			t.Errorf("%s is not what the program has for %s: %v", file, shell, err)
		}
	}
	pages := 0
	for _, name := range listed {
		if filepath.Dir(name) != "/usr/share/man/man1" {
			continue
		}
		pages++
		if out := r.run(t, home, env, "gzip", "-dc", filepath.Join(at, name)); !strings.Contains(out, ".TH ") || !strings.Contains(out, "1.2.3") {
			t.Errorf("%s is no page of this version:\n%.300s", name, out)
		}
	}
	if pages < 20 {
		t.Errorf("only %d manual pages", pages)
	}

	dpkg("--purge", "dbwarden")
	_ = filepath.WalkDir(filepath.Join(at, "usr"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil && path != filepath.Join(at, "usr") {
			t.Errorf("%s is left behind", path)
		}
		return nil
	})
}

// An rpm is read back by rpm.
func TestAnRPMHoldsWhatItShould(t *testing.T) {
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Skip("rpm not found; ./test installs what is missing")
	}
	r := theRelease(t)
	file := r.pack(t, "rpm", t.TempDir())
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	if want := "dbwarden-1.2.3-1." + arch + ".rpm"; filepath.Base(file) != want {
		t.Errorf("it is called %s, and docs/install.md says %s", filepath.Base(file), want)
	}
	rpm := func(args ...string) string { return r.run(t, r.dir, nil, append([]string{"rpm"}, args...)...) }
	rpm("--checksig", "--nosignature", file)
	if out := rpm("-qp", "--requires", file); regexp.MustCompile(`(?m)^[^r\n]|^r[^p]`).MatchString(out) {
		t.Errorf("it wants\n%s", out)
	}
	got := strings.Split(strings.TrimSpace(rpm("-qp", "--queryformat", "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEMTIMES}\n]", file)), "\n")
	for _, want := range append(own, "/usr/share/zsh/site-functions/_dbwarden", "/usr/share/licenses/dbwarden/LICENSE") {
		mode := "-rw-r--r--"
		if want == "/usr/bin/dbwarden" {
			mode = "-rwxr-xr-x"
		}
		if want += " " + mode + " root:root 1795723200"; !slices.Contains(got, want) {
			t.Errorf("without %s:\n%s", want, strings.Join(got, "\n"))
		}
	}
}

// Two packages of one commit are the same to the byte, whenever and with what
// rights its files were written.
func TestTwoPackagesOfOneCommitAreOne(t *testing.T) {
	r := theRelease(t)
	for _, format := range []string{"deb", "rpm"} {
		one := r.pack(t, format, t.TempDir())
		for _, pattern := range []string{"build/package/man/*", "build/package/completions/*"} {
			names, _ := filepath.Glob(filepath.Join(root, pattern))
			for _, name := range append(names, r.binary) {
				if err := os.Chtimes(name, time.Now(), time.Now().Add(-time.Hour)); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(name, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		other := r.pack(t, format, t.TempDir())
		a, err := os.ReadFile(one)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(other)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("two of %s differ", format)
		}
	}
}

// The list of parts is made as goreleaser has it made: in the folder dist, with
// little of the environment.
func TestTheListOfPartsIsMadeInTheFolderDist(t *testing.T) {
	r := theRelease(t)
	s := r.SBOMs[0]
	whole, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dist := filepath.Join(whole, "build/dist")
	if err := os.MkdirAll(filepath.Join(dist, "dbwarden_linux"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dist) })
	binary, err := os.ReadFile(r.binary)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dist, "dbwarden_linux/dbwarden"), binary, 0o755); err != nil {
		t.Fatal(err)
	}
	document := filepath.Join(dist, filled.Replace(s.Documents[0]))
	args := []string{s.Cmd}
	for _, arg := range s.Args {
		args = append(args, filled.Replace(strings.NewReplacer("$artifact", "dbwarden_linux/dbwarden", "$document", document).Replace(arg)))
	}
	var env []string
	for _, name := range []string{"HOME", "USER", "USERPROFILE", "TMPDIR", "TMP", "TEMP", "PATH", "LOCALAPPDATA"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	r.run(t, dist, env, args...)
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Metadata struct {
			Component struct{ Name, Version string }
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	if c := list.Metadata.Component; c.Name != "dbwarden" || c.Version != "v1.2.3" || !strings.Contains(string(text), strings.Repeat("abcd", 10)) {
		t.Errorf("it is the list of %+v", c)
	}
}
