//go:build !unix

package dbtest

// On systems without setsid and sh no server is started: tests use the ones
// that the environment names.

type recipe struct {
	name, account, signal string
	commands              func(dir string, port int) (prepare, server []string, err error)
	ready                 func(port int) error
}

type process struct{ port int }

func (p *process) stop() {}

func start(recipe) (*process, error) {
	return nil, missing{"a system on which this package can start servers"}
}
