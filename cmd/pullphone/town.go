package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/jonboulle/clockwork"

	"pullphone/bot/bottest"
	"pullphone/cmd/pullphone/config"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

// The people, the line and the callers of the demo. The numbers are of the range that North America keeps for fiction.
const (
	salesNumber  = "+12085550100"
	salesChannel = "C000SALES"
	annPhone     = "+12085550101"
	bobPhone     = "+12085550102"
	cyPhone      = "+12085550103"
	annSlack     = "U000ANN"
	bobSlack     = "U000BOB"
	cySlack      = "U000CY"
	janePhone    = "+12085550123"
	markPhone    = "+12085550145"
	kimPhone     = "+12085550167"
	leePhone     = "+12085550189" // withheld
	rosaPhone    = "+12065550156"
)

// town is a place in which pullphone can be used without an account anywhere: a telephone network and a Slack workspace
// on loopback, in which a line, a channel and two people are set up.
type town struct {
	net  *voicetest.Network
	work *bottest.Workspace

	listen, admin string // addresses that the server is to have
	store         string // path of its file
	people        string // more of them than Ann and Bob, as the config file has them
	listeners     [2]net.Listener
}

// newTown opens a town. The server's addresses are reserved by listening on them; see release.
func newTown(dir string, voice voicetest.Options, slack bottest.Options) (*town, error) {
	t := &town{store: filepath.Join(dir, "pullphone.db")}
	var err error
	if t.net, err = voicetest.Start(voice); err != nil {
		return nil, err
	}
	if t.work, err = bottest.Start(slack); err != nil {
		return nil, errors.Join(err, t.net.Close())
	}
	if err := t.reserve(func() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }); err != nil {
		return nil, errors.Join(err, t.close())
	}
	t.net.AddNumber(salesNumber)
	t.net.SetName(janePhone, "JANE DOE")
	t.work.AddChannel(bottest.Channel{ID: salesChannel, Name: "sales"})
	t.work.AddUser(bottest.User{ID: annSlack, Name: "Ann", TZ: "America/Boise"})
	t.work.AddUser(bottest.User{ID: bobSlack, Name: "Bob", TZ: "America/New_York"})
	return t, nil
}

// reserve listens on the server's addresses.
func (t *town) reserve(listen func() (net.Listener, error)) error {
	for i := range t.listeners {
		var err error
		if t.listeners[i], err = listen(); err != nil {
			return err
		}
	}
	t.listen, t.admin = t.listeners[0].Addr().String(), t.listeners[1].Addr().String()
	return nil
}

// steady gives the server other addresses, which stay free while it is down: their ports are some that the system gives to
// nobody who leaves the choice to it (Linux gives 32768 and up, others 49152 and up).
func (t *town) steady() error {
	t.release()
	return t.reserve(steadyPort)
}

// steadyPort listens on such a port.
func steadyPort() (l net.Listener, err error) {
	for range 1000 {
		port := 20000 + (os.Getpid()*37+int(lastPort.Add(1)))%12000
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			break
		}
	}
	return l, err
}

var lastPort atomic.Int32

// release gives up the reserved addresses, for a server that listens on them itself.
func (t *town) release() {
	for _, l := range t.listeners {
		if l != nil {
			l.Close()
		}
	}
}

func (t *town) close() error {
	t.release()
	return errors.Join(t.work.Close(), t.net.Close())
}

// yaml is the config file of the town's pullphone; more is added to its line.
func (t *town) yaml(more ...string) string {
	line := ""
	for _, m := range more {
		line += "    " + m + "\n"
	}
	return fmt.Sprintf(`public_url: http://%s
listen: %s
admin_listen: %s
store: bolt:%s
twilio:
  account_sid: %s
  auth_token: %s
  api_url: %s
slack:
  bot_token: %s
  signing_secret: %s
  api_url: %s
people:
  - {name: Ann, phone: "%s", slack: %s}
  - {name: Bob, phone: "%s", slack: %s}
%slines:
  - name: Sales
    number: "%s"
    channel: %s
%s`, t.listen, t.listen, t.admin, t.store, t.net.AccountSID(), t.net.AuthToken(), t.net.URL(),
		t.work.BotToken(), t.work.SigningSecret(), t.work.URL(),
		annPhone, annSlack, bobPhone, bobSlack, t.people, salesNumber, salesChannel, line)
}

// setUp does what whoever installs pullphone does: run setup, and give Slack the app's manifest.
func (t *town) setUp(ctx context.Context, cfg *config.Config, out io.Writer) error {
	if err := setUp(ctx, cfg, false, out); err != nil {
		return err
	}
	app, err := bottest.ReadManifest([]byte(manifestFor(cfg)))
	if err != nil {
		return err
	}
	t.work.Configure(app)
	return nil
}

// serve runs the town's pullphone in this process until ctx ends. ready is called once it can be called.
func (t *town) serve(ctx context.Context, cfg *config.Config, clock clockwork.Clock, log *slog.Logger, ready func(*store.Store)) error {
	db, err := storageOf(cfg).open(ctx, log)
	if err != nil {
		return err
	}
	s, err := newService(ctx, cfg, db, clock, log)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	s.bot.Haste = 1000 // this Slack has no limits, and nobody wants to wait for what they would be
	ready(s.store)
	return s.serve(ctx, t.listeners[0], newAdmin(s, db, t.listeners[1].Addr().String()), t.listeners[1], log)
}

// problems is what the network and the workspace found wrong with what pullphone did.
func (t *town) problems() error {
	var out []string
	for _, err := range append(t.net.Problems(), t.work.Problems()...) {
		out = append(out, err.Error())
	}
	if len(out) == 0 {
		return nil
	}
	return errors.New("the services object: " + strings.Join(out, "; "))
}
