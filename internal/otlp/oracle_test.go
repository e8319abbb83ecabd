package otlp

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

// OpenTelemetry's own SDK and types are asked whether that is what they send.
// They are no part of this module.
func TestTheSDKAgrees(t *testing.T) {
	t.Parallel()
	dbtest.Module(t, "oracle")
}
