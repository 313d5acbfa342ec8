package voicetest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/voice/voicetest"
)

func TestRequestsAreHeldAgainstTheDescription(t *testing.T) {
	hook := "https://phone.example.com/x"
	for _, c := range []struct {
		name, method, path string
		form               url.Values
		status             int
		problem            string // empty: a good request
	}{
		{"good message", "POST", "Messages.json", url.Values{"To": {mobile}, "From": {line}, "Body": {"x"}, "ValidityPeriod": {"120"}}, 201, ""},
		{"misspelt parameter", "POST", "Messages.json", url.Values{"To": {mobile}, "From": {line}, "Body": {"x"}, "StatusCallbak": {hook}}, 201, "StatusCallbak: CreateMessage has no such parameter"},
		{"misspelt query", "GET", "Calls.json?Statuss=completed", nil, 200, "Statuss: ListCall has no such parameter in the query"},
		{"missing parameter", "POST", "Messages.json", url.Values{"From": {line}, "Body": {"x"}}, 400, `To: property "To" is missing`},
		{"missing alternative", "POST", "Messages.json", url.Values{"To": {mobile}, "Body": {"x"}}, 400, "one of From, MessagingServiceSid"},
		{"nothing to say", "POST", "Messages.json", url.Values{"To": {mobile}, "From": {line}}, 400, "one of Body, MediaUrl"},
		{"not a number", "POST", "Messages.json", url.Values{"To": {"208-555-0101"}, "From": {line}, "Body": {"x"}}, 400, "E.164"},
		{"not an integer", "POST", "Messages.json", url.Values{"To": {mobile}, "From": {line}, "Body": {"x"}, "ValidityPeriod": {"2m"}}, 400, "ValidityPeriod: path ValidityPeriod: value 2m: an invalid integer"},
		{"not a boolean", "POST", "Messages.json", url.Values{"To": {mobile}, "From": {line}, "Body": {"x"}, "SmartEncoded": {"yes"}}, 400, "SmartEncoded: path SmartEncoded: value yes: an invalid boolean"},
		{"given twice", "POST", "Messages.json", url.Values{"To": {mobile, second}, "From": {line}, "Body": {"x"}}, 400, "given 2 times"},
		{"enum", "GET", "Calls.json?Status=ended", nil, 400, "Status: value is not one of"},
		{"out of range", "GET", "Calls.json?PageSize=5000", nil, 400, "PageSize: number must be at most 1000"},
		{"method of a call", "POST", "Calls.json", url.Values{"To": {mobile}, "From": {line}, "Url": {hook}, "Method": {"PUT"}}, 400, "Method: value is not one of"},
		{"no document for a call", "POST", "Calls.json", url.Values{"To": {mobile}, "From": {line}}, 400, "one of Url, Twiml"},
		{"relative URL", "POST", "Queues/QU00000000000000000000000000000001/Members/Front.json", url.Values{"Url": {"/taken"}}, 400, "not an absolute"},
		{"SID of the wrong kind", "GET", "Calls/RE00000000000000000000000000000001.json", nil, 404, "Sid: string doesn't match"},
		{"unknown path", "GET", "Conferences.json", nil, 404, "no such path"},
		{"unknown method", "DELETE", "Queues.json", nil, 405, "no such method"},
		{"two documents", "POST", "Calls/CALL.json", url.Values{"Url": {hook}, "Twiml": {"<Response/>"}}, 400, "exclude each other"},
		{"not played", "DELETE", "IncomingPhoneNumbers/PN00000000000000000000000000000001.json", nil, 501, "does not play DeleteIncomingPhoneNumber"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := start(t, voicetest.Options{})
			call := queued(n)
			status, v := n.rest(c.method, strings.ReplaceAll(c.path, "CALL", call.SID()), c.form)
			call.Hangup()
			n.quiet()
			expect(t, "status", status, c.status)
			if status >= 400 {
				expect(t, "status in the body", v["status"], float64(status))
			}
			switch p := n.problems(); {
			case c.problem == "" && p != "", !strings.Contains(p, c.problem):
				t.Errorf("problems %q, want %q", p, c.problem)
			}
		})
	}
}

func TestAuthenticationAndUnknown(t *testing.T) {
	n := start(t, voicetest.Options{})
	r, _ := http.NewRequestWithContext(n.ctx, "GET", n.URL()+"/2010-04-01/Accounts/"+n.AccountSID()+".json", nil)
	r.SetBasicAuth(n.AccountSID(), "wrong")
	resp, err := http.DefaultClient.Do(r)
	n.no(err)
	resp.Body.Close()
	expect(t, "wrong token", resp.StatusCode, 401)
	status, v := n.rest("GET", "Calls/CA00000000000000000000000000000099.json", nil)
	expect(t, "unknown call", status, 404)
	expect(t, "code", v["code"], 20404.0)
	status, _ = n.rest("GET", "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json", nil)
	expect(t, "foreign account", status, 404)
	status, _ = n.rest("GET", "/2010-04-01/Accounts/"+n.AccountSID()+".json", nil)
	expect(t, "account", status, 200)
	requests := n.Requests()
	expect(t, "requests", len(requests), 4)
	expect(t, "first", requests[0].Status, 401)
}

func TestNumbers(t *testing.T) {
	n := start(t, voicetest.Options{})
	sid := n.AddNumber("+12085550177")
	_, v := n.rest("GET", "IncomingPhoneNumbers.json?PhoneNumber=%2B12085550177", nil)
	list := v["incoming_phone_numbers"].([]any)
	expect(t, "found", len(list), 1)
	expect(t, "SID", list[0].(map[string]any)["sid"], sid)
	status, _ := n.rest("POST", "IncomingPhoneNumbers/"+sid+".json", url.Values{"VoiceFallbackUrl": {"https://x.example.com/"}})
	expect(t, "fallback alone", status, 400)
	status, _ = n.rest("POST", "IncomingPhoneNumbers/"+sid+".json", url.Values{"VoiceUrl": {n.app.server.URL + "/voice"},
		"StatusCallback": {n.app.server.URL + "/ended"}, "SmsUrl": {"https://x.example.com/sms"}, "VoiceCallerIdLookup": {"true"}})
	expect(t, "update", status, 200)
	expect(t, "SMS URL", n.Number("+12085550177").SMSURL, "https://x.example.com/sms")
	n.app.on("/voice", "<Say>hi</Say>")
	n.no(n.Phone(caller).Call("+12085550177", voicetest.CallerInfo{Name: "DOE JANE"}).WaitEnd(n.ctx))
	expect(t, "CallerName", n.app.got("/voice")[0].form.Get("CallerName"), "DOE JANE")
	_, v = n.rest("GET", "IncomingPhoneNumbers/"+sid+".json", nil)
	expect(t, "number", v["phone_number"], "+12085550177")
	n.quiet()
}

func TestPaging(t *testing.T) {
	n := start(t, voicetest.Options{})
	for _, name := range []string{"a", "b", "c"} {
		n.rest("POST", "Queues.json", url.Values{"FriendlyName": {name}})
	}
	next, names := "Queues.json?PageSize=2", ""
	for pages := 0; next != "" && pages < 5; pages++ {
		_, v := n.rest("GET", next, nil)
		for _, q := range v["queues"].([]any) {
			names += q.(map[string]any)["friendly_name"].(string)
		}
		next, _ = v["next_page_uri"].(string)
	}
	expect(t, "names", names, "abc")
	_, v := n.rest("GET", "Queues.json", nil)
	path := "Queues/" + v["queues"].([]any)[0].(map[string]any)["sid"].(string) + ".json"
	_, v = n.rest("POST", path, url.Values{"MaxSize": {"7"}})
	expect(t, "update", v["max_size"], 7.0)
	status, _ := n.rest("DELETE", path, nil)
	expect(t, "delete", status, 204)
	status, _ = n.rest("GET", path, nil)
	expect(t, "gone", status, 404)
}

func TestCallsListed(t *testing.T) {
	n := start(t, voicetest.Options{})
	c, leg := dialing(n)
	leg.Decline()
	n.no(c.WaitEnd(n.ctx))
	_, v := n.rest("GET", "Calls.json?ParentCallSid="+c.SID(), nil)
	child := v["calls"].([]any)[0].(map[string]any)
	expect(t, "child", child["sid"], leg.SID())
	expect(t, "status", child["status"], "busy")
	_, v = n.rest("GET", "Calls/"+c.SID()+".json", nil)
	expect(t, "parent", v["status"], "completed")
	n.quiet()
}

func TestLookup(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock})
	path := "/v2/PhoneNumbers/" + url.PathEscape(caller) + "?Fields=caller_name"
	name := func(v map[string]any) any { return v["caller_name"].(map[string]any)["caller_name"] }
	_, v := n.rest("GET", path, nil)
	expect(t, "unknown", name(v), "")
	n.SetName(caller, "DOE JANE")
	_, v = n.rest("GET", path, nil)
	expect(t, "name", name(v), "DOE JANE")
	n.SetLookup(caller, voicetest.Lookup{Status: 503})
	status, _ := n.rest("GET", path, nil)
	expect(t, "failure", status, 503)
	n.SetLookup(caller, voicetest.Lookup{Name: "SLOW", Delay: time.Hour})
	done := make(chan any)
	go func() {
		_, v := n.rest("GET", path, nil)
		done <- name(v)
	}()
	n.no(clock.BlockUntilContext(n.ctx, 1))
	clock.Advance(time.Hour)
	expect(t, "slow", <-done, "SLOW")
}

func TestIntercept(t *testing.T) {
	var busy bool
	n := start(t, voicetest.Options{Intercept: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if busy {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(429)
				w.Write([]byte(`{"code":20429,"status":429}`))
				return
			}
			next.ServeHTTP(w, r)
		})
	}})
	busy = true
	status, _ := n.send(mobile)
	expect(t, "busy", status, 429)
	busy = false
	n.app.on("/sent", "")
	status, _ = n.send(mobile)
	expect(t, "free", status, 201)
	n.quiet()
}

func TestTrace(t *testing.T) {
	var events []voicetest.Event // the hook is called by one goroutine at a time
	n, err := voicetest.Start(voicetest.Options{Trace: func(e voicetest.Event) { events = append(events, e) }})
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(t)
	a.token = n.AuthToken()
	n.Configure(line, voicetest.NumberConfig{VoiceURL: a.server.URL + "/voice"})
	a.on("/voice", "<Say>hi</Say><Hangup/>")
	net := &network{Network: n, t: t, app: a, ctx: t.Context()}
	c := net.call()
	net.no(c.WaitEnd(net.ctx))
	net.rest("GET", "Calls/"+c.SID()+".json", nil)
	net.no(n.Close())
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind)
		expect(t, "call", e.CallSID, c.SID())
	}
	expect(t, "kinds", strings.Join(kinds, " "), "webhook answer rest reply")
	expect(t, "summary", events[1].Summary, "voice: Say, Hangup")
}

// A call or message is deleted once it is over for a minute, and is then in no list.
func TestDeleting(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock})
	n.app.on("/sent", ``)
	call := queued(n)
	_, v := n.send(mobile)
	sms := "Messages/" + v["sid"].(string) + ".json"
	_, err := n.Phone(mobile).WaitSMS(n.ctx, fromLine)
	n.no(err)
	path := "Calls/" + call.SID() + ".json"
	refused := func() {
		t.Helper()
		for _, p := range []string{path, sms} {
			status, v := n.rest("DELETE", p, nil)
			expect(t, "status", status, 409)
			expect(t, "code", v["code"], 20009.0)
		}
	}
	refused()
	call.Hangup()
	n.no(call.WaitEnd(n.ctx))
	clock.Advance(time.Minute - time.Second)
	refused()
	clock.Advance(time.Second)
	for _, p := range []string{path, sms} {
		status, _ := n.rest("DELETE", p, nil)
		expect(t, "delete", status, 204)
		for _, method := range []string{"GET", "DELETE"} {
			status, v := n.rest(method, p, nil)
			expect(t, method, status, 404)
			expect(t, "code", v["code"], 20404.0)
		}
	}
	_, v = n.rest("GET", "Calls.json", nil)
	expect(t, "calls", len(v["calls"].([]any)), 0)
	_, v = n.rest("GET", "Messages.json", nil)
	expect(t, "messages", len(v["messages"].([]any)), 0)
	status, _ := n.rest("GET", "Calls/"+call.SID()+"/Recordings.json", nil)
	expect(t, "recordings of it", status, 404)
	n.quiet()
}
