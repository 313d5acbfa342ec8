package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

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

	ready   *readiness
	metrics *metrics
	log     *slog.Logger
}

// haste is for tests in which more happens than Slack's limits let anybody see in time.
var haste float64

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
		return nil, err
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
	s.ready.trouble = s.bot.Trouble
	mux := http.NewServeMux()
	bounded := atWork()
	verify := func(h http.Handler) http.Handler {
		return twilio.Verify(cfg.PublicURL, cfg.Twilio.AuthToken.Reveal(), log, bounded(h))
	}
	s.phone.Handle(mux, verify)
	s.bot.Handle(mux, verify, bounded)
	mux.HandleFunc("GET /healthz", healthz)
	s.public = underPrefix(cfg.PublicURL, s.metrics.webhooks(mux))
	return s, nil
}

// run does what is due until ctx ends, and finishes what it had begun.
func (s *service) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.store.Alive(ctx) })
	g.Go(func() error { return s.store.Deadlines(ctx) })
	g.Go(func() error { return s.store.RunRules(ctx) })
	g.Go(func() error { return s.store.Retain(ctx) })
	g.Go(func() error { return s.phone.Run(ctx) })
	g.Go(func() error { return s.bot.Run(ctx) })
	g.Go(func() error { return s.catchUp(ctx) })
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
