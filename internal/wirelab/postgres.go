package wirelab

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// postgres reads PostgreSQL's protocol, version 3.
type postgres struct {
	started bool // the client has sent its startup message
	ready   bool // the server has said ReadyForQuery
}

// What stands in place of a version at the beginning of a connection.
const (
	cancelRequest = 80877102
	sslRequest    = 80877103
	gssRequest    = 80877104
)

// longest is what a message may have before it is taken for nonsense.
const longest = 1 << 26

var errNonsense = errors.New("this is not the protocol that was named")

func (p *postgres) request(r *bufio.Reader) (request, error) {
	if !p.started {
		return p.startup(r)
	}
	var q request
	for {
		kind, m, err := typed(r)
		if err != nil {
			return q, err
		}
		q.bytes = append(q.bytes, m...)
		body := m[5:]
		switch kind {
		case 'Q':
			q.text = cString(body)
			return q, nil
		case 'P':
			// Of several that share a Sync, as they follow one another.
			name := cString(body)
			if q.text != "" {
				q.text += ";\n"
			}
			q.text += cString(body[min(len(name)+1, len(body)):])
		case 'p':
			q.text = "(password)"
			return q, nil
		case 'X':
			q.farewell = true
			return q, nil
		case 'c', 'f':
			q.text = "(end of rows)"
			return q, nil
		case 'S':
			return q, nil
		}
	}
}

// startup reads the messages without a type.
func (p *postgres) startup(r *bufio.Reader) (request, error) {
	head := make([]byte, 8)
	if _, err := io.ReadFull(r, head); err != nil {
		return request{}, err
	}
	n := binary.BigEndian.Uint32(head)
	if n < 8 || n > longest {
		return request{}, errNonsense
	}
	m := make([]byte, n)
	copy(m, head)
	if _, err := io.ReadFull(r, m[8:]); err != nil {
		return request{}, err
	}
	switch binary.BigEndian.Uint32(head[4:]) {
	case sslRequest, gssRequest:
		return request{answer: []byte("N")}, nil
	case cancelRequest:
		p.started = true
		return request{bytes: m, text: "(cancel)"}, nil
	}
	p.started = true
	return request{bytes: m, text: "(startup)"}, nil
}

func (p *postgres) reply(r *bufio.Reader) ([]byte, bool, error) {
	kind, m, err := typed(r)
	if err != nil {
		return nil, false, err
	}
	switch kind {
	case 'Z':
		p.ready = true
		return m, true, nil
	case 'G', 'W': // the client's rows are awaited
		return m, true, nil
	case 'R': // a step of the login, but for the last
		return m, len(m) >= 9 && binary.BigEndian.Uint32(m[5:]) != 0, nil
	case 'E':
		return m, !p.ready, nil
	}
	return m, false, nil
}

// refuse has the server do nothing but say that it is ready, and puts the
// error before that. In a transaction the client hears that it has failed.
func (p *postgres) refuse(q request) refusal {
	failure := message('E', "SERROR\x00VERROR\x00CXX000\x00Mrefused by the test\x00\x00")
	switch q.text {
	case "(startup)", "(cancel)", "(password)":
		return refusal{client: failure, hangUp: true}
	case "(end of rows)":
		return refusal{server: message('f', "refused by the test\x00")}
	}
	return refusal{
		server: message('S', ""),
		amend: func(end []byte) []byte {
			if end[0] == 'Z' && len(end) == 6 && end[5] == 'T' {
				end = message('Z', "E")
			}
			return append(failure[:len(failure):len(failure)], end...)
		},
	}
}

func typed(r *bufio.Reader) (byte, []byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n < 4 || n > longest {
		return 0, nil, errNonsense
	}
	m := make([]byte, 1+n)
	copy(m, head)
	_, err := io.ReadFull(r, m[5:])
	return head[0], m, err
}

func message(kind byte, body string) []byte {
	m := append(make([]byte, 0, 5+len(body)), kind)
	m = binary.BigEndian.AppendUint32(m, uint32(4+len(body)))
	return append(m, body...)
}

// cString is what stands before the first NUL.
func cString(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}
