package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/internal/bounded"
	"github.com/dbwarden-go/dbwarden/internal/config"
)

const (
	fetchTime   = time.Minute // how long a program may take to print a secret; somebody may have to touch a key
	passwordAge = time.Minute // how long one is used again; the shortest-lived ones are good for fifteen
	longSecret  = 64 << 10
)

// fetch runs a program that prints a secret. What it says to people goes to
// them as it is.
func (a *app) fetch(ctx context.Context, dir string, program []string) (string, error) {
	path, err := programPath(dir, program[0])
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	out := bounded.Output{Most: longSecret}
	c := exec.CommandContext(ctx, path, program[1:]...)
	c.Dir, c.Stdout, c.Stderr, c.WaitDelay = dir, &out, a.Stderr, time.Second
	if !a.asks() { // else it may ask at our terminal, which a group of its own keeps it from
		apart(c)
	}
	err = runLeaving(c)
	var exit *exec.ExitError
	switch {
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return "", fmt.Errorf("the program %s printed nothing within %s", program[0], fetchTime)
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case out.Err() != nil:
		return "", fmt.Errorf("the program %s: %w", program[0], out.Err())
	case errors.As(err, &exit):
		return "", fmt.Errorf("the program %s ended with %s", program[0], exit.ProcessState)
	case err != nil:
		return "", fmt.Errorf("the program %s: %w", program[0], err)
	}
	return out.String(), nil
}

// passwordOf is that of a database, and of all of its targets: what yields it is
// not asked by each of a thousand.
func (a *app) passwordOf(d config.Database) engine.Password {
	a.masks.Lock()
	defer a.masks.Unlock()
	got, ok := a.passwords[d.Name]
	if !ok {
		if a.passwords == nil {
			a.passwords = map[string]engine.Password{}
		}
		got = a.password(d.Password)
		a.passwords[d.Name] = got
	}
	return got
}

// password asks for the passwords of a database's connections; nil where none
// is asked for.
func (a *app) password(p config.Password) engine.Password {
	if p.File == "" && len(p.Program) == 0 {
		return nil
	}
	var (
		one  sync.Mutex
		text string
		got  time.Time
		uses int // since it was got
	)
	return func(ctx context.Context) (string, error) {
		one.Lock()
		defer one.Unlock()
		refused, again := engine.Refused(ctx)
		// One that was refused when it was new is not the better for being got
		// once more; one that was used before has been changed meanwhile.
		stale := again && refused == text && uses > 1
		if !got.IsZero() && time.Since(got) < passwordAge && !stale {
			uses++
			return text, nil
		}
		fresh, err := a.freshPassword(ctx, p)
		if err != nil {
			return "", err
		}
		a.masks.Lock()
		a.hidden = append(a.hidden, fresh)
		a.masks.Unlock()
		text, got, uses = fresh, time.Now(), 1
		return text, nil
	}
}

func (a *app) freshPassword(ctx context.Context, p config.Password) (text string, err error) {
	where := "password_file"
	if p.File != "" {
		var file []byte
		file, err = os.ReadFile(p.File)
		text = string(file)
	} else {
		where = "password_command"
		text, err = a.fetch(ctx, p.Dir, p.Program)
	}
	if err == nil {
		if text = strings.TrimRight(text, "\r\n"); text == "" {
			err = errors.New("there is no password in what it gave")
		}
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", where, err)
	}
	return text, nil
}
