package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dbwarden-go/dbwarden/engine"
	"github.com/dbwarden-go/dbwarden/sqltext"
)

// A packet is a unit of work in one round trip: one compound statement of
// MariaDB's, BEGIN NOT ATOMIC ... END, which holds the unit's own queries and
// the file's statements one behind the other. The server stops at the first
// error, wherever it stands.
//
// It goes on when its client is gone. So a statement outside a transaction has
// its packet to itself, right behind the entry that is written ahead of it,
// whose fence raises where the hold is lost; and a transaction has the fence
// in front of its COMMIT, as always. Where its rows may take their time, it is
// two packets: see packet.end.
//
// The connection takes one statement at a time, as it always did
// (CLIENT_MULTI_STATEMENTS is off): what a file smuggles behind a statement is
// refused by the server. In a packet that is for us to see: see single.
type packet struct {
	number     int
	statements []sqltext.Statement
	text       string

	// end is the history with the fence and the COMMIT, where they travel by
	// themselves: behind rows that may take their time to be found, so that
	// nothing of them stays where the client is killed meanwhile.
	end string
}

const (
	packetStatements = 100      // in one transaction
	packetText       = 64 << 10 // bytes of the file's
)

// pack makes a packet of a unit, nil for one that goes step by step.
func (s *session) pack(ctx context.Context, u engine.Unit) *packet {
	if !u.AtOnce || u.Before != nil || u.After != nil || !s.takesPackets() || u.Begin != "" && (u.Begin != begin || len(u.Opening) > 0) || u.Begin == "" && len(u.Opening) != 1 {
		return nil
	}
	p := &packet{}
	size := 0
	for st, err := range u.Statements {
		size += len(st.Text)
		if err != nil || size > packetText || len(p.statements) == packetStatements || !s.packable(st, u.Begin == "") {
			return nil
		}
		p.statements = append(p.statements, st)
	}
	if len(p.statements) == 0 || u.Begin == "" && len(p.statements) > 1 || s.remember(ctx) != nil {
		return nil
	}
	if u.Begin == "" && s.insertID.save(ctx, s, u.Opening[0].Text) != nil {
		return nil
	}
	s.packets++
	p.number = s.packets
	if err := p.write(s, u); err != nil || s.maxPacket > 0 && max(len(p.text), len(p.end)) >= s.maxPacket {
		return nil
	}
	return p
}

// takesPackets says that nothing is known to be in the way: a server of
// another kind or a cluster, a limit that would count for the whole packet, or
// something that the file has set, under which a text may be read otherwise.
func (s *session) takesPackets() bool {
	return s.mariadb() && s.server.Number >= 100600 && s.server.Cluster == "" && s.limits.Statement <= 0 &&
		!s.strange && !s.packless && s.shield == shield{}
}

// packable are statements that may stand in a compound one, and do there what
// they do alone.
func (s *session) packable(st sqltext.Statement, alone bool) bool {
	if st.Copy != nil || !single(st.Text) {
		return false
	}
	if alone {
		return inert(st)
	}
	switch word(st.Words, 0) {
	case "INSERT", "UPDATE", "DELETE", "REPLACE":
		// What these tell is another matter with a query of ours between.
		text := strings.ToUpper(st.Text)
		return !strings.Contains(text, "ROW_COUNT") && !strings.Contains(text, "FOUND_ROWS")
	}
	return false
}

// lengthy are statements that look for their rows, and whatever may call
// something that takes its time.
func lengthy(st sqltext.Statement) bool {
	text := strings.ToUpper(st.Text)
	if verb := word(st.Words, 0); verb != "INSERT" && verb != "REPLACE" {
		return true
	}
	return slices.ContainsFunc([]string{"SELECT", "SLEEP", "GET_LOCK", "BENCHMARK"}, func(w string) bool { return strings.Contains(text, w) })
}

// inert are definitions that change nothing in their session, for they run
// nothing that a user has written.
func inert(st sqltext.Statement) bool {
	second := word(st.Words, 1)
	switch word(st.Words, 0) {
	case "CREATE", "DROP", "ALTER":
		if second == "UNIQUE" && word(st.Words, 2) == "INDEX" {
			second = "INDEX"
		}
		if second != "TABLE" && second != "INDEX" {
			return false
		}
	case "RENAME", "TRUNCATE":
		if second != "TABLE" {
			return false
		}
	default:
		return false
	}
	if len(st.Text) > smallText {
		return false
	}
	// A table that is filled may be filled by a function.
	text := strings.ToUpper(st.Text)
	return !strings.Contains(text, "SELECT") && !strings.Contains(text, "VALUES")
}

// single tells of a text that it is one statement and no more, whatever the
// session's settings are and whatever follows it: every quote and comment in
// it is closed, and no semicolon stands outside of them. What is read in one
// way here and in another there is not single: backslashes, comments that are
// run, dashes that may be a comment or not, $$.
func single(text string) bool {
	if !utf8.ValidString(text) {
		return false // of which a server may take two bytes for one letter
	}
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		end := 0 // of what begins here
		switch c := text[i]; {
		case c == '\\', c == ';', c == '$', c == 0:
			return false
		case c == '\'', c == '"', c == '`':
			end = strings.IndexByte(rest[1:], c) + 2
			if end < 2 || strings.IndexByte(rest[:end], '\\') >= 0 {
				return false
			}
		case c == '#', strings.HasPrefix(rest, "--"):
			if c == '-' && (len(rest) < 3 || strings.IndexByte(" \t\n", rest[2]) < 0) {
				return false
			}
			end = strings.IndexByte(rest, '\n') + 1
			if end < 1 {
				return true // we add a new line
			}
		case strings.HasPrefix(rest, "/*"):
			end = strings.Index(rest[2:], "*/") + 4
			if end < 4 || strings.IndexByte("!M+", rest[2]) >= 0 || strings.Contains(rest[2:end-2], "/*") {
				return false
			}
		}
		if end > 0 {
			i += end - 1
		}
	}
	return true
}

// Where a packet is stands in a variable of the user's, for after an error: the
// number of the packet and the place.
const (
	atVariable    = "@dbwarden_at"
	sinceVariable = "@dbwarden_since"
	atClosing     = "closing"
	atCommit      = "commit"
	atState       = "state"
)

func (p *packet) write(s *session, u engine.Unit) error {
	var b strings.Builder
	ours := func(q engine.Query) error {
		text, err := bind(q.Text, p.values(q))
		b.WriteString(text + ";\n")
		return err
	}
	b.WriteString("BEGIN NOT ATOMIC\n")
	if u.Begin != "" {
		b.WriteString(begin + ";\n")
	}
	for _, q := range u.Opening {
		if err := ours(q); err != nil {
			return err
		}
	}
	if s.insertID.covered {
		fmt.Fprintf(&b, "SET last_insert_id = %d;\n", s.insertID.value)
	}
	b.WriteString("SET " + sinceVariable + " = UTC_TIMESTAMP(6);\n")
	for i, st := range p.statements {
		p.mark(&b, fmt.Sprint(i))
		b.WriteString(st.Text)
		b.WriteString("\n;\nSELECT ROW_COUNT() AS " + markerColumn + ", LAST_INSERT_ID(), @@warning_count;\n")
		if s.notice != nil {
			b.WriteString("IF @@warning_count THEN SHOW WARNINGS LIMIT 50; END IF;\n")
		}
	}
	if u.Begin != "" && slices.ContainsFunc(p.statements, lengthy) {
		b.WriteString("END")
		p.text = b.String()
		b.Reset()
		b.WriteString("BEGIN NOT ATOMIC\n")
	}
	own := u.Begin == "" && len(u.Closing) > 1
	p.mark(&b, atClosing)
	if own {
		b.WriteString(begin + ";\n")
	}
	for i, q := range u.Closing {
		if i > 0 {
			p.mark(&b, fmt.Sprint(atClosing, " ", i))
		}
		if err := ours(q); err != nil {
			return err
		}
	}
	if own || u.Begin != "" {
		p.mark(&b, atCommit)
		b.WriteString("COMMIT AND NO CHAIN NO RELEASE;\n")
	}
	if u.Begin != "" {
		p.mark(&b, atState)
		b.WriteString(s.stateQuery() + ";\n")
	}
	b.WriteString("END")
	if p.text == "" {
		p.text = b.String()
	} else {
		p.end = b.String()
	}
	return nil
}

func (p *packet) mark(b *strings.Builder, place string) {
	fmt.Fprintf(b, "SET %s = '%d %s';\n", atVariable, p.number, place)
}

// values are a query's, where what is late, the milliseconds since something,
// is added up by the server.
func (p *packet) values(q engine.Query) []any {
	args := make([]any, len(q.Args))
	for i, a := range q.Args {
		if late, ok := a.(engine.Late); ok {
			a = verbatim(fmt.Sprintf("%v + TIMESTAMPDIFF(MICROSECOND, %s, UTC_TIMESTAMP(6)) DIV 1000", late(), sinceVariable))
		}
		args[i] = a
	}
	return args
}
