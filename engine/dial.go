package engine

import (
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
	return &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
		Control:         giveUpUnacknowledged,
	}
}
