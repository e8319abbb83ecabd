package postgres

import (
	"context"
	"errors"
	"net"
	"strings"
)

// A strangerError says that what answered is no PostgreSQL server. pgx tells
// it by what it could not read, once in a text with a hole in it.
type strangerError struct{}

func (strangerError) Error() string {
	return "what answers there does not speak PostgreSQL's protocol"
}

// asStranger replaces the error of one attempt that met some other server: a
// message out of place, a length beyond reason, a TLS record that is none.
func asStranger(err error) error {
	for _, sign := range []string{"received unexpected message", "invalid body length", "unknown message type", "invalid message format",
		"first record does not look like a TLS handshake"} {
		if strings.Contains(err.Error(), sign) {
			return strangerError{}
		}
	}
	return err
}

// connectHint is what to look at where no session came about and the server
// gave no hint of its own.
func connectHint(err error) string {
	var timeout net.Error
	text := err.Error()
	switch {
	case errors.Is(asStranger(err), strangerError{}):
		return "see whether host and port are those of another program: an HTTP server, another database"
	case strings.Contains(text, "server refused TLS connection"):
		return "the server offers no TLS, or is no PostgreSQL server; sslmode=disable goes without TLS, and then everybody on the way can read along"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "nothing answers: a firewall may be between, or what listens there is no PostgreSQL server"
	}
	return ""
}
