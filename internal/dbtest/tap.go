package dbtest

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
)

// A Tap is a port in front of a server that looks who comes without TLS, also to
// where the server would take him: a request of PostgreSQL's to cancel needs no
// right. It holds no certificate, and cannot read what is encrypted.
type Tap struct {
	product product
	to, at  string

	lock             sync.Mutex
	encrypted, plain int
}

// NewTap makes one in front of the server of a URL.
func NewTap(t testing.TB, address string) *Tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Tap{product: productOf(address), to: mustParse(address).Host, at: l.Addr().String()}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.carry(client) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait() // whoever was connected has ended by now, or the server ends it
	})
	return p
}

// URL is address by way of the tap, with another host's name for it ("": its
// address).
func (p *Tap) URL(address, host string) string {
	u := mustParse(address)
	u.Host = p.at
	if host != "" {
		_, port, _ := net.SplitHostPort(p.at)
		u.Host = net.JoinHostPort(host, port)
	}
	return u.String()
}

// Seen is how many connections asked for TLS and began with it, and how many
// others said anything.
func (p *Tap) Seen() (encrypted, plain int) {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.encrypted, p.plain
}

func (p *Tap) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	var back sync.WaitGroup
	back.Go(func() {
		io.Copy(client, server)
		client.Close()
	})
	defer back.Wait()
	defer server.Close()
	if p.greet(client, server) == nil {
		io.Copy(server, client)
	}
}

// greet passes on how a client begins: by asking for TLS, and then by TLS.
func (p *Tap) greet(client io.Reader, server io.Writer) error {
	asks := make([]byte, 8) // PostgreSQL's SSLRequest
	if p.product == (mariadb{}) {
		asks = make([]byte, 4+32) // the head of a login, and nothing of who it is
	}
	n, err := io.ReadFull(client, asks)
	if n == 0 {
		return err // it said nothing
	}
	asked := err == nil
	if p.product == (mariadb{}) {
		const wantsTLS = 0x800
		asked = asked && int(asks[0])|int(asks[1])<<8|int(asks[2])<<16 == 32 && binary.LittleEndian.Uint32(asks[4:])&wantsTLS != 0
	} else {
		asked = asked && binary.BigEndian.Uint64(asks) == 8<<32|80877103
	}
	if _, err := server.Write(asks[:n]); err != nil {
		return err
	}
	first := make([]byte, 1)
	if asked {
		const handshake = 22
		if _, err = io.ReadFull(client, first); err == nil {
			asked = first[0] == handshake
			_, err = server.Write(first)
		}
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	if asked {
		p.encrypted++
	} else {
		p.plain++
	}
	return err
}
