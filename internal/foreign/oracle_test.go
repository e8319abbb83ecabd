package foreign_test

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// The other tools themselves make databases, which are taken over. They are no
// part of this module.
func TestTheOtherToolsAgree(t *testing.T) {
	t.Parallel()
	dbtest.Module(t, "oracle")
}
