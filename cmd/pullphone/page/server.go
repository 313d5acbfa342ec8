package page

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// The states of the server's process.
const (
	Starting = "starting"
	Up       = "up"
	Down     = "down"
)

// Server is the phone server, in a process of its own.
type Server struct {
	Command func() *exec.Cmd // makes the process. It must end with its standard input, so that it does not outlive this one
	URL     string           // where it is; its /healthz answers 200 while it serves
	Trouble io.Writer        // is told when it fails

	mu      sync.Mutex
	running *process
	state   string
	since   time.Time
	trouble string
	changed hint
}

// process is one life of the server.
type process struct {
	cmd    *exec.Cmd
	said   tail
	killed bool // guarded by Server.mu
	ended  chan struct{}
}

// ServerNow says how the server is, and since when.
type ServerNow struct {
	State string `json:"state"`
	Since string `json:"since"`
	// Trouble is the last it said, if it failed.
	Trouble string `json:"trouble"`
}

// Now says how the server is.
func (s *Server) Now() ServerNow {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == "" {
		return ServerNow{State: Down}
	}
	return ServerNow{s.state, stamp(s.since), s.trouble}
}

func (s *Server) becomeLocked(state string) {
	s.state, s.since = state, time.Now()
	s.changed.give()
}

// errRuns is an answer to who starts a server that runs.
var errRuns = errors.New("the server runs already")

// Start starts the process. It serves a moment later, see Now.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return errRuns
	}
	p := &process{cmd: s.Command(), ended: make(chan struct{})}
	if _, err := p.cmd.StdinPipe(); err != nil { // the command keeps it open until it is waited for
		return fmt.Errorf("start the phone server: %w", err)
	}
	p.cmd.Stderr = &p.said
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start the phone server: %w", err)
	}
	s.running, s.trouble = p, ""
	s.becomeLocked(Starting)
	go s.await(p)
	go s.watch(p)
	return nil
}

// await waits for the end of a process.
func (s *Server) await(p *process) {
	err := p.cmd.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && !p.killed {
		fmt.Fprintf(s.Trouble, "The phone server has failed: %v. The last it said:\n%s", err, p.said.text)
		lines := strings.Split(strings.TrimSpace(string(p.said.text)), "\n")
		s.trouble = lines[len(lines)-1]
	}
	s.running = nil
	s.becomeLocked(Down)
	close(p.ended)
}

// watch waits until a process serves.
func (s *Server) watch(p *process) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-p.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !healthy(ctx, s.URL+"/healthz") {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == p {
		s.becomeLocked(Up)
	}
}

func healthy(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// Kill ends the process without a chance to tidy up (kill -9), and returns when it is gone. One that is not there is no
// fault.
func (s *Server) Kill() error {
	s.mu.Lock()
	p := s.running
	if p == nil {
		s.mu.Unlock()
		return nil
	}
	p.killed = true
	err := p.cmd.Process.Kill()
	s.mu.Unlock()
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill the phone server: %w", err)
	}
	<-p.ended
	return nil
}

// voicemail leads to the messages that callers leave: a browser elsewhere may reach the page and not the server.
func (s *Server) voicemail() http.Handler {
	at, err := url.Parse(s.URL)
	if err != nil {
		panic(err) // it is this machine's
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "The server is down. Start it on the demo's page, and load this one again.", http.StatusBadGateway)
		},
	}
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(b []byte) (int, error) {
	const most = 8 << 10
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(b), nil
}
