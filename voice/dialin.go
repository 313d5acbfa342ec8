package voice

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/twilio/twilio-go/twiml"

	"pullphone/store"
)

// A person who calls a line that they serve from their own mobile is led to a menu of the calls that wait there. What it
// was about stands in its URL, so that an old sentence never takes a newer call. Who they are does not: that is the
// number that calls, each time anew.

// insider is a person who calls a line that they serve.
type insider struct {
	store.Person
	line  store.Line
	leg   string // Twilio CallSid
	known bool   // by more than their caller ID, which can be forged
}

// vouched is what Twilio says of a caller whose carrier knows them and their right to the number, of a call that came
// straight from there. The other values are a carrier's word on less, on a call that was diverted, or on one that came
// through others (twilio.com/docs/voice/trusted-calling-with-shakenstir).
const vouched = "TN-Validation-Passed-A"

const (
	// pinTries is how often a PIN may be keyed in in a call, and wrongPINs how often wrongly in an hour, of one person.
	pinTries  = 3
	wrongPINs = 10
	longPIN   = 8 // digits
)

// insider tells who calls, if it is a person on a line that lets them dial in.
func (p *Phone) insider(r *http.Request) (insider, bool) {
	a, q := arrival(r.PostForm), r.URL.Query()
	line, _ := p.Store.Team.Line(a.Line)
	person, ok := p.Store.Team.PersonByPhone(a.From)
	known := r.PostForm.Get("StirVerstat") == vouched || q.Get("known") == "1" && q.Get("leg") == a.SID
	return insider{person, line, a.SID, known}, ok && line.Serves(person.Name) && line.DialIn != store.DialInOff && sid.MatchString(a.SID)
}

// mayPull reports whether they need not key in a PIN, or have.
func (in insider) mayPull() bool { return in.known || in.line.DialIn != store.DialInPIN }

// isCaller reports whether they are a caller like any other: they are asked for a PIN, and have none.
func (in insider) isCaller() bool { return !in.mayPull() && in.PIN == "" }

// asCaller stands in the URL that puts somebody through who has no PIN.
const asCaller = "as=caller"

// dialIn answers the call of a person.
func (p *Phone) dialIn(w http.ResponseWriter, r *http.Request, in insider) {
	switch {
	case in.isCaller():
		p.say(w, words(noPIN), &twiml.VoiceRedirect{Url: p.PublicURL + IncomingPath + "?" + asCaller})
	case in.mayPull():
		p.menu(w, r, in, "", 0)
	default:
		p.say(w, p.askPIN(in, 1)...)
	}
}

// askPIN asks for the PIN, twice.
func (p *Phone) askPIN(in insider, try int) []twiml.Element {
	ask := &twiml.VoiceGather{Action: fmt.Sprintf("%s%s?leg=%s&t=%d", p.PublicURL, pinPath, in.leg, try), NumDigits: strconv.Itoa(longPIN), FinishOnKey: "#",
		Timeout: "5", InnerElements: []twiml.Element{words(keyInPIN)}}
	return []twiml.Element{ask, ask, words(goodbye), &twiml.VoiceHangup{}}
}

// pin hears a PIN. Each is counted before it is looked at, so that those keyed in at the same time are no more than those
// one after the other; the right one is given back.
func (p *Phone) pin(w http.ResponseWriter, r *http.Request) {
	in, ok := p.insider(r)
	q := r.URL.Query()
	try, _ := strconv.Atoi(q.Get("t"))
	if !ok || in.PIN == "" || q.Get("leg") != in.leg || try < 1 || try > pinTries {
		p.say(w, words(callAgain), &twiml.VoiceHangup{})
		return
	}
	event, wrong := fmt.Sprintf("%s/%d", in.leg, try), store.Quota{Of: "wrong PINs of " + in.Name, Most: wrongPINs, Within: time.Hour}
	may, err := p.Store.Allow(r.Context(), event, wrong)
	right := subtle.ConstantTimeCompare([]byte(r.PostForm.Get("Digits")), []byte(in.PIN)) == 1
	switch {
	case err != nil:
		p.dialInFailed(w, err)
	case !may:
		p.Log.Warn("too many wrong PINs", "person", in.Name, "line", in.line.Number)
		p.say(w, words(tooManyPINs), &twiml.VoiceHangup{})
	case right:
		if err := p.Store.TakeBack(r.Context(), event, wrong); err != nil {
			p.Log.Error("a right PIN counts as a wrong one", "person", in.Name, "err", err)
		}
		in.known = true
		p.menu(w, r, in, "", 0)
	case try == pinTries:
		p.Log.Warn("wrong PIN, for the last time in this call", "person", in.Name, "line", in.line.Number)
		p.say(w, words(wrongPIN+" "+goodbye), &twiml.VoiceHangup{})
	default:
		p.say(w, append([]twiml.Element{words(wrongPIN)}, p.askPIN(in, try+1)...)...)
	}
}

// menu tells, after what is said before, of a call that waits on the line: of this one, or of the one so many steps after
// it; of the first if none is named, or none is left.
func (p *Phone) menu(w http.ResponseWriter, r *http.Request, in insider, call store.CallID, step int, before ...twiml.Element) {
	waiting, err := p.waitingOn(r.Context(), in)
	i := 0
	if err == nil && call != "" {
		i, err = p.find(r.Context(), waiting, call, step)
	}
	if err != nil {
		p.dialInFailed(w, err)
		return
	}
	if len(waiting) == 0 {
		p.say(w, append(before, p.choices(in, store.Call{}, false, nobodyWaits+" "+pressThree)...)...)
		return
	}
	if i == len(waiting) {
		i = 0
		if len(before) == 0 {
			before = append(before, words(thatWasAll))
		}
	}
	c := waiting[i]
	text := describe(c, in.known, p.Store.Clock.Now()) + " " + pressKeys(len(waiting))
	if i == 0 {
		text = howMany(len(waiting)) + " " + text
	}
	p.say(w, append(before, p.choices(in, c, false, text)...)...)
}

// waitingOn lists the calls that wait on the line, in the order in which they are to be taken. Those of other lines are
// left out: they may ask for a PIN.
func (p *Phone) waitingOn(ctx context.Context, in insider) ([]store.Call, error) {
	waiting, err := p.Store.WaitingFor(ctx, in.Name)
	return slices.DeleteFunc(waiting, func(c store.Call) bool {
		return c.Line != in.line.Number
	}), err
}

// find tells where in the list a call is, or the one so many steps after it. One that does not wait any more is where it
// would be.
func (p *Phone) find(ctx context.Context, waiting []store.Call, call store.CallID, step int) (int, error) {
	is := func(c store.Call) bool { return c.ID == call }
	if i := slices.IndexFunc(waiting, is); i >= 0 {
		return i + step, nil
	}
	gone, err := p.Store.Call(ctx, call)
	if errors.Is(err, store.ErrNoCall) {
		return 0, nil
	}
	return slices.IndexFunc(store.InOrder(append([]store.Call{gone}, waiting...)), is), err
}

// choices asks for a key, twice. It is about a call, or about none.
func (p *Phone) choices(in insider, c store.Call, force bool, text string) []twiml.Element {
	q := url.Values{"leg": {in.leg}}
	if c.ID != "" {
		q.Set("c", string(c.ID))
		q.Set("n", strconv.Itoa(c.Attempt))
	}
	if in.known {
		q.Set("known", "1")
	}
	if force {
		q.Set("force", "1")
	}
	ask := &twiml.VoiceGather{Action: p.PublicURL + choicePath + "?" + q.Encode(), NumDigits: "1", Timeout: "5", InnerElements: []twiml.Element{words(text)}}
	return []twiml.Element{ask, ask, words(goodbye), &twiml.VoiceHangup{}}
}

// choice hears the key that a person pressed in the menu.
func (p *Phone) choice(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("c") {
		ofCall(p.chose)(w, r)
		return
	}
	p.chose(w, r, "", 0)
}

func (p *Phone) chose(w http.ResponseWriter, r *http.Request, call store.CallID, attempt int) {
	in, ok := p.insider(r)
	if !ok || !in.mayPull() || r.URL.Query().Get("leg") != in.leg {
		p.say(w, words(callAgain), &twiml.VoiceHangup{})
		return
	}
	switch key := r.PostForm.Get("Digits"); {
	case key == "1" && call != "":
		p.takeHere(w, r, in, call, attempt)
	case key == "2":
		p.menu(w, r, in, call, 1)
	case key == "3":
		p.stand(w, r, in, call)
	default:
		p.menu(w, r, in, call, 0)
	}
}

// takeHere gives a person the call that they were told of, on the leg that they are on.
func (p *Phone) takeHere(w http.ResponseWriter, r *http.Request, in insider, call store.CallID, attempt int) {
	force := r.URL.Query().Get("force") == "1"
	v, c, err := p.Store.Answer(r.Context(), store.Answer{
		ID: fmt.Sprintf("dialin:%s:%s:%d:%t", in.leg, call, attempt, force), Call: call, Attempt: attempt,
		Person: in.Name, Via: store.ByPhone, Word: store.Take, Force: force, Leg: in.leg,
	})
	switch {
	case errors.Is(err, store.ErrNoCall): // erased since
		p.menu(w, r, in, call, 1)
	case err != nil:
		p.dialInFailed(w, err)
	case takenOn(c, in.leg) && c.Back != nil:
		p.say(w, p.callBack(r.Context(), c, in.leg)...)
	case takenOn(c, in.leg):
		p.say(w, p.meet(c)...)
	case v.Result == store.OnACall:
		p.say(w, p.choices(in, store.Call{ID: call, Attempt: attempt}, true, allTheSame)...)
	case c.State == store.Waiting: // for another attempt than they were told of
		p.menu(w, r, in, call, 0)
	case v.Result == store.Yours:
		p.say(w, words(yoursAlready), &twiml.VoiceHangup{})
	default:
		p.menu(w, r, in, call, 1, words(becameOf(c)))
	}
}

// stand gives a person a place in line, unless they were told that nobody waits and somebody does by now.
func (p *Phone) stand(w http.ResponseWriter, r *http.Request, in insider, told store.CallID) {
	waiting, err := p.waitingOn(r.Context(), in)
	if err == nil && told == "" && len(waiting) > 0 {
		p.menu(w, r, in, "", 0)
		return
	}
	var v store.Verdict
	if err == nil {
		v, err = p.Store.Stand(r.Context(), store.Answer{ID: "dialin:" + in.leg + ":line", Person: in.Name, Via: store.ByPhone})
	}
	switch {
	case err != nil:
		p.dialInFailed(w, err)
	case v.Result == store.OnACall:
		p.say(w, words(standLater), &twiml.VoiceHangup{})
	default:
		p.say(w, words(inLine), &twiml.VoiceHangup{})
	}
}

// dialInFailed answers a person for whom the store could not do what they asked. They are no caller, so that Twilio's turn
// to the fallback would lead them wrong.
func (p *Phone) dialInFailed(w http.ResponseWriter, err error) {
	p.Log.Error("dial-in", "err", err)
	p.say(w, words(callAgain), &twiml.VoiceHangup{})
}

// notRung is nobody's turn: that of a phone which we did not ring.
const notRung = -1

// takerGone records that a leg has ended that is no caller's. The call that a person took on it, and to whom the caller
// has not been brought yet, waits again.
func (p *Phone) takerGone(ctx context.Context, from, leg string) error {
	person, ok := p.Store.Team.PersonByPhone(from)
	if !ok {
		return nil
	}
	calls, err := p.Store.CallsOf(ctx, person.Name)
	for _, c := range calls {
		var over error
		switch {
		case !takenOn(c, leg):
		case c.Back != nil:
			over = p.Store.BackLegOver(ctx, c.ID, c.Attempt, leg, store.HungUp)
		default:
			_, over = p.Store.RingOver(ctx, c.ID, c.Attempt, notRung, leg, 0)
		}
		err = errors.Join(err, over)
	}
	return err
}
