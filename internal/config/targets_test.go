package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTargetsComeFromAListAQueryOrAFile(t *testing.T) {
	t.Parallel()
	for toml, want := range map[string]TargetConfig{
		"[targets]\nlist = [\"a\", 'B \"c', \"${TENANT}\", ' b ']":   {Kind: "auto", List: []string{"a", `B "c`, "ten", " b "}},
		"[targets]\nquery = '''\nSELECT x\n'''\nkind = \"database\"": {Kind: "database", Query: "SELECT x"},
		"[targets]\nfile = \"tenants.txt\"\nkind = \"schema\"":       {Kind: "schema", File: "tenants.txt"},
		"targets = {file = \"${TENANT}/x.txt\"}":                     {Kind: "auto", File: "ten/x.txt"},
		"[warden]\n[warden.targets]\nlist = [\"a\"]":                 {Kind: "auto", List: []string{"a"}},
		"[lock]\nwait = 1": {},
	} {
		dir := world(t, "database_url = 'postgres://h/d'\n"+toml)
		if strings.Contains(toml, "[warden]") {
			write(t, filepath.Join(dir, FileName), "[warden]\ndatabase_url = 'postgres://h/d'\n"+strings.TrimPrefix(toml, "[warden]\n"))
		} else if strings.HasPrefix(toml, "targets") {
			write(t, filepath.Join(dir, FileName), toml+"\ndatabase_url = 'postgres://h/d'\n")
		}
		c := mustLoad(t, Input{Dir: dir, Getenv: environment("TENANT=ten")})
		if want.Any() {
			want.Dir = dir
		}
		if want.File != "" {
			want.File = filepath.Join(dir, want.File)
		}
		if diff := cmp.Diff(want, c.Selected[0].Targets); diff != "" {
			t.Errorf("%s:\n%s", toml, diff)
		}
	}
}

func TestADatabasesOwnTargetsBeatThoseOfAll(t *testing.T) {
	t.Parallel()
	dir := world(t, "[targets]\nlist = ['all']\n"+strings.ReplaceAll(twoFile, "[databases.other]", "[databases.main.targets]\nquery = 'SELECT 1'\n[databases.other]"))
	c := mustLoad(t, Input{Dir: dir, All: true})
	if main, other := c.Selected[0].Targets, c.Selected[1].Targets; main.Query != "SELECT 1" || main.List != nil || other.Query != "" || !cmp.Equal(other.List, []string{"all"}) {
		t.Errorf("%+v\n%+v", main, other)
	}
}

func TestTargetsThatCannotBeMeant(t *testing.T) {
	t.Parallel()
	for toml, want := range map[string]string{
		"[targets]\nlist = []":                        "warden.toml:3:1: key \"targets.list\": the list is empty",
		"[targets]\nlist = ['a']\nquery = 'SELECT 1'": "warden.toml:4:1: key \"targets.query\": there is targets.list too: targets come from one place",
		"[targets]\nkind = 'schema'":                  "warden.toml:3:1: key \"targets.kind\": nothing says which targets there are",
		"[targets]\nlist = ['a']\nkind = 'schemas'":   `key "targets.kind" must be "auto", "schema" or "database"`,
		"[targets]\nlist = 'a'":                       `key "targets.list" must be a list of strings and not a string`,
		"[targets]\nlist = ['a', 1]":                  `key "targets.list" must be a list of strings, and this is an integer`,
		"[targets]\nlist = ['']":                      "the value is empty",
		"[targets]\nlist = [\"a\\nb\"]":               "control character",
		"[targets]\nlist = ['postgres://u:p@h/d']":    "this is a URL or connection string",
		"[target]\nlist = ['a']":                      `unknown table "target", did you mean "targets"?`,
		"list = ['a']":                                `unknown key "list", it belongs in the [targets] table`,
	} {
		toml = "database_url = 'postgres://h/d'\n" + toml
		_, err := Load(Input{Dir: world(t, toml)})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "u:p@") {
			t.Errorf("%s\n%v\nwant: %s", toml, err, want)
		}
	}
}

func TestOneTargetOfADatabase(t *testing.T) {
	t.Parallel()
	d := Database{Name: "shop", BaseDir: "/here", Targets: TargetConfig{Dir: "/there"}}
	for kind, want := range map[string]Database{
		KindSchema:   {Target: "x", PostgresSchema: "x", BaseDir: "/here"},
		KindDatabase: {Target: "x", Other: "x", BaseDir: "/here"},
		KindFile:     {Target: "x", Other: "x", BaseDir: "/there"},
	} {
		got := d.To("x", kind)
		if got.Target != want.Target || got.PostgresSchema != want.PostgresSchema || got.Other != want.Other || got.BaseDir != want.BaseDir || got.Name != "shop" {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}
