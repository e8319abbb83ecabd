package main

import (
	"io"
	"net"
	"sync"
	"time"
)

// A far is a way to a server on which every byte is half a round trip late,
// in both directions. Bytes keep flowing behind one another: who sends without
// waiting for an answer waits for one round trip, however much is sent.
//
// It counts the round trips of each connection: how often the client has sent
// something after it had received something. A client that waits for every
// answer can be counted exactly so.
type far struct {
	listener net.Listener
	target   string
	half     time.Duration
	work     sync.WaitGroup

	lock  sync.Mutex
	trips []int // of each connection
	open  map[net.Conn]bool
}

func newFar(target string, roundTrip time.Duration) (*far, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &far{listener: l, target: target, half: roundTrip / 2, open: map[net.Conn]bool{}}
	f.work.Go(f.accept)
	return f, nil
}

func (f *far) addr() string { return f.listener.Addr().String() }

// take returns the round trips of the busiest connection since the last call.
// Beside it a tool may have others, which look after the lock meanwhile.
func (f *far) take() int {
	f.lock.Lock()
	defer f.lock.Unlock()
	most := 0
	for _, n := range f.trips {
		most = max(most, n)
	}
	f.trips = nil
	return most
}

func (f *far) close() {
	_ = f.listener.Close() // nobody could be told
	f.lock.Lock()
	for c := range f.open {
		_ = c.Close()
	}
	f.lock.Unlock()
	f.work.Wait()
}

func (f *far) accept() {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			return // closed
		}
		f.work.Go(func() { f.relay(client) })
	}
}

func (f *far) relay(client net.Conn) {
	defer client.Close()
	time.Sleep(2 * f.half) // the handshake of TCP
	server, err := net.Dial("tcp", f.target)
	if err != nil {
		return // the client sees what it would see of a dead server
	}
	defer server.Close()
	f.lock.Lock()
	f.open[client], f.open[server] = true, true
	f.trips = append(f.trips, 0)
	n := len(f.trips) - 1
	f.lock.Unlock()
	var both sync.WaitGroup
	var answered sync.Mutex
	fresh := true // the client has received something since it last sent
	both.Go(func() {
		f.carry(server, client, func() {
			answered.Lock()
			defer answered.Unlock()
			if fresh {
				f.lock.Lock()
				if n < len(f.trips) {
					f.trips[n]++
				}
				f.lock.Unlock()
			}
			fresh = false
		}, nil)
	})
	both.Go(func() {
		f.carry(client, server, nil, func() {
			answered.Lock()
			fresh = true
			answered.Unlock()
		})
	})
	both.Wait()
	f.lock.Lock()
	delete(f.open, client)
	delete(f.open, server)
	f.lock.Unlock()
}

// carry copies one direction, late. read is called when bytes have come,
// written just before they are passed on; each may be nil.
func (f *far) carry(to, from net.Conn, read, written func()) {
	type piece struct {
		due  time.Time
		text []byte
	}
	// A wire that is full stops its sender only after this many pieces.
	wire := make(chan piece, 4096)
	var sender sync.WaitGroup
	sender.Go(func() {
		broken := false
		for p := range wire {
			if broken {
				continue
			}
			if d := time.Until(p.due); f.half > 0 && d > 0 {
				time.Sleep(d)
			}
			if written != nil {
				written()
			}
			_, err := to.Write(p.text)
			broken = err != nil
		}
		if c, ok := to.(*net.TCPConn); ok {
			_ = c.CloseWrite() // it may be closed
		}
	})
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if read != nil {
				read()
			}
			wire <- piece{time.Now().Add(f.half), append([]byte(nil), buffer[:n]...)}
		}
		if err != nil {
			close(wire)
			sender.Wait()
			if err != io.EOF {
				_ = to.Close() // reset, both ways
			}
			return
		}
	}
}
