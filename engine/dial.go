package engine

import (
	"context"
	"net"
	"time"
)

// deadTime is after how long a peer that no longer answers is given up.
const deadTime = 30 * time.Second

// Dialer makes connections that end when their other side is gone without a
// word: a cable, a machine or a gateway. A silent one is asked from time to
// time, which also keeps network boxes from forgetting it; where something
// was sent and is not acknowledged, the system would otherwise go on sending
// it for a quarter of an hour, and a run that was cut off would hang so long.
func Dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, KeepAliveConfig: alive, Control: giveUpUnacknowledged}
}

var alive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}

// Lasting has the connections of a program's own dialer end as those of Dialer
// do. What is no TCP connection, as a tunnel's, is left as it is.
func Lasting(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			// Where the system refuses one of them, its own longer time stays.
			_ = tcp.SetKeepAliveConfig(alive)
			if raw, err := tcp.SyscallConn(); err == nil {
				_ = giveUpUnacknowledged("tcp", address, raw)
			}
		}
		return c, nil
	}
}
