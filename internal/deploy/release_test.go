package deploy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// program is the binary as a release builds it.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "dbwarden-deploy-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "dbwarden")
	if out, err := build(root, program); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// build does what .goreleaser.yaml says, but for the version.
func build(source, binary string) ([]byte, error) {
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version=1.2.3 -X main.commit=abc1234 -X main.date=2026-11-26T20:00:00Z", "-o", binary, "./cmd/dbwarden")
	c.Dir, c.Env = source, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	return c.CombinedOutput()
}

// Whoever builds a commit gets the release's binary, wherever they build it.
func TestTwoFoldersGiveOneBinary(t *testing.T) {
	t.Parallel()
	other := filepath.Join(t.TempDir(), "some", "other place")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch name := d.Name(); {
		case d.IsDir() && rel != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "oracle" || name == "build" || name == "dist"):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(other, rel), 0o777)
		case !d.Type().IsRegular() || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(other, rel), text, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "dbwarden")
	if out, err := build(other, binary); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	one, another := sum(t, program), sum(t, binary)
	if one != another {
		t.Errorf("%s here, and %s there", one, another)
	}
}

func sum(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// The list of parts names each module that the binary links, and no other, and
// is the same for the same binary.
func TestThePartsOfTheBinaryAreListed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var texts [2][]byte
	for i := range texts {
		document := filepath.Join(dir, fmt.Sprint(i))
		c := exec.CommandContext(t.Context(), "go", "run", "./internal/sbom", program, document, "v1.2.3", "abc1234")
		c.Dir = root
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var err error
		if texts[i], err = os.ReadFile(document); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Error("two lists of one binary differ")
	}
	var list struct {
		BOMFormat, SpecVersion string
		Metadata               struct {
			Component struct {
				Version, Purl string
				Hashes        []struct{ Alg, Content string }
				Properties    []struct{ Name, Value string }
			}
		}
		Components []struct{ Name, Version, Purl string }
	}
	if err := json.Unmarshal(texts[0], &list); err != nil {
		t.Fatal(err)
	}
	if list.BOMFormat != "CycloneDX" || list.SpecVersion != "1.5" || list.Metadata.Component.Hashes[0].Content != sum(t, program) {
		t.Errorf("the head is wrong:\n%s", texts[0])
	}
	if c := list.Metadata.Component; c.Version != "v1.2.3" || c.Purl != "pkg:golang/github.com/dbwarden-go/dbwarden@v1.2.3" ||
		!slices.Contains(c.Properties, struct{ Name, Value string }{"go:vcs.revision", "abc1234"}) {
		t.Errorf("it does not say what it is the list of: %+v", c)
	}
	var got []string
	for _, c := range list.Components {
		got = append(got, c.Name+" "+c.Version)
		if c.Purl != "pkg:golang/"+strings.ToLower(c.Name)+"@"+c.Version {
			t.Errorf("purl %q of %s", c.Purl, c.Name)
		}
	}
	said, err := exec.CommandContext(t.Context(), "go", "version", "-m", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(said)) {
		f := strings.Fields(line)
		switch {
		case len(f) >= 3 && f[0] == "dep":
			want = append(want, f[1]+" "+f[2])
		case len(f) == 2 && strings.HasSuffix(f[0], ":"):
			want = append(want, "std "+strings.TrimPrefix(f[1], "go"))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if len(want) < 10 || !slices.Equal(got, want) {
		t.Errorf("listed: %q\nlinked: %q", got, want)
	}
}

// A release says what it is, and from which commit.
func TestAReleaseSaysWhatItIs(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), program, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "dbwarden 1.2.3 (abc1234) go1.") {
		t.Errorf("%v: %s", err, out)
	}
	config, err := os.ReadFile(filepath.Join(root, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"- CGO_ENABLED=0", "- -trimpath\n      - -buildvcs=false\n", "-s -w -X main.version={{ .Version }} -X main.commit={{ .ShortCommit }} -X main.date={{ .CommitDate }}"} {
		if !strings.Contains(string(config), line) {
			t.Errorf(".goreleaser.yaml does not say %s, as the builds of these tests do", line)
		}
	}
}

// Where a file is built that others are built from, it is built as a release is.
func TestEveryRecipeBuildsAlike(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"deploy/container/Containerfile", "packaging/prepare"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "CGO_ENABLED=0 ") || !strings.Contains(string(text), "go build -trimpath -buildvcs=false -ldflags \"-s -w -X main.version=") {
			t.Errorf("%s builds in another way", name)
		}
		// A value there takes the place of what --platform says: the image of one
		// platform would hold the program of another.
		if strings.Contains(string(text), "TARGETOS=l") || strings.Contains(string(text), "TARGETARCH=a") {
			t.Errorf("%s has a platform of its own", name)
		}
	}
}

// ruby is a text in the formula.
var ruby = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)

// The formula installs what it says, and its own test passes: it is carried out
// line by line, with the binary of these tests in place of the one that it
// builds. A line that is not understood fails.
func TestTheFormulaInstallsAndTestsWhatItSays(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root, "packaging/dbwarden.rb"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(root, ".goreleaser.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	words := func(line string) (out []string) {
		for _, m := range ruby.FindAllStringSubmatch(line, -1) {
			word, err := strconv.Unquote(`"` + strings.ReplaceAll(m[1], "#{bin}", filepath.Dir(program)) + `"`)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			out = append(out, word)
		}
		return out
	}
	run := func(args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), program, args...)
		c.Dir, c.Env = home, []string{"HOME=" + home, "PATH=" + os.Getenv("PATH")}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	// lines are those of a block.
	lines := func(begin string) []string {
		_, rest, ok := strings.Cut(string(text), "\n"+begin+"\n")
		if !ok {
			t.Fatalf("the formula has no %s", begin)
		}
		rest, _, _ = strings.Cut(rest, "\n  end\n")
		return strings.Split(strings.TrimSpace(rest), "\n")
	}

	static := false
	for _, line := range lines("  def install") {
		line = strings.TrimSpace(line)
		switch w := words(line); {
		case line == `ENV["CGO_ENABLED"] = "0"`:
			static = true
		case strings.HasPrefix(line, `system "go", "build", *std_go_args(ldflags: "-s -w `):
			if _, err := os.Stat(filepath.Join(root, w[len(w)-1])); err != nil || !static {
				t.Errorf("%s: %v", line, err)
			}
			for _, name := range regexp.MustCompile(`-X (main\.[a-z]+)=#\{[a-z0-9.]+\}`).FindAllStringSubmatch(line, -1) {
				if !strings.Contains(string(config), "-X "+name[1]+"={{") {
					t.Errorf("the formula sets %s, and a release does not", name[1])
				}
			}
		case strings.HasPrefix(line, `generate_completions_from_executable(bin/"dbwarden", `):
			for _, shell := range []string{"bash", "zsh", "fish"} {
				if out := run(append(w[1:], shell)...); !strings.Contains(out, "dbwarden") {
					t.Errorf("no completion for %s", shell)
				}
			}
		case strings.HasPrefix(line, `system bin/"dbwarden", "man", buildpath/"man"`):
			run("man", filepath.Join(home, "man"))
		case line == `man1.install Dir["man/*.1"]`:
			if pages, _ := filepath.Glob(filepath.Join(home, "man/*.1")); len(pages) < 20 {
				t.Errorf("only %d manual pages", len(pages))
			}
		default:
			t.Errorf("this is not understood: %s", line)
		}
	}

	home = t.TempDir()
	for _, line := range lines("  test do") {
		line = strings.TrimSpace(line)
		switch w := words(line); {
		case strings.HasPrefix(line, `system bin/"dbwarden", `):
			run(w[1:]...)
		case strings.HasPrefix(line, `(testpath/"`) && strings.Contains(line, `").write "`):
			file := filepath.Join(home, w[0])
			if _, err := os.Stat(file); err == nil {
				t.Errorf("%s is there already, which Homebrew does not write over", w[0])
			}
			if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(w[1]), 0o666); err != nil {
				t.Fatal(err)
			}
		case strings.HasPrefix(line, `assert_match "`) && strings.Contains(line, `, shell_output("#{bin}/dbwarden `):
			if out := run(strings.Fields(w[1])[1:]...); !strings.Contains(out, w[0]) {
				t.Errorf("%s: it says\n%s", line, out)
			}
		default:
			t.Errorf("this is not understood: %s", line)
		}
	}
}
