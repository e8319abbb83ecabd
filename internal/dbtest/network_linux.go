package dbtest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A Network is a cable between a server and its clients that can be cut: three
// network namespaces, of a server, of a switch and of the clients. The test
// itself stands outside of it and talks to the server through its socket.
type Network struct{ server, wire, clients namespace }

// The addresses within, which nobody outside sees.
const (
	serverAddress = "10.55.0.1"
	clientAddress = "10.55.0.2"
)

// NewNetwork makes a network, which goes when the test ends.
func NewNetwork(t testing.TB) *Network {
	t.Helper()
	if testing.Short() {
		t.Skip("a network: not asked for under -short")
	}
	if os.Geteuid() != 0 {
		t.Skip("a network that can be cut: network namespaces need root")
	}
	for _, program := range []string{"ip", "unshare", "nsenter"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("a network that can be cut: %s not found; ./test installs what is missing", program)
		}
	}
	n := &Network{newNamespace(t), newNamespace(t), newNamespace(t)}
	n.wire.do(t, "ip link add switch type bridge")
	n.wire.do(t, "ip link set switch up")
	for name, end := range map[string]struct {
		namespace
		address string
	}{"server": {n.server, serverAddress}, "clients": {n.clients, clientAddress}} {
		n.wire.do(t, fmt.Sprintf("ip link add %s type veth peer name cable netns %d", name, end.pid()))
		n.wire.do(t, "ip link set "+name+" master switch up")
		end.do(t, "ip link set lo up")
		end.do(t, "ip address add "+end.address+"/24 dev cable")
		end.do(t, "ip link set cable up")
	}
	return n
}

// Cut pulls the clients' cable out of the switch: the server's own link stays
// up, and neither end is told anything.
func (n *Network) Cut(t testing.TB) { n.wire.do(t, "ip link set clients down") }

// Mend plugs it in again.
func (n *Network) Mend(t testing.TB) { n.wire.do(t, "ip link set clients up") }

// Client has a command run where the clients are.
func (n *Network) Client(cmd *exec.Cmd) {
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		panic(err) // NewNetwork has found it
	}
	cmd.Args = append(n.clients.enter(), append([]string{cmd.Path}, cmd.Args[1:]...)...)
	cmd.Path = nsenter
}

// namespace is a network namespace that lasts as long as a process in it,
// which ends with ours, however that ends.
type namespace struct{ keeper *exec.Cmd }

func newNamespace(t testing.TB) namespace {
	t.Helper()
	// It says when it is inside, and stays there until its input ends.
	cmd := exec.Command("unshare", "--net", "sh", "-c", "echo inside; exec cat >/dev/null")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // it had nothing to do
	})
	if _, err := io.ReadFull(out, make([]byte, len("inside\n"))); err != nil {
		in.Close()
		_ = cmd.Wait() // what it said is what counts
		t.Skipf("a network that can be cut: no network namespace is to be had: %s", strings.TrimSpace(said.String()))
	}
	return namespace{cmd}
}

func (n namespace) pid() int { return n.keeper.Process.Pid }

func (n namespace) enter() []string {
	return []string{"nsenter", "--net", "--target", fmt.Sprint(n.pid()), "--"}
}

func (n namespace) do(t testing.TB, command string) {
	t.Helper()
	args := append(n.enter(), strings.Fields(command)...)
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("dbtest: %s: %v: %s", command, err, out)
	}
}

// Postgres starts a PostgreSQL server in the network. Its URL is the one that
// clients use; Near leads to it from outside.
func (n *Network) Postgres(t testing.TB) *Server {
	t.Helper()
	return ownServer(t, "PostgreSQL", func() (*Server, error) {
		bin, err := postgresBinaries()
		if err != nil {
			return nil, err
		}
		return startPostgresAt(bin, site{address: serverAddress, within: n.server.enter()}, nil)
	})
}

// MariaDB starts a MariaDB server in the network.
func (n *Network) MariaDB(t testing.TB) *Server {
	t.Helper()
	return ownServer(t, "MariaDB", func() (*Server, error) { return startMariaDBAt(site{address: serverAddress, within: n.server.enter()}) })
}
