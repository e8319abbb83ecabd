// Package wirelab breaks the wire between a program and its database server,
// at a place that a test chooses.
//
// A Proxy stands between the two and reads what passes, PostgreSQL's protocol
// or MySQL's, so that it knows where one request of the client ends and the
// next begins. The n-th of them, counted over all sessions in the order in
// which they arrive, meets a fault: it is cut off before, within or behind
// its way to the server, answered with an error that the server never gave,
// or held, there or back, until the test lets it go. Only tests import this package.
package wirelab

import (
	"errors"
	"net"
	"strings"
	"sync"
)

// Protocol is what is spoken on the wire. TLS is declined, compression is
// not understood.
type Protocol int

const (
	Postgres Protocol = iota // version 3
	MySQL                    // MariaDB's too
)

// Action is what happens to a request.
type Action string

const (
	// CutBefore ends the session on both sides; the server never sees the
	// request.
	CutBefore Action = "cut before"

	// CutWithin ends it when half of the request's bytes have reached the
	// server.
	CutWithin Action = "cut within"

	// CutBehind passes the request on and ends the session at once, while the
	// server is at it.
	CutBehind Action = "cut behind"

	// CutAfter lets the server do the request, takes its reply away and ends
	// the session.
	CutAfter Action = "reply lost"

	// Lose swallows the request, LoseReply the reply and all that the server
	// says behind it; the connection stays open, as behind a firewall that
	// forgot it.
	Lose      Action = "lost"
	LoseReply Action = "reply lost in silence"

	// Refuse answers with an error; the server does nothing. Both go on as
	// after an error of the server's own.
	Refuse Action = "refused"

	// Hold calls Fault.Met while the request waits, then passes it on.
	Hold Action = "held"

	// HoldReply passes the request on and calls Fault.Met when its reply has
	// come, before the client sees the end of it.
	HoldReply Action = "reply held"
)

// Fault is what shall happen, once.
type Fault struct {
	At     int    // the request that meets it, from 1; 0: none, or with Text the first
	Text   string // only requests that hold this are counted for At
	Action Action

	// Met is called with the request, on a goroutine of the session's, before
	// the action (but for HoldReply); nil for nobody.
	Met func(Request)
}

// Request is a message of the client's that asks for something, or several
// that the server reads as one (PostgreSQL's, up to Sync).
type Request struct {
	N       int // over all sessions, from 1
	Session int // from 1
	Text    string
}

// Proxy relays connections to one server. Its goroutines end with Close.
type Proxy struct {
	target   string
	protocol Protocol
	listener net.Listener
	work     sync.WaitGroup

	lock     sync.Mutex
	fault    Fault
	seen     []Request
	matching int      // how many of them the fault counts
	met      *Request // which of them it met
	sessions int
	open     map[*session]bool
	closed   bool
}

// Start listens on a free port of the loopback and relays to target, a
// host:port.
func Start(target string, p Protocol, f Fault) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	proxy := &Proxy{target: target, protocol: p, listener: l, fault: f, open: map[*session]bool{}}
	proxy.work.Go(proxy.accept)
	return proxy, nil
}

// Addr is where clients connect, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Requests lists what has been seen, in order.
func (p *Proxy) Requests() []Request {
	p.lock.Lock()
	defer p.lock.Unlock()
	return append([]Request(nil), p.seen...)
}

// Met returns the request that met the fault, and whether one did.
func (p *Proxy) Met() (Request, bool) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.met != nil {
		return *p.met, true
	}
	return Request{}, false
}

// Refuse lets nobody else in: sessions that are there go on.
func (p *Proxy) Refuse() { _ = p.listener.Close() }

// Close ends all sessions and returns when every goroutine has.
func (p *Proxy) Close() {
	p.lock.Lock()
	p.closed = true
	// Nobody could be told of what closing a socket says.
	_ = p.listener.Close()
	for s := range p.open {
		s.cut()
	}
	p.lock.Unlock()
	p.work.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.work.Go(func() { p.serve(client) })
	}
}

// serve relays one session until one of its sides ends it.
func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close() // the client sees what it would see of a dead server
		return
	}
	s := &session{proxy: p, client: client, server: server, replied: make(chan struct{})}
	switch p.protocol {
	case Postgres:
		s.wire = &postgres{}
	case MySQL:
		s.wire = &mysql{}
	}
	if err := p.enter(s); err != nil {
		s.cut()
		return
	}
	s.relay()
	p.lock.Lock()
	delete(p.open, s)
	p.lock.Unlock()
}

var errClosed = errors.New("the proxy is closed")

func (p *Proxy) enter(s *session) error {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.closed {
		return errClosed
	}
	p.sessions++
	s.number = p.sessions
	p.open[s] = true
	return nil
}

// count notes a request and returns the fault that it meets; its action is
// "" where it meets none.
func (p *Proxy) count(session int, text string) (Request, Fault) {
	p.lock.Lock()
	defer p.lock.Unlock()
	r := Request{N: len(p.seen) + 1, Session: session, Text: text}
	p.seen = append(p.seen, r)
	at := p.fault.At
	if at == 0 && p.fault.Text != "" {
		at = 1
	}
	if !strings.Contains(text, p.fault.Text) {
		return r, Fault{}
	}
	if p.matching++; p.matching != at {
		return r, Fault{}
	}
	p.met = &r
	return r, p.fault
}
