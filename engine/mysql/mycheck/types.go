package mycheck

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dbwarden-go/dbwarden/ddl"
)

// bytesOf is how long a character is at most, where nothing else is said.
const bytesOf = 4

// copies says that a change of a column's type copies the table. MariaDB
// changes more without.
func copies(from, to ddl.Type, maria bool) bool {
	if from.Charset != to.Charset && from.Charset != "" && to.Charset != "" {
		return true
	}
	switch {
	case from.Name != to.Name:
		return true
	case integer(from.Name):
		return from.Unsigned != to.Unsigned // what stands in the brackets is how it is shown
	case from.Name == "varchar", from.Name == "varbinary":
		a, b := arg(from), arg(to)
		width := bytesOf
		if from.Name == "varbinary" {
			width = 1
		}
		// The length of a short one takes a byte, that of a long one two;
		// MariaDB can tell one from the other up to 127.
		return b < a || a*width < 256 && b*width >= 256 && !(maria && a*width < 128)
	case from.Name == "enum", from.Name == "set":
		return !begins(to.Args, from.Args) || storage(from) != storage(to)
	}
	return from.Unsigned != to.Unsigned || !slices.Equal(from.Args, to.Args)
}

// storage is how many bytes the values of an ENUM or a SET take.
func storage(t ddl.Type) int {
	n := len(t.Args)
	if t.Name == "enum" {
		if n < 256 {
			return 1
		}
		return 2
	}
	return (n + 7) / 8
}

func begins(list, with []string) bool {
	return len(list) >= len(with) && slices.Equal(list[:len(with)], with)
}

func integer(name string) bool {
	switch name {
	case "tinyint", "smallint", "mediumint", "integer", "bigint":
		return true
	}
	return false
}

func arg(t ddl.Type) int {
	if len(t.Args) == 0 {
		return 0
	}
	n, err := strconv.Atoi(t.Args[0])
	if err != nil {
		return 0
	}
	return n
}

// narrower says that values of one type may not fit into the other.
func narrower(from, to ddl.Type) bool {
	order := []string{"tinyint", "smallint", "mediumint", "integer", "bigint"}
	texts := []string{"tinytext", "text", "mediumtext", "longtext"}
	blobs := []string{"tinyblob", "blob", "mediumblob", "longblob"}
	for _, list := range [][]string{order, texts, blobs} {
		a, b := slices.Index(list, from.Name), slices.Index(list, to.Name)
		if a >= 0 && b >= 0 {
			return b < a || a == b && from.Unsigned != to.Unsigned
		}
	}
	switch {
	case from.Name == to.Name && (from.Name == "varchar" || from.Name == "char" || from.Name == "varbinary" || from.Name == "binary"):
		return arg(to) < arg(from)
	case slices.Contains(texts, from.Name) && (to.Name == "varchar" || to.Name == "char"):
		return true
	case from.Name == "decimal" && to.Name == "decimal" && len(from.Args) == 2 && len(to.Args) == 2:
		return whole(to) < whole(from) || to.Args[1] < from.Args[1]
	case (from.Name == "datetime" || from.Name == "timestamp") && (to.Name == "date" || to.Name == "time"):
		return true
	}
	return false
}

func whole(t ddl.Type) int {
	n, _ := strconv.Atoi(t.Args[1])
	return arg(t) - n
}

// reserved are the words that no name can be without quotes, on both. The
// test asks a server about each.
func reserved(name string) bool {
	const words = " accessible add all alter analyze and as asc asensitive before between bigint binary blob both by call cascade case change char" +
		" character check collate column condition constraint continue convert create cross current_date current_time current_timestamp" +
		" current_user cursor database databases day_hour day_microsecond day_minute day_second dec decimal declare default delayed delete" +
		" desc describe deterministic distinct distinctrow div double drop dual each else elseif enclosed escaped except exists exit explain" +
		" false fetch float float4 float8 for force foreign from fulltext grant group having high_priority hour_microsecond" +
		" hour_minute hour_second if ignore in index infile inner inout insensitive insert int int1 int2 int3 int4 int8 integer intersect interval into" +
		" is iterate join key keys kill leading leave left like limit linear lines load localtime localtimestamp lock long longblob longtext" +
		" loop low_priority match maxvalue mediumblob mediumint mediumtext middleint minute_microsecond minute_second mod modifies natural not" +
		" no_write_to_binlog null numeric on optimize option optionally or order out outer outfile over partition precision primary procedure purge range" +
		" read reads read_write real recursive references regexp release rename repeat replace require resignal restrict return revoke right rlike rows" +
		" schema schemas second_microsecond select sensitive separator set show signal smallint spatial specific sql sqlexception sqlstate" +
		" sqlwarning sql_big_result sql_calc_found_rows sql_small_result ssl starting straight_join table terminated then tinyblob tinyint" +
		" tinytext to trailing trigger true undo union unique unlock unsigned update usage use using utc_date utc_time utc_timestamp values" +
		" varbinary varchar varcharacter varying when where while with write xor year_month zerofill" +
		" current_role delete_domain_id do_domain_ids ignore_domain_ids master_ssl_verify_server_cert master_demote_to_replica master_demote_to_slave" +
		" offset page_checksum parse_vcol_expr portion returning row_number ref_system_id stats_auto_recalc stats_persistent stats_sample_pages "
	return strings.Contains(words, " "+name+" ")
}
