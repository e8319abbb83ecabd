package dbtest

import (
	"math/rand/v2"
	"net"
	"strconv"
)

func freePort() (int, error) {
	ports, err := freePorts(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}

// freePorts finds ports of the loopback that nobody listens on, each another
// one. They are below those that systems hand out by themselves (from 32768 on
// Linux): of these, a client's connection takes one at any moment, also in the
// seconds until a server listens.
func freePorts(n int) ([]int, error) {
	var all []net.Listener
	defer func() {
		for _, l := range all {
			l.Close()
		}
	}()
	ports := make([]int, n)
	for i := range ports {
		var l net.Listener
		var err error
		for range 100 {
			if l, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(16_000+rand.IntN(16_000))); err == nil {
				break
			}
		}
		if err != nil {
			return nil, err
		}
		all = append(all, l)
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
