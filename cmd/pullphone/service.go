package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"pullphone/bot"
	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/voice"
	"pullphone/voice/twilio"
)

// service is pullphone without its listeners: what serve runs, and the demo and the tests as well.
type service struct {
	store  *store.Store
	phone  *voice.Phone
	bot    *bot.Bot
	public http.Handler

	upkeep  func(context.Context) error // of the store, until ctx ends; may be nil
	ready   *readiness
	metrics *metrics
	log     *slog.Logger
}

// For tests: haste, in which more happens than Slack's limits let anybody see in time; leisure, on machines that are slow, is
// how many times longer a webhook may be worked on.
var (
	haste   float64
	leisure time.Duration = 1
)

// newService wires the parts over a backend, which belongs to the service unless an error is returned.
func newService(ctx context.Context, cfg *config.Config, backend store.Backend, clock clockwork.Clock, log *slog.Logger) (*service, error) {
	tw, err := twilio.New(cfg.Twilio.AccountSID, cfg.Twilio.AuthToken.Reveal(), cfg.Twilio.APIURL)
	if err != nil {
		return nil, err
	}
	links, err := bot.NewLinks(cfg.PublicURL, cfg.Twilio.AuthToken.Reveal())
	if err != nil {
		return nil, fmt.Errorf("key of the voicemail links: %w", err)
	}
	st, err := store.Open(ctx, backend, team(cfg), clock, log)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", cfg.Store, err)
	}
	skew := newSkew(clock)
	m := newMetrics()
	tw.Transport = m.service("twilio", skew.listen("Twilio", tw.Transport))
	s := &service{
		store: st, metrics: m,
		phone: &voice.Phone{Store: st, Twilio: tw, PublicURL: cfg.PublicURL, Retention: cfg.Retention, Log: log},
		bot: bot.New(bot.Bot{
			Store: st, Twilio: tw, Slack: newSlack(cfg, slack.OptionHTTPClient(&http.Client{
				Timeout: bot.SlackTimeout, Transport: m.service("slack", skew.listen("Slack", http.DefaultTransport)),
			})), PublicURL: cfg.PublicURL, Haste: haste,
			SigningSecret: cfg.Slack.SigningSecret.Reveal(), SocketMode: cfg.Slack.AppToken.Reveal() != "", Links: links, Log: log,
		}),
		ready: &readiness{store: st, started: clock.Now(), skew: skew},
		log:   log,
	}
	s.ready.trouble = func(context.Context) []string { return s.bot.Trouble() }
	mux := http.NewServeMux()
	bounded := atWork()
	verify := func(h http.Handler) http.Handler {
		return twilio.Verify(cfg.PublicURL, cfg.Twilio.AuthToken.Reveal(), log, s.noted(bounded(within(leisure*twilioAnswer, h))))
	}
	s.phone.Handle(mux, verify)
	s.bot.Handle(mux, verify, func(h http.Handler) http.Handler { return bounded(within(leisure*bot.AnswerWithin, h)) })
	mux.HandleFunc("GET /healthz", s.healthy)
	s.public = underPrefix(cfg.PublicURL, s.metrics.webhooks(mux))
	return s, nil
}

// noted looks at the answers to Twilio's webhooks: of one that was not taken, no second word may come.
func (s *service) noted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		taken := false // should it panic
		defer func() {
			if !taken {
				s.store.Refused()
			}
		}()
		answer := &status{ResponseWriter: w, code: http.StatusOK}
		h.ServeHTTP(answer, r)
		taken = answer.code < http.StatusInternalServerError
	})
}

// tend has the service do what the storage of its store needs, and tell what is amiss there.
func (s *service) tend(db database) {
	s.upkeep = db.upkeep
	s.ready.trouble = func(ctx context.Context) []string { return append(db.troubles(ctx), s.bot.Trouble()...) }
}

// run does what is due until ctx ends, and finishes what it had begun.
func (s *service) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.store.Alive(ctx) })
	g.Go(func() error { return s.store.TakeOver(ctx) })
	g.Go(func() error { return s.store.Deadlines(ctx) })
	g.Go(func() error { return s.store.RunRules(ctx) })
	g.Go(func() error { return s.store.Retain(ctx) })
	g.Go(func() error { return s.phone.Run(ctx) })
	g.Go(func() error { return s.bot.Run(ctx) })
	g.Go(func() error { return s.catchUp(ctx) })
	if s.upkeep != nil {
		g.Go(func() error { return s.upkeep(ctx) })
	}
	return g.Wait()
}

// team gives the config's people and lines in the store's words.
func team(cfg *config.Config) store.Team {
	t := store.Team{Lookup: cfg.Twilio.Lookup, Retention: cfg.Retention}
	for _, p := range cfg.People {
		t.People = append(t.People, store.Person{Name: p.Name, Phone: p.Phone, Slack: p.Slack, PIN: p.PIN.Reveal()})
	}
	for _, l := range cfg.Lines {
		var keywords []store.Keyword
		for _, k := range l.Keywords {
			keywords = append(keywords, store.Keyword(k))
		}
		t.Lines = append(t.Lines, store.Line{
			Name: l.Name, Number: l.Number, Country: l.Country(), Channel: l.Channel, People: l.People,
			Greeting: l.Greeting, HoldMusic: l.HoldMusic, VoicemailGreeting: l.VoicemailGreeting,
			MaxWait: l.MaxWait, RingTimeout: l.RingTimeout, Accept: l.Accept, No: store.No(l.No),
			DialIn: store.DialIn(l.DialIn), Hours: openingHours(l.Hours), Escalate: steps(l.Escalate),
			Keywords: keywords,
		})
	}
	return t
}

func steps(in []config.EscalateStep) []store.Step {
	var out []store.Step
	for _, s := range in {
		out = append(out, store.Step{After: s.After, People: s.People, Here: s.Mention == "here"})
	}
	slices.SortStableFunc(out, func(a, b store.Step) int { return cmp.Compare(a.After, b.After) })
	return out
}

func openingHours(h *config.Hours) *store.Hours {
	if h == nil {
		return nil
	}
	out := &store.Hours{Location: h.Location, Closed: h.Closed}
	for _, s := range h.Open {
		out.Spans = append(out.Spans, store.Span(s))
	}
	return out
}
