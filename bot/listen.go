package bot

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"pullphone/store"
	"pullphone/voice/twilio"
)

//go:embed listen.html
var listenHTML string

var listenPage = template.Must(template.New("listen").Parse(listenHTML))

const (
	listenStyle = `:root{color-scheme:light dark}body{font:1.05rem/1.5 system-ui,sans-serif;margin:0;padding:2rem 1rem}` +
		`main{max-width:30rem;margin:auto}h1{font-size:1.4rem;margin:0 0 .25rem;overflow-wrap:anywhere}p{margin:.25rem 0 1rem}audio{width:100%}`
	// The time is shown in the reader's own zone; without the script it stands there in UTC.
	listenScript = `for(const t of document.querySelectorAll("time"))t.textContent=new Date(t.dateTime).toLocaleString([],{dateStyle:"medium",timeStyle:"short"})`
)

// The page loads nothing from anywhere else and runs nothing but its own two lines.
var listenPolicy = "default-src 'none'; media-src 'self'; style-src " + hash(listenStyle) + "; script-src " + hash(listenScript) +
	"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func hash(s string) string {
	h := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'"
}

// linked reads the link that a request came by, and the message that it is for.
func (b *Bot) linked(r *http.Request) (store.Call, store.Voice, error) {
	id, n, err := b.Links.check(r.PathValue("call"), r.PathValue("n"), r.PathValue("expires"), r.PathValue("mac"), b.Store.Clock.Now())
	if err != nil {
		return store.Call{}, store.Voice{}, err
	}
	c, err := b.Store.Call(r.Context(), id)
	if errors.Is(err, store.ErrNoCall) || err == nil && (n >= len(c.Voice) || c.Forgotten) {
		return store.Call{}, store.Voice{}, errExpired // deleted since
	}
	if err != nil {
		return store.Call{}, store.Voice{}, err
	}
	return c, c.Voice[n], nil
}

// private keeps a voicemail out of caches, search engines and other sites' logs.
func private(h http.Header) {
	h.Set("Cache-Control", "private, no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", listenPolicy)
}

// page shows one voicemail, with a player. Nobody needs an account for it: the link is the permission.
func (b *Bot) page(w http.ResponseWriter, r *http.Request) {
	private(w.Header())
	type view struct {
		Style                                               template.CSS
		Script                                              template.JS
		Problem, Who, Line, Place, Audio, ISO, Time, Length string
	}
	v := view{Style: listenStyle, Script: listenScript}
	status := http.StatusOK
	c, voice, err := b.linked(r)
	if err != nil {
		v.Problem, status = b.problem(err)
	} else {
		line, _ := b.Store.Team.Line(c.Line)
		v.Who, v.Line, v.Place = who(line, c), line.Name, c.City
		v.Audio = path.Base(r.URL.EscapedPath()) + "/audio" // beside the page, wherever a proxy has that
		v.ISO, v.Time = c.Arrived.UTC().Format(time.RFC3339), c.Arrived.UTC().Format("2 Jan 2006 15:04 UTC")
		v.Length = length(seconds(voice.Seconds))
	}
	var out bytes.Buffer
	if err := listenPage.Execute(&out, v); err != nil {
		b.Log.Error("voicemail page", "err", err)
		http.Error(w, "unavailable", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // a peer that has gone is not told
}

func (b *Bot) problem(err error) (text string, status int) {
	switch {
	case errors.Is(err, errTampered):
		return "This link is not valid. Please use the link as it stands in Slack.", http.StatusForbidden
	case errors.Is(err, errExpired):
		return "This link has expired.", http.StatusGone
	}
	b.Log.Error("voicemail", "err", err)
	return "The voicemail cannot be had right now. Please try again in a minute.", http.StatusServiceUnavailable
}

// listenWithin is how long the sound of one voicemail may take to a listener: five minutes at 32 kbit/s are 1.2 MB.
const listenWithin = 2 * time.Minute

// audio streams the sound from Twilio, whole or the part that a player asks for.
func (b *Bot) audio(w http.ResponseWriter, r *http.Request) {
	private(w.Header())
	_, voice, err := b.linked(r)
	if err != nil {
		text, status := b.problem(err)
		http.Error(w, text, status)
		return
	}
	select {
	case b.listeners <- struct{}{}:
		defer func() { <-b.listeners }()
	default:
		http.Error(w, "Too many people listen at once. Please try again in a minute.", http.StatusServiceUnavailable)
		return
	}
	// A slow listener gets longer than a webhook does.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(listenWithin)) // without one, the server's own holds
	ctx, cancel := context.WithTimeout(r.Context(), listenWithin)
	defer cancel()
	res, err := b.recording(ctx, voice.SID, r.Header.Get("Range"))
	if err != nil {
		b.Log.Error("voicemail audio", "recording", voice.SID, "err", err)
		status := http.StatusBadGateway
		if twilio.NotFound(err) {
			status = http.StatusGone
		}
		http.Error(w, "The voicemail cannot be had from Twilio.", status)
		return
	}
	defer res.Body.Close()
	kind := res.Header.Get("Content-Type")
	if !strings.HasPrefix(kind, "audio/") {
		kind = "audio/mpeg"
	}
	w.Header().Set("Content-Type", kind)
	if r.Header.Get("Range") != "" && res.StatusCode == http.StatusOK {
		// Twilio gave all of it. A player that asked for a part cannot seek in that, so the part is cut out here.
		const most = 8 << 20 // the longest message is 4.8 MB
		all, err := io.ReadAll(io.LimitReader(res.Body, most))
		if err != nil {
			http.Error(w, "The voicemail broke off.", http.StatusBadGateway)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(all))
		return
	}
	for _, k := range []string{"Content-Length", "Content-Range"} {
		if v := res.Header.Get(k); v != "" {
			w.Header().Set(k, v)
		}
	}
	w.Header().Set("Accept-Ranges", "bytes")
	w.WriteHeader(res.StatusCode)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		panic(http.ErrAbortHandler) // what broke off must not look complete; a listener who has left does not mind
	}
}

// recording asks for the small MP3 first; an account that encrypts its recordings has only WAV (error 16109).
func (b *Bot) recording(ctx context.Context, sid, byteRange string) (*http.Response, error) {
	res, err := b.Twilio.Recording(ctx, sid, twilio.MP3, byteRange)
	if twilio.Refused(err) {
		return b.Twilio.Recording(ctx, sid, twilio.WAV, byteRange)
	}
	return res, err
}
