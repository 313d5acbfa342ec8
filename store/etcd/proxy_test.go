package etcd_test

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pullphone/store/etcd/etcdtest"
)

// network is what lies between a client and a cluster.
type network struct {
	hosts []string // in place of the nodes'
	gates []*gate  // of each node

	lossy atomic.Bool // of the answers every fortieth takes its connection with it
	heard atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// gate lets nothing through while it is shut, and nobody learns of it.
type gate struct {
	through sync.RWMutex
	mu      sync.Mutex
	isShut  bool
}

func (g *gate) shut(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case shut && !g.isShut:
		g.through.Lock()
	case !shut && g.isShut:
		g.through.Unlock()
	}
	g.isShut = shut
}

func (n *network) cut() {
	for _, g := range n.gates {
		g.shut(true)
	}
}

func (n *network) restore() {
	for _, g := range n.gates {
		g.shut(false)
	}
}

func newNetwork(t *testing.T, c *etcdtest.Cluster) *network {
	n := &network{conns: map[net.Conn]bool{}}
	for _, e := range c.Endpoints() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		n.hosts = append(n.hosts, l.Addr().String())
		_, node, _ := strings.Cut(e, "://")
		gate := new(gate)
		n.gates = append(n.gates, gate)
		go n.serve(l, node, gate)
	}
	t.Cleanup(n.hangUp)
	return n
}

func (n *network) serve(l net.Listener, node string, gate *gate) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", node)
		if err != nil {
			_ = client.Close()
			continue
		}
		n.mu.Lock()
		n.conns[client], n.conns[server] = true, true
		n.mu.Unlock()
		go n.pass(server, client, gate, false)
		go n.pass(client, server, gate, true)
	}
}

// pass passes on what one side sends.
func (n *network) pass(to, from net.Conn, gate *gate, answers bool) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 64<<10)
	for {
		k, err := from.Read(b)
		if err != nil || answers && n.lossy.Load() && n.heard.Add(1)%40 == 0 {
			return
		}
		gate.through.RLock()
		_, err = to.Write(b[:k])
		gate.through.RUnlock()
		if err != nil {
			return
		}
	}
}

// hangUp ends all connections.
func (n *network) hangUp() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		_ = c.Close()
	}
	clear(n.conns)
}
