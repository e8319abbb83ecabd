//go:build unix

package dbtest

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed supervise.sh
var supervisor string

// startTime is what a server gets to come up; a loaded machine with a slow
// disk needs a good part of it.
const startTime = 60 * time.Second

// A recipe says how one product is started in a folder of its own.
type recipe struct {
	name    string
	account string   // the server runs as this user when we are root
	signal  string   // ends it at once; nothing is worth saving
	within  []string // the prefix of a command that is to run elsewhere on this machine

	// commands are the ones that prepare the folder (nil: none) and that run
	// the server. They may write files into the folder first.
	commands func(dir string, port int) (prepare, server []string, err error)

	// ready returns nil once the server answers.
	ready func(dir string, port int) error
}

// site is where a server stands on this machine, and what it wants of those who
// come to it over the network.
type site struct {
	address   string
	within    []string
	encrypted *encryption // nil: nothing
}

var here = site{address: "127.0.0.1"}

// A process is a running server.
type process struct {
	port int
	dir  string
	life *os.File // its closing ends the server; kept here, or the collector would close it
	cmd  *exec.Cmd
}

// stop ends the server and waits until it and its folder are gone.
func (p *process) stop() {
	p.life.Close()
	// The supervisor's code says nothing: it ends when its work is done.
	_ = p.cmd.Wait()
}

// start runs the recipe, with another port when somebody else was quicker to
// take the free one.
func start(r recipe) (*process, error) {
	var all error
	for range 3 {
		p, err := startOnce(r)
		if err == nil {
			return p, nil
		}
		all = errors.Join(all, err)
		if !errors.Is(err, errEnded) {
			break
		}
	}
	return nil, all
}

var errEnded = errors.New("the server ended before it answered")

func startOnce(r recipe) (*process, error) {
	as, uid, gid, err := runAs(r)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(serverRoot(), "dbwarden-"+r.name+"-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	prepare, server, err := r.commands(dir, port)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := give(dir, uid, gid); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}

	hear, life, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	first := "true"
	if prepare != nil {
		first = quote(append(as, prepare...))
	}
	cmd := exec.Command("/bin/sh", "-c", supervisor, "supervise", dir, r.signal, first, quote(slices.Concat(r.within, dieWithParent(as), server)))
	cmd.Dir = dir
	// Nothing of PGPORT, MYSQL_HOME and their kin, and a TMPDIR in which the
	// server's account may write.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "LC_ALL=C"}
	cmd.Stdin = hear
	// A session of its own: Ctrl-C reaches us, and we end the server.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	hear.Close()
	if err != nil {
		life.Close()
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	p := &process{port: port, dir: dir, life: life, cmd: cmd}
	if err := p.await(r); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		p.stop()
		return nil, fmt.Errorf("start %s: %w; its log ends with:\n%s", r.name, err, tail(string(log), 25))
	}
	return p, nil
}

func (p *process) await(r recipe) error {
	deadline := time.Now().Add(startTime)
	for {
		if _, err := os.Stat(filepath.Join(p.dir, "ended")); err == nil {
			return errEnded
		}
		err := r.ready(p.dir, p.port)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer within %v: %w", startTime, err)
		}
		// Nothing signals "ready" on every product alike; asking is cheap.
		time.Sleep(20 * time.Millisecond)
	}
}

// runAs is the prefix that gives up root, which PostgreSQL refuses to run as.
func runAs(r recipe) (prefix []string, uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return nil, -1, -1, nil
	}
	u, err := user.Lookup(r.account)
	if err != nil {
		return nil, 0, 0, missing{fmt.Sprintf("the account %s, as which it runs when started by root", r.account)}
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		return nil, 0, 0, missing{"setpriv, which starts it as another user than root"}
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return nil, 0, 0, err
	}
	if gid, err = strconv.Atoi(u.Gid); err != nil {
		return nil, 0, 0, err
	}
	return []string{setpriv, "--reuid=" + u.Uid, "--regid=" + u.Gid, "--clear-groups"}, uid, gid, nil
}

// dieWithParent has the kernel end the server should the supervisor itself be
// killed, where there is setpriv (Linux).
func dieWithParent(as []string) []string {
	if len(as) == 0 {
		setpriv, err := exec.LookPath("setpriv")
		if err != nil {
			return nil
		}
		as = []string{setpriv}
	}
	return append(as[:len(as):len(as)], "--pdeathsig=KILL")
}

// serverRoot is a folder for the files of servers, which other accounts can
// enter.
func serverRoot() string {
	root := os.Getenv(ServerDirVariable)
	if root == "" {
		if root = memoryRoot(); root == "" {
			root = os.TempDir()
		}
	}
	if os.Geteuid() != 0 {
		return root
	}
	for dir := root; ; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o001 == 0 {
			return "/tmp"
		}
		if dir == filepath.Dir(dir) {
			return root
		}
	}
}

func give(dir string, uid, gid int) error {
	if uid < 0 {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
}

// quote spells a command for the shell.
func quote(argv []string) string {
	out := make([]string, len(argv))
	for i, a := range argv {
		out[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return strings.Join(out, " ")
}

func tail(s string, lines int) string {
	all := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
