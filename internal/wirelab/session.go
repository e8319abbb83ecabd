package wirelab

import (
	"bufio"
	"net"
	"sync"
)

// wire reads one protocol. request and refuse are called by one goroutine,
// reply by another.
type wire interface {
	// request reads what the client asks next, whole.
	request(r *bufio.Reader) (request, error)

	// reply reads the server's next message, and says whether the server
	// waits for the client behind it.
	reply(r *bufio.Reader) (message []byte, ends bool, err error)

	// refuse says how a request is answered with an error.
	refuse(q request) refusal
}

type request struct {
	bytes []byte
	text  string

	// answer is what the proxy says in the server's place: the request is
	// neither counted nor forwarded.
	answer []byte

	// farewell is forwarded and not counted: the client waits for no answer,
	// so when it comes is nobody's to say.
	farewell bool
}

// refusal is an error in the server's name.
type refusal struct {
	client []byte // goes to the client at once
	hangUp bool   // and then the session ends

	// server goes to the server in the request's place, so that both sides
	// stay in step; amend changes the end of its reply.
	server []byte
	amend  func(end []byte) []byte
}

// session is one client with its server.
type session struct {
	proxy          *Proxy
	number         int
	wire           wire
	client, server net.Conn

	lock    sync.Mutex
	amend   func([]byte) []byte // for the end of the next reply
	late    func()              // called before it
	swallow bool                // replies do not reach the client any more
	once    sync.Once
	replied chan struct{} // closed when a swallowed reply, or the server, has ended
}

// cut ends both sides. It may be called at any time.
func (s *session) cut() {
	_ = s.client.Close() // twice is fine, and there is nobody to tell
	_ = s.server.Close()
}

func (s *session) relay() {
	var down sync.WaitGroup
	down.Go(s.down)
	s.up()
	down.Wait()
	s.cut()
}

// up carries requests until the client has gone or a fault has cut it off.
func (s *session) up() {
	from := bufio.NewReader(s.client)
	for {
		q, err := s.wire.request(from)
		if err != nil {
			// The server shall see the client go, and may still finish what
			// it says.
			if half, ok := s.server.(*net.TCPConn); ok {
				_ = half.CloseWrite()
			}
			return
		}
		switch {
		case q.answer != nil:
			_, err = s.client.Write(q.answer)
		case q.farewell:
			_, err = s.server.Write(q.bytes)
		default:
			err = s.forward(q)
		}
		if err != nil {
			s.cut()
			return
		}
	}
}

// forward passes a request on, or does to it what its fault says; an error
// ends the session.
func (s *session) forward(q request) error {
	r, f := s.proxy.count(s.number, q.text)
	if f.Met != nil && f.Action != HoldReply {
		f.Met(r)
	}
	switch f.Action {
	case CutBefore:
		return errCut
	case CutWithin:
		_, err := s.server.Write(q.bytes[:(len(q.bytes)+1)/2])
		return orCut(err)
	case CutBehind:
		s.set(true, nil)
		_, err := s.server.Write(q.bytes)
		return orCut(err)
	case Lose:
		return nil
	case LoseReply:
		s.set(true, nil)
	case HoldReply:
		s.lock.Lock()
		s.late = func() { f.Met(r) }
		s.lock.Unlock()
	case CutAfter:
		s.set(true, nil)
		if _, err := s.server.Write(q.bytes); err != nil {
			return err
		}
		<-s.replied
		return errCut
	case Refuse:
		no := s.wire.refuse(q)
		s.set(false, no.amend)
		if _, err := s.client.Write(no.client); err != nil {
			return err
		}
		if no.hangUp {
			return errCut
		}
		_, err := s.server.Write(no.server)
		return err
	}
	_, err := s.server.Write(q.bytes)
	return err
}

func (s *session) set(swallow bool, amend func([]byte) []byte) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.swallow, s.amend = swallow, amend
}

// down carries replies until the server has gone.
func (s *session) down() {
	defer s.once.Do(func() { close(s.replied) })
	defer func() { _ = s.client.Close() }()
	from := bufio.NewReader(s.server)
	for {
		message, ends, err := s.wire.reply(from)
		if err != nil {
			return
		}
		s.lock.Lock()
		swallow, amend, late := s.swallow, s.amend, s.late
		if ends {
			s.amend, s.late = nil, nil
		}
		s.lock.Unlock()
		if ends && late != nil {
			late()
		}
		switch {
		case swallow && ends:
			s.once.Do(func() { close(s.replied) })
			continue
		case swallow:
			continue
		case ends && amend != nil:
			message = amend(message)
		}
		if _, err := s.client.Write(message); err != nil {
			// The client has gone. What the server still says is read, so
			// that it is not kept from ending.
			s.set(true, nil)
		}
	}
}

type cutError struct{}

func (cutError) Error() string { return "cut by the fault" }

var errCut error = cutError{}

func orCut(err error) error {
	if err != nil {
		return err
	}
	return errCut
}
