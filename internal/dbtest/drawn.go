package dbtest

import (
	"flag"
	"testing"
)

// DrawsTheSame has a property (pgregory.net/rapid) draw the same in every run,
// so many times, for as long as the test runs. Flags of rapid's that were given
// stay, and -rapid.seed chooses freely. The test must not share its process's
// flags with another one that draws meanwhile.
func DrawsTheSame(t testing.TB, checks string) {
	t.Helper()
	if flag.Lookup("rapid.seed").Value.String() != "0" {
		return
	}
	for name, value := range map[string]string{"rapid.seed": "20261126", "rapid.checks": checks, "rapid.nofailfile": "true", "rapid.shrinktime": "10s"} {
		f := flag.Lookup(name)
		was := f.Value.String()
		if was != f.DefValue {
			continue
		}
		if err := f.Value.Set(value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Value.Set(was) })
	}
}
