package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"pullphone/bot"
	"pullphone/cmd/pullphone/config"
)

// leashEnv has the service end with its standard input, whose other end is the demo: it must not outlive it, however that
// ends.
const leashEnv = "PULLPHONE_LEASH"

// serve runs the service until SIGTERM or SIGINT; a second signal cuts it short.
func serve(ctx context.Context, fs *flag.FlagSet, args []string, out io.Writer) error {
	cfg, _, err := configured(fs, args, 0)
	if err != nil {
		return err
	}
	log := newLog(os.Stderr, cfg.LogNumbers)
	if os.Getenv(leashEnv) != "" {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
	}
	signalled, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		<-signalled.Done()
		stop() // the next signal ends the process in the usual way, before anybody can see that this one was heard
		cancel()
	}()

	// Listen first: a taken port is an error before anything else is touched.
	public, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w; is another pullphone running, or another program on this port?", err)
	}
	defer public.Close()
	admin, err := net.Listen("tcp", cfg.AdminListen)
	if err != nil {
		return fmt.Errorf("admin_listen: %w; is another pullphone running, or another program on this port?", err)
	}
	defer admin.Close()
	db, err := storageOf(cfg).open(ctx, log)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := db.fits(ctx, team(cfg).Keys()); err != nil {
		return errors.Join(fmt.Errorf("store: %w", err), db.Close())
	}
	go func() {
		<-db.Failed()
		log.Error("the store failed; this process ends, so that the next one reads what is on the disk", "err", db.Failure())
		os.Exit(1)
	}()
	s, err := newService(ctx, cfg, db, clockwork.NewRealClock(), log)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	s.tend(db)
	fmt.Fprintf(out, "pullphone listens on %s for %s, admin on %s\n", public.Addr(), cfg.PublicURL, admin.Addr())
	return s.serve(ctx, public, newAdmin(s, db, cfg.AdminListen), admin, log)
}

// stopWithin is how long requests may take to finish when the server stops: as long as Twilio waits for one.
const stopWithin = 15 * time.Second

// leaveFor is how long a server that stops goes on to answer when others serve the same store: a load balancer that asks
// /healthz every second has by then turned to those. A connection that came in just before the end would be cut off.
const leaveFor = 3 * time.Second

// serve answers requests and does what is due until ctx ends. It stops in the order of need: nothing that is due is begun
// any more, what is under way ends, then requests, then the store. Requests are last because a caller who has just been
// pulled out of the queue is about to ask for what they hear next; what requests leave due is for the next process.
func (s *service) serve(ctx context.Context, public net.Listener, adminHandler http.Handler, admin net.Listener, log *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	front := server(answering(received(s.public, log), log), log)
	front.ConnContext = connected
	back := server(adminHandler, log)
	back.WriteTimeout = 0 // profiles and backups take their time
	var g errgroup.Group
	for srv, l := range map[*http.Server]net.Listener{front: &bounded{Listener: public, max: maxConnections}, back: admin} {
		g.Go(func() error {
			defer cancel() // one that cannot serve takes the other with it
			if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	var work errgroup.Group
	work.Go(func() error {
		defer cancel()
		return s.run(ctx)
	})

	<-ctx.Done()
	s.ready.stopping.Store(true)
	log.Info("stopping")
	left := time.After(s.takeLeave(context.WithoutCancel(ctx)))
	failed := work.Wait() // each deed has its own limit
	s.awaitFetches(context.WithoutCancel(ctx))
	<-left
	limit, done := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer done()
	for _, srv := range []*http.Server{front, back} {
		if srv.Shutdown(limit) != nil {
			srv.Close() // somebody listens to a voicemail, say
		}
	}
	return errors.Join(failed, g.Wait(), s.store.Close())
}

// takeLeave tells the servers of the same store, and load balancers, that they have to do without this one, and returns how
// long it answers on until they have heard it.
func (s *service) takeLeave(ctx context.Context) time.Duration {
	if !s.hasOthers() {
		return 0
	}
	ctx, cancel := context.WithTimeout(ctx, leaveFor)
	defer cancel()
	if err := s.store.Leave(ctx); err != nil { // they will ask Twilio what got lost, though nothing did
		s.log.Warn("others were not told that this process stops", "err", err)
	}
	return leaveFor
}

func (s *service) hasOthers() bool { return s.store.Living() > 1 }

// fetchWithin is how long a caller who has been pulled out of the queue may take to ask for the next document.
const fetchWithin = 3 * time.Second

// awaitFetches waits, but not for long, until nobody is between the queue and what they hear next.
func (s *service) awaitFetches(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	for {
		if moving, err := s.store.Moving(ctx); err != nil || !moving {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
}

func server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second, // Twilio waits no longer
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// answering answers every request, also one whose handler panics: an answer that breaks off would keep its sender
// waiting.
func answering(h http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler: // an answer that is meant to break off
				panic(p)
			default:
				log.Error("panic", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				http.Error(w, "unavailable", http.StatusInternalServerError)
			}
		}()
		h.ServeHTTP(w, r)
	})
}

// healthy says that requests may be sent here. Where others can take them, a server that stops says no, and one that cannot
// reach the store.
func (s *service) healthy(w http.ResponseWriter, r *http.Request) {
	if s.hasOthers() {
		why := s.ready.whyStore()
		if s.ready.stopping.Load() {
			why = whyStopping
		}
		if why != "" {
			http.Error(w, why, http.StatusServiceUnavailable)
			return
		}
	}
	healthz(w, r)
}

// healthz says that the process answers, and nothing else.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n") // a peer that has gone is not told
}

// underPrefix serves a handler under the path of public_url too: some proxies take that path off, others do not.
func underPrefix(publicURL string, h http.Handler) http.Handler {
	u, err := url.Parse(publicURL)
	prefix := ""
	if err == nil {
		prefix = strings.TrimSuffix(u.EscapedPath(), "/")
	}
	if prefix == "" {
		return h
	}
	stripped := http.StripPrefix(prefix, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.EscapedPath(), prefix+"/") {
			stripped.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func newSlack(cfg *config.Config, more ...slack.Option) *slack.Client {
	if t := cfg.Slack.AppToken.Reveal(); t != "" {
		more = append(more, slack.OptionAppLevelToken(t))
	}
	return bot.NewSlack(cfg.Slack.BotToken.Reveal(), cfg.Slack.APIURL, more...)
}
