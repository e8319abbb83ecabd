package engine

import (
	"context"
	"errors"
)

// A Password is asked for the password of every new connection, in place of
// the URL's, which may have none then: those that an identity service gives out
// are good for minutes, and a run may connect again after an hour. It may be
// called often, and by several sessions at once.
type Password func(context.Context) (string, error)

// Or asks for the password, and is fixed where there is nobody to ask. Its
// error is a *PasswordError.
func (p Password) Or(ctx context.Context, fixed string) (string, error) {
	if p == nil {
		return fixed, nil
	}
	text, err := p(ctx)
	if err != nil {
		return "", &PasswordError{err}
	}
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok {
		if a.again && text == a.refused {
			return "", &PasswordError{errNoOther}
		}
		a.given = text
	}
	return text, nil
}

// Try connects, by a function that asks with Or. Where the server refuses the
// password that it got, as refused tells of the error, it connects once more if
// there is another one by now: a password may have been changed since it was
// fetched.
func (p Password) Try(ctx context.Context, refused func(error) bool, connect func(context.Context) error) error {
	a := &attempt{}
	err := connect(context.WithValue(ctx, attemptKey{}, a))
	if p == nil || err == nil || !refused(err) {
		return err
	}
	again := connect(context.WithValue(ctx, attemptKey{}, &attempt{again: true, refused: a.given}))
	if _, ok := errors.AsType[*PasswordError](again); ok {
		return err // what the server said is what there is to say
	}
	return again
}

// Refused is the password that the server has just refused, where a Password is
// asked for another one: who keeps one gives it away no more.
func Refused(ctx context.Context) (text string, ok bool) {
	if a, ok := ctx.Value(attemptKey{}).(*attempt); ok && a.again {
		return a.refused, true
	}
	return "", false
}

type attemptKey struct{}

// attempt is one try at connecting.
type attempt struct {
	given   string // by Password
	again   bool   // the second one
	refused string // in the first
}

var errNoOther = errors.New("there is no other")

// PasswordError says that there was no password to connect with. The server
// was not asked for anything.
type PasswordError struct{ Err error }

func (e *PasswordError) Error() string { return "get the password: " + e.Err.Error() }
func (e *PasswordError) Unwrap() error { return e.Err }

// ErrTwoPasswords says that a URL has a password where another one is asked for.
var ErrTwoPasswords = errors.New("the URL holds a password, and another one is to be asked for: take one of the two out")
