package bottest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pullphone/bot/bottest"

	"github.com/slack-go/slack"
)

func TestAuthTest(t *testing.T) {
	w := start(t, bottest.Options{})
	r, err := client(w).AuthTestContext(ctxOf(t))
	if err != nil || r.UserID != bottest.BotUserID || r.BotID != bottest.BotID || r.TeamID != bottest.TeamID || r.URL == "" {
		t.Fatalf("got %+v, %v", r, err)
	}
	if got := r.Header.Get("x-oauth-scopes"); got != "chat:write,commands,channels:read,channels:join,groups:read,channels:history,groups:history" {
		t.Errorf("scopes %q", got)
	}
	clean(t, w)
}

func TestTokens(t *testing.T) {
	w := start(t, bottest.Options{})
	ctx := ctxOf(t)
	auth := func(token string) error {
		_, err := slack.New(token, slack.OptionAPIURL(w.URL())).AuthTestContext(ctx)
		return err
	}
	code(t, auth("xoxb-other"), "invalid_auth")
	code(t, auth(""), "not_authed")
	code(t, auth(w.AppToken()), "not_allowed_token_type")
	for _, c := range []string{"", "token_revoked", "account_inactive"} {
		w.RevokeToken(c)
		want := c
		if c == "" {
			want = "invalid_auth"
		}
		code(t, auth(w.BotToken()), want)
	}
	w.RestoreToken()
	if err := auth(w.BotToken()); err != nil {
		t.Error(err)
	}
}

// The same call, with arguments and token in each of the ways they may travel.
func TestWaysArgumentsTravel(t *testing.T) {
	tests := map[string]struct {
		method, query, kind, body string
		header                    bool
		wantError, wantProblem    string
	}{
		"form, token as a field":    {method: "POST", kind: "application/x-www-form-urlencoded", body: "channel=C000SALES&text=hello&unfurl_links=false&unfurl_media=false&token=TOKEN"},
		"form, token in a header":   {method: "POST", kind: "application/x-www-form-urlencoded", body: "channel=C000SALES&text=hello&unfurl_links=0&unfurl_media=0", header: true},
		"JSON":                      {method: "POST", kind: "application/json; charset=utf-8", body: `{"channel":"C000SALES","text":"hello","unfurl_links":false,"unfurl_media":false,"thread_ts":null}`, header: true},
		"multipart":                 {method: "POST", kind: "multipart/form-data; boundary=X", body: "--X\r\nContent-Disposition: form-data; name=channel\r\n\r\nC000SALES\r\n--X\r\nContent-Disposition: form-data; name=text\r\n\r\nhello\r\n--X\r\nContent-Disposition: form-data; name=unfurl_links\r\n\r\nfalse\r\n--X\r\nContent-Disposition: form-data; name=unfurl_media\r\n\r\nfalse\r\n--X--\r\n", header: true},
		"query":                     {method: "GET", query: "channel=C000SALES&text=hello&unfurl_links=false&unfurl_media=false", header: true},
		"token in JSON":             {method: "POST", kind: "application/json", body: `{"token":"TOKEN","channel":"C000SALES","text":"hello"}`, wantError: "not_authed", wantProblem: "JSON body"},
		"token in the query":        {method: "POST", query: "token=TOKEN", kind: "application/x-www-form-urlencoded", body: "channel=C000SALES&text=hello", wantError: "not_authed", wantProblem: "query string"},
		"broken JSON":               {method: "POST", kind: "application/json", body: `{`, header: true, wantError: "invalid_json", wantProblem: "unexpected end"},
		"no type":                   {method: "POST", kind: "text/plain", body: "channel=C000SALES", header: true, wantError: "invalid_post_type", wantProblem: "content type"},
		"no UTF-8":                  {method: "POST", kind: "application/x-www-form-urlencoded", body: "channel=C000SALES&text=%ff", header: true, wantError: "invalid_charset", wantProblem: "UTF-8"},
		"broken form":               {method: "POST", kind: "application/x-www-form-urlencoded", body: "text=%zz", header: true, wantError: "invalid_form_data", wantProblem: "%zz"},
		"an argument twice":         {method: "POST", kind: "application/x-www-form-urlencoded", body: "channel=C000SALES&text=bye&text=hello&unfurl_links=0&unfurl_media=0", header: true, wantProblem: "sent 2 times"},
		"an unknown argument":       {method: "POST", kind: "application/x-www-form-urlencoded", body: "channel=C000SALES&text=hello&txet=x&unfurl_links=0&unfurl_media=0", header: true, wantProblem: `"txet"`},
		"a boolean that is none":    {method: "POST", kind: "application/x-www-form-urlencoded", body: "channel=C000SALES&text=hello&unfurl_links=0&unfurl_media=0&link_names=maybe", header: true, wantProblem: `"link_names"`},
		"a parse mode that is none": {method: "POST", kind: "application/x-www-form-urlencoded", body: "channel=C000SALES&text=hello&unfurl_links=0&unfurl_media=0&parse=some", header: true, wantProblem: `"some"`},
		"a missing argument":        {method: "POST", kind: "application/x-www-form-urlencoded", body: "text=hello", header: true, wantError: "invalid_arguments", wantProblem: `"channel" is missing`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := start(t, bottest.Options{})
			fill := strings.NewReplacer("TOKEN", w.BotToken())
			r, err := http.NewRequest(tt.method, w.URL()+"chat.postMessage?"+fill.Replace(tt.query), strings.NewReader(fill.Replace(tt.body)))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", tt.kind)
			if tt.header {
				r.Header.Set("Authorization", "Bearer "+w.BotToken())
			}
			resp, o := raw(t, r)
			got, _ := o["error"].(string)
			if resp.StatusCode != 200 || got != tt.wantError {
				t.Errorf("status %d, answer %v, want error %q", resp.StatusCode, o, tt.wantError)
			}
			if tt.wantError == "" {
				if m := w.Messages(sales); len(m) != 1 || m[0].Text != "hello" {
					t.Errorf("messages %+v", m)
				}
			}
			if tt.wantProblem != "" {
				problem(t, w, "chat.postMessage", tt.wantProblem)
			} else {
				clean(t, w)
			}
		})
	}
}

func TestMethodsThatAreNot(t *testing.T) {
	w := start(t, bottest.Options{})
	if _, o := form(t, w, "chat.shout", nil); o["ok"] != false || o["error"] != "unknown_method" {
		t.Errorf("got %v", o)
	}
	problem(t, w, "chat.shout")
	r, err := http.NewRequest(http.MethodPost, w.URL()+"conversations.info", strings.NewReader(`{"channel":"C000SALES"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.BotToken())
	if _, o := raw(t, r); o["error"] != "invalid_arguments" {
		t.Errorf("got %v", o)
	}
	problem(t, w, "takes no JSON")
	if _, o := form(t, w, "conversations.list", url.Values{"limit": {"many"}}); o["ok"] != true {
		t.Errorf("got %v", o)
	}
	problem(t, w, `"limit"`, "number")
}

func TestAPITest(t *testing.T) {
	w := start(t, bottest.Options{})
	_, o := form(t, w, "api.test", url.Values{"foo": {"bar"}})
	if args, _ := o["args"].(map[string]any); o["ok"] != true || args["foo"] != "bar" {
		t.Errorf("got %v", o)
	}
	if _, o = form(t, w, "api.test", url.Values{"error": {"my_error"}}); o["ok"] != false || o["error"] != "my_error" {
		t.Errorf("got %v", o)
	}
	clean(t, w)
}

func TestMissingScope(t *testing.T) {
	w := start(t, bottest.Options{Scopes: []string{"commands"}})
	w.AddChannel(bottest.Channel{ID: "C0PRIV", Name: "priv", Private: true, BotIsMember: true})
	api, ctx := client(w), ctxOf(t)
	_, _, err := api.PostMessageContext(ctx, sales, slack.MsgOptionText("x", false))
	if e := code(t, err, "missing_scope"); e.Needed != "chat:write" || e.Provided != "commands" {
		t.Errorf("needed %q, provided %q", e.Needed, e.Provided)
	}
	for needed, f := range map[string]func() error{
		"users:read":    func() error { _, err := api.GetUserInfoContext(ctx, ann); return err },
		"channels:join": func() error { _, _, _, err := api.JoinConversationContext(ctx, sales); return err },
		"channels:read": func() error {
			_, err := api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: sales})
			return err
		},
		"groups:read": func() error {
			_, err := api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: "C0PRIV"})
			return err
		},
		"channels:history": func() error {
			_, err := api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{ChannelID: sales})
			return err
		},
		"im:write": func() error {
			_, _, _, err := api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{ann}})
			return err
		},
		"reactions:write": func() error { return api.AddReactionContext(ctx, "eyes", slack.NewRefToMessage(sales, "1.1")) },
	} {
		if e := code(t, f(), "missing_scope"); e.Needed != needed {
			t.Errorf("needed %q, want %q", e.Needed, needed)
		}
	}
}

func TestInterceptTraceAndProblem(t *testing.T) {
	var kinds []string
	var told []error
	fail := false
	w := start(t, bottest.Options{
		Trace:   func(e bottest.Event) { kinds = append(kinds, e.Kind) },
		Problem: func(err error) { told = append(told, err) },
		Intercept: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if fail {
					rw.WriteHeader(http.StatusServiceUnavailable)
					_, _ = io.WriteString(rw, "{}")
					return
				}
				next.ServeHTTP(rw, r)
			})
		},
	})
	form(t, w, "api.test", nil)
	form(t, w, "chat.shout", nil)
	if got := strings.Join(kinds, " "); got != "call reply call reply" {
		t.Errorf("trace %s", got)
	}
	if len(told) != 1 {
		t.Errorf("told %v", told)
	}
	fail = true
	if resp, _ := form(t, w, "api.test", nil); resp.StatusCode != http.StatusServiceUnavailable || len(w.Requests()) != 2 {
		t.Errorf("status %d", resp.StatusCode)
	}
}
