// Package engine says what may be asked of a database product.
//
// An Engine is a value: data and small functions, one per product, each in a
// folder below this one. What is shared by all products stands above this
// seam (lock, journal, plan and the run loop); what differs stands below it.
// No code above it may ask which product it is talking to: it asks Caps, the
// Dialect or one of the functions.
package engine

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/dbwarden-go/dbwarden/sqltext"
)

// An Engine describes one database product.
type Engine struct {
	Name    string   // "sqlite", "postgres", "mysql": stable, for machines
	Title   string   // "PostgreSQL": for people
	Schemes []string // URL schemes it answers to, without driver suffix

	Lexis   sqltext.Lexis
	Dialect Dialect
	Caps    Caps
	Native  NativeLock

	// Open reads a URL and connects to nothing. Its errors never hold the
	// password.
	Open func(url string, o OpenOptions) (Database, error)

	// Columns lists the columns of a table as the catalogue names them, nil
	// for a table that is proven not to exist. What may not be seen is an
	// error (Fault kind Denied), never nil.
	Columns func(ctx context.Context, s Session, schema, table string) ([]string, error)

	// Classify tells how a statement behaves, from its leading words, on
	// this server.
	Classify func(words []string, v Server) Traits

	// Witness tells how a statement outside a transaction ended that nobody
	// heard of.
	Witness Witness

	// Leak names something that statements, which are about to run in a
	// transaction, are likely to write to and that keeps no step with it, a
	// table or a second file; "" for none, nil where a product has no such
	// thing.
	Leak func(ctx context.Context, s Session, statements iter.Seq2[sqltext.Statement, error]) (string, error)

	// Ties tells what a statement has to do with others by way of the session.
	Ties func(st sqltext.Statement, v Server) Ties

	// Grant is the SQL that gives this user the rights to read our tables,
	// or with write to create them and run migrations; "" where the product
	// has no rights.
	Grant func(v Server, write bool) string

	// Activity tells what the session named id is doing, as seen by s: who
	// keeps it waiting, and how far a long statement has come. nil where the
	// product cannot tell; what may not be seen is left out.
	Activity func(ctx context.Context, s Session, id string) (Activity, error)

	// Hasten sets how long s waits for another program that writes, whatever
	// its limits and its URL say; negative: as they do. nil where a writer
	// keeps nobody waiting who does not want the same.
	Hasten func(ctx context.Context, s Session, most time.Duration) error

	// Scratch makes databases for planning.
	Scratch Scratch

	// Fresh makes databases for a program's own tests.
	Fresh Fresh

	// Script spells scripts for the product's own client; nil: there are none.
	Script *Script
	// Backup copies a database into a file, and back.
	Backup Backup

	// Fault reads a driver's error. A nil or foreign error gives the zero
	// Fault.
	Fault func(error) Fault
}

// Caps are facts about a product that the rest of the house decides by.
type Caps struct {
	TransactionalDDL bool // DDL can be rolled back
	SingleWriter     bool // an open write transaction keeps everybody else from writing (SQLite)
	File             bool // the database is a file, which a session that may write creates
	Schemas          bool // a database holds several schemas, each with a history of its own where one is chosen
}

// OpenOptions complete a URL.
type OpenOptions struct {
	Dir    string // relative SQLite paths start here; "" is the working directory
	Schema string // where our tables live and migrations run; "" is the connection's own default

	Password Password // nil: the URL's

	// Database is another one of the same server, or another file, than the
	// URL names; "" is the URL's.
	Database string
}

// Database is an opened URL: a maker of sessions.
type Database interface {
	// Connect opens one session. ErrNoDatabase when a SQLite file does not
	// exist and o.ReadOnly asks for nothing to be created.
	Connect(ctx context.Context, o ConnectOptions) (Session, error)

	// Label names the database for people, without a secret:
	// "postgres://app@db:5432/shop", "sqlite:///shop.db".
	Label() string
}

// ErrNoDatabase says that there is no database file yet.
var ErrNoDatabase = errors.New("no database file yet")

// ConnectOptions say what a session is for.
type ConnectOptions struct {
	// App is shown by the server for this session where it can be:
	// "dbwarden migrate d2c27f66272f alice@web-1:4242".
	App string

	// ReadOnly sessions look only: they create no file and need no right to
	// write.
	ReadOnly bool

	// Foreign sessions have nothing to do with our tables: that these may be in
	// another schema than the connection's own is no error.
	Foreign bool

	Limits Limits

	// Notice receives what the server says besides results (PostgreSQL
	// notices, MySQL warnings); nil drops it. No secret is passed.
	Notice func(severity, message string)
}

// Limits protect other users of the database from a migration.
type Limits struct {
	Lock      time.Duration // longest wait for a table or row lock; 0: 5 s; negative: none
	Statement time.Duration // longest run of one statement; 0 or negative: none; see ServerStatement
	Idle      time.Duration // the server ends a session that is silent for so long; 0: 60 s; negative: none
}

// WithDefaults fills in the documented defaults.
func (l Limits) WithDefaults() Limits {
	if l.Lock == 0 {
		l.Lock = 5 * time.Second
	}
	if l.Idle == 0 {
		l.Idle = 60 * time.Second
	}
	return l
}

// ServerStatement is the limit of a statement as a server is told it that
// applies it to whatever the session runs, our own queries too: a shorter one
// would end these, and be called a connection that failed.
func (l Limits) ServerStatement() time.Duration {
	if l.Statement <= 0 {
		return 0
	}
	return max(l.Statement, leastStatement)
}

const leastStatement = 100 * time.Millisecond

// Server is what a session found out about its server when it connected.
type Server struct {
	Product  string // "PostgreSQL", "MariaDB", "MySQL", "SQLite"
	Version  string // as the server says it
	Number   int    // comparable within one product: 150018, 101119, 3054001
	Database string // name, or the file's absolute path
	Schema   string // where unqualified names are created; "" on SQLite
	User     string

	// ReadOnly is why nothing can be written here ("a standby in recovery",
	// "read_only is on"), "" where something can.
	ReadOnly string

	// Follows is why this server is, or may be, a copy of another one, whose
	// native locks are not seen here; "" where it is not.
	Follows string

	// Pooled is set where something between us and the server hands each
	// transaction to another backend.
	Pooled bool

	// Flush is how much RunAll takes at once; zero where there is nothing to
	// gain by handing over more than one unit.
	Flush Flush

	// Cluster is set where this server is one of several that all take
	// writes ("Galera", "Group Replication"): a native lock reaches this one
	// alone, so that the lock is a lease besides. Node tells it from the
	// others, and from itself before a restart; a Session's ID there ends
	// with "@" and the node.
	Cluster string
	Node    string
}

// A Session is one pinned connection. It never reconnects: when its
// connection is lost every call fails, so that whoever holds a lock by it
// knows. It is used by one goroutine at a time.
type Session interface {
	// ID names the session as the server knows it, "" where it does not:
	// "30122/2026-11-23T14:02:11.123456Z" on PostgreSQL (backend and its
	// start), the connection id on MySQL. Behind a pooler a session has one
	// only while it holds the native lock: that of the connection which holds
	// it.
	ID() string

	Server() Server

	// Exec runs one statement of ours and returns the rows it changed.
	Exec(ctx context.Context, query string, args ...any) (int64, error)

	// Query runs one query of ours and calls each for every row; scan has
	// the manners of sql.Rows.Scan. Only text, integers, booleans and NULLs
	// (through sql.Null types or pointers) are asked for.
	Query(ctx context.Context, each func(scan func(dest ...any) error) error, query string, args ...any) error

	// Ask runs one query of the user's, exactly as written, with what the file
	// has set in the session. All of its rows are looked at.
	Ask(ctx context.Context, query sqltext.Statement) (*Answer, error)

	// Run does one unit of work; see Unit. Its errors are *UnitError.
	Run(ctx context.Context, u Unit) error

	// RunAll does several units, each in a transaction of its own, in as few
	// round trips as the product allows; Server.Flush says how many there may
	// be. Where they may share one, and cannot after all, they begin anew one by
	// one: Progress.Undone. What has run when an error comes back is the same as when they run
	// one by one (RunEach): done of them are in the database for good, which
	// includes that they survive the server's own end as far as it was set up
	// to; units[done] is the one that the *UnitError speaks of; nothing behind
	// it has run. Where an outcome is not known (the error says neither that
	// it was rolled back nor that the server refused it), that is so of all
	// of units[done:].
	RunAll(ctx context.Context, units []Unit) (done int, err error)

	// Reset puts the session back to where it was when it was opened: role,
	// search path and modes, whatever a migration did to them, and sets these
	// limits. It is called outside transactions.
	Reset(ctx context.Context, l Limits) error

	// ResetWithin does the same inside an open transaction, between two
	// migrations that share it. What cannot be put back there is an error.
	ResetWithin(ctx context.Context) error

	// Close ends the session, rolling back what is open.
	Close() error
}

// Query is one statement of ours with its values.
type Query struct {
	Text string
	Args []any
}

// Traits tell how a statement behaves.
type Traits struct {
	Kind Kind

	// Alone: it cannot run inside a transaction block.
	Alone bool

	// Inside: it has a meaning only inside a transaction block.
	Inside bool

	// Commits: it ends an open transaction by itself (DDL on MySQL).
	Commits bool

	// Atomic: run by itself, outside a transaction, a failure leaves nothing
	// of it behind. Not so CREATE INDEX CONCURRENTLY, DROP TABLE of several
	// on MySQL, a procedure that commits.
	Atomic bool

	// Refused is why no migration can hold this statement, "" where one can.
	Refused string

	// Holds: from here on nothing else can run in this session until a
	// statement that Frees it (LOCK TABLES, UNLOCK TABLES on MySQL).
	Holds, Frees bool

	// Fleeting: what it makes (a temporary table) ends with the session, and
	// what stands behind it may count on it.
	Fleeting bool

	// Apart: it sets, or reads, what is another thing inside a transaction, and
	// is not drawn into one that other statements share.
	Apart bool

	// Once: it is for the next transaction alone, and not for those behind.
	Once bool

	// Pace is how its migration may travel, where the Server takes a Flush.
	Pace Pace

	// Residue is what it leaves in its connection behind the transaction,
	// told only where the Server is Pooled: others use that connection next.
	Residue Residue
}

// Pace is how long a statement may take, and whether what follows it can be
// sent before it has ended.
type Pace int

const (
	Brief    Pace = iota // soon over: its migration may share a flush with others
	Long                 // its migration has a flush to itself, so that its end is told at once
	Stepwise             // its migration goes step by step
)

// Residue is what a statement leaves in its connection.
type Residue int

const (
	Clean Residue = iota // nothing
	Swept                // something that the session takes away before COMMIT
	Stuck                // something that it cannot take away
)

// Kind is what a statement does, as far as running it is concerned.
type Kind int

const (
	Other      Kind = iota // whatever is not named below
	Data                   // INSERT, UPDATE, DELETE and the like
	Definition             // CREATE, ALTER, DROP and the like
	Setting                // changes this session alone: SET, USE, PRAGMA foreign_keys
	Begin                  // BEGIN, START TRANSACTION
	Commit                 // COMMIT, END
	Rollback               // ROLLBACK, ABORT (not ROLLBACK TO SAVEPOINT)
	Read                   // SELECT, SHOW, VALUES, TABLE
)

// NativeLock is the product's own lock, which lives and dies with the
// session or process that took it.
type NativeLock struct {
	// Name is recorded in the lock row: "session", "file".
	Name string

	// Pooled is recorded instead by a session whose Server is Pooled, where
	// the lock is of another kind there ("xact"); "" where it is not.
	Pooled string

	// Leased is recorded instead by a session whose Server is one of a
	// Cluster ("lease"); "" where there are none.
	Leased string

	// Ordered says that s is inside a statement which the whole cluster runs
	// at the same place of its order, so that nobody's commit gets through
	// until it ends (DDL on Galera); nil: there is no such thing. It may be
	// asked from another goroutine.
	Ordered func(s Session) bool

	// Try takes the lock or says false at once. It never waits in the
	// server: a waiter there deadlocks with CREATE INDEX CONCURRENTLY.
	Try func(ctx context.Context, s Session, k Key) (bool, error)

	// Free gives it back; false says that this session did not hold it.
	Free func(ctx context.Context, s Session, k Key) (bool, error)

	// Look says who holds it, without taking it.
	Look func(ctx context.Context, s Session, k Key) (Owner, error)

	// Waiters names those who ask for the lock, besides o and s, as they call
	// themselves; false says that nothing tells. nil: the product cannot tell.
	Waiters func(ctx context.Context, s Session, k Key, o Owner) ([]string, bool, error)

	// Evict ends the session o, if it still holds the lock, and returns when
	// the lock is free or ctx ends. A fault of kind Denied says that the
	// right to do so is missing; ErrCannotEvict that nobody can.
	Evict func(ctx context.Context, s Session, k Key, o Owner) error

	// Beat says that the holder, which is this session, lives, where the
	// native lock has a place for that (SQLite's file); nil: the holder says
	// so in a table.
	Beat func(ctx context.Context, s Session, k Key) error

	// EvictHint is the SQL or the command that somebody with more rights
	// would use.
	EvictHint func(o Owner) string

	// EvictRight is the right that it takes to end another's session, and the
	// SQL that gives it to the user of v; "" where there are no rights to give.
	EvictRight func(v Server) (right, grant string)
}

// Kind is what a session on v records as the kind of its lock.
func (n NativeLock) Kind(v Server) string {
	switch {
	case v.Cluster != "" && n.Leased != "":
		return n.Leased
	case v.Pooled && n.Pooled != "":
		return n.Pooled
	}
	return n.Name
}

// Knows says whether the product has this kind of lock, so that Look can
// tell whether it is held.
func (n NativeLock) Knows(kind string) bool {
	return kind != "" && (kind == n.Name || kind == n.Pooled || kind == n.Leased)
}

// ErrCannotEvict says that the holder can be ended only where it runs.
var ErrCannotEvict = errors.New("the holder can only be ended on its own machine")

// Key names a lock. It is made from the server's own answers, so that two
// ways of spelling one database give one key.
type Key struct {
	Schema string // the catalogue's name
	Digest [32]byte
}

// Owner is who holds a native lock.
type Owner struct {
	Held    bool
	Blind   bool   // the server does not tell: a cluster that refuses native locks
	Session string // as Session.ID; "" where the product has none or it may not be seen
	User    string
	From    string        // address or host
	App     string        // what the session calls itself
	Doing   string        // its statement, where it may be seen
	For     time.Duration // how long it has been doing that
	Pid     int           // of the holding process, where the product knows it (SQLite)
	Beat    time.Duration // how long ago the holder said that it lives, where NativeLock.Beat says so; 0: unknown
	Silent  bool          // it has not said that it lives for so long that its process may be stopped
}
