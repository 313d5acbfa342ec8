// Package bot tells people and hears them, by Slack and by SMS.
//
// What is due: announce.go sends the SMS, of which texted.go hears what became; draw.go keeps each call's Slack message at the call's latest state, post.go
// posts voicemails, tell.go tells people what became of their answers. What comes in: sms.go, press.go and command.go turn texts,
// presses and slash commands into answers (answer.go). listen.go is the page behind a voicemail's link. Everything
// said to people stands in says.go.
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

	asides chan aside
}

// New makes a Bot of its parts, all of which must be set.
func New(b Bot) *Bot {
	b.asides = make(chan aside, 64)
	return &b
}

// NewSlack returns a Slack client. apiURL, when not empty, replaces https://slack.com/api/ and ends in a slash. The
// library's own client has no time limit.
func NewSlack(token, apiURL string, more ...slack.Option) *slack.Client {
	opts := append([]slack.Option{slack.OptionHTTPClient(&http.Client{Timeout: 8 * time.Second})}, more...)
	if apiURL != "" {
		opts = append(opts, slack.OptionAPIURL(apiURL))
	}
	return slack.New(token, opts...)
}

// Handle registers the webhooks, Twilio's behind verify, and the voicemail pages.
func (b *Bot) Handle(mux *http.ServeMux, verify func(http.Handler) http.Handler) {
	mux.Handle("POST "+SMSPath, verify(http.HandlerFunc(b.sms)))
	mux.Handle("POST "+statusPath, verify(http.HandlerFunc(b.texted)))
	mux.Handle("POST "+ActionsPath, b.fromSlack(b.action))
	mux.Handle("POST "+CommandPath, b.fromSlack(b.command))
	mux.HandleFunc("GET /voicemail/{call}/{n}/{expires}/{mac}", b.page)
	mux.HandleFunc("GET /voicemail/{call}/{n}/{expires}/{mac}/audio", b.audio)
}

// Run tells people what is due until ctx ends, and finishes what it had begun.
func (b *Bot) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, w := range []store.Work{b.texts(), b.pictures(), b.posts(), b.tells()} {
		g.Go(func() error { return b.Store.Run(ctx, w) })
	}
	g.Go(func() error { return b.runAsides(ctx) })
	if b.SocketMode {
		g.Go(func() error { return b.runSocket(ctx) })
	}
	return g.Wait()
}
