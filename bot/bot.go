// Package bot tells people and hears them, by Slack and by SMS.
//
// What is due: announce.go sends the SMS, of which texted.go hears what became; draw.go keeps each call's Slack message at
// the call's latest state (message.go, status.go), mention.go asks the channel to take one, handover.go gives whoever
// talks a button; post.go posts voicemails, unpost.go deletes messages, tell.go tells people what became of their answers.
// What comes in: sms.go, press.go and command.go turn texts, presses and slash commands into answers (answer.go);
// missed.go finds the texts that never reached us. listen.go is the page behind a voicemail's link. Everything said to
// people stands in says.go.
package bot

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// The paths that Twilio and Slack are told of.
const (
	SMSPath     = "/twilio/sms"
	ActionsPath = "/slack/actions"
	CommandPath = "/slack/commands"

	statusPath = SMSPath + "/status" // told with each SMS
)

// Bot tells the team of calls and takes their answers.
type Bot struct {
	Store         *store.Store
	Twilio        *twilio.Client
	Slack         *slack.Client
	PublicURL     string // what Twilio can reach, without a trailing slash
	SigningSecret string // of Slack's requests; where it is empty, Slack's paths refuse everything
	SocketMode    bool   // presses and commands come through a connection that the Slack client opens
	Links         Links
	Log           *slog.Logger

	// Haste is how many times Slack's limits are used: 0 and 1 keep to them. It is for workspaces that have no limits.
	Haste float64

	asides    chan aside
	listeners chan struct{} // has one for each who listens to a voicemail
	pacer     *pacer
	finder    *finder
	troubles  *troubles
}

// New makes a Bot of its parts, all of which must be set.
func New(b Bot) *Bot {
	b.asides, b.listeners = make(chan aside, 64), make(chan struct{}, 16)
	b.pacer = &pacer{factor: &b.Haste, among: b.Store.Living, buckets: map[string]*bucket{}, ids: map[string]string{}}
	b.finder = &finder{channels: map[string]*found{}, unmarked: map[string]bool{}}
	b.troubles = &troubles{of: map[string]trouble{}}
	return &b
}

// AnswerWithin is how long a request of Slack's may be worked on: Slack shows an error of its own after three seconds
// (docs.slack.dev/interactivity/handling-user-interaction), and the word that it did not work takes a moment to get there.
const AnswerWithin = 2500 * time.Millisecond

// SlackTimeout bounds one request to Slack. The library's own client has no time limit.
const SlackTimeout = 8 * time.Second

// NewSlack returns a Slack client. apiURL, when not empty, replaces https://slack.com/api/ and ends in a slash.
func NewSlack(token, apiURL string, more ...slack.Option) *slack.Client {
	opts := append([]slack.Option{slack.OptionHTTPClient(&http.Client{Timeout: SlackTimeout})}, more...)
	if apiURL != "" {
		opts = append(opts, slack.OptionAPIURL(apiURL))
	}
	return slack.New(token, opts...)
}

// Handle registers the webhooks, Twilio's behind verify, Slack's with bounded behind their own check, and the
// voicemail pages.
func (b *Bot) Handle(mux *http.ServeMux, verify, bounded func(http.Handler) http.Handler) {
	mux.Handle("POST "+SMSPath, verify(http.HandlerFunc(b.sms)))
	mux.Handle("POST "+statusPath, verify(http.HandlerFunc(b.texted)))
	mux.Handle("POST "+ActionsPath, b.fromSlack(bounded(http.HandlerFunc(b.action))))
	mux.Handle("POST "+CommandPath, b.fromSlack(bounded(http.HandlerFunc(b.command))))
	mux.HandleFunc("GET /voicemail/{call}/{n}/{expires}/{mac}", b.page)
	mux.HandleFunc("GET /voicemail/{call}/{n}/{expires}/{mac}/audio", b.audio)
}

// Run tells people what is due until ctx ends, and finishes what it had begun.
func (b *Bot) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, w := range []store.Work{b.texts(), b.lists(), b.pictures(), b.posts(), b.tells(), b.unposts(), b.mentions(), b.offers()} {
		g.Go(func() error { return b.Store.Run(ctx, w) })
	}
	g.Go(func() error { return b.runAsides(ctx) })
	if b.SocketMode {
		g.Go(func() error { return b.runSocket(ctx) })
	}
	return g.Wait()
}
