package otlp

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/lock"
	"github.com/dbwarden-go/dbwarden/plan"
)

// errorAttributes say of what kind an error is, in few words: error.type, and
// where the server has a code for it, db.response.status_code. They are those
// of the module otel, which a test holds them to.
func errorAttributes(err error) []Attribute {
	out := []Attribute{errorType(err)}
	if failed, ok := errors.AsType[*dbwarden.MigrationError](err); ok && failed.Fault.Code != "" {
		out = append(out, text("db.response.status_code", failed.Fault.Code))
	}
	return out
}

func errorType(err error) Attribute {
	kind := "_OTHER"
	var refusal *plan.Refusal
	var failed *dbwarden.MigrationError
	var held *lock.HeldError
	var drift *dbwarden.DriftError
	var connect *dbwarden.ConnectError
	switch {
	case errors.Is(err, lock.ErrLost):
		kind = "lock_lost"
	case errors.Is(err, dbwarden.ErrInterrupted), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		kind = "interrupted"
	case errors.As(err, &refusal):
		kind = string(refusal.Code)
	case errors.As(err, &failed):
		kind = cmp.Or(failed.Fault.Code, "migration_failed")
	case errors.As(err, &held):
		kind = "lock_held"
	case errors.As(err, &drift):
		kind = "drift"
	case errors.As(err, &connect):
		kind = "connect"
	}
	return text("error.type", kind)
}

// typeOf is an error's type as an exception event names it.
func typeOf(err error) string { return fmt.Sprintf("%T", err) }
