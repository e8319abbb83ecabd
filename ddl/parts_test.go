package ddl_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/ddl"
)

func TestAlterTableTellsTheParts(t *testing.T) {
	t.Parallel()
	kinds := map[ddl.PartKind]string{ddl.ColumnPart: "column", ddl.IndexPart: "index", ddl.ConstraintPart: "constraint", ddl.OptionsPart: "options",
		ddl.PartitionsPart: "partitions", ddl.KeysPart: "keys"}
	fates := map[ddl.Fate]string{ddl.Made: "made", ddl.Gone: "gone", ddl.Changed: "changed"}
	pg, my := ddl.PostgreSQL(), ddl.MySQL()
	for _, c := range []struct {
		d          ddl.Dialect
		text, want string
	}{
		{pg, "ALTER TABLE t ADD A int, DROP b, ALTER c SET NOT NULL", "column a made, column b gone, column c changed"},
		{pg, "ALTER TABLE t ADD PRIMARY KEY (a), DROP CONSTRAINT b", "constraint  made, constraint b gone"},
		{pg, "ALTER TABLE t RENAME CONSTRAINT a TO b", "constraint a gone, constraint b made"},
		{pg, "ALTER TABLE t ALTER a TYPE int USING b", ""},
		{pg, "ALTER TABLE t OWNER TO bob", ""},
		{pg, "ALTER TABLE t OWNER TO bob, ADD a int", "column a made"},
		{pg, "ALTER TABLE t OWNER TO bob, ALTER a SET DEFAULT 1", ""},
		{pg, "ALTER TABLE t RENAME TO u", ""},
		{pg, "ALTER TABLE t ADD a int, UNKNOWN words", ""},
		{pg, "DROP TABLE t", ""},
		{my, "ALTER TABLE t DROP a, ADD a BIGINT", "column a changed"},
		{my, "ALTER TABLE t CHANGE a b INT, MODIFY c INT AFTER b", "column a gone, column b made, column c changed placed"},
		{my, "ALTER TABLE t RENAME INDEX a TO b, DROP PRIMARY KEY, DROP FOREIGN KEY f", "index a gone, index b made, constraint  gone, constraint f gone"},
		{my, "ALTER TABLE t ADD KEY (a), ADD UNIQUE k (b)", "keys  changed, index k made"},
		{my, "ALTER TABLE t COMMENT = 'x', ALGORITHM = INPLACE, LOCK = NONE", "options  changed"},
		{my, "ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (1))", "partitions  changed"},
		{my, "ALTER TABLE t ADD a INT, RENAME TO u", ""},
	} {
		var said []string
		for _, p := range ddl.Read(c.text, c.d).Parts() {
			one := fmt.Sprintf("%s %s %s", kinds[p.Kind], p.Name.Name, fates[p.Fate])
			if p.Placed {
				one += " placed"
			}
			said = append(said, one)
		}
		if got := strings.Join(said, ", "); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}
