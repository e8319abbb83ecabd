//go:build !unix

package dbtest

// On systems without setsid and sh no server is started: tests use the ones
// that the environment names.

type recipe struct {
	name, account, signal string
	commands              func(dir string, port int) (prepare, server []string, err error)
	ready                 func(dir string, port int) error
	within                []string
}

type site struct {
	address   string
	within    []string
	encrypted *encryption
}

var here = site{address: "127.0.0.1"}

type process struct {
	dir  string
	port int
}

func (p *process) stop() {}

func start(recipe) (*process, error) {
	return nil, missing{"a system on which this package can start servers"}
}
