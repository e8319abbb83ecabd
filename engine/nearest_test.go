package engine_test

import (
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"migrate", "rollback", "status", "SSLMode", "db"}
	for typed, want := range map[string]string{
		"migrat": "migrate", "imgrate": "migrate", "MIGRATE": "migrate", "rolback": "rollback", "stauts": "status",
		"sslmod": "SSLMode", "bd": "db", "x": "", "deploy": "", "": "", strings.Repeat("migrate", 20): "",
	} {
		if got := engine.Nearest(typed, known); got != want {
			t.Errorf("%q: got %q, want %q", typed, got, want)
		}
	}
}
