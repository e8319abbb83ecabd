package sqlite

// SQLite's primary result codes that decide something here.
const (
	codeError     = 1
	codePerm      = 3
	codeBusy      = 5
	codeLocked    = 6
	codeReadOnly  = 8
	codeInterrupt = 9
	codeIOErr     = 10
	codeCantOpen  = 14
	codeProtocol  = 15
	codeSchema    = 17
	codeAuth      = 23
	codeNotADB    = 26
	codeFull      = 13

	codeForeignKey = 787
	codeNotNull    = 1299
	codePrimaryKey = 1555
	codeUnique     = 2067
	codeRowID      = 2579
)

// primaries are the names of the primary codes and the words with which the
// driver begins their messages.
var primaries = map[int]struct{ name, words string }{
	1: {"ERROR", "SQL logic error"}, 2: {"INTERNAL", ""}, 3: {"PERM", "access permission denied"},
	4: {"ABORT", "query aborted"}, 5: {"BUSY", "database is locked"}, 6: {"LOCKED", "database table is locked"},
	7: {"NOMEM", "out of memory"}, 8: {"READONLY", "attempt to write a readonly database"},
	9: {"INTERRUPT", "interrupted"}, 10: {"IOERR", "disk I/O error"},
	11: {"CORRUPT", "database disk image is malformed"}, 12: {"NOTFOUND", "unknown operation"},
	13: {"FULL", "database or disk is full"}, 14: {"CANTOPEN", "unable to open database file"},
	15: {"PROTOCOL", "locking protocol"}, 16: {"EMPTY", ""}, 17: {"SCHEMA", "database schema has changed"},
	18: {"TOOBIG", "string or blob too big"}, 19: {"CONSTRAINT", "constraint failed"},
	20: {"MISMATCH", "datatype mismatch"}, 21: {"MISUSE", "bad parameter or other API misuse"},
	22: {"NOLFS", ""}, 23: {"AUTH", "authorization denied"}, 24: {"FORMAT", ""},
	25: {"RANGE", "column index out of range"}, 26: {"NOTADB", "file is not a database"},
}

// extended are the names of the codes that tell more, behind the primary's.
var extended = map[int]string{
	257: "MISSING_COLLSEQ", 513: "RETRY", 769: "SNAPSHOT", 1025: "RESERVESIZE",
	516: "ROLLBACK",
	261: "RECOVERY", 517: "SNAPSHOT", 773: "TIMEOUT",
	262: "SHAREDCACHE", 518: "VTAB",
	264: "RECOVERY", 520: "CANTLOCK", 776: "ROLLBACK", 1032: "DBMOVED", 1288: "CANTINIT", 1544: "DIRECTORY",
	266: "READ", 522: "SHORT_READ", 778: "WRITE", 1034: "FSYNC", 1290: "DIR_FSYNC", 1546: "TRUNCATE", 1802: "FSTAT",
	2058: "UNLOCK", 2314: "RDLOCK", 2570: "DELETE", 2826: "BLOCKED", 3082: "NOMEM", 3338: "ACCESS",
	3594: "CHECKRESERVEDLOCK", 3850: "LOCK", 4106: "CLOSE", 4362: "DIR_CLOSE", 4618: "SHMOPEN", 4874: "SHMSIZE",
	5130: "SHMLOCK", 5386: "SHMMAP", 5642: "SEEK", 5898: "DELETE_NOENT", 6154: "MMAP", 6410: "GETTEMPPATH",
	6666: "CONVPATH", 6922: "VNODE", 7178: "AUTH", 7434: "BEGIN_ATOMIC", 7690: "COMMIT_ATOMIC",
	7946: "ROLLBACK_ATOMIC", 8202: "DATA", 8458: "CORRUPTFS", 8714: "IN_PAGE",
	267: "VTAB", 523: "SEQUENCE", 779: "INDEX",
	270: "NOTEMPDIR", 526: "ISDIR", 782: "FULLPATH", 1038: "CONVPATH", 1294: "DIRTYWAL", 1550: "SYMLINK",
	275: "CHECK", 531: "COMMITHOOK", 787: "FOREIGNKEY", 1043: "FUNCTION", 1299: "NOTNULL", 1555: "PRIMARYKEY",
	1811: "TRIGGER", 2067: "UNIQUE", 2323: "VTAB", 2579: "ROWID", 2835: "PINNED", 3091: "DATATYPE",
	279: "USER",
}

// codeName is the name that SQLite's documentation gives a result code.
func codeName(code int) string {
	p, ok := primaries[code&0xff]
	if !ok {
		return ""
	}
	name := "SQLITE_" + p.name
	if x := extended[code]; x != "" {
		name += "_" + x
	}
	return name
}
