package gomodel

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

var rewrite = flag.Bool("rewrite", false, "write the expected definitions anew")

func nothing(string) (string, bool) { return "", false }

// What gorm and bun make of these structs was compared with the libraries
// themselves, by the module oracle.
func TestStructsBecomeDefinitions(t *testing.T) {
	t.Parallel()
	for _, folder := range []string{"oracle/gormshop", "oracle/bunshop", "testdata/plain"} {
		for _, engine := range []string{"sqlite", "postgres", "mysql"} {
			name := filepath.Base(folder) + "." + engine + ".sql"
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				tables, err := Read([]string{folder}, engine, nothing)
				if err != nil {
					t.Fatal(err)
				}
				var b strings.Builder
				for _, table := range tables {
					b.WriteString("-- " + table.Type + "\n" + table.SQL + "\n")
				}
				golden := filepath.Join("testdata", name)
				if *rewrite {
					if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), b.String()); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// TestGormAndBunAgree runs the module in which gorm and bun are asked. Without
// servers it asks them about SQLite alone.
func TestGormAndBunAgree(t *testing.T) {
	t.Parallel()
	dbtest.Module(t, "oracle")
}

// project writes files and returns the folder.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Types come from other packages of the module, from replaced modules, from
// vendor and from the folder of downloaded modules.
func TestTypesOfOtherPackagesAreFound(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{
		"shop/go.mod": "module example.org/shop\n\ngo 1.26\n\nrequire (\n\texample.org/Money/v2 v2.1.0\n\texample.org/vend v1.0.0 // indirect\n)\n\nreplace example.org/near => ../near\n",
		"shop/models/m.go": `package models

import (
	"example.org/Money/v2"
	"example.org/near/kinds"
	base "example.org/shop/internal/base"
	"example.org/vend"
	"gorm.io/gorm"
)

type Thing struct {
	gorm.Model
	base.Stamp
	Price money.Cents
	Kind  kinds.Kind
	Vend  vend.Flag
}

func (Thing) TableName() string { return base.Prefix + "things" }
`,
		"shop/internal/base/b.go":                     "package base\n\nconst Prefix = \"shop_\"\n\ntype Stamp struct {\n\tBy string `gorm:\"size:9\"`\n}\n",
		"near/kinds/k.go":                             "package kinds\n\ntype Kind uint8\n",
		"shop/vendor/example.org/vend/v.go":           "package vend\n\ntype Flag = bool\n",
		"cache/example.org/!money/v2@v2.1.0/money.go": "package money\n\ntype Cents int32\n",
	})
	tables, err := Read([]string{filepath.Join(dir, "shop/models")}, "postgres", func(name string) (string, bool) {
		return filepath.Join(dir, "cache"), name == "GOMODCACHE"
	})
	if err != nil || len(tables) != 1 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, want := range []string{`CREATE TABLE "shop_things"`, `"by" varchar(9)`, `"price" integer`, `"kind" smallint`, `"vend" boolean`, `"id" bigserial`, `"idx_shop_things_deleted_at"`} {
		if !strings.Contains(tables[0].SQL, want) {
			t.Errorf("no %s in\n%s", want, tables[0].SQL)
		}
	}
}

// What cannot be known without running code is asked for, with its place,
// and never guessed.
func TestWhatCannotBeKnownIsSaidWithItsPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ body, want string }{
		{"type T struct {\n\tID int `gorm:\"primaryKey\"`\n\tM money.Amount\n}", "m.go:8:2: what example.org/money.Amount is cannot be read, since its source is not found"},
		{"type T struct {\n\tID int `gorm:\"primaryKey\"`\n\tP Point\n}\ntype Point struct{ X, Y int }\nfunc (Point) Value() (driver.Value, error) { return nil, nil }", "m.go:8:2: what the method Value of Point returns is not known"},
		{"type T struct {\n\tID int `gorm:\"primaryKey\"`\n}\nfunc (T) TableName() string { return name() }\nfunc name() string { return \"x\" }", "m.go:6:6: the method TableName of T does not return a constant text"},
		{"type T struct {\n\tID int `gorm:\"primaryKey\"`\n\tL []Other\n}\ntype Other struct{ ID int }", "m.go:8:2: the relation L of T has no foreign key"},
		{"type T struct {\n\tID int `gorm:\"primaryKey\"`\n\tL map[string]int\n}", "m.go:8:2: gorm knows no column for the type of L"},
		{"type T struct {\n\tbun.BaseModel\n\tID int `bun:\",pk\"`\n\tO *O `bun:\"rel:belongs-to\"`\n}\ntype O struct {\n\tbun.BaseModel\n\tX int `bun:\",pk\"`\n}", "m.go:9:2: the relation O has no column o_x"},
		{"type T struct {\n\tID int `db:\"id\"`\n\tF func() `db:\"f\"`\n}", "m.go:8:2: no column is known for the type of f"},
	} {
		dir := project(t, map[string]string{"m.go": "package m\n\nimport (\"database/sql/driver\"; \"example.org/money\"; \"github.com/uptrace/bun\")\n\nvar _ driver.Value\n" + c.body + "\nvar _ money.Amount; var _ bun.BaseModel\n"})
		_, err := Read([]string{dir}, "sqlite", nothing)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\ngives %v\nand not %s", c.body, err, c.want)
		}
	}
}

func TestNamesAreSpelledAsTheLibrariesDo(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{
		"ID": {"id", "id"}, "UserID": {"user_id", "user_id"}, "HTTPServer": {"http_server", "http_server"}, "APIKey": {"api_key", "api_key"},
		"UserURLs": {"user_urls", "user_ur_ls"}, "IPv4": {"ipv4", "i_pv4"}, "CreatedAt": {"created_at", "created_at"}, "A": {"a", "a"}, "Name2": {"name2", "name2"},
	} {
		if got := [2]string{gormName(name), bunName(name)}; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	long := limited("idx", strings.Repeat("a", 40), strings.Repeat("b", 40))
	if len(long) != 64 {
		t.Errorf("%q", long)
	}
}

func TestFilesOfOtherSystemsAreLeftOut(t *testing.T) {
	t.Parallel()
	model := func(name string) string {
		return "package m\n\ntype " + name + " struct {\n\tID int `gorm:\"primaryKey\"`\n}\n"
	}
	dir := project(t, map[string]string{
		"a.go": model("A"), "b_plan9.go": model("B"), "c.go": "//go:build ignore\n\n" + model("C"), "d.go": "//go:build !plan9\n\n" + model("D"), "e_test.go": model("E"),
	})
	tables, err := Read([]string{dir}, "sqlite", nothing)
	if err != nil || len(tables) != 2 || tables[0].Name != "as" || tables[1].Name != "ds" {
		t.Errorf("%+v, %v", tables, err)
	}
}

func TestWordsAboveATypeDecide(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"m.go": `package m

//dbwarden:ignore
type Row struct {
	ID int ` + "`gorm:\"primaryKey\"`" + `
}

//dbwarden:table
type Bare struct {
	ID   int
	Name string
}

type Result struct {
	ID int ` + "`bun:\"id\"`" + `
}
`})
	tables, err := Read([]string{dir}, "sqlite", nothing)
	if err != nil || len(tables) != 1 || tables[0].Name != "bares" {
		t.Errorf("%+v, %v", tables, err)
	}
}
