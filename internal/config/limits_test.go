package config

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestLockTimeoutDefaultIsTheEngines(t *testing.T) {
	t.Parallel()
	if want := (engine.Limits{}).WithDefaults().Lock; defaultLockTimeout != want {
		t.Errorf("run.lock_timeout defaults to %v, the engines to %v", defaultLockTimeout, want)
	}
}
