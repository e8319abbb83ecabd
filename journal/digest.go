package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Digest is over all that ReadWhole reads of a revision: any change of its row,
// and another execution of the same migration, give another one.
func (r *Revision) Digest() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %q %q %q %d %q %q %q %s %d %d %q %d %q %q", r.ID, r.Version, r.File, r.Kind, r.Runs,
		r.Checksum, r.ChecksumKind, r.Description, r.AppliedAt.Format(time.RFC3339Nano), r.Statements, r.Duration, r.Run, r.Token, r.By, r.Program))
	return hex.EncodeToString(sum[:])
}
