package squash

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/dbwarden-go/dbwarden/ddl"
	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/migration"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// objects are those that an inspector sees whole, so that a plan between two of
// its states has them all.
var objects = []string{"TABLE", "INDEX", "VIEW", "TRIGGER", "SEQUENCE", "FUNCTION", "PROCEDURE", "TYPE", "DOMAIN"}

// keeping are PostgreSQL's keywords (all that pg_get_keywords() of version 18
// names) but those that definitions are made of which its inspector compares
// whole. Of others it does not see all: owners, where a sequence stands, storage,
// statistics, rules, policies, privileges. A plan would leave that out and no comparison
// would miss it, so that a file with one of them, be it somebody's name for a
// column, is taken as it stands.
var keeping = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for _, word := range strings.Fields(`ABORT ABSENT ABSOLUTE ACCESS ADMIN AGGREGATE ALSO ANALYSE ANALYZE ASENSITIVE ASSERTION ASSIGNMENT ASYMMETRIC
ATOMIC ATTACH ATTRIBUTE AUTHORIZATION BACKWARD BEGIN BINARY BREADTH CACHE CALL CASCADED CATALOG CHAIN
CHARACTERISTICS CHECKPOINT CLASS CLOSE CLUSTER COLLATE COLLATION COLUMNS COMMENT COMMENTS COMMIT COMMITTED
COMPRESSION CONCURRENTLY CONDITIONAL CONFIGURATION CONFLICT CONNECTION CONSTRAINTS CONTENT CONTINUE CONVERSION
COPY COST CSV CUBE CURRENT CURRENT_CATALOG CURRENT_ROLE CURRENT_SCHEMA CURRENT_USER CURSOR CYCLE DATA DATABASE
DEALLOCATE DECLARE DEFAULTS DELIMITER DELIMITERS DEPENDS DEPTH DETACH DICTIONARY DISABLE DISCARD DO DOCUMENT
EMPTY ENABLE ENCODING ENCRYPTED ENFORCED ERROR ESCAPE EVENT EXCLUDING EXCLUSIVE EXPLAIN EXPRESSION EXTENSION
EXTERNAL FAMILY FINALIZE FORCE FORMAT FORWARD FREEZE FUNCTIONS GLOBAL GRANT GRANTED GROUPING GROUPS HANDLER
HEADER HOLD IMPLICIT IMPORT INCLUDE INCLUDING INCREMENT INDENT INDEXES INHERIT INHERITS INLINE INOUT
INSENSITIVE ISOLATION JSON JSON_ARRAY JSON_ARRAYAGG JSON_EXISTS JSON_OBJECT JSON_OBJECTAGG JSON_QUERY
JSON_SCALAR JSON_SERIALIZE JSON_TABLE JSON_VALUE KEEP KEYS LABEL LARGE LEAKPROOF LEVEL LISTEN LOAD LOCAL
LOCATION LOCK LOCKED LOGGED MAPPING MATCHED MATERIALIZED MAXVALUE MERGE MERGE_ACTION METHOD MINVALUE MODE MOVE
NAMES NATIONAL NCHAR NESTED NEXT NFC NFD NFKC NFKD NONE NORMALIZE NORMALIZED NOTHING NOTIFY NOWAIT OBJECT
OBJECTS OF OFF OIDS OMIT ONLY OPERATOR OPTION OPTIONS ORDINALITY OTHERS OVERLAPS OVERRIDING OWNED OWNER
PARALLEL PARAMETER PARSER PARTIAL PASSING PASSWORD PATH PERIOD PLACING PLAN PLANS POLICY PREPARE PREPARED
PRESERVE PRIOR PRIVILEGES PROCEDURAL PROCEDURES PROGRAM PUBLICATION QUOTE QUOTES READ REASSIGN RECURSIVE REF
REFRESH REINDEX RELATIVE RELEASE REPEATABLE REPLICA RESET RESTART RETURNING REVOKE ROLE ROLLBACK ROLLUP
ROUTINE ROUTINES RULE SAVEPOINT SCALAR SCHEMA SCHEMAS SCROLL SEARCH SEQUENCES SERIALIZABLE SERVER SESSION
SESSION_USER SETS SHARE SHOW SKIP SNAPSHOT SOURCE STANDALONE START STATISTICS STDIN STDOUT STORAGE STRING
STRIP SUBSCRIPTION SUPPORT SYSID SYSTEM SYSTEM_USER TABLES TABLESAMPLE TABLESPACE TARGET TEMP TEMPLATE
TEMPORARY TIES TRANSACTION TRANSFORM TREAT TRUNCATE TRUSTED TYPES UESCAPE UNCOMMITTED UNCONDITIONAL
UNENCRYPTED UNKNOWN UNLISTEN UNLOGGED UNTIL USER VACUUM VALID VALIDATE VALIDATOR VARIADIC VERBOSE VIEWS
VIRTUAL WHITESPACE WITHIN WORK WRAPPER WRITE XML XMLATTRIBUTES XMLCONCAT XMLELEMENT XMLEXISTS XMLFOREST
XMLNAMESPACES XMLPARSE XMLPI XMLROOT XMLSERIALIZE XMLTABLE YES`) {
		words[word] = true
	}
	return words
})

// seen says that an inspector compares all that a definition of PostgreSQL says,
// as far as its words tell. What stands in parentheses behind WITH and SET is named
// by anything: storage parameters.
func seen(text string, v engine.Server, d ddl.Dialect) bool {
	tokens, whole := sqltext.Lex(text, d.Lexis)
	if !whole || v.Number >= 190000 {
		return false
	}
	if len(tokens) > 2 && tokens[0].Is("COMMENT") && (tokens[2].Is("TABLE") || tokens[2].Is("COLUMN")) {
		tokens = tokens[1:]
	}
	if len(tokens) > 1 && tokens[0].Is("CREATE") && tokens[1].Is("TYPE") && !slices.ContainsFunc(tokens, func(t sqltext.Token) bool { return t.Is("AS") }) {
		return false // a shell, which no inspector sees, or a base type
	}
	for i, t := range tokens {
		if t.Bare && keeping()[strings.ToUpper(t.Text)] ||
			t.Text == "(" && i > 0 && (tokens[i-1].Is("WITH") || tokens[i-1].Is("SET")) {
			return false
		}
	}
	return true
}

// Plannable is how many of the first files, two at least or none, change the
// schema alone: a plan of the schema behind them can take their place. That is so only
// where nothing runs below: then they always begin with an empty database, and
// there is no row that a definition on the way could change: one that is filled
// with a default that is dropped again, or moved by a renaming.
func (r *Range) Plannable(e *engine.Engine, v engine.Server, dialect ddl.Dialect) (n int, err error) {
	if len(r.Below) > 0 {
		return 0, nil
	}
	for n < len(r.Old) {
		pure, err := definesOnly(r.Old[n], e, v, dialect)
		if err != nil {
			return 0, err
		}
		if !pure {
			break
		}
		n++
	}
	if n < 2 {
		return 0, nil
	}
	return n, nil
}

var errNotPure = errors.New("a statement is more than a definition")

// definesOnly says that a file makes, changes and drops objects and does
// nothing else.
func definesOnly(m *migration.Migration, e *engine.Engine, v engine.Server, dialect ddl.Dialect) (bool, error) {
	_, err := m.Upgrade.Outline(func(p migration.Piece) error {
		t := e.Classify(p.Words, v)
		st := ddl.Read(p.Text, dialect)
		known := slices.ContainsFunc(p.Words[:min(len(p.Words), 6)], func(word string) bool { return slices.Contains(objects, word) })
		if t.Kind != engine.Definition || !known || st.Query && st.Object == "TABLE" || st.Temporary || t.Fleeting || st.Object == "MATERIALIZED VIEW" ||
			v.Product == "PostgreSQL" && !seen(p.Text, v, dialect) {
			return errNotPure
		}
		return nil
	})
	if errors.Is(err, errNotPure) {
		return false, nil
	}
	return err == nil, err
}
