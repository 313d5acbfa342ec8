package voicetest_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"pullphone/voice/voicetest"
)

// upload sends a version of an asset; fields are names and values by turns, and Content is a file.
func (n *network) upload(path string, fields ...string) (int, map[string]any) {
	n.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + fields[i] + `"`}}
		if fields[i] == "Content" {
			h.Set("Content-Disposition", `form-data; name="Content"; filename="f.xml"`)
			h.Set("Content-Type", "text/xml")
		}
		part, _ := form.CreatePart(h)
		part.Write([]byte(fields[i+1]))
	}
	form.Close()
	r, err := http.NewRequestWithContext(n.ctx, "POST", n.URL()+path, &body)
	n.no(err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.SetBasicAuth(n.AccountSID(), n.AuthToken())
	resp, err := http.DefaultClient.Do(r)
	n.no(err)
	defer resp.Body.Close()
	var v map[string]any
	n.no(json.NewDecoder(resp.Body).Decode(&v))
	return resp.StatusCode, v
}

func TestServerless(t *testing.T) {
	clock := clockwork.NewFakeClock()
	n := start(t, voicetest.Options{Clock: clock, BuildTime: time.Minute})
	made := func(path string, form url.Values) string {
		t.Helper()
		status, v := n.rest("POST", path, form)
		expect(t, path, status, 201)
		return v["sid"].(string)
	}
	services := func() int {
		t.Helper()
		_, v := n.rest("GET", "/v1/Services?PageSize=1", nil)
		meta := v["meta"].(map[string]any)
		expect(t, "key", meta["key"], "services")
		if next, _ := meta["next_page_url"].(string); next != "" && !strings.HasPrefix(next, "https://serverless.twilio.com/v1/Services?") {
			t.Errorf("next page %q", next)
		}
		return len(v["services"].([]any))
	}
	expect(t, "services", services(), 0)
	made("/v1/Services", url.Values{"UniqueName": {"away"}, "FriendlyName": {"away"}})
	made("/v1/Services", url.Values{"UniqueName": {"other"}, "FriendlyName": {"other"}})
	expect(t, "services on a page", services(), 1)
	status, _ := n.rest("POST", "/v1/Services", url.Values{"UniqueName": {"away"}, "FriendlyName": {"away"}})
	expect(t, "the same name again", status, 400)
	const s = "/v1/Services/away" // by its name, which stands for the SID
	env := made(s+"/Environments", url.Values{"UniqueName": {"production"}})
	asset := made(s+"/Assets", url.Values{"FriendlyName": {"one"}})

	versions := s + "/Assets/" + asset + "/Versions"
	upload := func(fields ...string) string {
		t.Helper()
		status, v := n.upload(versions, fields...)
		expect(t, "upload", status, 201)
		return v["sid"].(string)
	}
	one := upload("Path", "/d/one.xml", "Visibility", "public", "Content", "<Response><Say>one</Say></Response>")
	hidden := upload("Path", "hidden.xml", "Visibility", "protected", "Content", "<Response/>")
	status, _ = n.rest("POST", s+"/Builds", url.Values{})
	expect(t, "empty build", status, 400)
	status, _ = n.rest("POST", s+"/Builds", url.Values{"AssetVersions": {one, one}})
	expect(t, "a path twice", status, 400)
	build := made(s+"/Builds", url.Values{"AssetVersions": {one, hidden}})
	state := func() any {
		t.Helper()
		_, v := n.rest("GET", s+"/Builds/"+build+"/Status", nil)
		return v["status"]
	}
	expect(t, "status", state(), "building")
	deployments := s + "/Environments/" + env + "/Deployments"
	status, _ = n.rest("POST", deployments, url.Values{"BuildSid": {build}})
	expect(t, "deployment of an unfinished build", status, 400)

	n.Configure(line, voicetest.NumberConfig{VoiceURL: "https://away-1000.twil.io/d/one.xml", VoiceMethod: "GET"})
	n.no(n.call().WaitEnd(n.ctx)) // nothing is deployed yet
	if p := n.problems(); !strings.Contains(p, "the caller hears an error") {
		t.Errorf("problems: %s", p)
	}
	clock.Advance(time.Minute)
	expect(t, "status", state(), "completed")
	made(deployments, url.Values{"BuildSid": {build}})
	_, v := n.rest("GET", s+"/Environments", nil)
	e := v["environments"].([]any)[0].(map[string]any)
	expect(t, "domain", e["domain_name"], "away-1000.twil.io")
	expect(t, "build", e["build_sid"], build)
	_, v = n.rest("GET", s+"/Builds/"+build, nil)
	expect(t, "path", v["asset_versions"].([]any)[1].(map[string]any)["path"], "/hidden.xml")
	c := n.call()
	_, err := c.WaitHeard(n.ctx, heard(voicetest.HeardSay, "one"))
	n.no(err)
	n.no(c.WaitEnd(n.ctx))

	for _, x := range []struct {
		method, host, path string
		status             int
	}{
		{"GET", "away-1000.twil.io", "/d/one.xml?AccountSid=AC1", 200}, {"POST", "away-1000.twil.io", "/d/one.xml", 405}, {"HEAD", "away-1000.twil.io", "/d/one.xml", 405},
		{"GET", "away-1000.twil.io", "/hidden.xml", 404}, {"GET", "other-1001.twil.io", "/d/one.xml", 404},
	} {
		r, err := http.NewRequestWithContext(n.ctx, x.method, n.URL()+x.path, nil)
		n.no(err)
		r.Host = x.host
		resp, err := http.DefaultClient.Do(r)
		n.no(err)
		resp.Body.Close()
		expect(t, x.method+" "+x.host+x.path, resp.StatusCode, x.status)
	}
}

func TestUploadsAreChecked(t *testing.T) {
	for name, x := range map[string]struct {
		fields  []string
		problem string
	}{
		"no path":       {[]string{"Visibility", "public", "Content", "x"}, "want Path, Visibility and Content"},
		"no visibility": {[]string{"Path", "/x", "Content", "x"}, "want Path, Visibility and Content"},
		"visibility":    {[]string{"Path", "/x", "Visibility", "all", "Content", "x"}, "want Path, Visibility and Content"},
		"no content":    {[]string{"Path", "/x", "Visibility", "public"}, "want Path, Visibility and Content"},
		"unknown":       {[]string{"Path", "/x", "Visibility", "public", "Name", "x"}, "Name: an upload has no such parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, voicetest.Options{})
			_, v := n.rest("POST", "/v1/Services", url.Values{"UniqueName": {"away"}, "FriendlyName": {"away"}})
			_, a := n.rest("POST", "/v1/Services/"+v["sid"].(string)+"/Assets", url.Values{"FriendlyName": {"one"}})
			status, _ := n.upload("/v1/Services/away/Assets/"+a["sid"].(string)+"/Versions", x.fields...)
			expect(t, "status", status, 400)
			if p := n.problems(); !strings.Contains(p, x.problem) {
				t.Errorf("problems %q, want %q", p, x.problem)
			}
		})
	}
	n := start(t, voicetest.Options{})
	status, _ := n.upload("/v1/Services/away/Assets/ZH1/Versions", "Path", "/x")
	expect(t, "unknown service", status, 404)
}
