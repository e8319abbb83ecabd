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
	"slices"
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

// build does what .goreleaser.yaml says, but for the version and what git
// says of the folder.
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
		c := exec.CommandContext(t.Context(), "go", "run", "./internal/sbom", program, document)
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
				Hashes []struct{ Alg, Content string }
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
	for _, line := range []string{"- CGO_ENABLED=0", "- -trimpath", "-s -w -X main.version={{ .Version }} -X main.commit={{ .ShortCommit }} -X main.date={{ .CommitDate }}"} {
		if !strings.Contains(string(config), line) {
			t.Errorf(".goreleaser.yaml does not say %s, as the builds of these tests do", line)
		}
	}
}
