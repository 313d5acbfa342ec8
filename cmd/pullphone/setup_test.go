package main

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"pullphone/bot/bottest"
	"pullphone/store/bolt"
	"pullphone/voice"
	"pullphone/voice/voicetest"
)

// shortSID finds the SIDs of the network's first few things.
var shortSID = regexp.MustCompile(`([A-Z]{2})0{31}([0-9a-f])`)

// changes are the requests with which the program changed something at Twilio or in Slack.
func (h *harness) changes() []string {
	var out []string
	for _, r := range h.net.Requests() {
		if r.Method != http.MethodGet {
			out = append(out, r.Method+" "+shortSID.ReplaceAllString(r.Path, "$1$2"))
		}
	}
	for _, r := range h.work.Requests() {
		switch r.Method {
		case "auth.test", "conversations.info", "conversations.list":
		default:
			out = append(out, r.Method)
		}
	}
	return out
}

// another writes a config file that differs from the harness's.
func (h *harness) another(old, new string) (file string) {
	h.t.Helper()
	y, err := os.ReadFile(h.file)
	h.must(err)
	if !strings.Contains(string(y), old) {
		h.t.Fatalf("no %q in the config file", old)
	}
	file = h.file + ".other.yml"
	h.must(os.WriteFile(file, []byte(strings.Replace(string(y), old, new, 1)), 0o600))
	return file
}

func TestSetup(t *testing.T) {
	t.Parallel()
	h := open(t, options{})
	url := "http://" + h.listen

	bare := h.net.Number(salesNumber)
	code, out, errs := runs(h.ctx, "setup", "--config", h.file, "--dry-run")
	equal(t, "dry run", code, 0)
	for _, want := range []string{
		"would set  " + salesNumber + " voice URL: none, to be " + url + "/twilio/voice",
		"would set  " + salesNumber + " voice fallback URL: none, to be GET https://pullphone-….twil.io/12085550100/message-",
		"would set  " + salesNumber + " status callback: none, to be " + url + "/twilio/status",
		"would set  " + salesNumber + " SMS URL: none, to be " + url + "/twilio/sms",
		"would set  " + salesNumber + " SMS fallback URL: none, to be " + url + "/twilio/sms",
		"would join  the Slack channel " + salesChannel,
		"Interactivity must go to " + url + "/slack/actions and /pull to " + url + "/slack/commands",
	} {
		contains(t, "dry run", out, want)
	}
	equal(t, "errors of the dry run", errs, "")
	equal(t, "what the dry run changed", strings.Join(h.changes(), ", "), "")
	equal(t, "number after the dry run", h.net.Number(salesNumber), bare)

	code, out, _ = runs(h.ctx, "setup", "--config", h.file)
	equal(t, "setup", code, 0)
	contains(t, "setup", out, "set        "+salesNumber+" voice URL")
	contains(t, "setup", out, "joined   the Slack channel "+salesChannel)
	equal(t, "number", h.net.Number(salesNumber), voicetest.NumberConfig{
		FriendlyName: bare.FriendlyName, VoiceURL: url + "/twilio/voice", VoiceMethod: "POST", VoiceFallbackURL: h.deployed(), VoiceFallbackMethod: "GET",
		StatusCallback: url + "/twilio/status", StatusCallbackMethod: "POST",
		SMSURL: url + "/twilio/sms", SMSMethod: "POST", SMSFallbackURL: url + "/twilio/sms", SMSFallbackMethod: "POST",
	})
	changed := h.changes()
	equal(t, "what setup changed", strings.Join(changed, ", "), "POST /v1/Services, POST /v1/Services/ZS1/Environments, "+
		"POST /v1/Services/ZS1/Assets, POST /v1/Services/ZS1/Assets/ZH1/Versions, POST /v1/Services/ZS1/Assets, POST /v1/Services/ZS1/Assets/ZH2/Versions, "+
		"POST /v1/Services/ZS1/Builds, POST /v1/Services/ZS1/Environments/ZE1/Deployments, POST /2010-04-01/Accounts/"+h.net.AccountSID()+"/IncomingPhoneNumbers/PN1.json, conversations.join")

	code, out, _ = runs(h.ctx, "setup", "--config", h.file)
	equal(t, "again", code, 0)
	contains(t, "again", out, "ok       "+salesNumber+" points here already")
	contains(t, "again", out, "ok       pullphone is in the Slack channel "+salesChannel)
	equal(t, "what was changed again", len(h.changes()), len(changed))

	// Somebody has changed one thing by hand.
	n := h.net.Number(salesNumber)
	n.SMSMethod = "GET"
	h.net.Configure(salesNumber, n)
	code, out, _ = runs(h.ctx, "setup", "--config", h.file)
	equal(t, "after a change by hand", code, 0)
	contains(t, "after a change by hand", out, "SMS URL: GET "+url+"/twilio/sms, to be "+url+"/twilio/sms")
	equal(t, "method", h.net.Number(salesNumber).SMSMethod, "POST")
	equal(t, "what was mended", len(h.changes()), len(changed)+1)
}

func TestSetupCannot(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		old, new string // in the config file
		change   func(h *harness)
		want     string
	}{
		{name: "unknown number", old: `number: "` + salesNumber, new: `number: "+12085550188`,
			want: "FAILED   +12085550188: the Twilio account has no such number; buy it in the console, or correct the line Sales"},
		{name: "TwiML app", change: func(h *harness) {
			h.net.Configure(salesNumber, voicetest.NumberConfig{VoiceApplicationSID: "AP" + strings.Repeat("0", 32)})
		},
			want: "FAILED   " + salesNumber + ": a TwiML app or SIP trunk is set for this number"},
		{name: "wrong token", old: "auth_token: ", new: "auth_token: a1", want: "FAILED   " + salesNumber + ": twilio: "},
		{name: "no channel", old: "channel: " + salesChannel, new: "channel: C0NONE", want: "FAILED   Slack channel C0NONE of Sales: channel_not_found"},
		{name: "no channel of the name", old: "channel: " + salesChannel, new: `channel: "#none"`, want: "FAILED   Slack channel #none of Sales: no channel #none that pullphone can see"},
		{name: "archived", change: func(h *harness) { h.work.SetArchived(salesChannel, true) }, want: "FAILED   Slack channel " + salesChannel + " of Sales is archived"},
		{name: "private", change: func(h *harness) {
			h.work.AddChannel(bottest.Channel{ID: salesChannel, Name: "sales", Private: true})
		}, want: "/invite @pullphone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := open(t, options{})
			file := h.file
			if tt.new != "" {
				file = h.another(tt.old, tt.new)
			}
			if tt.change != nil {
				tt.change(h)
			}
			code, out, errs := runs(h.ctx, "setup", "--config", file)
			equal(t, "exit code", code, 1)
			contains(t, "output", out, tt.want)
			equal(t, "errors", errs, "pullphone: setup: 1 of the steps above failed; mend them and run it again\n")
		})
	}
	t.Run("#name", func(t *testing.T) {
		t.Parallel()
		h := open(t, options{})
		code, out, _ := runs(h.ctx, "setup", "--config", h.another("channel: "+salesChannel, `channel: "#sales"`))
		equal(t, "exit code", code, 0)
		contains(t, "output", out, "joined   the Slack channel #sales")
	})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const stopped = true
	_, thanks := voice.AwayFiles("", salesNumber, "")
	deaf := "https://pullphone-1000.twil.io" + thanks.Path
	for _, tt := range []struct {
		name     string
		stopped  bool     // no server runs
		old, new string   // in the config file
		slack    []string // scopes, when not all
		change   func(h *harness)
		good     bool
		want     []string
	}{
		{name: "all is well", good: true, want: []string{"ok   config: is complete: 1 lines, 2 people", "ok   store: the running server writes to bolt:", "ok   twilio: account AC", "ok   number " + salesNumber + ": points here",
			"ok   fallback of " + salesNumber + ": takes messages when this server cannot be reached", "ok   slack: signed in as pullphone", "ok   slack scopes: all granted", "ok   channel " + salesChannel + ": pullphone is in it", "ok   public_url: http://"}},
		{name: "no server", stopped: stopped, good: true, want: []string{"will be made when the server starts", "note public_url: ", "no server runs; start it and check again"}},
		{name: "wrong Twilio token", old: "auth_token: ", new: "auth_token: a1", want: []string{"BAD  twilio: ", "check twilio.account_sid and twilio.auth_token"}},
		{name: "unknown number", old: `number: "` + salesNumber, new: `number: "+12085550188`, want: []string{"BAD  number +12085550188: is not in the account; buy it in the console, or correct the line Sales"}},
		{name: "number points elsewhere", change: func(h *harness) {
			n := h.net.Number(salesNumber)
			n.VoiceURL = "https://elsewhere.example/voice"
			h.net.Configure(salesNumber, n)
		}, want: []string{"BAD  number " + salesNumber + ": voice URL: https://elsewhere.example/voice, to be http://", "; run pullphone setup"}},
		{name: "fallback of other words", old: "    channel:", new: "    voicemail_greeting: Speak.\n    channel:", good: true,
			want: []string{"points here", "note fallback of " + salesNumber + ": is not that of this config file; run pullphone setup"}},
		{name: "fallback is gone", change: func(h *harness) { setFallback(h, "https://pullphone-1.twil.io/12085550100/message-0.xml") }, good: true,
			want: []string{"points here", "note fallback of " + salesNumber + ": is not that of this config file; run pullphone setup"}},
		{name: "fallback is somebody else's", change: func(h *harness) { setFallback(h, "https://elsewhere.example/f.xml") },
			want: []string{"BAD  number " + salesNumber + ": voice fallback URL: GET https://elsewhere.example/f.xml, to be http://", "; run pullphone setup"}},
		{name: "fallback_url takes no message", old: "    channel:", new: "    fallback_url: " + deaf + "\n    channel:", change: func(h *harness) { setFallback(h, deaf) }, good: true,
			want: []string{"points here", "note fallback of " + salesNumber + ": " + deaf + ": it is no TwiML document with a Record in it: "}},
		{name: "fallback_url is no TwiML", old: "    channel:", new: "    fallback_url: https://pullphone-1.twil.io/f.xml\n    channel:", change: func(h *harness) { setFallback(h, "https://pullphone-1.twil.io/f.xml") }, good: true,
			want: []string{"points here", "note fallback of " + salesNumber + ": https://pullphone-1.twil.io/f.xml: GET is answered by HTTP 404: when this server cannot be reached, callers hear an error; correct fallback_url"}},
		{name: "TwiML app", change: func(h *harness) {
			n := h.net.Number(salesNumber)
			n.SMSApplicationSID = "AP" + strings.Repeat("0", 32)
			h.net.Configure(salesNumber, n)
		}, want: []string{"BAD  number " + salesNumber + ": has a TwiML app", "take it off in the console"}},
		{name: "wrong Slack token", change: func(h *harness) { h.work.RevokeToken("") }, want: []string{"BAD  slack: invalid_auth; check slack.bot_token"}},
		{name: "missing scope", slack: []string{"chat:write", "commands", "channels:read"}, want: []string{"BAD  slack scopes: channels:join, groups:read not granted; bring the app up to pullphone manifest"}},
		{name: "not in the channel", change: func(h *harness) { h.work.SetBotMember(salesChannel, false) }, want: []string{"BAD  channel " + salesChannel + ": pullphone is not in it; run pullphone setup"}},
		{name: "archived channel", change: func(h *harness) { h.work.SetArchived(salesChannel, true) }, want: []string{"BAD  channel " + salesChannel + ": is archived; choose another for Sales"}},
		{name: "no such channel", change: func(h *harness) { h.work.RemoveChannel(salesChannel) }, want: []string{"BAD  channel " + salesChannel + ": channel_not_found; invite pullphone there"}},
		{name: "shared channel", change: func(h *harness) {
			h.work.AddChannel(bottest.Channel{ID: salesChannel, Name: "sales", BotIsMember: true, ExtShared: true})
		}, good: true, want: []string{"note channel " + salesChannel + ": is shared with another organisation"}},
		{name: "public_url leads nowhere", old: "public_url: http://", new: "public_url: http://127.0.0.1:9/", want: []string{"BAD  public_url: http://127.0.0.1:9/", "let DNS and the reverse proxy lead it to"}},
		{name: "store in use", stopped: stopped, change: func(h *harness) {
			db, err := bolt.Open(h.town.store)
			h.must(err)
			h.t.Cleanup(func() { h.must(db.Close()) })
		}, want: []string{"BAD  store: ", "in use by another process; is pullphone already running?"}},
		{name: "store damaged", stopped: stopped, change: func(h *harness) {
			h.must(os.WriteFile(h.town.store, []byte(strings.Repeat("no store at all ", 4096)), 0o600))
		}, want: []string{"BAD  store: ", "is damaged or no store of pullphone", "put a backup in its place"}},
		{name: "store of another kind", stopped: stopped, old: "store: bolt:", new: "store: etcd://h:2379/p #", want: []string{"BAD  store: etcd://h:2379/p: etcd does not answer"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := open(t, options{slack: bottest.Options{SigningSecret: "8f742231b10e8888abcd99baba5185a5"}}) // unlike anything that is shown
			h.must(h.setUp(h.ctx, h.cfg, &strings.Builder{}))
			if !tt.stopped {
				h.start()
			} else {
				h.release()
			}
			file := h.file
			if tt.new != "" {
				file = h.another(tt.old, tt.new)
			}
			if tt.slack != nil {
				h.work.Configure(bottest.App{Scopes: tt.slack})
			}
			if tt.change != nil {
				tt.change(h)
			}
			before := len(h.changes())
			code, out, errs := runs(h.ctx, "check", "--config", file)
			if want := map[bool]int{true: 0, false: 1}[tt.good]; code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
			for _, want := range tt.want {
				contains(t, "output", out, want)
			}
			equal(t, "errors", errs, "") // it has said itself what is wrong
			for line := range strings.Lines(out) {
				if bad := strings.HasPrefix(line, "BAD "); tt.good && bad {
					t.Errorf("all is well, but: %s", line)
				}
			}
			equal(t, "what check changed", len(h.changes()), before)
			for _, secret := range []string{h.net.AuthToken(), h.work.BotToken(), h.work.SigningSecret()} {
				if strings.Contains(out, secret) {
					t.Errorf("the output has a secret: %s", out)
				}
			}
		})
	}
}

func setFallback(h *harness, url string) {
	n := h.net.Number(salesNumber)
	n.VoiceFallbackURL = url
	h.net.Configure(salesNumber, n)
}

// regexp2Engine reads the patterns of Slack's schema, which Go's own engine does not: they look ahead.
func regexp2Engine(s string) (jsonschema.Regexp, error) {
	re, err := regexp2.Compile(s, regexp2.ECMAScript)
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = time.Second
	return pattern{re}, nil
}

type pattern struct{ *regexp2.Regexp }

func (p pattern) MatchString(s string) bool {
	ok, err := p.Regexp.MatchString(s)
	return ok && err == nil
}

// The manifest is one that Slack takes.
func TestManifestIsValid(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1.0.0", "2.0.0"} {
		c := jsonschema.NewCompiler()
		c.UseRegexpEngine(regexp2Engine)
		schema, err := c.Compile("testdata/manifest.schema." + version + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"request URLs": manifest(placeholder, false), "socket": manifest(placeholder, true)} {
			var m any
			if err := yaml.Unmarshal([]byte(text), &m); err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(m); err != nil {
				t.Errorf("%s, schema %s: %v", name, version, err)
			}
			// The test can fail.
			m.(map[string]any)["setings"] = true
			if schema.Validate(m) == nil {
				t.Errorf("%s, schema %s: a misspelt key is valid", name, version)
			}
		}
	}
	// Slack's own limits and colours, which the schema does not check.
	var m struct {
		Display struct {
			Name, Description string
			Color             string `yaml:"background_color"`
		} `yaml:"display_information"`
	}
	if err := yaml.Unmarshal([]byte(manifest(placeholder, false)), &m); err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^#[0-9a-f]{6}$`).MatchString(m.Display.Color) || len(m.Display.Name) > 35 || len(m.Display.Description) > 140 {
		t.Errorf("display_information: %+v", m.Display)
	}
}

// Every URL that Slack and Twilio are told of is served, and asks for a signature.
func TestURLsAreServed(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	code, out, errs := runs(h.ctx, "manifest", "--config", h.file)
	if code != 0 || out != manifest(h.cfg.PublicURL, false) {
		t.Fatalf("manifest: %d, %s\n%s", code, errs, out)
	}
	inManifest := regexp.MustCompile(`url: (\S+)`).FindAllStringSubmatch(out, -1)
	if len(inManifest) != 2 {
		t.Errorf("URLs of the manifest: %v", inManifest)
	}
	for _, u := range inManifest {
		res, _ := h.get("POST", u[1], nil)
		equal(t, u[1], res.StatusCode, http.StatusUnauthorized)
	}
	n := h.net.Number(salesNumber)
	urls := []string{n.VoiceURL, h.cfg.PublicURL + voice.FallbackPath, n.StatusCallback, n.SMSURL, n.SMSFallbackURL}
	if slices.Contains(urls, "") {
		t.Errorf("setup left a URL out: %v", urls)
	}
	for _, u := range urls {
		res, _ := h.get("POST", u, nil)
		equal(t, u, res.StatusCode, http.StatusForbidden)
		res, _ = h.get("GET", u, nil)
		equal(t, "GET "+u, res.StatusCode, http.StatusMethodNotAllowed)
	}
}
