package pgschema

import "strings"

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// literal spells a text. Backslashes mean nothing in it: the session keeps
// standard_conforming_strings on, and so does the head of a script.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// ident is a name as SQL has it: quoted where it must be.
func ident(s string) string {
	if s == "" || s[0] >= '0' && s[0] <= '9' || strings.Contains(reserved, " "+s+" ") {
		return quote(s)
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return quote(s)
		}
	}
	return s
}

func idents(all []string) string {
	var out []string
	for _, s := range all {
		out = append(out, ident(s))
	}
	return strings.Join(out, ", ")
}

// reserved are the words that cannot be every name, of all versions.
const reserved = ` all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast char ` +
	`character check coalesce collate collation column concurrently constraint create cross current_catalog current_date ` +
	`current_role current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do ` +
	`else end except exists extract false fetch float for foreign freeze from full grant greatest group grouping having ilike ` +
	`in initially inner inout int integer intersect interval into is isnull join json json_array json_arrayagg json_exists ` +
	`json_object json_objectagg json_query json_scalar json_serialize json_table json_value lateral leading least left like ` +
	`limit localtime localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset ` +
	`on only or order out outer overlaps overlay placing position precision primary real references returning right row ` +
	`select session_user setof similar smallint some substring symmetric system_user table tablesample then time timestamp to ` +
	`trailing treat trim true union unique user using values varchar variadic verbose when where window with xmlattributes ` +
	`xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable `
