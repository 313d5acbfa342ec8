package etcd

import (
	"context"
	"net"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
)

// conns are the connections to the nodes. A node may be halted, or its disk may hang, with its connections open. One on
// which a request had no answer for tryFor is closed: all that waits there goes to other nodes at once, and that one gets
// requests again when it has greeted a new connection.
type conns struct {
	mu   sync.Mutex
	open map[string]net.Conn // by local address
}

// options have a client use them.
func (c *conns) options() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithContextDialer(c.dial), grpc.WithChainUnaryInterceptor(c.watch)}
}

func (c *conns) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	local := conn.LocalAddr().String()
	c.open[local] = conn
	return &counted{conn, func() { c.forget(local, conn) }}, nil
}

func (c *conns) forget(local string, conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open[local] == conn {
		delete(c.open, local)
	}
}

// counted is a connection that is forgotten when it is closed.
type counted struct {
	net.Conn
	forget func()
}

func (c *counted) Close() error {
	c.forget()
	return c.Conn.Close()
}

// watch sends a request, and closes its connection if no answer has come in time.
func (c *conns) watch(ctx context.Context, method string, request, answer any, cc *grpc.ClientConn, send grpc.UnaryInvoker, o ...grpc.CallOption) error {
	var to peer.Peer
	err := send(ctx, method, request, answer, cc, append(o, grpc.Peer(&to))...)
	if err != nil && context.Cause(ctx) == errNoAnswer && to.LocalAddr != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		if conn := c.open[to.LocalAddr.String()]; conn != nil {
			_ = conn.Close()
		}
	}
	return err
}

// askAround asks every node something, so that the connections to those that are silent are closed before a watch is begun
// there.
func (d *DB) askAround() {
	var all sync.WaitGroup
	for range d.Endpoints { // the client asks them in turn
		all.Go(func() {
			_, _ = try(d.ctx, func(ctx context.Context) (*clientv3.GetResponse, error) {
				return d.client.Get(ctx, d.root, clientv3.WithCountOnly(), clientv3.WithSerializable())
			})
		})
	}
	all.Wait()
}
