// Package etcdtest runs a real etcd cluster on loopback, each node a process of its own, so that single nodes can be
// killed, halted and started again.
//
//	cluster, err := etcdtest.Start(ctx, etcdtest.Options{Dir: dir})
//	db, err := etcd.Open(ctx, etcd.Config{Endpoints: cluster.Endpoints(), Prefix: "pullphone"})
//	err = cluster.Nodes[0].Kill()
//
// The server is built from the module in .ci/etcd with the go command. Nodes end with the process that started them. It
// links no test library, so that a program may run on it.
package etcdtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Options say how a Cluster is. Dir must be given.
type Options struct {
	Nodes int    // default 3
	Dir   string // where the nodes keep their data and logs

	// Sync has every change flushed to the disk, as an etcd that matters does. Without it only a machine that dies
	// loses anything.
	Sync bool

	// CertFile and KeyFile have clients served over TLS.
	CertFile, KeyFile string

	// Flags are further flags of each node, such as --quota-backend-bytes=16777216.
	Flags []string
}

// Cluster is a running cluster.
type Cluster struct {
	Nodes []*Node
	https bool
}

// Start starts a cluster and waits until it has a leader.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if o.Nodes == 0 {
		o.Nodes = 3
	}
	path, err := binary(ctx)
	if err != nil {
		return nil, err
	}
	dir := o.Dir
	for try := 0; ; try++ {
		o.Dir = filepath.Join(dir, fmt.Sprint("try", try))
		if err := os.MkdirAll(o.Dir, 0o700); err != nil {
			return nil, err
		}
		c, err := start(ctx, path, o)
		if err == nil || try == 3 || !strings.Contains(err.Error(), "address already in use") { // somebody was quicker
			return c, err
		}
	}
}

func start(ctx context.Context, path string, o Options) (*Cluster, error) {
	c := &Cluster{https: o.CertFile != ""}
	flags := []string{"--log-level=warn", "--initial-cluster-token=" + o.Dir}
	if !o.Sync {
		flags = append(flags, "--unsafe-no-fsync")
	}
	if c.https {
		flags = append(flags, "--cert-file="+o.CertFile, "--key-file="+o.KeyFile)
	}
	ports, err := freePorts(2 * o.Nodes)
	if err != nil {
		return nil, err
	}
	var peers []string
	for i := range o.Nodes {
		name := fmt.Sprintf("node%d", i)
		n := &Node{Name: name, Endpoint: c.url(ports[2*i]), Dir: filepath.Join(o.Dir, name), path: path, log: filepath.Join(o.Dir, name+".log")}
		peer := fmt.Sprintf("http://127.0.0.1:%d", ports[2*i+1])
		peers = append(peers, name+"="+peer)
		n.args = append([]string{"--name=" + name, "--data-dir=" + filepath.Join(o.Dir, name),
			"--listen-client-urls=" + n.Endpoint, "--advertise-client-urls=" + n.Endpoint,
			"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer}, flags...)
		c.Nodes = append(c.Nodes, n)
	}
	for _, n := range c.Nodes {
		n.args = append(append(n.args, "--initial-cluster="+strings.Join(peers, ",")), o.Flags...)
		if err := n.Start(); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	if _, err := c.Leader(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *Cluster) url(port int) string {
	if c.https {
		return fmt.Sprintf("https://127.0.0.1:%d", port)
	}
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}

// Endpoints are where clients reach the nodes.
func (c *Cluster) Endpoints() (all []string) {
	for _, n := range c.Nodes {
		all = append(all, n.Endpoint)
	}
	return all
}

// Leader waits until all nodes that run agree on a leader, and returns it.
func (c *Cluster) Leader(ctx context.Context) (*Node, error) {
	for {
		leader, err := c.leader(ctx)
		if leader != nil {
			return leader, nil
		}
		for _, n := range c.Nodes {
			if ended := n.ended(); ended != nil {
				return nil, ended
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("no leader: %w", errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// leader asks every node that runs once.
func (c *Cluster) leader(ctx context.Context) (leader *Node, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	config := clientv3.Config{Endpoints: c.Endpoints(), Logger: zap.NewNop()}
	if c.https {
		config.TLS = &tls.Config{InsecureSkipVerify: true} // our own nodes on loopback
	}
	client, err := clientv3.New(config)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var term uint64
	for _, n := range c.Nodes {
		if !n.running() {
			continue
		}
		s, err := client.Status(ctx, n.Endpoint)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", n.Name, err)
		case s.Leader == 0:
			return nil, fmt.Errorf("%s knows no leader", n.Name)
		case term != 0 && s.RaftTerm != term:
			return nil, fmt.Errorf("%s is in another term", n.Name)
		case s.Leader == s.Header.MemberId:
			leader = n
		}
		term = s.RaftTerm
	}
	return leader, nil
}

// Close kills all nodes.
func (c *Cluster) Close() (err error) {
	for _, n := range c.Nodes {
		err = errors.Join(err, n.Kill())
	}
	return err
}

// freePorts finds ports that nobody listens on, below those that the system gives to outgoing connections, and others in
// each process: a node that is started again must find its own free.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range 100 * n {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+(os.Getpid()*211+int(lastPort.Add(1)))%10000))
		if err != nil {
			continue
		}
		defer l.Close() // all at the end, so that no two are the same
		if ports = append(ports, l.Addr().(*net.TCPAddr).Port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("no free ports")
}

var lastPort atomic.Int32
