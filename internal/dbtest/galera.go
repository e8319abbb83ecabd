package dbtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Cluster is three nodes of MariaDB Galera on this machine, all of which
// take writes.
type Cluster struct{ Nodes [3]*Server }

// Galera returns the process's cluster. It is started once and shared; a test
// that ends a node comes after those that need three.
func Galera(t testing.TB) *Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("Galera: not asked for under -short")
	}
	sharedGalera.once.Do(func() { sharedGalera.cluster, sharedGalera.err = StartGalera() })
	if absent, ok := errors.AsType[missing](sharedGalera.err); ok {
		t.Skipf("Galera: %s not found; ./test installs what is missing", absent.what)
	}
	if sharedGalera.err != nil {
		t.Fatalf("dbtest: Galera: %v", sharedGalera.err)
	}
	return sharedGalera.cluster
}

var sharedGalera struct {
	once    sync.Once
	cluster *Cluster
	err     error
}

// StartGalera starts a cluster; Stop ends it. Most tests want Galera.
func StartGalera() (*Cluster, error) {
	bin, err := lookBeside("mariadbd", "/usr/sbin/mariadbd", "/usr/libexec/mariadbd")
	if err != nil {
		return nil, err
	}
	install, err := lookBeside("mariadb-install-db", "/usr/bin/mariadb-install-db")
	if err != nil {
		return nil, err
	}
	provider := "/usr/lib/galera/libgalera_smm.so"
	if _, err := os.Stat(provider); err != nil {
		return nil, missing{"galera-4 (" + provider + ")"}
	}
	if _, err := lookBeside("rsync", "/usr/bin/rsync"); err != nil {
		return nil, err
	}
	if os.Geteuid() != 0 {
		// rsync's daemon, by which a node gets its first state, wants to be
		// told another account than the one that runs it.
		return nil, missing{"root, who starts the nodes as the account mysql,"}
	}
	g := galera{bin: bin, install: install, provider: provider, password: random()}
	ports, err := freePorts(3 * len(g.ports))
	if err != nil {
		return nil, err
	}
	for i := range g.ports {
		copy(g.ports[i][:], ports[3*i:])
	}
	c := &Cluster{}
	for i := range c.Nodes {
		p, err := start(g.recipe(i))
		if err != nil {
			c.Stop()
			return nil, err
		}
		c.Nodes[i] = &Server{admin: g.address(p.port), product: mariadb{}, process: p}
	}
	return c, nil
}

// Stop ends all nodes.
func (c *Cluster) Stop() {
	for _, n := range c.Nodes {
		if n != nil {
			n.Stop()
		}
	}
}

// NewDatabase makes an empty database, which all nodes have, and returns its
// URL on each. It is not dropped: nodes may be gone by then, and the cluster
// goes with the process.
func (c *Cluster) NewDatabase(t testing.TB) (urls [3]string) {
	t.Helper()
	name := "t_" + random()
	if err := c.Nodes[0].errand(name, c.Nodes[0].product.create); err != nil {
		t.Fatalf("dbtest: create a database: %v", err)
	}
	for i, n := range c.Nodes {
		urls[i] = WithDatabase(n.admin, name)
		// A node executes what another one did a moment later, and who
		// connects does not wait for that.
		err := n.errand(name, func(ctx context.Context, s session, _ string) error {
			_, err := s.rows(ctx, "SET SESSION wsrep_sync_wait = 1; SELECT 1")
			return err
		})
		if err != nil {
			t.Fatalf("dbtest: wait for the new database: %v", err)
		}
	}
	return urls
}

// Kill ends a server's process as a crash of its machine would.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.process.dir, "pid"))
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		t.Fatalf("dbtest: kill: %v", err)
	}
}

// galera makes the recipes of three nodes.
type galera struct {
	bin, install, provider, password string

	ports [3][3]int // of each node: group, state transfer, incremental transfer
}

func (g *galera) address(port int) string {
	u := url.URL{Scheme: "mariadb", User: url.UserPassword("root", g.password), Host: "127.0.0.1:" + strconv.Itoa(port), Path: "/mysql"}
	return u.String()
}

func (g *galera) recipe(i int) recipe {
	return recipe{
		name:    "galera",
		account: "mysql",
		signal:  "KILL",
		commands: func(dir string, port int) ([]string, []string, error) {
			data := filepath.Join(dir, "data")
			group := fmt.Sprintf("127.0.0.1:%d", g.ports[i][0])
			server := []string{g.bin, "--no-defaults", "--datadir=" + data, "--socket=" + filepath.Join(dir, "sock"),
				"--port=" + strconv.Itoa(port), "--bind-address=127.0.0.1", "--pid-file=" + filepath.Join(dir, "pid"),
				"--skip-name-resolve", "--tmpdir=" + dir, "--max-connections=200",
				"--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0",
				"--innodb-flush-method=nosync", "--innodb-doublewrite=0", "--innodb-fast-shutdown=2",
				// Clocks hours apart: nobody may compare them.
				fmt.Sprintf("--default-time-zone=+0%d:30", 1+3*i),
				"--binlog-format=ROW", "--default-storage-engine=InnoDB", "--innodb-autoinc-lock-mode=2",
				"--wsrep-on=ON", "--wsrep-provider=" + g.provider, "--wsrep-cluster-name=dbwarden-" + g.password,
				fmt.Sprintf("--wsrep-node-name=n%d", i+1), "--wsrep-sst-method=rsync", "--wsrep-node-address=" + group,
				fmt.Sprintf("--wsrep-sst-receive-address=127.0.0.1:%d", g.ports[i][1]),
				fmt.Sprintf("--wsrep-provider-options=base_port=%d;gmcast.listen_addr=tcp://%s;ist.recv_addr=127.0.0.1:%d;gcache.size=16M",
					g.ports[i][0], group, g.ports[i][2]),
				fmt.Sprintf("--wsrep-cluster-address=gcomm://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d", g.ports[0][0], g.ports[1][0], g.ports[2][0]),
			}
			if i > 0 {
				// An empty folder: the node copies the first one's.
				return nil, server, os.Mkdir(data, 0o700)
			}
			accounts := filepath.Join(dir, "accounts.sql")
			text := fmt.Sprintf("DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');\n"+
				"FLUSH PRIVILEGES;\n"+
				"ALTER USER root@localhost IDENTIFIED BY '%[1]s';\n"+
				"CREATE USER root@'127.0.0.1' IDENTIFIED BY '%[1]s';\n"+
				"GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n", g.password)
			if err := os.WriteFile(accounts, []byte(text), 0o600); err != nil {
				return nil, nil, err
			}
			prepare := []string{g.install, "--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal",
				"--skip-test-db", "--innodb-log-file-size=8M"}
			return prepare, append(server, "--wsrep-new-cluster", "--init-file="+accounts), nil
		},
		ready: func(_ string, port int) error {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			s, err := mariadb{}.dial(ctx, g.address(port))
			if err != nil {
				return err
			}
			rows, err := s.rows(ctx, "SHOW GLOBAL STATUS LIKE 'wsrep_local_state_comment'")
			if err := errors.Join(err, s.close(ctx)); err != nil {
				return err
			}
			if len(rows) != 1 || rows[0][1] != "Synced" {
				return fmt.Errorf("the node is not synced: %v", rows)
			}
			return nil
		},
	}
}
