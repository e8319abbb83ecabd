package dbwardentest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/dbwarden-go/dbwarden/engine"
)

// server makes a database on a server: a copy of the template, where the product
// copies databases.
func (m *maker) server(t testing.TB) (string, error) {
	t.Helper()
	ctx := t.Context()
	clerk, err := m.parts.Clerk(ctx, m.like)
	if err != nil {
		return "", err
	}
	defer clerk.Close()
	name := engine.NewTestName(time.Now())
	// Before it is made: whatever ends the test, and at which moment, the
	// database goes.
	made := false
	m.farewell(t, name, &made, m.drop(name))
	if m.parts.Copy == nil {
		m.parts.Sweep(ctx, clerk)
		err = m.anew(ctx, clerk, name)
	} else {
		err = m.copy(ctx, clerk, name)
	}
	if err != nil {
		return "", err
	}
	made = true
	return m.parts.URL(m.url, name)
}

// anew migrates an empty database.
func (m *maker) anew(ctx context.Context, clerk engine.Session, name string) error {
	if err := m.parts.Create(ctx, clerk, m.like, name); err != nil {
		return fmt.Errorf("make a database: %w", m.excuse(clerk, err))
	}
	return m.migrate(ctx, name)
}

// drop takes a session of its own: those of the test have ended by then, as
// may have the server's patience.
func (m *maker) drop(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		clerk, err := m.parts.Clerk(ctx, m.like)
		if err != nil {
			return err
		}
		defer clerk.Close()
		return m.parts.Drop(ctx, clerk, name)
	}
}

// copy copies the template, which is made before where there is none.
func (m *maker) copy(ctx context.Context, clerk engine.Session, name string) error {
	digest, err := m.digest(ctx, clerk)
	if err != nil {
		return err
	}
	template := engine.TemplateName(digest)
	for {
		ok, err := m.parts.Copy(ctx, clerk, template, name)
		if err != nil {
			return fmt.Errorf("copy the template %s: %w", template, m.excuse(clerk, err))
		}
		if ok {
			return nil
		}
		// A template that is swept away in this very moment is made again.
		if err := m.template(ctx, clerk, template); err != nil {
			return err
		}
	}
}

// asked is how often the lock is asked for while another one makes the
// template.
const asked = 50 * time.Millisecond

// template makes the template, once: under the session's lock, which a killed
// process does not keep, and by a name that comes last, so that what a killed
// process left has none of a template.
func (m *maker) template(ctx context.Context, clerk engine.Session, template string) (err error) {
	native := m.config.Engine.Native
	key := engine.Key{Schema: clerk.Server().Schema, Digest: sha256.Sum256([]byte("dbwarden test template " + template))}
	made := engine.NewTestName(time.Now())
	for {
		ok, err := native.Try(ctx, clerk, key)
		if err != nil {
			return fmt.Errorf("take the lock of the template %s: %w", template, err)
		}
		if ok {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another process to make the template %s: %w", template, context.Cause(ctx))
		case <-time.After(asked):
		}
	}
	defer func() {
		_, free := native.Free(context.WithoutCancel(ctx), clerk, key)
		err = errors.Join(err, free)
	}()
	// Whoever had the lock before may have made it.
	switch there, err := m.parts.Has(ctx, clerk, template); {
	case err != nil:
		return err
	case there:
		return nil
	}
	m.parts.Sweep(ctx, clerk)
	if err = m.anew(ctx, clerk, made); err == nil {
		if err = m.parts.Keep(ctx, clerk, made, template); err == nil {
			return nil
		}
		err = fmt.Errorf("keep the template %s: %w", template, err)
	}
	return errors.Join(err, engine.Cleanup(ctx, m.drop(made)))
}
