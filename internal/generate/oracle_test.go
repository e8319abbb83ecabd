package generate_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// Atlas is asked what it sees behind a plan. It is no part of this module.
func TestAtlasAgrees(t *testing.T) {
	t.Parallel()
	dbtest.Module(t, "oracle")
}
