package config

import (
	"strings"
	"testing"
)

// TestTheStrongestValueOfAVariableWins: the file's, the database's own table,
// the environment, the flag.
func TestTheStrongestValueOfAVariableWins(t *testing.T) {
	dir := world(t, `
env = "dev"
[vars]
a = "file"
b = "file"
c = "file"
D = "file ${WHO}"
number = 1_000
yes = true
url = "postgres://u:hush@h/d"
[databases.x]
database_url = "sqlite:///x.db"
vars.b = "x"
`)
	environ := []string{"DBWARDEN_VAR_C=environment", "DBWARDEN_VAR_A=", "WHO=me", "DBWARDEN_ENV=staging", "DBWARDEN_VAR_API_TOKEN=hush"}
	c := mustLoad(t, Input{Dir: dir, Getenv: environment(environ...), Environ: func() []string { return environ }, Vars: []string{"E=a=b", "f="}})
	d := c.Selected[0]
	for name, wanted := range map[string]string{"a": "file", "b": "x", "c": "environment", "d": "file me", "number": "1000", "yes": "true", "e": "a=b", "f": "", "api_token": "hush"} {
		if v, ok := d.Vars[name]; !ok || v.Value.Reveal() != wanted {
			t.Errorf("%s is %q, and wanted: %q", name, v.Value.Reveal(), wanted)
		}
	}
	if d.Env != "staging" || !d.Vars["api_token"].Hidden || !d.Vars["url"].Hidden || d.Vars["a"].Hidden {
		t.Errorf("env %q, %v", d.Env, d.Vars)
	}
	for _, s := range d.Sources {
		if strings.Contains(s.Value, "hush") {
			t.Errorf("%s shows %s", s.Key, s.Value)
		}
	}
}

func TestMistakesInVariables(t *testing.T) {
	for text, wanted := range map[string]string{
		"[vars]\n9a = 1":            "the name of a variable is made of letters",
		"[vars]\na.b = 1":           "the name of a variable is made of letters",
		"[vars]\na = [1]":           `key "vars.a" must be a string, a number or a boolean and not a list`,
		"[vars]\na = 1\nA = 2":      "case does not count",
		"vars = 1":                  "vars is a table and not an integer",
		"[var]\na = 1":              "did you mean",
		"[vars]\na = \"${NOBODY}\"": "environment variable NOBODY is not set",
		"env = \"a b\"":             "the name of an environment is made of",
	} {
		_, err := Load(Input{Dir: world(t, "database_url = \"sqlite:///a.db\"\n"+text+"\n")})
		if err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
