package mysql

import (
	"testing"

	"github.com/dbwarden-go/dbwarden/internal/dbtest"
)

func TestAScratchDatabaseKeepsItsCollation(t *testing.T) {
	t.Parallel()
	other := dbtest.DatabaseName(newDatabase(t))
	s := connect(t, newDatabase(t))
	const like = " CHARACTER SET latin1 COLLATE latin1_general_cs"
	// As the server leaves it when somebody lists the databases meanwhile:
	// made with these options, and known with others.
	exec(t, s, "ALTER DATABASE "+quote(other)+" CHARACTER SET utf8mb4")
	if err := keepCollation(t.Context(), s, other, like); err != nil {
		t.Fatal(err)
	}
	if got, err := collationOf(t.Context(), s, other); err != nil || got != like {
		t.Errorf("%q, %v", got, err)
	}
}
