// Package bottest is a Slack workspace on a loopback port, in the manner of net/http/httptest: it speaks Slack's Web
// API, keeps channels, people and messages, and has the verbs of the people in it, who press buttons and type slash
// commands. What it sends is signed as Slack signs; what it receives is held against Slack's own description of its
// interface and Slack's documented limits, and every violation is a Problem.
//
// It reads and writes Slack's wire format with code of its own and shares nothing with the program under test, so that
// a mistake there is not mirrored here. It links no test library: a shipped binary may run on it.
package bottest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"
)

// Identities of the one workspace, its bot and the app installed in it. The signs are made up in Slack's form.
const (
	TeamID     = "T0BOTTEST1"
	TeamDomain = "bottest"
	AppID      = "A0BOTTEST1"
	BotID      = "B0BOTTEST1"
	BotUserID  = "U0BOTTEST1"
	BotName    = "pullphone"
)

// Credentials used where Options gives none. They open nothing outside this package.
const (
	DefaultBotToken      = "xoxb-000000000001-000000000002-bottestbottestbottestbot"
	DefaultAppToken      = "xapp-1-A0BOTTEST1-000000000003-bottest"
	DefaultSigningSecret = "0123456789abcdef0123456789abcdef"
)

// Options is how a workspace behaves. The zero value is a workspace that enforces no rate limits.
type Options struct {
	BotToken      string // "xoxb-…"; default DefaultBotToken
	AppToken      string // "xapp-…", for Socket Mode; default DefaultAppToken
	SigningSecret string // default DefaultSigningSecret

	// Clock gives message timestamps, request timestamps, the life of trigger IDs and response URLs, and the windows of
	// the rate limits. Default: the real one. The time an answer takes is always real.
	Clock clockwork.Clock

	// Patience is how long the program under test may take to answer a press, a command or an event before the
	// connection is cut. Default 3 s, which is Slack's (docs.slack.dev/interactivity/handling-user-interaction).
	Patience time.Duration

	// Problem is called for every violation, besides its being kept for Problems. It may be called from several
	// goroutines, though never from two at once, and may read the workspace.
	Problem func(error)

	// Limits enforces Slack's rate limits with 429 and Retry-After: one message a second and channel after a short
	// burst, and each method's tier.
	Limits bool

	// Trace is called for everything that crosses the wire, one at a time and in order. It must not make the workspace
	// send anything.
	Trace func(Event)

	// Intercept wraps the whole HTTP side, to inject faults.
	Intercept func(http.Handler) http.Handler

	// Scopes are the granted bot scopes. Default: DefaultScopes.
	Scopes []string
}

// DefaultScopes are the scopes granted unless Options or a manifest says otherwise.
func DefaultScopes() []string {
	return []string{"chat:write", "commands", "channels:read", "channels:join", "groups:read", "channels:history", "groups:history"}
}

// Workspace is a running Slack workspace. All its methods may be called from any goroutine.
type Workspace struct {
	opt    Options
	clock  clockwork.Clock
	server *http.Server
	host   string // host:port
	out    *http.Client
	done   chan struct{} // closed by Close
	wg     sync.WaitGroup

	problemMu sync.Mutex // guards problems
	problems  []error
	toldMu    sync.Mutex // held while Options.Problem runs
	traceMu   sync.Mutex // held while Options.Trace runs

	mu      sync.Mutex    // guards everything below
	changed chan struct{} // closed and replaced at every change
	ids     ids
	state
}

// state is what the workspace remembers.
type state struct {
	app        App
	scopes     []string
	revoked    string // Slack's code for every use of the bot token, "" while it is good
	channels   map[string]*Channel
	users      map[string]*User
	userOrder  []string
	chanOrder  []string
	names      map[string]string // of users and channels by ID; replaced, never changed
	messages   map[string][]*Message
	ephemerals map[string][]*Message
	views      map[string]*View  // by ID
	homes      map[string]string // user to view ID
	modals     map[string]string // user to view ID
	triggers   map[string]*trigger
	responders map[string]*responder // by path
	requests   []Request
	last       *sent
	limits     limits
	sockets    []*socket
	tickets    map[string]bool
}

// Start opens the workspace on a free loopback port, with no channels and nobody in it but the bot.
func Start(o Options) (*Workspace, error) {
	if o.BotToken == "" {
		o.BotToken = DefaultBotToken
	}
	if o.AppToken == "" {
		o.AppToken = DefaultAppToken
	}
	if o.SigningSecret == "" {
		o.SigningSecret = DefaultSigningSecret
	}
	if o.Clock == nil {
		o.Clock = clockwork.NewRealClock()
	}
	if o.Patience == 0 {
		o.Patience = 3 * time.Second
	}
	if o.Scopes == nil {
		o.Scopes = DefaultScopes()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bottest: %w", err)
	}
	w := &Workspace{
		opt:     o,
		clock:   o.Clock,
		host:    l.Addr().String(),
		done:    make(chan struct{}),
		changed: make(chan struct{}),
		state: state{
			scopes:     slices.Clone(o.Scopes),
			channels:   map[string]*Channel{},
			users:      map[string]*User{},
			messages:   map[string][]*Message{},
			ephemerals: map[string][]*Message{},
			views:      map[string]*View{},
			homes:      map[string]string{},
			modals:     map[string]string{},
			triggers:   map[string]*trigger{},
			responders: map[string]*responder{},
			tickets:    map[string]bool{},
		},
	}
	// Slack follows redirects of event deliveries only; here a redirect is an answer like any other, and not a 200.
	w.out = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 16},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	w.AddUser(User{ID: BotUserID, Name: BotName, Bot: true})
	var h http.Handler = w.routes()
	if o.Intercept != nil {
		h = o.Intercept(h)
	}
	w.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	w.wg.Go(func() {
		if err := w.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			w.problem(fmt.Errorf("bottest: %w", err))
		}
	})
	return w, nil
}

// URL is the base of the Web API. It ends in /api/.
func (w *Workspace) URL() string { return "http://" + w.host + "/api/" }

// BotToken is the token the Web API accepts.
func (w *Workspace) BotToken() string { return w.opt.BotToken }

// AppToken is the app-level token that apps.connections.open accepts.
func (w *Workspace) AppToken() string { return w.opt.AppToken }

// SigningSecret is the secret that requests to the program are signed with.
func (w *Workspace) SigningSecret() string { return w.opt.SigningSecret }

// Close cuts every connection, stops the server and waits for its goroutines. What was recorded can still be read.
func (w *Workspace) Close() error {
	w.mu.Lock()
	select {
	case <-w.done:
		w.mu.Unlock()
		return nil
	default:
	}
	close(w.done)
	sockets := slices.Clone(w.sockets)
	w.mu.Unlock()
	for _, s := range sockets {
		s.close()
	}
	err := w.server.Close()
	w.wg.Wait()
	w.out.CloseIdleConnections()
	return err
}

// Problems returns the violations seen so far, in order.
func (w *Workspace) Problems() []error {
	w.problemMu.Lock()
	defer w.problemMu.Unlock()
	return slices.Clone(w.problems)
}

// problem records violations. It must not be called with w.mu held, since Options.Problem may use the workspace.
func (w *Workspace) problem(errs ...error) {
	for _, err := range errs {
		w.problemMu.Lock()
		w.problems = append(w.problems, err)
		w.problemMu.Unlock()
		if w.opt.Problem != nil {
			w.toldMu.Lock()
			w.opt.Problem(err)
			w.toldMu.Unlock()
		}
	}
}

// Changed returns a channel that is closed when something in the workspace next changes. Whoever shows the workspace asks for
// it first and looks then.
func (w *Workspace) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// change wakes those who wait. It must be called with w.mu held.
func (w *Workspace) change() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// wait calls look, with w.mu held, now and after every change, until it says yes or ctx ends.
func (w *Workspace) wait(ctx context.Context, look func() bool) error {
	for {
		w.mu.Lock()
		found := look()
		next := w.changed
		w.mu.Unlock()
		if found {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
