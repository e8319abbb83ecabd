package docs

import (
	"bufio"
	"database/sql"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // a migration lock is frozen by hand here
)

// The project that the pages show: a shop with two migrations, and a third
// one that makes trouble.
var (
	config = `database_url = "sqlite:///app.db"
`
	users = `-- upgrade
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);

-- rollback
DROP TABLE users;
`
	orders = `-- upgrade
CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id));
CREATE INDEX orders_user ON orders (user_id);

-- rollback
DROP TABLE orders;
`
	// Its second statement names no table, and it runs outside a transaction.
	tax = `-- transaction: off

-- upgrade
ALTER TABLE orders ADD COLUMN tax_cents INTEGER;
UPDATE ordrs SET tax_cents = 0;

-- rollback
ALTER TABLE orders DROP COLUMN tax_cents;
`
	// Its second statement takes longer than any test.
	fill = `-- upgrade
CREATE TABLE numbers (n INTEGER);
INSERT INTO numbers WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 4000000000) SELECT MAX(n) FROM c;

-- rollback
DROP TABLE numbers;
`
)

// projects are the folders that blocks run in.
var projects = map[string]func(p *project){
	// Nothing at all.
	"empty": func(p *project) {},
	// Two migrations, none applied.
	"new": func(p *project) { p.shop() },
	// Both applied.
	"applied": func(p *project) { p.shop(); p.dbwarden(0, "migrate") },
	// The first applied, the second pending.
	"pending": func(p *project) { p.shop(); p.dbwarden(0, "migrate", "-c", "1") },
	// Somebody has been at it by hand.
	"drifted": func(p *project) {
		p.shop()
		p.dbwarden(0, "migrate")
		p.sql("ALTER TABLE orders ADD COLUMN note TEXT; DROP INDEX orders_user")
	},
	// The third failed half-way, and its lock is kept.
	"kept": func(p *project) {
		p.shop()
		p.dbwarden(0, "migrate")
		p.write("migrations/0003_add_tax.sql", tax)
		p.dbwarden(3, "migrate")
	},
	// A run is in the middle of the third.
	"running": func(p *project) { p.stuck(fill) },
	// Such a run was killed.
	"gone": func(p *project) { p.stuck(fill).kill() },
	// The same outside a transaction, and its statement tells nobody whether
	// it took effect (OR FAIL keeps the rows before the one that fails); the lock is released since.
	"doubt": func(p *project) {
		p.stuck("-- transaction: off\n\n" + strings.Replace(fill, "INSERT INTO", "INSERT OR FAIL INTO", 1)).kill()
		p.dbwarden(0, "unlock")
	},
	// Somebody locked by hand.
	"frozen": func(p *project) {
		p.shop()
		p.dbwarden(0, "migrate", "-c", "1")
		p.sql("UPDATE dbwarden_lock SET locked = TRUE")
	},
	// A folder of each other tool, named after it.
	"elsewhere": func(p *project) {
		p.write("warden.toml", config)
		for name, text := range elsewhere {
			p.write(name, text)
		}
	},
	// The same, where goose has run on the database.
	"left": func(p *project) {
		p.write("warden.toml", config)
		for name, text := range elsewhere {
			p.write(name, text)
		}
		p.sql("CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP);" +
			"INSERT INTO goose_db_version (version_id, is_applied, tstamp) VALUES (0, 1, '2024-01-02 10:00:00'), (1, 1, '2024-01-02 10:00:00'), (2, 1, '2024-01-02 10:00:01');" +
			"CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT); CREATE INDEX users_email ON users (email)")
	},
	// A file for each tenant, of which one has a table that the others have not.
	"tenants": func(p *project) {
		p.shop()
		p.write("warden.toml", config+"\n[targets]\nlist = [\"tenants/*.db\"]\n")
		for _, name := range []string{"acme", "bolt", "crow"} {
			p.write("tenants/"+name+".db", "")
		}
		p.sqlIn("tenants/acme.db", "CREATE TABLE settings (n INTEGER)")
	},
	// Two branches that both took 0003 are merged; nobody has run either.
	"merged": func(p *project) {
		p.shop()
		p.dbwarden(0, "migrate")
		p.branches()
		p.merge()
	},
	// The same, where one's own has run.
	"merged and ran": func(p *project) { p.branches(); p.dbwarden(0, "migrate"); p.merge() },
	// One's own has run, and somebody has renumbered it since.
	"renumbered": func(p *project) {
		p.branches()
		p.dbwarden(0, "migrate", "-c", "3")
		p.merge()
		p.dbwarden(0, "rebase", "--offline")
		p.remove("migrations/0005_index_phones.sql")
	},
	// Two databases.
	"several": func(p *project) {
		p.shop()
		p.write("logs/0001_create_lines.sql", "-- upgrade\nCREATE TABLE lines (text TEXT);\n\n-- rollback\nDROP TABLE lines;\n")
		p.write("warden.toml", `[databases.shop]
default = true
database_url = "sqlite:///app.db"

[databases.logs]
database_url = "sqlite:///logs.db"
migrations_dir = "logs"
`)
	},
}

// elsewhere are files of other tools.
var elsewhere = map[string]string{
	"goose/00001_users.sql": "-- +goose Up\nCREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\n\n-- +goose Down\nDROP TABLE users;\n",
	"goose/00002_index.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX users_email ON users (email);\n\n-- +goose Down\nDROP INDEX users_email;\n",

	"golang-migrate/1_users.up.sql":   "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\n",
	"golang-migrate/1_users.down.sql": "DROP TABLE users;\n",

	"dbmate/20240101120000_users.sql": "-- migrate:up transaction:false\nCREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\n\n-- migrate:down\nDROP TABLE users;\n",

	"flyway/V1__users.sql":       "CREATE TABLE ${prefix}_users (id INTEGER PRIMARY KEY, email TEXT);\n",
	"flyway/U1__users.sql":       "DROP TABLE ${prefix}_users;\n",
	"flyway/V1.1__more.sql":      "ALTER TABLE ${prefix}_users ADD COLUMN name TEXT;\n",
	"flyway/R__active_users.sql": "DROP VIEW IF EXISTS active_users;\nCREATE VIEW active_users AS SELECT id FROM ${prefix}_users;\n",

	"tern/001_users.sql": "create table users (id integer primary key, email text);\n\n---- create above / drop below ----\n\ndrop table users;\n",

	"sql-migrate/1_users.sql": "-- +migrate Up notransaction\nCREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\n\n-- +migrate Down\nDROP TABLE users;\n",

	"atlas/20240101120000_users.sql": "-- atlas:txmode none\n\n-- Create \"users\" table\nCREATE TABLE `users` (`id` integer PRIMARY KEY, `email` text);\n",

	"alembic/upgrade.sql": "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);\n\n-- Running upgrade  -> 1975ea83b712\n\n" +
		"CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\n\nINSERT INTO alembic_version (version_num) VALUES ('1975ea83b712');\n",

	"liquibase/changelog.sql": "--liquibase formatted sql\n\n--changeset ann:users\nCREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\n--rollback DROP TABLE users;\n\n" +
		"--changeset ann:rows context:test\nINSERT INTO users VALUES (1, 'ann@example.org');\n",

	"python/0001_users.sql": users,
}

// project is a folder with the program on its PATH.
type project struct {
	t    *testing.T
	dir  string
	env  []string
	held *exec.Cmd
}

// newProject makes a project in a folder of its own.
func newProject(t *testing.T, bin, name string) *project {
	t.Helper()
	make, ok := projects[name]
	if !ok {
		t.Fatalf("there is no project %q", name)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := &project{t: t, dir: filepath.Join(dir, "shop"), env: environment(bin)}
	if err := os.Mkdir(p.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	make(p)
	return p
}

// environment is ours, but for what the program reads of it.
func environment(bin string) []string {
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return strings.HasPrefix(name, "DBWARDEN_") || name == "DATABASE_URL" || name == "PATH" || name == "USER" || name == "GOFLAGS"
	})
	return append(env, "USER=alice", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func (p *project) shop() {
	p.write("warden.toml", config)
	p.write("migrations/0001_create_users.sql", users)
	p.write("migrations/0002_create_orders.sql", orders)
}

// branches makes a repository of the shop whose branch main has a third migration,
// and another branch, which is checked out, one with the same number and one behind it.
func (p *project) branches() {
	p.t.Helper()
	p.shop()
	commit := func(names ...string) {
		p.t.Helper()
		p.git(append([]string{"add", "warden.toml"}, names...)...)
		p.git("commit", "-qm", names[0])
	}
	p.git("init", "-q", "-b", "main")
	commit("migrations")
	p.git("checkout", "-qb", "phones")
	p.write("migrations/0003_add_phone.sql", "-- upgrade\nALTER TABLE users ADD COLUMN phone TEXT;\n\n-- rollback\nALTER TABLE users DROP COLUMN phone;\n")
	p.write("migrations/0004_index_phones.sql", "-- depends_on: [\"0003\"]\n\n-- upgrade\nCREATE INDEX users_phone ON users (phone);\n\n-- rollback\nDROP INDEX users_phone;\n")
	commit("migrations/0003_add_phone.sql", "migrations/0004_index_phones.sql")
	p.git("checkout", "-q", "main")
	p.write("migrations/0003_add_country.sql", "-- upgrade\nALTER TABLE users ADD COLUMN country TEXT;\n\n-- rollback\nALTER TABLE users DROP COLUMN country;\n")
	commit("migrations/0003_add_country.sql")
	p.git("checkout", "-q", "phones")
}

func (p *project) merge() {
	p.t.Helper()
	p.git("merge", "-q", "--no-edit", "main")
}

// git runs git, away from what it is configured to do for whoever runs the tests.
func (p *project) git(args ...string) {
	p.t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		p.t.Skip("there is no git here")
	}
	c := p.command("git", append([]string{"-c", "user.name=alice", "-c", "user.email=alice@example.org"}, args...)...)
	c.Env = append(slices.Clone(p.env), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull)
	if out, err := c.CombinedOutput(); err != nil {
		p.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (p *project) remove(name string) {
	p.t.Helper()
	if err := os.Remove(filepath.Join(p.dir, name)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *project) write(name, text string) {
	p.t.Helper()
	name = filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		p.t.Fatal(err)
	}
}

func (p *project) command(name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(p.t.Context(), name, args...)
	c.Dir, c.Env = p.dir, p.env
	return c
}

func (p *project) program(args ...string) *exec.Cmd {
	path := p.env[len(p.env)-1]
	bin, _, _ := strings.Cut(strings.TrimPrefix(path, "PATH="), string(os.PathListSeparator))
	return p.command(filepath.Join(bin, program), args...)
}

// dbwarden runs the program, which must end with code.
func (p *project) dbwarden(code int, args ...string) string {
	p.t.Helper()
	c := p.program(args...)
	out, _ := c.CombinedOutput()
	if got := c.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("dbwarden %s: exit code %d instead of %d\n%s", strings.Join(args, " "), got, code, out)
	}
	return string(out)
}

func (p *project) sql(query string) {
	p.t.Helper()
	p.sqlIn("app.db", query)
}

func (p *project) sqlIn(file, query string) {
	p.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(p.dir, file))
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(query); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
}

// stuck leaves a run in the middle of a third migration, in its second
// statement.
func (p *project) stuck(third string) *project {
	p.t.Helper()
	p.shop()
	p.dbwarden(0, "migrate")
	p.write("migrations/0003_fill_numbers.sql", third)
	p.held = p.program("migrate", "-v")
	said, err := p.held.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.held.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.kill() })
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if strings.Contains(lines.Text(), "statement 2 of 2") {
			return p
		}
	}
	p.t.Fatal("the run ended before it was stuck")
	return p
}

// kill ends the stuck run as a crash would.
func (p *project) kill() {
	if p.held == nil {
		return
	}
	_ = p.held.Process.Kill() // it may have been ended by the block
	_ = p.held.Wait()         // it was killed, and says so
	p.held = nil
}

// repository makes a copy of what a clone holds, without tests.
func repository(t *testing.T, bin string) *project {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil || rel == "." {
			return err
		}
		base := d.Name()
		switch {
		case d.IsDir() && (base == "testdata" || strings.HasPrefix(base, ".")):
			return filepath.SkipDir
		case d.IsDir():
			return os.Mkdir(filepath.Join(dir, rel), 0o777)
		case strings.HasSuffix(base, "_test.go"), strings.Contains(base, ".db"), !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, rel), text, 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
	return &project{t: t, dir: dir, env: environment(bin)}
}
