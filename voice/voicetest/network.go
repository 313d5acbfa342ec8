// Package voicetest is a telephone network with Twilio's API in front of it, in
// the manner of net/http/httptest: a program that speaks to Twilio is pointed
// at Network.URL and receives Twilio's signed webhooks, while the caller of this
// package holds the telephones.
//
//	net, err := voicetest.Start(voicetest.Options{})
//	net.AddNumber("+12085550100")
//	net.Configure("+12085550100", voicetest.NumberConfig{VoiceURL: app.URL + "/voice"})
//	call := net.Phone("+12085550123").Call("+12085550100", voicetest.CallerInfo{})
//	err = call.WaitPlace(ctx, voicetest.PlaceQueue)
//
// The network is strict where Twilio is lenient: every REST request is held
// against Twilio's own OpenAPI description, every TwiML document against the
// published verbs and attributes. What is wrong is reported as a problem, and
// the call goes on as it would at Twilio. Speaking and playing take no time
// (but see Options.Speech); everything that does take time runs by Options.Clock.
//
// It links no test library, so that a shipped program may run on it.
package voicetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// Options say how a Network behaves. The zero value is a network without
// surprises. The hooks Problem, Repeat, Shuffle and Trace are called one at a
// time; they must return soon and must not wait for the Network.
type Options struct {
	// AccountSID (AC and 32 hexadecimal digits) and AuthToken are the only
	// credentials the API accepts. Both have made-up defaults.
	AccountSID, AuthToken string

	// Clock drives every timeout, duration and queue time. Default: the real one.
	Clock clockwork.Clock

	// Problem is told of everything the program under test did wrong. Without
	// it problems are collected, see Network.Problems.
	Problem func(error)

	// Repeat says how many times a webhook to the given path is delivered. The
	// copies travel at the same time with one I-Twilio-Idempotency-Token, and
	// the first answer counts. Default: once.
	Repeat func(webhookPath string) int

	// Shuffle picks one of n callbacks of a call that are ready at the same
	// time (0 ≤ result < n). Default: the order in which they became ready.
	Shuffle func(n int) int

	// Trace sees everything that goes over the wire.
	Trace func(Event)

	// Intercept wraps the REST API, to play its faults.
	Intercept func(http.Handler) http.Handler

	// WebhookTimeout is how long, in real time, the program may take to answer
	// a webhook. Default 15 s, the ceiling of twilio.com/docs/api/errors/11205.
	WebhookTimeout time.Duration

	// Speech is how long, by the Clock, it takes to say a text, for somebody who
	// listens. Default: no time at all.
	Speech func(text string) time.Duration

	// HoldLoop is how long one round of a waitUrl document lasts at least by
	// the Clock, and how long a Play lasts inside a Gather. Default 10 s.
	HoldLoop time.Duration

	// MemberRefusal is the HTTP status of a second redirect of a queue member:
	// 404 (default) or 400. What Twilio answers is not settled.
	MemberRefusal int

	// ScreenedStatus is the DialCallStatus of a callee who answered but was
	// never bridged, "completed" by default. What Twilio answers is not settled.
	ScreenedStatus string

	// QueueBridged is the DialBridged of a Dial of a queue that connected two
	// people: "true", "false", or by default nothing. What Twilio sends is not
	// settled.
	QueueBridged string

	// NoDialActionOnHangup suppresses the action request of a Dial whose caller
	// hangs up while it rings. What Twilio does is not settled.
	NoDialActionOnHangup bool

	// EmptyRecording is the status of a recording without any sound:
	// "completed" (default) or "absent".
	EmptyRecording string

	// LongestPage bounds the pages of lists, whatever PageSize is asked for.
	LongestPage int

	// FilterByDay has the filters of lists by time compare days, which is all
	// that Twilio promises; by default they compare times, as it often does.
	FilterByDay bool

	// RecordingDelay is the time, by the Clock, between the end of a recording
	// and the moment it can be fetched and is called back.
	RecordingDelay time.Duration

	// BuildTime is how long, by the Clock, a build of the Serverless API takes.
	BuildTime time.Duration
}

// Network is a running telephone network. All methods may be called from
// several goroutines.
type Network struct {
	opts   Options
	clock  clockwork.Clock
	url    string
	server *http.Server
	client *http.Client
	ctx    context.Context // done when the network closes
	cancel context.CancelFunc
	work   sync.WaitGroup

	hooks sync.Mutex // serialises the caller's hooks; taken after mu, never before

	mu         sync.Mutex // guards everything below, and all legs, queues and phones
	closed     bool
	ids        map[string]int
	numbers    map[string]*number
	phones     map[string]*Phone
	legs       map[string]*leg
	legOrder   []*leg
	queues     []*queue
	messages   []*message
	recordings []*recording
	services   []*service
	lookups    map[string]Lookup
	fetched    map[string]bool // Play URLs that were good once
	requests   []Request
	problems   []error
	underway   int // webhooks on their way or due
	quiet      signal
	changed    signal // fired with the signals of all legs and phones
}

// Start opens a network on a free loopback port.
func Start(o Options) (*Network, error) {
	if o.AccountSID == "" {
		o.AccountSID = "AC0123456789abcdef0123456789abcdef"
	}
	if o.AuthToken == "" {
		o.AuthToken = "fedcba9876543210fedcba9876543210"
	}
	if !accountSID.MatchString(o.AccountSID) {
		return nil, fmt.Errorf("account SID %q: want AC and 32 hexadecimal digits", o.AccountSID)
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.WebhookTimeout == 0 {
		o.WebhookTimeout = 15 * time.Second
	}
	if o.HoldLoop == 0 {
		o.HoldLoop = 10 * time.Second
	}
	if o.MemberRefusal == 0 {
		o.MemberRefusal = http.StatusNotFound
	}
	if o.ScreenedStatus == "" {
		o.ScreenedStatus = statusCompleted
	}
	if o.EmptyRecording == "" {
		o.EmptyRecording = statusCompleted
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("telephone network: %w", err)
	}
	n := &Network{
		opts:    o,
		clock:   o.Clock,
		url:     "http://" + listener.Addr().String(),
		ids:     map[string]int{},
		numbers: map[string]*number{},
		phones:  map[string]*Phone{},
		legs:    map[string]*leg{},
		lookups: map[string]Lookup{},
		fetched: map[string]bool{},
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.client = n.newClient()
	var api http.Handler = http.HandlerFunc(n.serveREST)
	if o.Intercept != nil {
		api = o.Intercept(api)
	}
	n.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.Host, twilIO) {
				n.serveFile(w, r)
				return
			}
			api.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return n.ctx },
	}
	n.work.Add(1)
	go func() {
		defer n.work.Done()
		n.server.Serve(listener) // ends with ErrServerClosed
	}()
	return n, nil
}

// URL replaces scheme and host of every REST API of Twilio. What was deployed to
// a domain of twil.io is served there to requests with that domain as Host, and
// to the network's own webhooks.
func (n *Network) URL() string { return n.url }

// AccountSID returns the account the API belongs to.
func (n *Network) AccountSID() string { return n.opts.AccountSID }

// AuthToken returns the password of the API, which also signs the webhooks.
func (n *Network) AuthToken() string { return n.opts.AuthToken }

// Close cuts all calls and connections without another webhook and waits for
// every goroutine of the network.
func (n *Network) Close() error {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.cancel()
	err := n.server.Close()
	n.work.Wait()
	n.client.CloseIdleConnections()
	return err
}

// Problems returns what was reported so far, when Options.Problem is not set.
func (n *Network) Problems() []error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.problems)
}

// WaitQuiet waits until no webhook is on its way or due. Timers of the Clock
// that have not fired do not count, and a call that goes on may make the next
// webhook at any moment: wait for its place or its end first.
func (n *Network) WaitQuiet(ctx context.Context) error {
	return n.await(ctx, &n.quiet, func() (bool, error) { return n.underway == 0, nil })
}

// Busy reports whether WaitQuiet would wait.
func (n *Network) Busy() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.underway != 0
}

// Changed returns a channel that is closed when a call or a phone's messages next
// change. Whoever shows the network asks for it first and looks then.
func (n *Network) Changed() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.changed.wait()
}

// spawn runs f in a goroutine that Close waits for. After Close it does nothing.
func (n *Network) spawn(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.spawnLocked(f)
}

func (n *Network) spawnLocked(f func()) {
	if n.closed {
		return
	}
	n.work.Add(1)
	go func() {
		defer n.work.Done()
		f()
	}()
}

// dueLocked counts webhooks that are due (1) or done with (-1).
func (n *Network) dueLocked(change int) {
	n.underway += change
	if n.underway == 0 {
		n.quiet.fire()
	}
}

// problem reports a fault of the program under test. Not to be called under mu.
func (n *Network) problem(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if n.opts.Problem == nil {
		n.mu.Lock()
		n.problems = append(n.problems, err)
		n.mu.Unlock()
		return
	}
	n.hooks.Lock()
	defer n.hooks.Unlock()
	n.opts.Problem(err)
}

// idLocked makes the next SID of a kind: prefix and a number that counts up.
func (n *Network) idLocked(prefix string) string {
	n.ids[prefix]++
	return fmt.Sprintf("%s%032x", prefix, n.ids[prefix])
}

var errClosed = errors.New("the telephone network is closed")

// signal wakes everybody who waits for a change. Guarded by Network.mu.
type signal struct {
	ch chan struct{}
	up *signal // fired too; nil: none
}

func (s *signal) wait() <-chan struct{} {
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) fire() {
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
	if s.up != nil {
		s.up.fire()
	}
}

// await blocks until done, called under the lock after each signal, is true or fails.
func (n *Network) await(ctx context.Context, s *signal, done func() (bool, error)) error {
	for {
		n.mu.Lock()
		ok, err := done()
		ch := s.wait()
		n.mu.Unlock()
		if ok || err != nil {
			return err
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		case <-n.ctx.Done():
			return errClosed
		}
	}
}
