package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"pullphone/bot/bottest"
	"pullphone/cmd/pullphone/config"
	"pullphone/cmd/pullphone/page"
	"pullphone/voice/voicetest"
)

// showPage serves the demo's page until SIGTERM, SIGINT, or the end of its terminal.
func showPage(ctx context.Context, listen string, out io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("demo: %w; choose another address with --listen, 127.0.0.1:0 for any free port", err)
	}
	defer l.Close()
	dir, err := os.MkdirTemp("", "pullphone-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := newPagedTown(ctx, dir, page.Speech, out)
	if err != nil {
		return err
	}
	address, err := fromHere(l.Addr().String())
	if err != nil {
		return errors.Join(err, p.close())
	}
	address = "http://" + address + "/"
	fmt.Fprintf(out, "The demo is at %s (Ctrl-C ends it)\n", address)
	openBrowser(address)
	return errors.Join(p.Serve(ctx, l, asked(p.Handler(), []string{listen})), p.close())
}

// pagedTown is a town with a page, whose pullphone is a process of its own.
type pagedTown struct {
	*town
	*page.Page
}

// newPagedTown opens it and starts the server in it. speech is how long it takes to say something on the phone.
func newPagedTown(ctx context.Context, dir string, speech func(string) time.Duration, out io.Writer) (*pagedTown, error) {
	wire := new(page.Wire)
	faults := &page.Faults{Wire: wire}
	// A page of another site can send requests to this machine, also to the network and the workspace.
	ours := func(next http.Handler) http.Handler { return asked(http.NewCrossOriginProtection().Handler(next), nil) }
	t, err := newTown(dir, voicetest.Options{Trace: wire.Voice, Speech: speech, AuthToken: rand.Text(),
		Intercept: func(next http.Handler) http.Handler { return ours(faults.Voice(next)) },
	}, bottest.Options{Trace: wire.Slack, BotToken: "xoxb-" + rand.Text(), AppToken: "xapp-" + rand.Text(), SigningSecret: rand.Text(),
		Intercept: func(next http.Handler) http.Handler { return ours(faults.Slack(next)) },
	})
	if err != nil {
		return nil, err
	}
	wire.Hide(t.net.AuthToken(), t.work.BotToken(), t.work.AppToken(), t.work.SigningSecret())
	p := &pagedTown{town: t}
	file, err := p.prepare(ctx, dir)
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	wire.Clear() // what set the town up is no part of the story
	self, err := os.Executable()
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	p.Page = &page.Page{
		Net: t.net, Work: t.work, Wire: wire, Faults: faults,
		Server: &page.Server{
			URL: "http://" + t.listen, Trouble: out,
			Command: func() *exec.Cmd {
				cmd := exec.Command(self, "serve", "--config", file)
				cmd.Env = append(os.Environ(), leashEnv+"=1")
				return cmd
			},
		},
		Line:    page.Line{Name: "Sales", Number: salesNumber},
		Channel: page.Channel{ID: salesChannel, Name: "sales"},
		Callers: []page.Caller{
			{Name: "Jane Doe", City: "Boise, ID", Phone: janePhone, Info: voicetest.CallerInfo{City: "BOISE", State: "ID", Country: "US"}},
			{Name: "Mark", City: "Nampa, ID", Phone: markPhone, Info: voicetest.CallerInfo{City: "NAMPA", State: "ID", Country: "US"}},
			{Name: "Lee", Phone: leePhone, Info: voicetest.CallerInfo{From: "anonymous"}},
			{Name: "Kim", City: "Twin Falls, ID", Phone: kimPhone, Info: voicetest.CallerInfo{City: "TWIN FALLS", State: "ID", Country: "US"}},
			{Name: "Rosa Diaz", City: "Seattle, WA", Phone: rosaPhone, Info: voicetest.CallerInfo{City: "SEATTLE", State: "WA", Country: "US"}},
		},
		Team: []page.Teammate{{Name: "Ann", Phone: annPhone, Slack: annSlack}, {Name: "Bob", Phone: bobPhone, Slack: bobSlack}, {Name: "Cy", Phone: cyPhone, Slack: cySlack}},
	}
	if err := p.Server.Start(); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return p, nil
}

// prepare sets up the town's pullphone, and returns its config file.
func (p *pagedTown) prepare(ctx context.Context, dir string) (file string, err error) {
	if err := p.steady(); err != nil {
		return "", err
	}
	p.release() // the server listens there itself, each time it starts
	p.net.SetName(rosaPhone, "ROSA DIAZ")
	p.work.AddUser(bottest.User{ID: cySlack, Name: "Cy", TZ: "America/Boise"})
	p.people = fmt.Sprintf("  - {name: Cy, phone: %q, slack: %s}\n", cyPhone, cySlack)
	file = filepath.Join(dir, "pullphone.yml")
	// Newcomers take their time, and do not want to wait long for somebody who does not pick up.
	y := p.yaml("max_wait: 10m", "ring_timeout: 10s")
	if err := os.WriteFile(file, []byte(y), 0o600); err != nil {
		return "", err
	}
	cfg, err := config.Load(file, os.LookupEnv)
	if err != nil {
		return "", err
	}
	var said strings.Builder
	if err := p.setUp(ctx, cfg, &said); err != nil {
		return "", fmt.Errorf("%s%w", said.String(), err)
	}
	return file, nil
}

func (p *pagedTown) close() error {
	return errors.Join(p.Server.Kill(), p.town.close())
}

// openBrowser opens an address in the browser where there is one. Whether it does matters to nobody: the address is printed.
func openBrowser(address string) {
	var cmd *exec.Cmd
	switch {
	case os.Getenv("BROWSER") == "none":
		return
	case runtime.GOOS == "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", address)
	case runtime.GOOS == "darwin":
		cmd = exec.Command("open", address)
	case os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		return
	default:
		cmd = exec.Command("xdg-open", address)
	}
	apart(cmd)
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
}
