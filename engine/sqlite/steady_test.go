package sqlite

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/dbwarden-go/dbwarden/engine"
)

// TestATableIsMissingAlsoWhileTheSchemaChanges: what is not there is said to
// be missing, and never that the schema has changed, however quickly others
// make and drop their tables.
func TestATableIsMissingAlsoWhileTheSchemaChanges(t *testing.T) {
	t.Parallel()
	writer, path := file(t)
	do(t, writer, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF")
	stop := make(chan bool)
	var readers sync.WaitGroup
	for range 4 {
		s := connect(t, openAt(t, "sqlite:///"+filepath.ToSlash(path)), engine.ConnectOptions{})
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, err := s.text(t.Context(), "SELECT n FROM absent")
				if f := fault(err); f.Kind != engine.Missing {
					t.Errorf("%v (%s)", err, f.Code)
					return
				}
			}
		})
	}
	for i := range 500 {
		do(t, writer, fmt.Sprintf("CREATE TABLE t%d (n INTEGER)", i), fmt.Sprintf("DROP TABLE t%d", i))
	}
	close(stop)
	readers.Wait()
}
