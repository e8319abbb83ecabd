package ddl_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dbwarden-go/dbwarden/ddl"
)

func TestAlterTableTellsTheParts(t *testing.T) {
	t.Parallel()
	kinds := map[ddl.PartKind]string{ddl.ColumnPart: "column", ddl.IndexPart: "index", ddl.ConstraintPart: "constraint", ddl.OptionPart: "option",
		ddl.PartitionPart: "partition", ddl.KeysPart: "keys", ddl.ForeignPart: "foreign keys"}
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
		{my, "ALTER TABLE t DROP a, ADD a BIGINT", "unseen"},
		{my, "ALTER TABLE t CHANGE a b INT, CHANGE b a INT", "unseen"},
		{my, "ALTER TABLE t CHANGE a old INT, ADD a INT", "unseen, column old made"},
		{my, "ALTER TABLE t DROP COLUMN IF EXISTS a, ADD SYSTEM VERSIONING", ""},
		{pg, "ALTER TABLE t ALTER a RESTART WITH 5", "unseen"},
		{pg, "ALTER TABLE t ALTER a SET STATISTICS 5", "column a changed"},
		{my, "ALTER TABLE t CHANGE a b INT, MODIFY c INT AFTER b", "column a gone, column b made, column c changed placed"},
		{my, "ALTER TABLE t RENAME INDEX a TO b, DROP PRIMARY KEY, DROP FOREIGN KEY f", "index a gone, index b made, constraint  gone, constraint f gone"},
		{my, "ALTER TABLE t ADD KEY (a), ADD UNIQUE k (b)", "keys over a changed, index k made"},
		{my, "ALTER TABLE t COMMENT = 'x', ALGORITHM = INPLACE, LOCK = NONE", "option COMMENT changed"},
		{my, "ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (1))", "partition p made"},
		{my, "ALTER TABLE t ADD PARTITION (PARTITION p VALUES IN (1, 2), PARTITION `q` VALUES IN (3))", "partition p made, partition q made"},
		{my, "ALTER TABLE t DROP PARTITION IF EXISTS p, `q`", "partition p gone, partition q gone"},
		{my, "ALTER TABLE t REORGANIZE PARTITION p INTO (PARTITION q VALUES LESS THAN (3))", "partition  changed"},
		{my, "ALTER TABLE t ADD PARTITION PARTITIONS 3", "partition  changed"},
		{my, "ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES u (a, b), ADD UNIQUE (a), ADD KEY (b), ADD CHECK (a > 1)", "foreign keys over a b changed, keys over a changed, keys over b changed, keys  changed"},
		{my, "ALTER TABLE t ADD FULLTEXT (a)", "keys  changed"},
		{my, "ALTER TABLE t CONVERT TO CHARACTER SET latin1", "option CHARSET changed"},
		{my, "ALTER TABLE t PARTITION BY HASH (a) PARTITIONS 4", "partition  made"},
		{my, "ALTER TABLE t REMOVE PARTITIONING", "partition  gone"},
		{pg, "ALTER TABLE t ALTER a SET STATISTICS 7", "column a changed"},
		{my, "ALTER TABLE t ADD a INT, RENAME TO u", ""},
	} {
		var said []string
		parts, unseen := ddl.Read(c.text, c.d).Parts()
		if unseen {
			said = append(said, "unseen")
		}
		for _, p := range parts {
			name := p.Name.Name
			for i, c := range p.Over {
				if i == 0 {
					name = "over"
				}
				name += " " + c.Name
			}
			one := fmt.Sprintf("%s %s %s", kinds[p.Kind], name, fates[p.Fate])
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
