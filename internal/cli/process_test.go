package cli

import "testing"

func TestABuildWithoutATagHasAShortVersion(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"v0.0.0-20261125170609-aa0bfcb40310":          "dev-aa0bfcb",
		"v0.0.0-20261125170609-aa0bfcb40310+dirty":    "dev-aa0bfcb+dirty",
		"v1.4.1-0.20261125170609-aa0bfcb40310":        "dev-aa0bfcb",
		"v1.5.0-beta.1.0.20261125170609-aa0bfcb40310": "dev-aa0bfcb",
		"v1.4.0":        "1.4.0",
		"v1.5.0-beta.1": "1.5.0-beta.1",
		"v1.4.0+dirty":  "1.4.0+dirty",
	} {
		if got := shortVersion(version); got != want {
			t.Errorf("%s becomes %s, want %s", version, got, want)
		}
	}
}
