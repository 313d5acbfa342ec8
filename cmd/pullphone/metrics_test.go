package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"pullphone/voice/voicetest"
)

// scrape reads the metrics as Prometheus does. Each is under its name and labels: name{label="value"}.
func (h *harness) scrape() map[string]float64 {
	h.t.Helper()
	_, body := h.get(http.MethodGet, "http://"+h.admin+"/metrics", nil)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(body)))
	h.must(err)
	out := map[string]float64{}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+`="`+l.GetValue()+`"`)
			}
			key := name
			if len(labels) > 0 {
				key += "{" + strings.Join(labels, ",") + "}"
			}
			out[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return out
}

// What happens is counted, and nothing personal stands in the labels.
func TestMetrics(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	h.net.Phone(bobPhone).SetSMSRefusal(21610)
	call, m := h.queued(janePhone, jane)
	h.shows(m.TS, "No SMS to Bob")
	contains(t, "Ann is told", h.text(annPhone, "Yes"), "Yours")
	contains(t, "Bob is told", h.press(bobSlack, m, "Take"), "Too late")
	h.accepts(h.rings(annPhone, call))
	h.clock.Advance(20 * time.Second)
	call.Hangup()
	h.record(call)
	waits := h.net.Phone(markPhone).Call(salesNumber, voicetest.CallerInfo{})
	h.must(waits.WaitPlace(h.ctx, voicetest.PlaceQueue))
	res, _ := h.get(http.MethodPost, "http://"+h.listen+"/twilio/voice", nil)
	equal(t, "forged", res.StatusCode, http.StatusForbidden)
	res, _ = h.get(http.MethodPost, "http://"+h.listen+"/slack/actions", nil)
	equal(t, "forged", res.StatusCode, http.StatusUnauthorized)
	h.get(http.MethodGet, "http://"+h.admin+"/backup", nil)

	var got map[string]float64
	h.until("nothing is due", func() bool {
		got = h.scrape()
		due := 0.
		for name, v := range got {
			if strings.HasPrefix(name, "pullphone_due{") {
				due += v
			}
		}
		return due == 0
	})
	for name, want := range map[string]float64{
		`pullphone_calls_total{line="Sales",outcome="talked"}`:                 1,
		`pullphone_calls_waiting{line="Sales"}`:                                1,
		`pullphone_calls_open{line="Sales",state="waiting"}`:                   1,
		`pullphone_wait_seconds`:                                               1,
		`pullphone_claims_total{result="won",way="sms"}`:                       1,
		`pullphone_claims_total{result="lost",way="slack"}`:                    1,
		`pullphone_webhook_seconds{kind="slack/actions"}`:                      2,
		`pullphone_webhook_refused_total{reason="signature",service="twilio"}`: 1,
		`pullphone_webhook_refused_total{reason="signature",service="slack"}`:  1,
		`pullphone_due{kind="sms"}`:                                            0,
		`pullphone_due_oldest_seconds{kind="redirect"}`:                        0,
		`pullphone_deeds_total{kind="redirect",result="done"}`:                 1,
		`pullphone_deed_given_up_total{kind="sms",reason="refused"}`:           2,
		`pullphone_panics_total`:                                               0,
		`pullphone_deed_panics_total`:                                          0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v (%t), not %v", name, v, ok, want)
		}
	}
	for _, name := range []string{
		`pullphone_webhook_seconds{kind="twilio/voice"}`, `pullphone_store_commit_seconds`, `pullphone_store_bytes`, `pullphone_store_free_pages`,
		`pullphone_service_seconds{method="chat.postMessage",service="slack"}`, `pullphone_service_seconds{method="POST Messages",service="twilio"}`,
	} {
		if got[name] == 0 {
			t.Errorf("%s is missing or zero", name)
		}
	}
	if age := got["pullphone_backup_age_seconds"]; age > 60 {
		t.Errorf("the backup is %v s old", age)
	}
	version := false
	for name := range got {
		version = version || strings.HasPrefix(name, "pullphone_build_info{")
		for _, private := range []string{"Ann", "Bob", "JANE", "555", "CA0", "U000", "C000"} {
			if strings.Contains(name, private) {
				t.Errorf("%s names %s", name, private)
			}
		}
	}
	if !version {
		t.Error("the build is not named")
	}
}
