package etcdtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// Node is one member of a cluster.
type Node struct {
	Name     string
	Endpoint string // URL for clients; stays the same when it is started again
	Dir      string // its data

	path, log string
	args      []string

	mu   sync.Mutex
	cmd  *exec.Cmd // nil: it does not run
	died chan struct{}
	err  error // why it ended, once died is closed
}

// Start starts a node that does not run. It does not wait until it serves.
func (n *Node) Start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil {
		return fmt.Errorf("%s runs", n.Name)
	}
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(n.path, n.args...)
	cmd.Stdout, cmd.Stderr = log, log
	if _, err := cmd.StdinPipe(); err != nil { // it ends when this does
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", n.Name, err)
	}
	died := make(chan struct{})
	n.cmd, n.died = cmd, died
	go func() {
		err := cmd.Wait()
		n.mu.Lock()
		defer n.mu.Unlock()
		n.err = err
		close(died)
	}()
	return nil
}

// Kill ends a node as a crash does (SIGKILL), running or halted. One that does not run stays so.
func (n *Node) Kill() error { return n.end(syscall.SIGKILL) }

// Stop lets a node finish what it was asked for and hand over its lead (SIGTERM).
func (n *Node) Stop() error { return n.end(syscall.SIGTERM) }

func (n *Node) end(how os.Signal) error {
	n.mu.Lock()
	cmd, died := n.cmd, n.died
	n.cmd = nil
	n.mu.Unlock()
	if cmd == nil {
		return nil
	}
	err := cmd.Process.Signal(how)
	<-died
	if errors.Is(err, os.ErrProcessDone) {
		return n.failed()
	}
	return err
}

// Pause halts a node as it stands: its connections stay and nothing is answered.
func (n *Node) Pause() error { return n.signal(syscall.SIGSTOP) }

// Resume lets a halted node go on.
func (n *Node) Resume() error { return n.signal(syscall.SIGCONT) }

func (n *Node) signal(s os.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return fmt.Errorf("%s does not run", n.Name)
	}
	return n.cmd.Process.Signal(s)
}

func (n *Node) running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cmd != nil
}

// ended is why a node ended by itself; nil while it runs, and when it was told to end.
func (n *Node) ended() error {
	n.mu.Lock()
	cmd, died := n.cmd, n.died
	n.mu.Unlock()
	if cmd == nil {
		return nil
	}
	select {
	case <-died:
		return n.failed()
	default:
		return nil
	}
}

// failed tells the end of a node with the end of its log.
func (n *Node) failed() error {
	b, _ := os.ReadFile(n.log)
	return fmt.Errorf("%s ended: %v\n%s", n.Name, n.err, b[max(0, len(b)-2000):])
}
