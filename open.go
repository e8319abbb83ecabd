package dbwarden

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/lock"
)

// Open is New for a database that is named by a URL, which c.Engine reads. It
// connects to nothing either: each verb opens sessions of its own and ends
// them, so that there is nothing to close, and no pool of the program's is
// touched. Its errors never hold the password.
func Open(url string, c Config) (*Warden, error) {
	if c.Engine == nil {
		return nil, errors.New("dbwarden: Config needs an Engine")
	}
	if c.Database != nil {
		return nil, errors.New("dbwarden: Open takes the database from its URL: leave Config.Database out, or call New")
	}
	db, err := c.Engine.Open(url, engine.OpenOptions{})
	if err != nil {
		return nil, err
	}
	c.Database = db
	return New(c)
}

// ourselves is this process as a holder of the lock. Host and process id are
// what tells others whether it is gone; what cannot be found out is left out.
func ourselves() lock.Holder {
	h := lock.Holder{Pid: os.Getpid(), Command: "library"}
	h.Host, _ = os.Hostname()
	if u, err := user.Current(); err == nil {
		h.User = u.Username
	}
	if name, err := os.Executable(); err == nil {
		h.Program = filepath.Base(name)
	}
	return h
}
