package page

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/voice/voicetest"
)

// A server that fails is down, and the last that it said is told.
func TestServerFails(t *testing.T) {
	t.Parallel()
	health := httptest.NewServer(http.NotFoundHandler())
	defer health.Close()
	var trouble bytes.Buffer
	s := &Server{URL: health.URL, Trouble: &trouble, Command: func() *exec.Cmd {
		return exec.Command("sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x >&2; echo >&2; echo no store >&2; exit 3")
	}}
	if got := s.Now().State; got != Down {
		t.Errorf("before it was started it is %s", got)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	awaitState(t, s, Down)
	if said := trouble.String(); !strings.HasPrefix(said, "The phone server has failed: exit status 3.") || !strings.HasSuffix(said, "no store\n") || len(said) > 20<<10 {
		t.Errorf("told: %d bytes, %.60s", len(said), said)
	}
	if why := s.Now().Trouble; why != "no store" {
		t.Errorf("the page shows %q", why)
	}
	if err := s.Kill(); err != nil {
		t.Errorf("kill what is gone: %v", err)
	}
	s.Command = func() *exec.Cmd { return exec.Command("/nowhere/pullphone") }
	if err := s.Start(); err == nil || s.Now().State != Down {
		t.Errorf("what cannot be started: %v, %s", err, s.Now().State)
	}
}

// A server is up once it answers, and killed on request; that is no failure.
func TestServerLives(t *testing.T) {
	t.Parallel()
	serves := make(chan bool, 2)
	health := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-serves:
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer health.Close()
	var trouble bytes.Buffer
	s := &Server{URL: health.URL, Trouble: &trouble, Command: func() *exec.Cmd { return exec.Command("cat") }} // which ends with its input
	for range 2 {
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		if err := s.Start(); err != errRuns {
			t.Errorf("started twice: %v", err)
		}
		if got := s.Now().State; got != Starting {
			t.Errorf("before it answers it is %s", got)
		}
		serves <- true
		awaitState(t, s, Up)
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		if got := s.Now().State; got != Down {
			t.Errorf("after it was killed it is %s", got)
		}
	}
	if trouble.Len() > 0 {
		t.Errorf("told: %s", trouble.String())
	}
}

func awaitState(t *testing.T, s *Server, state string) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		changed := s.changed.next()
		if s.Now().State == state {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("it is %s, not %s", s.Now().State, state)
		}
	}
}

// The sample is what a telephone carries, and short.
func TestSample(t *testing.T) {
	t.Parallel()
	header := sample[:44]
	if string(header[:4])+string(header[8:16]) != "RIFFWAVEfmt " || binary.LittleEndian.Uint32(header[24:]) != 8000 || binary.LittleEndian.Uint16(header[22:]) != 1 {
		t.Errorf("header % x", header)
	}
	if length := time.Duration(len(sample)-44) * time.Second / 16000; length < 4*time.Second || length > 7*time.Second || len(sample) > 120<<10 {
		t.Errorf("%s, %d bytes", length, len(sample))
	}
	if got := Speech("Press 1 to leave a message, 2 to be called back."); got < 2*time.Second || got > 5*time.Second {
		t.Errorf("a prompt takes %s", got)
	}
}

// A page that cannot be served says so, and is done.
func TestServeFails(t *testing.T) {
	t.Parallel()
	network, err := voicetest.Start(voicetest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer network.Close()
	workspace, err := bottest.Start(bottest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer workspace.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	wire := new(Wire)
	p := &Page{Net: network, Work: workspace, Server: &Server{}, Wire: wire, Faults: &Faults{Wire: wire}}
	served := make(chan error, 1)
	go func() { served <- p.Serve(t.Context(), l, p.Handler()) }()
	select {
	case err := <-served:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it waits for ever")
	}
}
