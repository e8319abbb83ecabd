package wirelab

import (
	"bufio"
	"io"
	"sync/atomic"
)

// mysql reads the protocol of MySQL and MariaDB: packets of a length, a
// number and a payload. In the command phase the number of a request is 0.
type mysql struct {
	commands atomic.Bool // the login is over
	last     byte        // number of the last request's packet
}

const (
	comQuit  = 0x01
	comQuery = 0x03
	comPing  = 0x0e

	fullPacket = 1<<24 - 1 // one of this length is continued by the next
)

func (m *mysql) request(r *bufio.Reader) (request, error) {
	var q request
	for {
		p, err := packet(r)
		if err != nil {
			return q, err
		}
		first := len(q.bytes) == 0
		q.bytes = append(q.bytes, p...)
		m.last = p[3]
		switch {
		case !first: // more of the same text
		case p[3] != 0 || len(p) == 4:
			q.text = "(login)"
		case p[4] == comQuery:
			m.commands.Store(true)
			q.text = string(p[5:])
		case p[4] == comQuit:
			q.farewell = true
		case p[4] == comPing:
			q.text = "(ping)"
		default:
			q.text = "(command)"
		}
		if len(p)-4 < fullPacket {
			return q, nil
		}
	}
}

// reply takes every packet of a reply for its end: the first of them comes
// when the work is done. The greeting is the answer to nothing.
func (m *mysql) reply(r *bufio.Reader) ([]byte, bool, error) {
	p, err := packet(r)
	return p, true, err
}

func (m *mysql) refuse(request) refusal {
	const code = 1105 // ER_UNKNOWN_ERROR
	body := "\xff" + string([]byte{code & 0xff, code >> 8}) + "#HY000refused by the test"
	failure := append([]byte{byte(len(body)), 0, 0, m.last + 1}, body...)
	return refusal{client: failure, hangUp: !m.commands.Load()}
}

func packet(r *bufio.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	p := make([]byte, 4+n)
	copy(p, head)
	_, err := io.ReadFull(r, p[4:])
	return p, err
}
