package main

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The peers, as their authors release them. goose's version stands in
// goose/go.mod.
const (
	golangMigrate = "github.com/golang-migrate/migrate/v4/cmd/migrate@v4.20.1"
	tern          = "github.com/jackc/tern/v2@v2.3.4"
	sqlMigrate    = "github.com/rubenv/sql-migrate/sql-migrate@v1.8.1"
)

// product is a database product's name in this program.
type product string

const (
	postgres product = "postgres"
	mariadb  product = "mariadb"
	sqlite   product = "sqlite"
)

// A place is a database that a tool is to migrate, and its folder.
type place struct {
	product  product
	url      *url.URL // sqlite: only its Path
	folder   string
	scratch  string // a folder for the tool's own configuration
	programs string
	blind    bool // of testCase
}

// A command is a program to run.
type command struct {
	args  []string
	env   []string
	stdin string // a file
}

// A tool is dbwarden, a peer, or a product's own client.
type tool struct {
	name   string
	format format
	native bool // a client: it shows how fast the wire and the server are

	// up applies what is pending, status tells what is not; nil where the tool
	// has no such command on that product.
	up, status func(p place) (command, error)
}

func (p place) program(name string) string { return filepath.Join(p.programs, name) }

// dsn spells a MariaDB database as Go's driver wants it.
func (p place) dsn(parameters string) string {
	password, _ := p.url.User.Password()
	return fmt.Sprintf("%s:%s@tcp(%s)%s%s", p.url.User.Username(), password, p.url.Host, p.url.Path, parameters)
}

func (p place) uri() string {
	if p.product == sqlite {
		return "sqlite:///" + p.url.Path
	}
	return p.url.String()
}

// The configurations of dbwarden: what it does by itself, and without looking for drift.
const (
	wardenDefaults = "defaults.toml"
	wardenBlind    = "blind.toml"
)

var warden = tool{name: "dbwarden", format: wardenFormat, up: wardenCommand("migrate", "-q"), status: wardenCommand("status")}

func wardenCommand(words ...string) func(place) (command, error) {
	return func(p place) (command, error) {
		config := wardenDefaults
		if p.blind {
			config = wardenBlind
		}
		return command{args: append([]string{p.program("dbwarden")}, append(words, "--config", p.program(config), "--url", p.uri(), "--migrations-dir", p.folder)...)}, nil
	}
}

// peers are the tools to compare with, for each product.
func peers(p product) []tool {
	out := []tool{
		{name: "goose", format: gooseFormat, up: gooseCommand("up"), status: gooseCommand("status")},
		{name: "golang-migrate", format: golangFormat, up: golangCommand("up"), status: golangCommand("version")},
		{name: "sql-migrate", format: rubenvFormat, up: rubenvCommand("up"), status: rubenvCommand("status")},
	}
	if p == postgres {
		out = append(out, tool{name: "tern", format: ternFormat, up: ternCommand("migrate"), status: ternCommand("status")})
	}
	return out
}

func gooseCommand(word string) func(place) (command, error) {
	return func(p place) (command, error) {
		name, dsn := "postgres", p.url.String()
		switch p.product {
		case mariadb:
			name, dsn = "mysql", p.dsn("?parseTime=true")
		case sqlite:
			name, dsn = "sqlite", "file:"+p.url.Path
		}
		return command{args: []string{p.program("goose"), name, dsn, p.folder, word}}, nil
	}
}

func golangCommand(word string) func(place) (command, error) {
	return func(p place) (command, error) {
		dsn := p.url.String()
		switch p.product {
		case mariadb:
			dsn = "mysql://" + p.dsn("")
		case sqlite:
			dsn = "sqlite://" + p.url.Path
		}
		return command{args: []string{p.program("migrate"), "-path", p.folder, "-database", dsn, word}}, nil
	}
}

func rubenvCommand(word string) func(place) (command, error) {
	return func(p place) (command, error) {
		dialect, dsn := "postgres", p.url.String()
		switch p.product {
		case mariadb:
			dialect, dsn = "mysql", p.dsn("?parseTime=true")
		case sqlite:
			dialect, dsn = "sqlite3", p.url.Path
		}
		name := filepath.Join(p.scratch, "dbconfig.yml")
		text := fmt.Sprintf("bench:\n  dialect: %s\n  datasource: %q\n  dir: %q\n", dialect, dsn, p.folder)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return command{}, err
		}
		return command{args: []string{p.program("sql-migrate"), word, "-config=" + name, "-env=bench"}}, nil
	}
}

func ternCommand(word string) func(place) (command, error) {
	return func(p place) (command, error) {
		return command{args: []string{p.program("tern"), word, "--conn-string", p.url.String(), "--migrations", p.folder}}, nil
	}
}

// client is a product's own client, given a file of SQL.
func client(p place, file string) (command, error) {
	c := command{stdin: file}
	name := ""
	switch p.product {
	case postgres:
		name, c.args = "psql", []string{"psql", p.url.String(), "-qX", "-v", "ON_ERROR_STOP=1"}
	case mariadb:
		password, _ := p.url.User.Password()
		name = "mariadb"
		c.args = []string{"mariadb", "--no-defaults", "--protocol=tcp", "-h", p.url.Hostname(), "-P", p.url.Port(), "-u", p.url.User.Username(), strings.TrimPrefix(p.url.Path, "/")}
		c.env = []string{"MYSQL_PWD=" + password}
	case sqlite:
		name, c.args = "sqlite3", []string{"sqlite3", "-bail", p.url.Path}
	}
	_, err := exec.LookPath(name)
	return c, err
}

// build makes all programs. keep: peers that are there already are taken.
func build(repository, programs string, keep, withPeers bool, say func(string, ...any)) error {
	if err := os.MkdirAll(programs, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{wardenDefaults: "", wardenBlind: "drift = \"off\"\n"} {
		if err := os.WriteFile(filepath.Join(programs, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	bench := filepath.Join(repository, "bench")
	type program struct {
		name, file, dir string
		args            []string
	}
	all := []program{
		{"dbwarden", "dbwarden", repository, []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(programs, "dbwarden"), "./cmd/dbwarden"}},
		{"measure", "measure", bench, []string{"build", "-o", filepath.Join(programs, "measure"), "./measure"}},
	}
	others := []program{
		{"goose", "goose", filepath.Join(bench, "goose"), []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(programs, "goose"), "."}},
		{golangMigrate, "migrate", bench, []string{"install", "-trimpath", "-ldflags", "-s -w", "-tags", "postgres mysql sqlite", golangMigrate}},
		{tern, "tern", bench, []string{"install", "-trimpath", "-ldflags", "-s -w", tern}},
		{sqlMigrate, "sql-migrate", bench, []string{"install", "-trimpath", "-ldflags", "-s -w", sqlMigrate}},
	}
	if withPeers {
		all = append(all, others...)
	}
	for _, b := range all {
		if _, err := os.Stat(filepath.Join(programs, b.file)); err == nil && keep && b.name != "dbwarden" && b.name != "measure" {
			continue
		}
		say("build %s", b.name)
		c := exec.Command("go", b.args...)
		c.Dir = b.dir
		c.Env = append(os.Environ(), "GOBIN="+programs, "GOFLAGS=")
		if b.name == "dbwarden" {
			c.Env = append(c.Env, "CGO_ENABLED=0")
		}
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", b.name, err, out)
		}
	}
	return nil
}
