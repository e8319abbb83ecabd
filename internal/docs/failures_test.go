package docs

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that the page of others' failures names is one of ours.
func TestEveryTestThatAPageNamesIsThere(t *testing.T) {
	t.Parallel()
	var tests bytes.Buffer
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		tests.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`(Test[A-Z]\\w+)`").FindAllStringSubmatch(readPage(t, filepath.Join(root, "docs", "others-failures.md")).text, -1)
	if len(names) < 20 {
		t.Fatalf("only %d tests are named", len(names))
	}
	for _, name := range names {
		if !bytes.Contains(tests.Bytes(), []byte("\nfunc "+name[1]+"(")) {
			t.Errorf("there is no %s", name[1])
		}
	}
}
