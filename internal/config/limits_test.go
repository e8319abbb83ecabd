package config

import (
	"testing"

	"github.com/dbwarden-go/dbwarden"
	"github.com/dbwarden-go/dbwarden/engine"
)

func TestDefaultsOfLimitsAreTheLibrarys(t *testing.T) {
	t.Parallel()
	if want := (engine.Limits{}).WithDefaults().Lock; defaultLockTimeout != want {
		t.Errorf("run.lock_timeout defaults to %v, the engines to %v", defaultLockTimeout, want)
	}
	if want := dbwarden.DefaultLockRetry; defaultLockRetry != want {
		t.Errorf("run.lock_retry defaults to %v, the library to %v", defaultLockRetry, want)
	}
}
