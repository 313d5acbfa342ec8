package bottest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// pingEvery is how often a socket is pinged; clients take thirty seconds of silence for a dead line.
const pingEvery = 10 * time.Second

// socket is one Socket Mode connection (docs.slack.dev/apis/events-api/using-socket-mode).
type socket struct {
	conn *websocket.Conn
	mu   sync.Mutex // held while writing
	done chan struct{}

	ackMu sync.Mutex
	acks  map[string]chan json.RawMessage // by envelope_id, what waits for its acknowledgement
}

func (s *socket) write(v any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn.WriteJSON(v)
}

func (s *socket) close() { _ = s.conn.Close() } // its reader notices

func (w *Workspace) connectionsOpen(*call) reply {
	n := w.ids.count("ticket")
	path := fmt.Sprintf("/link/%032x", n)
	w.tickets[path] = true
	return reply{"url": "ws://" + w.host + path + "?app_id=" + AppID}
}

// serveSocket takes a connection over a one-time URL, says hello, and reads acknowledgements until the line breaks.
func (w *Workspace) serveSocket(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	good := w.tickets[r.URL.Path]
	delete(w.tickets, r.URL.Path)
	w.mu.Unlock()
	if !good {
		w.problem(fmt.Errorf("socket mode: the URL was used before, or never given out"))
		http.Error(rw, "no such ticket", http.StatusForbidden)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(rw, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	s := &socket{conn: conn, done: make(chan struct{}), acks: map[string]chan json.RawMessage{}}
	w.mu.Lock()
	select {
	case <-w.done:
		w.mu.Unlock()
		s.close()
		return
	default:
	}
	n := len(w.sockets) + 1
	w.wg.Add(1) // under w.mu, so that Close, which passes through it first, waits for this connection
	w.mu.Unlock()
	defer w.wg.Done()
	defer s.close()
	err = s.write(map[string]any{
		"type": "hello", "num_connections": n, "connection_info": map[string]any{"app_id": AppID},
		"debug_info": map[string]any{"host": "bottest", "build_number": 1, "approximate_connection_time": 18060},
	})
	if err != nil {
		return
	}
	w.mu.Lock()
	w.sockets = append(w.sockets, s)
	select {
	case <-w.done: // Close did not see this one
		s.close()
	default:
	}
	w.change()
	w.mu.Unlock()
	w.wg.Go(s.ping)
	w.readAcks(s)
	w.mu.Lock()
	w.sockets = slices.DeleteFunc(w.sockets, func(x *socket) bool { return x == s })
	w.change()
	w.mu.Unlock()
	close(s.done)
}

func (s *socket) ping() {
	t := time.NewTicker(pingEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if s.conn.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(time.Second)) != nil {
				return
			}
		case <-s.done:
			return
		}
	}
}

func (w *Workspace) readAcks(s *socket) {
	for {
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		_, b, err := s.conn.ReadMessage()
		if err != nil {
			return
		}
		if err := json.Unmarshal(b, &ack); err != nil {
			w.problem(fmt.Errorf("socket mode: the program sent something that is no acknowledgement: %w", err))
			continue
		}
		s.ackMu.Lock()
		c := s.acks[ack.EnvelopeID]
		delete(s.acks, ack.EnvelopeID)
		s.ackMu.Unlock()
		if c == nil {
			w.problem(fmt.Errorf("socket mode: acknowledgement of an envelope that does not wait for one: %q", ack.EnvelopeID))
			continue
		}
		c <- ack.Payload
	}
}

// WaitSocket waits until the program is connected by Socket Mode.
func (w *Workspace) WaitSocket(ctx context.Context) error {
	if err := w.wait(ctx, func() bool { return len(w.sockets) > 0 }); err != nil {
		return fmt.Errorf("bottest: no Socket Mode connection: %w", err)
	}
	return nil
}

// Sockets is how many Socket Mode connections there are.
func (w *Workspace) Sockets() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sockets)
}

// CutSockets breaks every Socket Mode connection without a word.
func (w *Workspace) CutSockets() {
	w.mu.Lock()
	sockets := slices.Clone(w.sockets)
	w.mu.Unlock()
	for _, s := range sockets {
		s.close()
	}
}

// route is the way to the program, with w.mu held: the URL, or a socket when there is no URL or Socket Mode is on, in
// which case nothing goes over HTTP. Both are empty when there is no way.
func (w *Workspace) route(url string) (string, *socket) {
	if url != "" && !w.app.SocketMode {
		return url, nil
	}
	if n := len(w.sockets); n > 0 {
		return "", w.sockets[n-1]
	}
	return "", nil
}

// askSocket sends an envelope and waits for its acknowledgement, as ask does over HTTP.
func (w *Workspace) askSocket(ctx context.Context, s *socket, what, kind string, payload []byte, takesPayload bool) (Answer, error) {
	w.mu.Lock()
	n := w.ids.count("envelope")
	w.mu.Unlock()
	id := fmt.Sprintf("00000000-0000-4000-8000-%012x", n)
	c := make(chan json.RawMessage, 1)
	s.ackMu.Lock()
	s.acks[id] = c
	s.ackMu.Unlock()
	start := time.Now()
	err := s.write(map[string]any{"envelope_id": id, "type": kind, "payload": json.RawMessage(payload), "accepts_response_payload": takesPayload})
	if err != nil {
		return Answer{}, fmt.Errorf("bottest: %s: %w", what, err)
	}
	late := time.NewTimer(w.opt.Patience)
	defer late.Stop()
	a := Answer{}
	select {
	case a.Body = <-c:
		a.Status = http.StatusOK
	case <-late.C:
		w.problem(fmt.Errorf("%s: no acknowledgement within %s", what, w.opt.Patience))
		return a, fmt.Errorf("%s: %w", what, ErrLate)
	case <-s.done:
		return a, fmt.Errorf("bottest: %s: the socket closed before the acknowledgement", what)
	case <-ctx.Done():
		return a, fmt.Errorf("bottest: %s: %w", what, ctx.Err())
	}
	a.Took = time.Since(start)
	if text := strings.TrimSpace(string(a.Body)); len(text) > 1 && text[0] == '"' {
		var plain string
		if json.Unmarshal(a.Body, &plain) == nil {
			a.Body = []byte(plain)
		}
	}
	w.trace(KindAnswer, fmt.Sprintf("acknowledged after %s", a.Took.Round(time.Millisecond)), string(a.Body))
	return a, nil
}
