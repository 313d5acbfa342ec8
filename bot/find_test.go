package bot

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"pullphone/bot/bottest"
	"pullphone/store"
)

// lost are the ways in which Slack's word on a request can be lost.
var lost = map[string]func(w http.ResponseWriter){
	"reset":          func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	"500":            func(w http.ResponseWriter) { w.WriteHeader(500) },
	"502 HTML":       func(w http.ResponseWriter) { w.WriteHeader(502); fmt.Fprint(w, "<html>") },
	"200 HTML":       func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") },
	"not ok":         func(w http.ResponseWriter) { fmt.Fprint(w, `{"ok": false}`) },
	"internal_error": func(w http.ResponseWriter) { fmt.Fprint(w, `{"ok": false, "error": "internal_error"}`) },
}

// losing has Slack's word on every request of a method lost, after it was carried out or instead of that.
func (r *room) losing(which string, carriedOut bool, answer func(http.ResponseWriter)) {
	r.failing(func(w http.ResponseWriter, req *http.Request, method string) bool {
		if method != which {
			return false
		}
		if carriedOut {
			r.api.ServeHTTP(httptest.NewRecorder(), req)
		}
		answer(w)
		return true
	})
}

// A message of which Slack's word was lost is looked for before it is posted again, and taken over if it is there. Where
// the channel cannot be read it is posted again; where Slack cannot be asked, neither.
func TestFind(t *testing.T) {
	post := func(r *room, c store.Call, doubt bool) error {
		_, err := r.post(r.ctx, store.Deed{Kind: store.Post, Call: c.ID, Whom: c.Voice[0].SID, Doubt: doubt})
		return err
	}
	draw := func(r *room, c store.Call, doubt bool) error {
		after, err := r.draw(r.ctx, store.Deed{Kind: store.Draw, Call: c.ID, Doubt: doubt})
		if err == nil && !after(&c) && !slices.ContainsFunc(r.work.Messages(channel), func(m bottest.Message) bool {
			return c.Message == store.Message{Channel: channel, TS: m.TS, Rev: c.Rev}
		}) {
			r.Errorf("kept as %+v", c.Message)
		}
		return err
	}
	for name, answer := range lost {
		for _, carriedOut := range []bool{true, false} {
			for _, readable := range []bool{true, false} {
				for kind, do := range map[string]func(*room, store.Call, bool) error{"draw": draw, "post": post} {
					t.Run(fmt.Sprintf("%s/carried out %t/readable %t/%s", name, carriedOut, readable, kind), func(t *testing.T) {
						r := open(t, someTeam())
						if !readable {
							r.work.Configure(bottest.App{Scopes: []string{"chat:write", "channels:read"}})
						}
						c := r.arrive("CA1")
						r.work.Say(ann, channel, "Who takes this one?")
						c, err := r.Store.RecordingReady(r.ctx, c.ID, "RE00000000000000000000000000000001", 17)
						r.no(err)
						r.losing("chat.postMessage", carriedOut, answer)
						if err := do(r, c, false); !inDoubt(err) {
							t.Fatalf("the first try: %v", err)
						}
						// Slack answers nothing at all: nothing is posted on suspicion.
						r.failing(func(w http.ResponseWriter, _ *http.Request, _ string) bool { w.WriteHeader(503); return true })
						posts := r.count("chat.postMessage")
						if err := do(r, c, true); err == nil || r.count("chat.postMessage") != posts {
							t.Errorf("while Slack is down: %v, %d posts", err, r.count("chat.postMessage")-posts)
						}
						r.failing(nil)
						r.clock.Advance(time.Minute)
						r.no(do(r, c, true))
						want := 1
						if carriedOut && !readable {
							want = 2
						}
						all := slices.DeleteFunc(r.work.Messages(channel), func(m bottest.Message) bool { return m.Via == bottest.ViaPerson })
						if len(all) != want {
							t.Fatalf("%d messages, not %d", len(all), want)
						}
						if carriedOut && readable && kind == "draw" && all[0].Updates != 1 {
							t.Error("what was found is not brought up to date")
						}
						if warned := strings.Contains(r.log.String(), "the channel cannot be read"); warned == readable {
							t.Errorf("warned: %t", warned)
						}
						for _, m := range all {
							if m.Metadata.EventType == "" || fmt.Sprint(m.Metadata.EventPayload) != fmt.Sprintf("map[id:%s]", map[string]string{"draw": string(c.ID), "post": string(c.ID) + "/0"}[kind]) {
								t.Errorf("metadata %+v", m.Metadata)
							}
						}
					})
				}
			}
		}
	}
}

// One look, to the last page, finds all that there is to find; a post that ends in doubt afterwards is looked for anew.
// A message that was deleted since is none.
func TestFindOnce(t *testing.T) {
	r := open(t, someTeam())
	var calls []store.Call
	r.losing("chat.postMessage", true, lost["reset"])
	for i := range 3 {
		calls = append(calls, r.arrive(fmt.Sprint("CA", i)))
		r.clock.Advance(time.Minute)
		if _, err := r.draw(r.ctx, store.Deed{Call: calls[i].ID}); err == nil {
			t.Fatal("no error")
		}
	}
	r.failing(nil)
	for range 450 {
		r.work.Say(bob, channel, "Busy here.")
	}
	draw := func(c store.Call, messages, reads int) {
		t.Helper()
		r.clock.Advance(time.Minute)
		_, err := r.draw(r.ctx, store.Deed{Call: c.ID, Doubt: true})
		r.no(err)
		all := slices.DeleteFunc(r.work.Messages(channel), func(m bottest.Message) bool { return m.Via == bottest.ViaPerson })
		if len(all) != messages || r.count("conversations.history") != reads {
			t.Errorf("%d messages after %d reads", len(all), r.count("conversations.history"))
		}
	}
	draw(calls[0], 3, 3)
	draw(calls[1], 3, 3)
	r.work.DeleteMessage(channel, r.work.Messages(channel)[2].TS)
	draw(calls[2], 4, 3) // found gone
	late := r.arrive("CA9")
	r.losing("chat.postMessage", true, lost["reset"])
	if _, err := r.draw(r.ctx, store.Deed{Call: late.ID}); err == nil {
		t.Fatal("no error")
	}
	r.failing(nil)
	draw(late, 5, 6)
	for _, req := range r.work.Requests() {
		if req.Method == "conversations.history" && req.Args["oldest"] == "" {
			t.Errorf("the whole history is asked for: %v", req.Args)
		}
	}
}

// Where the look for a doubted message is turned away, or met by what is no answer of Slack's, the message is posted
// again, once; where Slack may let it look soon, it is not.
func TestFindTurnedAway(t *testing.T) {
	status := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code); fmt.Fprint(w, "<html>") }
	}
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter)
		again  bool // posted
	}{
		"400": {status(400), true}, "404": {status(404), true}, "200 HTML": {status(200), true},
		"408": {status(408), false}, "429": {status(429), false}, "503": {status(503), false},
		"reset": {lost["reset"], false},
	} {
		for _, method := range []string{"conversations.history", "conversations.list"} {
			for _, kind := range []store.Kind{store.Draw, store.Post} {
				t.Run(fmt.Sprint(name, " ", method, " ", kind), func(t *testing.T) {
					team := someTeam()
					if method == "conversations.list" {
						team.Lines[0].Channel = "#sales"
					}
					r := open(t, team)
					c := r.arrive("CA1")
					c, err := r.Store.RecordingReady(r.ctx, c.ID, "RE1", 17)
					r.no(err)
					do := map[store.Kind]func(context.Context, store.Deed) (func(*store.Call) bool, error){store.Draw: r.draw, store.Post: r.post}[kind]
					d := store.Deed{Kind: kind, Call: c.ID, Whom: "RE1"}
					r.losing("chat.postMessage", true, lost["reset"])
					if _, err := do(r.ctx, d); !inDoubt(err) {
						t.Fatalf("the first try: %v", err)
					}
					r.losing(method, false, tt.answer)
					d.Doubt = true
					after, err := do(r.ctx, d)
					if (err == nil) != tt.again {
						t.Fatalf("the second try: %v", err)
					}
					want := 1
					if tt.again {
						want = 2
						after(&c)
						if at := map[store.Kind]store.Message{store.Draw: c.Message, store.Post: c.Voice[0].Message}[kind]; at.TS != r.work.Messages(channel)[1].TS {
							t.Errorf("kept as %+v", at)
						}
					}
					if n := len(r.work.Messages(channel)); n != want {
						t.Errorf("%d messages, not %d", n, want)
					}
				})
			}
		}
	}
}

// Where Slack takes no metadata a message is posted without.
func TestNoMetadata(t *testing.T) {
	for _, code := range []string{"invalid_metadata_format", "invalid_metadata_schema", "metadata_must_be_sent_from_app", "metadata_too_large"} {
		r := open(t, someTeam())
		r.failing(func(w http.ResponseWriter, req *http.Request, method string) bool {
			if method != "chat.postMessage" {
				return false
			}
			r.no(req.ParseForm())
			if req.PostForm.Get("metadata") == "" {
				return replay(r, w, req)
			}
			fmt.Fprintf(w, `{"ok": false, "error": %q}`, code)
			return true
		})
		for i := range 2 {
			if m := r.drawn(r.arrive(fmt.Sprint("CA", i))); m.Metadata.EventType != "" || len(m.Buttons()) != 2 {
				t.Errorf("%s: %+v", code, m)
			}
		}
		if n := r.count("chat.postMessage"); n != 3 {
			t.Errorf("%s: %d requests for 2 messages", code, n)
		}
	}
}

// replay lets Slack have a request whose form was read.
func replay(r *room, w http.ResponseWriter, req *http.Request) bool {
	again := httptest.NewRequest(http.MethodPost, req.URL.String(), strings.NewReader(req.PostForm.Encode()))
	again.Header = req.Header
	r.api.ServeHTTP(w, again)
	return true
}

// A line's channel may be given by its name: it is looked up to be read.
func TestFindByName(t *testing.T) {
	team := someTeam()
	team.Lines[0].Channel = "#sales"
	r := open(t, team)
	c := r.arrive("CA1")
	r.losing("chat.postMessage", true, lost["reset"])
	if _, err := r.draw(r.ctx, store.Deed{Call: c.ID}); err == nil {
		t.Fatal("no error")
	}
	r.failing(nil)
	_, err := r.draw(r.ctx, store.Deed{Call: c.ID, Doubt: true})
	r.no(err)
	if n := len(r.work.Messages(channel)); n != 1 {
		t.Errorf("%d messages", n)
	}
	if _, err := Channel(r.ctx, r.Slack, "#none"); fmt.Sprint(err) != "no channel #none that pullphone can see" {
		t.Error(err)
	}
	if _, err := r.find(r.ctx, "#none", callMark(c), c.Arrived, ""); err != nil {
		t.Errorf("what cannot be found holds up what is to be posted: %v", err)
	}
}

// What was certainly not carried out is not looked for.
func TestCertainlyNot(t *testing.T) {
	r := open(t, someTeam())
	c := r.arrive("CA1")
	r.Slack = NewSlack("xoxb-1", "http://127.0.0.1:1/api/", slack.OptionHTTPClient(http.DefaultClient))
	_, err := r.draw(r.ctx, store.Deed{Call: c.ID})
	if later, ok := err.(*store.Later); !ok || later.After != 0 || later.Err == nil {
		t.Errorf("%+v", err)
	}
}

// What another process has posted before it died is found, though the channel was read before; and for all that it left the
// channel is read once.
func TestFindWhatAnotherPosted(t *testing.T) {
	r := open(t, someTeam())
	other := New(Bot{Store: r.Store, Twilio: r.Twilio, Slack: r.Slack, PublicURL: r.PublicURL, Links: r.Links, Log: r.Bot.Log})
	draw := func(b *Bot, d store.Deed) {
		t.Helper()
		d.Kind = store.Draw
		_, err := b.draw(r.ctx, d)
		r.no(err)
	}
	draw(r.Bot, store.Deed{Call: r.arrive("CA0").ID, Doubt: true})
	var calls []store.Call
	for i := range 4 {
		c := r.arrive(fmt.Sprint("CA1", i))
		calls = append(calls, c)
		if i < 3 { // the last one it had reserved, and did not come to it
			draw(other, store.Deed{Call: c.ID})
		}
		r.clock.Advance(2 * time.Second)
	}
	reads, posts := r.count("conversations.history"), r.count("chat.postMessage")
	for i, left := range []string{"a/1", "b/1", "a/1", "b/1"} {
		draw(r.Bot, store.Deed{Call: calls[i].ID, Doubt: true, Left: left})
	}
	if reads, posts = r.count("conversations.history")-reads, r.count("chat.postMessage")-posts; reads != 2 || posts != 1 {
		t.Errorf("%d reads, %d posts", reads, posts)
	}
}
