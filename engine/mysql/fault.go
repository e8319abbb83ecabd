package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/dbwarden-go/dbwarden/engine"
)

// Numbers that the code asks for by name. MySQL and MariaDB agree up to
// 1900 or so; above, each has its own.
const (
	errNoSuchTable    = 1146
	errOptionPrevents = 1290 // "running with the --read-only option", and other options
	errNotRolledBack  = 1196 // a warning of ROLLBACK: a table without transactions was changed
	errBadNull        = 1048
	errStorage        = 1030
	errWriting        = 3
	errParse          = 1064
	errIdleOrTrigger  = 4031 // MySQL: idle for too long; MariaDB: the trigger behind FOLLOWS is not there
	errNoSequence     = 4091 // MariaDB
	errNoView         = 4092 // MariaDB
	errStackTrace     = 4094 // MariaDB: where in a compound statement
	errStatementTime  = 1969 // MariaDB: max_statement_time
	errCreateTable    = 1005 // with "errno: 150", a foreign key; the warnings say why
	errForeignKey     = 1215
	errNoStatement    = 1243 // no prepared statement of that name
	errNoDatabase     = 1046 // none is selected
	errNotThere       = 1049 // a database
	errDeniedDatabase = 1044
	errDeniedTable    = 1142
	errLongName       = 1059
	errInsecure       = 3159 // a connection without TLS
	errDatabaseName   = 1102 // one that cannot be
	errTableName      = 1103 // one that cannot be
)

// kinds are the errors that mean something to us, by the server's number.
var kinds = map[uint16]engine.FaultKind{
	1053: engine.Lost,                                                          // server shutdown in progress
	1158: engine.Lost, 1159: engine.Lost, 1160: engine.Lost, 1161: engine.Lost, // network
	1927: engine.Lost,                    // killed, MariaDB
	2006: engine.Lost, 2013: engine.Lost, // gone away, lost
	3169: engine.Lost, // killed, MySQL

	1205: engine.Busy, // lock wait timeout
	1213: engine.Busy, // deadlock
	3101: engine.Busy, // another member of the group was first
	3572: engine.Busy, // NOWAIT
	1684: engine.Busy, // a table that is just being defined

	1044: engine.Denied, 1095: engine.Denied, 1142: engine.Denied, 1143: engine.Denied,
	1227: engine.Denied, 1345: engine.Denied, 1370: engine.Denied, 1410: engine.Denied,
	1419: engine.Denied,                      // a function with binary logging on, without SUPER
	1959: engine.Denied, 3530: engine.Denied, // a role that was not granted

	1008: engine.Missing, 1051: engine.Missing, 1054: engine.Missing, 1072: engine.Missing,
	1091: engine.Missing, 1109: engine.Missing, 1146: engine.Missing, 1176: engine.Missing,
	1305: engine.Missing, 1360: engine.Missing, 1539: engine.Missing, 1824: engine.Missing,

	1048: engine.NotNull, 1263: engine.NotNull,

	1007: engine.Duplicate, 1022: engine.Duplicate, 1050: engine.Duplicate, 1060: engine.Duplicate,
	1061: engine.Duplicate, 1062: engine.Duplicate, 1169: engine.Duplicate, 1304: engine.Duplicate,
	1359: engine.Duplicate, 1537: engine.Duplicate, 1586: engine.Duplicate, 1826: engine.Duplicate,
	3822: engine.Duplicate,

	1317: engine.Canceled, // KILL QUERY
	1028: engine.Canceled, // while sorting
	1969: engine.Canceled, // max_statement_time, MariaDB
	3024: engine.Canceled, // max_execution_time, MySQL

	1040: engine.Crowded, 1203: engine.Crowded, 1226: engine.Crowded,
	1129: engine.Unreachable, // blocked for too many errors

	1045: engine.Login, 1130: engine.Login, 1251: engine.Login, 1275: engine.Login, 1698: engine.Login,
	1820: engine.Login, 1862: engine.Login, 3118: engine.Login, 4151: engine.Login,

	1047: engine.Unreachable, // a Galera node outside its cluster

	1049: engine.NoSuchDatabase,

	errInsecure: engine.Untrusted,

	1223: engine.ReadOnly, // FLUSH TABLES WITH READ LOCK
	1792: engine.ReadOnly, 1836: engine.ReadOnly, 1874: engine.ReadOnly,

	1021: engine.Full, 1114: engine.Full, 1041: engine.Full,

	1064: engine.Syntax, 1149: engine.Syntax,
}

// statementError keeps the user's statement beside the server's error, to
// find the place that the server quotes.
type statementError struct {
	err   error
	text  string
	words []string
	more  string // what the server noted beside the error
}

func (e *statementError) Error() string { return e.err.Error() }
func (e *statementError) Unwrap() error { return e.err }

// fault reads an error of this engine's or its driver's.
func fault(err error) engine.Fault {
	if err == nil {
		return engine.Fault{}
	}
	f := engine.Fault{Message: err.Error()}
	if m, ok := errors.AsType[*mysqldriver.MySQLError](err); ok {
		f = serverFault(m)
		if f.Kind == engine.Syntax {
			f.Near, f.Position = near(err, m.Message)
		}
		if st, ok := errors.AsType[*statementError](err); ok {
			f.Detail = st.more
			f.Refused = m.Number == errParse && readWhole(st.words)
		}
	}
	// How the error came about outweighs what it says.
	switch {
	case is[*lostError](err):
		f.Kind = engine.Lost
	case is[*canceledError](err):
		f.Kind = engine.Canceled
	case is[*connectError](err):
		if f.Kind == engine.Unknown || f.Kind == engine.Lost || f.Kind == engine.Canceled {
			f.Kind = connectKind(err)
		}
		f.Hint = connectHint(err, f)
		if hint := tlsWords.Refused(err); hint != "" {
			f.Kind, f.Hint = engine.Untrusted, hint
		}
	case is[*noDatabaseError](err):
		f.Kind = engine.NoSuchDatabase
	case f.Code != "":
	case isConnectionError(err):
		f.Kind = engine.Lost
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		f.Kind = engine.Canceled
	default:
		return engine.Fault{} // not one of ours
	}
	return f
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func serverFault(m *mysqldriver.MySQLError) engine.Fault {
	f := engine.Fault{Kind: kinds[m.Number], Code: strconv.Itoa(int(m.Number)), Message: m.Message, Names: named(m)}
	switch m.Number {
	case 1205, 3572:
		f.WaitedOut = true
	case errIdleOrTrigger:
		// MariaDB names a trigger that does not exist, in quotes.
		f.Kind = engine.Lost
		if strings.Contains(m.Message, "'") {
			f.Kind = engine.Missing
		}
	case errNoSequence, errNoView:
		if strings.Contains(m.Message, "SEQUENCE") || strings.Contains(m.Message, "VIEW") {
			f.Kind = engine.Missing // MariaDB's; another matter on MySQL
		}
	case errStorage, errWriting:
		if strings.Contains(m.Message, "28") { // ENOSPC, in the storage engine's or a file's error
			f.Kind = engine.Full
		}
	case errBadNull:
		f.Column = firstQuoted(m.Message)
	case errNoSuchTable:
		f.Table = firstQuoted(m.Message)
	case errOptionPrevents:
		if strings.Contains(m.Message, "read-only") || strings.Contains(m.Message, "read_only") {
			f.Kind = engine.ReadOnly
		}
	}
	return f
}

// readWhole tells of a statement whether a syntax error in it is one of its
// own, found before anything was done. What calls procedures may have come to
// a text that a procedure has put together.
func readWhole(words []string) bool {
	switch word(words, 0) {
	case "CREATE", "DROP", "ALTER", "RENAME", "TRUNCATE", "GRANT", "REVOKE", "LOAD", "INSERT", "UPDATE", "DELETE", "REPLACE":
		return true
	}
	return false
}

// naming are the errors that quote what is wrong, a name or a value.
var naming = []uint16{1048, 1050, 1051, 1054, 1060, 1061, 1062, 1072, 1091, 1109, 1146, 1176, 1265, 1292, 1305, 1364, 1366, 1406, 4025}

var quotedName = lazily("(?:^|[\\s(])['`]([^'`]+)['`]|(?:FUNCTION|PROCEDURE) (\\S+)")

// named are what a message quotes: "Unknown column 'mail' in 'WHERE'", "Table
// 'shop.custmers' doesn't exist".
func named(m *mysqldriver.MySQLError) (names [2]string) {
	if !slices.Contains(naming, m.Number) {
		return names
	}
	found := quotedName().FindStringSubmatch(m.Message)
	if found == nil {
		return names
	}
	name := found[1] + found[2]
	return [2]string{name, name[strings.LastIndexByte(name, '.')+1:]}
}

// firstQuoted is the first name in a message of any language.
func firstQuoted(message string) string {
	_, rest, _ := strings.Cut(message, "'")
	name, _, _ := strings.Cut(rest, "'")
	return name
}

func connectKind(err error) engine.FaultKind {
	for _, e := range []error{mysqldriver.ErrUnknownPlugin, mysqldriver.ErrCleartextPassword,
		mysqldriver.ErrNativePassword, mysqldriver.ErrOldPassword} {
		if errors.Is(err, e) {
			return engine.Login
		}
	}
	return engine.Unreachable
}

// connectHint is what to look at where no session came about.
func connectHint(err error, f engine.Fault) string {
	switch {
	case f.Kind == engine.Untrusted:
		return "the server takes nobody over the network without TLS: ask for it with tls=true, and name with ssl_ca who signed its certificate"
	case f.Code == "1045":
		return deniedHint(err)
	case f.Code == "1044":
		return "the server says the same where there is no such database: see the name, create the database, or ask for GRANT ALL PRIVILEGES on it (SELECT is enough to look)"
	case errors.Is(err, mysqldriver.ErrNoTLS):
		return "tls=false goes without TLS, and then everybody on the way can read along"
	case errors.Is(err, errNoAnswer), errors.Is(err, mysqldriver.ErrMalformPkt), errors.Is(err, mysqldriver.ErrPktSync),
		errors.Is(err, mysqldriver.ErrPktSyncMul), errors.Is(err, mysqldriver.ErrOldProtocol):
		return "a MySQL or MariaDB server speaks first: a firewall may be between, or another program listens there"
	}
	return ""
}

// deniedHint tells what an account may want that the server does not name.
func deniedHint(err error) string {
	e, ok := errors.AsType[*connectError](err)
	if !ok || e.config == nil || e.config.Net == "unix" {
		return ""
	}
	switch {
	case e.config.TLS == nil:
		return "an account that must come with TLS (REQUIRE SSL, REQUIRE X509) is refused in these words, too: see tls in the URL"
	case len(e.config.TLS.Certificates) == 0:
		return "an account that must show a certificate (REQUIRE X509) is refused in these words, too: " + tlsWords.Own
	}
	return ""
}

func isConnectionError(err error) bool {
	for _, e := range []error{driver.ErrBadConn, sql.ErrConnDone, mysqldriver.ErrInvalidConn, mysqldriver.ErrMalformPkt,
		mysqldriver.ErrPktSync, mysqldriver.ErrPktSyncMul, mysqldriver.ErrBusyBuffer, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, e) {
			return true
		}
	}
	return is[*net.OpError](err)
}

func wasInterrupted(err error) bool {
	m, ok := errors.AsType[*mysqldriver.MySQLError](err)
	return ok && kinds[m.Number] == engine.Canceled
}

// A syntax error quotes the statement from the place of the error on, and
// names the line: "... near 'FORM t' at line 1", in the server's language. It
// quotes about 80 characters; MariaDB ends with "..." what it cuts off.
var nearMessage = lazily(`(?s)'(.*)'[^']*?(\d+)[^'\d]*$`)

const nearLength = 80

// near returns what a syntax error quotes, and its place in the user's
// statement where that is certain.
func near(err error, message string) (string, int) {
	m := nearMessage().FindStringSubmatch(message)
	if m == nil {
		return "", 0
	}
	quoted := m[1]
	st, ok := errors.AsType[*statementError](err)
	if !ok {
		return quoted, 0
	}
	cut, dots := strings.CutSuffix(quoted, "...")
	at := -1
	switch {
	case utf8.RuneCountInString(quoted) < nearLength && strings.HasSuffix(st.text, quoted):
		at = len(st.text) - len(quoted) // it goes to the end
	case dots || utf8.RuneCountInString(quoted) >= nearLength:
		line, _ := strconv.Atoi(m[2]) // digits, as matched
		at = inLine(st.text, line, cut)
	}
	if at < 0 {
		return quoted, 0
	}
	// The quotation may begin with the blanks before what is wrong.
	for at < len(st.text) && strings.IndexByte(" \t\r\n", st.text[at]) >= 0 {
		at++
	}
	return quoted, utf8.RuneCountInString(st.text[:at]) + 1
}

// inLine finds the one place in a line where text goes on with quoted, or -1.
func inLine(text string, line int, quoted string) int {
	start := 0
	for range line - 1 {
		i := strings.IndexByte(text[start:], '\n')
		if i < 0 {
			return -1
		}
		start += i + 1
	}
	end := len(text)
	if i := strings.IndexByte(text[start:], '\n'); i >= 0 {
		end = start + i
	}
	at := -1
	for i := start; i < end; i++ {
		if strings.HasPrefix(text[i:], quoted) {
			if at >= 0 {
				return -1
			}
			at = i
		}
	}
	return at
}
