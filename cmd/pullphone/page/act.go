package page

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"pullphone/bot/bottest"
	"pullphone/voice/voicetest"
)

// deed is what somebody does on the page. Each verb takes what it needs of it.
type deed struct {
	Phone, Name, Body string
	SID, Keys         string
	User, TS, Text    string
	ActionID          string `json:"action_id"`
	What, Do          string
	Down              bool
	Seconds           float64
}

// refusal says to whoever did something why it cannot be done.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func cannot(format string, args ...any) error {
	return &refusal{http.StatusConflict, fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// verbs are what can be done, by the last part of the path.
var verbs = map[string]func(*Page, context.Context, deed) error{
	"call":       (*Page).call,
	"press":      (*Page).press,
	"hangup":     (*Page).hangUp,
	"answer":     (*Page).answer,
	"decline":    (*Page).decline,
	"text":       (*Page).text,
	"button":     (*Page).button,
	"home":       (*Page).home,
	"homebutton": (*Page).homeButton,
	"command":    (*Page).command,
	"speak":      (*Page).speak,
	"fault":      (*Page).fault,
	"server":     (*Page).server,
	"many":       (*Page).many,
	"away":       (*Page).away,
	"reset":      (*Page).reset,
}

func (p *Page) act(w http.ResponseWriter, r *http.Request) {
	do := verbs[r.PathValue("verb")]
	if do == nil {
		refuse(w, http.StatusNotFound, "Nobody can do that here.")
		return
	}
	var d deed
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&d); err != nil {
		refuse(w, http.StatusBadRequest, "That is not the JSON of a deed.")
		return
	}
	done(w, do(p, r.Context(), d))
}

// done answers a deed.
func done(w http.ResponseWriter, err error) {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if no, ok := errors.AsType[*refusal](err); ok {
		refuse(w, no.status, no.text)
		return
	}
	refuse(w, http.StatusInternalServerError, err.Error())
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text}) // a peer that has gone is not told
}

// party finds a call of any phone.
func (p *Page) party(sid string) (*voicetest.Party, bool) {
	if c, ok := p.Net.Call(sid); ok {
		return c.Party, true
	}
	if l, ok := p.Net.Leg(sid); ok {
		return l.Party, true
	}
	return nil, false
}

// talking finds a call that goes on.
func (p *Page) talking(sid string) (*voicetest.Party, error) {
	c, ok := p.party(sid)
	if !ok || c.Place() == voicetest.PlaceEnded {
		return nil, cannot("That call is over.")
	}
	return c, nil
}

// busy reports whether a phone has a call, or rings.
func (p *Page) busy(phone string) bool {
	return slices.ContainsFunc(p.Net.Phone(phone).Connections(), func(c voicetest.Connection) bool { return c.Place != voicetest.PlaceEnded })
}

func (p *Page) call(_ context.Context, d deed) error {
	info, known := voicetest.CallerInfo{}, false
	for _, c := range p.Callers {
		if c.Phone == d.Phone {
			info, known = c.Info, true
		}
	}
	for _, m := range p.Team {
		known = known || m.Phone == d.Phone // the team may call the line too
	}
	switch {
	case !known:
		return unknown("There is no such phone.")
	case p.busy(d.Phone):
		return cannot("That phone has a call already.")
	}
	p.Net.Phone(d.Phone).Call(p.Line.Number, info)
	return nil
}

func (p *Page) press(_ context.Context, d deed) error {
	if d.Keys == "" || len(d.Keys) > 32 || strings.Trim(d.Keys, "0123456789*#") != "" {
		return unknown("A phone has the keys 0 to 9, * and #.")
	}
	c, err := p.talking(d.SID)
	if err == nil {
		c.Press(d.Keys)
	}
	return err
}

func (p *Page) hangUp(_ context.Context, d deed) error {
	c, err := p.talking(d.SID)
	if err == nil {
		c.Hangup()
	}
	return err
}

// ringing finds a call that rings on a phone.
func (p *Page) ringing(sid string) (*voicetest.Leg, error) {
	if l, ok := p.Net.Leg(sid); ok && l.Status() == "ringing" {
		return l, nil
	}
	return nil, cannot("It does not ring any more.")
}

func (p *Page) answer(_ context.Context, d deed) error {
	l, err := p.ringing(d.SID)
	if err == nil {
		l.Answer()
	}
	return err
}

func (p *Page) decline(_ context.Context, d deed) error {
	l, err := p.ringing(d.SID)
	if err == nil {
		l.Decline()
	}
	return err
}

func (p *Page) teammate(is func(Teammate) bool) (Teammate, error) {
	if i := slices.IndexFunc(p.Team, is); i >= 0 {
		return p.Team[i], nil
	}
	return Teammate{}, unknown("Nobody of that name is in the team.")
}

func (p *Page) text(_ context.Context, d deed) error {
	m, err := p.teammate(func(m Teammate) bool { return m.Name == d.Name })
	switch {
	case err != nil:
		return err
	case strings.TrimSpace(d.Body) == "" || len(d.Body) > 1600:
		return unknown("A text has 1 to 1600 characters.")
	case p.Faults.Now().SMS:
		return cannot("SMS is down: the text does not leave the phone.")
	}
	p.Net.Phone(m.Phone).Text(p.Line.Number, d.Body)
	return nil
}

// inSlack lets somebody of the team do something in Slack, and puts what goes wrong into words.
func (p *Page) inSlack(user string, do func() (bottest.Answer, error)) error {
	if _, err := p.teammate(func(m Teammate) bool { return m.Slack == user }); err != nil {
		return err
	}
	if p.Faults.Now().Slack {
		return cannot("Slack is down: nobody can do anything there.")
	}
	a, err := do()
	switch {
	case errors.Is(err, bottest.ErrNoButton), errors.Is(err, bottest.ErrNoMessage):
		return cannot("That button is not there any more.")
	case errors.Is(err, bottest.ErrNoURL):
		return cannot("This version of pullphone has nothing for that.")
	case err != nil, a.Status != http.StatusOK:
		return &refusal{http.StatusBadGateway, "pullphone did not answer Slack. It shows a warning sign; try again in a moment."}
	}
	return nil
}

func (p *Page) button(ctx context.Context, d deed) error {
	return p.inSlack(d.User, func() (bottest.Answer, error) { return p.Work.Press(ctx, d.User, p.Channel.ID, d.TS, d.ActionID) })
}

func (p *Page) home(ctx context.Context, d deed) error {
	return p.inSlack(d.User, func() (bottest.Answer, error) { return p.Work.OpenHome(ctx, d.User) })
}

func (p *Page) homeButton(ctx context.Context, d deed) error {
	return p.inSlack(d.User, func() (bottest.Answer, error) { return p.Work.PressHome(ctx, d.User, d.ActionID) })
}

func (p *Page) command(ctx context.Context, d deed) error {
	return p.inSlack(d.User, func() (bottest.Answer, error) {
		return p.Work.Command(ctx, d.User, p.Channel.ID, "/pull", strings.TrimSpace(d.Text))
	})
}

// recording finds a call whose message is being recorded.
func (p *Page) recording(sid string) (*voicetest.Party, error) {
	c, err := p.talking(sid)
	if err == nil && c.Place() != voicetest.PlaceRecording {
		err = cannot("No message is being recorded.")
	}
	return c, err
}

// speak says the sample, or with 0 seconds makes a sound that only keeps the silence from ending a message that the
// microphone still records.
func (p *Page) speak(_ context.Context, d deed) error {
	c, err := p.recording(d.SID)
	switch {
	case err != nil:
		return err
	case d.Seconds == 0:
		c.Speak(0)
		return nil
	}
	return c.SpeakWAV(sample)
}

// record takes what the microphone has recorded.
func (p *Page) record(w http.ResponseWriter, r *http.Request) {
	c, err := p.recording(r.URL.Query().Get("sid"))
	if err != nil {
		done(w, err)
		return
	}
	file, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSound))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "That message is too long.")
		return
	}
	if err := c.SpeakWAV(file); err != nil {
		done(w, unknown("That is not a sound the network can carry: %v.", err))
		return
	}
	done(w, nil)
}

func (p *Page) fault(_ context.Context, d deed) error {
	if !p.Faults.set(d.What, d.Down) {
		return unknown("Slack or SMS can be down, not %q.", d.What)
	}
	return nil
}

func (p *Page) server(_ context.Context, d deed) error {
	switch d.Do {
	case "kill":
		return p.Server.Kill()
	case "start":
		err := p.Server.Start()
		if errors.Is(err, errRuns) {
			return cannot("The server runs already.")
		}
		return err
	}
	return unknown("A server can be killed and started.")
}

// many has up to three callers dial at once.
func (p *Page) many(_ context.Context, _ deed) error {
	calling := 0
	for _, c := range p.Callers {
		if calling < 3 && !p.busy(c.Phone) {
			p.Net.Phone(c.Phone).Call(p.Line.Number, c.Info)
			calling++
		}
	}
	if calling == 0 {
		return cannot("Everybody has a call already.")
	}
	return nil
}

// away has somebody take the call that has waited longest. That their mobile then rings in vain takes nobody's doing.
func (p *Page) away(ctx context.Context, d deed) error {
	waits := func(c Caller) bool {
		return slices.ContainsFunc(p.Net.Phone(c.Phone).Connections(), func(c voicetest.Connection) bool { return c.Place == voicetest.PlaceQueue })
	}
	if !slices.ContainsFunc(p.Callers, waits) {
		return cannot("Nobody waits. Let somebody call first.")
	}
	d.Body = "PULL"
	return p.text(ctx, d)
}

// reset hangs everybody up.
func (p *Page) reset(_ context.Context, _ deed) error {
	var phones []string
	for _, c := range p.Callers {
		phones = append(phones, c.Phone)
	}
	for _, m := range p.Team {
		phones = append(phones, m.Phone)
	}
	for _, phone := range phones {
		for _, c := range p.Net.Phone(phone).Connections() {
			if party, ok := p.party(c.SID); ok && c.Place != voicetest.PlaceEnded {
				party.Hangup()
			}
		}
	}
	return nil
}
