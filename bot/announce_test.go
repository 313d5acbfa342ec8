package bot

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pullphone/store"
)

var salesLine = store.Line{Name: "Sales", Number: "+12085550100", Country: "US", No: store.NoVoicemail}

func TestAnnouncement(t *testing.T) {
	pass := salesLine
	pass.No = store.NoPass
	tried := func(why store.Why) store.Call {
		return store.Call{From: "+12085550123", Name: "JANE DOE", City: "Boise, ID", Code: 2, Tries: []store.Try{{Person: "Bob", Why: store.Busy}, {Person: "Ann", Why: why}}}
	}
	since := func(base store.Call, change func(*store.Call)) store.Call {
		change(&base)
		return base
	}
	const first, second = 1, 2 // minutes
	at := func(minutes int) time.Time { return time.Date(2026, 3, 2, 17, minutes, 0, 0, time.UTC) }
	jane := store.Call{From: "+12085550123", Name: "JANE DOE", City: "Boise, ID", Code: 2}
	hands := func(minute int, note string) func(*store.Call) {
		return func(c *store.Call) { c.Handed = &store.Handed{By: "Ann", Note: note, At: at(minute)} }
	}
	bobTried := []store.Try{{Person: "Bob", Why: store.NoAnswer, At: at(first)}}
	for _, c := range []struct {
		line store.Line
		call store.Call
		want string
	}{
		{salesLine, since(jane, hands(first, "")), "Ann hands over. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (2)"},
		{salesLine, since(jane, hands(first, " wants\n a refund ")), "Ann hands over: wants a refund. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (2)"},
		{salesLine, since(jane, hands(first, "Can you help?")), "Ann hands over: Can you help? Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (2)"},
		{salesLine, since(jane, hands(first, strings.Repeat("refund ", 12))), "Ann hands over: " + strings.TrimSpace(strings.Repeat("refund ", 10)) + "… Sales: JANE DOE, (208) 555-0123. Reply Y to take, N for voicemail. (2)"},
		{pass, since(jane, func(c *store.Call) { hands(first, "refund")(c); c.Tries = bobTried }), "Bob did not pick up. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for not me. (2)"},
		{pass, since(jane, func(c *store.Call) { hands(second, "refund")(c); c.Tries = bobTried }), "Ann hands over: refund. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for not me. (2)"},
		{salesLine, since(jane, func(c *store.Call) { c.Back = &store.Callback{At: at(second)}; c.Tries = bobTried }), "Sales: JANE DOE, (208) 555-0123, Boise, ID asks to be called back. Reply Y to call. (2)"},
		{salesLine, since(jane, func(c *store.Call) { hands(first, "refund")(c); c.Back = &store.Callback{At: at(second)} }), "Sales: JANE DOE, (208) 555-0123, Boise, ID asks to be called back. Reply Y to call. (2)"},
		{salesLine, since(jane, func(c *store.Call) {
			c.Back = &store.Callback{At: at(0)}
			c.Tries = []store.Try{{Person: "Bob", Why: store.Unreached, At: at(first)}}
		}), "Bob did not reach them. Sales: JANE DOE, (208) 555-0123, Boise, ID asks to be called back. Reply Y to call. (2)"},
		{salesLine, since(jane, func(c *store.Call) { c.Tries = []store.Try{{Person: "Bob", Why: store.NoAnswer, Word: store.Forward}} }), "The forward by Bob was not answered. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (2)"},
		{salesLine, tried(store.GaveBack), "Ann gave it back. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (2)"},
		{salesLine, store.Call{From: "+12085550123", Code: 1}, "Sales: (208) 555-0123. Reply Y to take, N for voicemail. (1)"},
		{salesLine, store.Call{From: "+12085550123", Name: "JANE DOE", City: "Boise, ID", Code: 1}, "Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (1)"},
		{salesLine, store.Call{Code: 12}, "Sales: withheld number. Reply Y to take, N for voicemail. (12)"},
		{salesLine, store.Call{From: "+442079460018", City: "London", Code: 1}, "Sales: +44 20 7946 0018, London. Reply Y to take, N for voicemail. (1)"},
		{pass, store.Call{From: "+12085550123", Code: 1}, "Sales: (208) 555-0123. Reply Y to take, N for not me. (1)"},
		{salesLine, tried(store.NoAnswer), "Ann did not pick up. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (2)"},
		{salesLine, tried(store.Busy), "Ann is busy. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (2)"},
		{salesLine, tried(store.Declined), "Ann declined. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (2)"},
		{salesLine, tried(store.NotAccepted), "Ann did not press 1. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (2)"},
		{salesLine, tried(store.Failed), "Ann could not be reached. Sales: JANE DOE, (208) 555-0123, Boise, ID. Reply Y to take, N for voicemail. (2)"},
	} {
		if got := announcement(c.line, c.call); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

// One segment, whatever the names: who calls and how to answer must not be lost in a second one.
func TestAnnouncementLength(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, line := range []string{"Sales", "Sales and service of everything in Boise", strings.Repeat("Sales ", 30), long} {
		for _, from := range []string{"", "+12085550123", "+442079460018", "+99912345678901"} {
			for _, name := range []string{"", "JANE DOE", strings.Repeat("é", 60), strings.Repeat("Bartholomew ", 5), strings.Repeat("😀", 60), strings.Repeat(".", 60)} {
				for _, city := range []string{"", "Boise, ID", strings.Repeat("Llanfair", 7) + ", UK"} {
					for _, taker := range []string{"", "Ann", "Bartholomew Featherstonehaugh", long} {
						l := salesLine
						l.Name = line
						c := store.Call{From: from, Name: name, City: city, Code: 123}
						if taker != "" {
							c.Tries = []store.Try{{Person: taker, Why: store.Failed}}
						}
						fits := func(c store.Call, tail string) {
							t.Helper()
							text := announcement(l, c)
							if n := utf8.RuneCountInString(text); n > 160 {
								t.Fatalf("%d characters: %s", n, text)
							}
							if !strings.HasSuffix(text, tail+" (123)") || !strings.Contains(text, number(from, "US")) || !utf8.ValidString(text) {
								t.Fatalf("%q", text)
							}
						}
						const take, call = ". Reply Y to take, N for voicemail.", " asks to be called back. Reply Y to call."
						fits(c, take)
						for _, note := range []string{"", "wants a refund", long} {
							handed := c
							handed.Handed = &store.Handed{By: taker, Note: note, At: time.Unix(1, 0)}
							fits(handed, take)
						}
						if taker != "" {
							c.Tries = []store.Try{{Person: taker, Why: store.Busy, Word: store.Forward}}
							fits(c, take)
						}
						c.Back = &store.Callback{}
						fits(c, call)
						if taker != "" {
							c.Tries = []store.Try{{Person: taker, Why: store.Unreached}}
							fits(c, call)
						}
					}
				}
			}
		}
	}
}

// A full name is kept as long as it fits without the place; a cut one still says the number.
func TestAnnouncementDropsPlaceFirst(t *testing.T) {
	c := store.Call{From: "+12085550123", Name: strings.Repeat("Jo ", 20), City: strings.Repeat("Llanfair", 5), Code: 1}
	c.Name = strings.TrimSpace(c.Name)
	text := announcement(salesLine, c)
	if !strings.Contains(text, c.Name) || strings.Contains(text, "Llanfair") {
		t.Errorf("%q", text)
	}
}

func TestSMSTexts(t *testing.T) {
	now := time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC)
	team := store.Team{Lines: []store.Line{salesLine}}
	var many []store.Call
	for i := range 500 {
		many = append(many, store.Call{Line: salesLine.Number, From: "+12085550123", Name: strings.Repeat("é", 60), Code: i + 1, Arrived: now.Add(-time.Minute)})
	}
	two := []store.Call{{Line: salesLine.Number, From: "+12085550123", Name: "Jane", Code: 1, Arrived: now.Add(-time.Minute)}, {Line: salesLine.Number, Code: 3, Arrived: now}}
	if got, want := whichOne(team, two, "Y 1", now), "Which one? 1: Jane, (208) 555-0123, waiting 1:00. 3: withheld number, waiting 0:00. Reply for example Y 1."; got != want {
		t.Errorf("got %q", got)
	}
	if got, want := waitingList(team, two, now), "1: Jane, (208) 555-0123 (Sales), waiting 1:00\n3: withheld number (Sales), waiting 0:00"; got != want {
		t.Errorf("got %q", got)
	}
	if got := waitingList(team, nil, now); got != "Nobody is waiting." {
		t.Errorf("got %q", got)
	}
	// Twilio sends no text of more than 1,600 characters (error 21617): it would say nothing at all.
	for name, text := range map[string]string{"which one": whichOne(team, many, "Y 1", now), "list": waitingList(team, many, now)} {
		if n := utf8.RuneCountInString(text); n > 1600 {
			t.Errorf("%s: %d characters", name, n)
		}
		if !strings.Contains(text, "490 more") {
			t.Errorf("%s does not say how many there are: %s", name, text)
		}
	}
	if got := whichOne(team, many, "Y 1", now); !strings.HasSuffix(got, ", waiting 1:00. And 490 more. Reply for example Y 1.") {
		t.Errorf("it does not say how to answer: %q", got)
	}
	pass := salesLine
	pass.No = store.NoPass
	place := store.Standing{Until: now.Add(30 * time.Minute)}
	for _, text := range []string{smsHelp(salesLine), smsHelp(pass), nobodyHeld, leftLine, notInLine, onDuty, inLine(store.Person{}, team, place, 0, now), inLine(store.Person{}, team, place, 12, now),
		offDuty(team, store.Answer{}, store.Duty{Off: true, Until: now.Add(mostOff - time.Minute)}, now), toStranger(salesLine), notYourLine(salesLine), nothingWaits, noSuchCode(store.Answer{}, 7)} {
		if n := utf8.RuneCountInString(text); n > 160 || strings.ContainsFunc(text, func(r rune) bool { return r > 127 }) {
			t.Errorf("%d characters, or not plain: %q", n, text)
		}
	}
}

func TestVerdict(t *testing.T) {
	now := time.Date(2026, 3, 2, 17, 4, 5, 0, time.UTC)
	team := store.Team{Lines: []store.Line{salesLine}, People: []store.Person{{Name: "Ann", Phone: "+12085550101"}, {Name: "Bob", Phone: "+12085550102"}}}
	call := func(s store.State, o store.Outcome) store.Call {
		return store.Call{ID: callID, Line: salesLine.Number, From: "+12085550123", Name: "Jane", State: s, Outcome: o, Code: 4}
	}
	gaveUp := func(by string) store.Call {
		c := call(store.Ended, store.Talked)
		c.Attempt, c.Handed = 2, &store.Handed{By: by}
		return c
	}
	by := func(person string, word store.Word, ago time.Duration) *store.Claim {
		return &store.Claim{Person: person, Word: word, At: now.Add(-ago)}
	}
	claimed := func(c store.Call, by *store.Claim) store.Call {
		c.Claim = by
		return c
	}
	back := func(c store.Call) store.Call {
		c.Back = &store.Callback{}
		return c
	}
	tried := func(c store.Call, whom string, why store.Why) store.Call {
		c.Tries = []store.Try{{Person: whom, Why: why}}
		return c
	}
	kim := store.Call{ID: callID, Line: salesLine.Number, From: "+12085550145", Name: "Kim", State: store.Talking}
	const jane = "Jane, (208) 555-0123"
	for i, c := range []struct {
		word store.Word
		v    store.Verdict
		call store.Call
		want string
	}{
		{store.Take, store.Verdict{Result: store.Won}, call(store.Ringing, ""), "Yours: " + jane + ". Your phone (208) 555-0101 rings now."},
		{store.Take, store.Verdict{Result: store.Yours}, call(store.Ringing, ""), "Yours: " + jane + ". Your phone (208) 555-0101 rings now."},
		{store.Take, store.Verdict{Result: store.Yours}, call(store.Talking, ""), "Yours: " + jane + "."},
		// The call has moved on since: what was won is not promised again.
		{store.Take, store.Verdict{Result: store.Yours}, call(store.Ended, store.Talked), "You talked with " + jane + " already."},
		{store.Take, store.Verdict{Result: store.Won}, call(store.Waiting, ""), jane + " is waiting again (Y 4)."},
		{store.Take, store.Verdict{Result: store.Won}, claimed(call(store.Ringing, ""), by("Bob", store.Take, 0)), "Bob has answered " + jane + " since."},
		{store.Take, store.Verdict{Result: store.Won}, claimed(call(store.Recording, ""), &store.Claim{Via: store.ByRule}), jane + " could not be put through and is asked to leave a message."},
		{store.SendVoicemail, store.Verdict{Result: store.Won}, call(store.Recording, ""), jane + " is sent to voicemail."},
		{store.SendVoicemail, store.Verdict{Result: store.Yours}, call(store.Ended, store.Voicemail), jane + " is sent to voicemail."},
		{store.Pass, store.Verdict{Result: store.PassOn}, call(store.Waiting, ""), "All right, not you."},
		{store.Take, store.Verdict{Result: store.Stale}, call(store.Waiting, ""), jane + " is waiting again. Please answer the latest announcement (Y 4)."},
		{store.Take, store.Verdict{Result: store.Won}, call(store.Ended, store.Missed), jane + " has hung up before you could be put through."},
		{store.SendVoicemail, store.Verdict{Result: store.Lost, First: by("Ann", store.Take, time.Second)}, call(store.Ringing, ""), "You took " + jane + " already, just now."},
		{store.Take, store.Verdict{Result: store.Lost, First: by("Ann", store.SendVoicemail, time.Second)}, call(store.Recording, ""), "You have sent " + jane + " to voicemail already, just now."},
		{store.Take, store.Verdict{Result: store.Lost, First: by("Bob", store.Take, time.Second)}, call(store.Ringing, ""), "Too late: Bob took " + jane + ", just now."},
		{store.Take, store.Verdict{Result: store.Lost, First: by("Bob", store.Take, 65*time.Second)}, call(store.Ended, store.Talked), "Too late: Bob took " + jane + ", 1:05 ago."},
		{store.SendVoicemail, store.Verdict{Result: store.Lost, First: by("Bob", store.SendVoicemail, 3*time.Second)}, call(store.Recording, ""), "Too late: Bob has sent " + jane + " to voicemail, 0:03 ago."},
		{store.Take, store.Verdict{Result: store.TooLate}, call(store.Recording, ""), jane + " is at voicemail already."},
		{store.Take, store.Verdict{Result: store.TooLate}, call(store.Ended, store.Voicemail), jane + " is at voicemail already."},
		{store.Take, store.Verdict{Result: store.TooLate}, call(store.Ended, store.Missed), jane + " has hung up."},
		{store.Take, store.Verdict{Result: store.TooLate}, back(call(store.Ended, store.Missed)), jane + " is not waiting any more."},
		// The taker is told why it came to nothing.
		{store.Take, store.Verdict{Result: store.Won}, tried(call(store.Waiting, ""), "Ann", store.NoAnswer), "You did not pick up. " + jane + " is waiting again (Y 4)."},
		{store.Take, store.Verdict{Result: store.Won}, tried(call(store.Waiting, ""), "Ann", store.Declined), "You declined. " + jane + " is waiting again (Y 4)."},
		{store.Take, store.Verdict{Result: store.Won}, tried(call(store.Waiting, ""), "Ann", store.NotAccepted), "You did not press 1. " + jane + " is waiting again (Y 4)."},
		{store.Take, store.Verdict{Result: store.Won}, tried(call(store.Waiting, ""), "Ann", store.Busy), "Your phone was busy. " + jane + " is waiting again (Y 4)."},
		{store.Take, store.Verdict{Result: store.Won}, tried(call(store.Waiting, ""), "Ann", store.Failed), "Your phone could not be reached. " + jane + " is waiting again (Y 4)."},
		{store.Take, store.Verdict{Result: store.Won}, tried(back(call(store.Waiting, "")), "Ann", store.Unreached), "You did not reach them. " + jane + " is waiting again (Y 4)."},
		{store.Take, store.Verdict{Result: store.Won}, tried(call(store.Waiting, ""), "Bob", store.NoAnswer), jane + " is waiting again (Y 4)."},
		{store.Take, store.Verdict{Result: store.Won}, claimed(tried(call(store.Ringing, ""), "Ann", store.NoAnswer), by("Bob", store.Take, 0)), "You did not pick up. Bob has answered " + jane + " since."},
		{store.Take, store.Verdict{Result: store.Won}, claimed(tried(call(store.Recording, ""), "Ann", store.NoAnswer), &store.Claim{Via: store.ByRule}), "You did not pick up. " + jane + " could not be put through and is asked to leave a message."},
		{store.Take, store.Verdict{Result: store.Won}, claimed(call(store.Ringing, ""), &store.Claim{Via: store.ByRule, Rule: store.HandedBack, Person: "Ann"}), "Yours: " + jane + ". Your phone (208) 555-0101 rings now."},
		// Calling back.
		{store.Take, store.Verdict{Result: store.Won}, claimed(back(call(store.Ringing, "")), &store.Claim{Person: "Ann", Leg: "CA9"}), "Yours: " + jane + ". Your phone (208) 555-0101 rings now, then theirs."},
		{store.Take, store.Verdict{Result: store.Yours}, back(call(store.Ended, store.CalledBack)), "You have called " + jane + " back already."},
		{store.Take, store.Verdict{Result: store.Won}, back(call(store.Ended, store.Tried)), jane + " could not be reached, and is not called back any more."},
		{store.SendVoicemail, store.Verdict{Result: store.OnlyTake}, back(call(store.Waiting, "")), jane + " has hung up and waits to be called back. Y 4 calls them."},
		{store.HandOver, store.Verdict{Result: store.NotTalking}, claimed(back(call(store.Talking, "")), by("Ann", store.Take, 0)), "You have called " + jane + " back, and cannot hand them over."},
		// Forwards.
		{store.Forward, store.Verdict{Result: store.Won}, claimed(call(store.Ringing, ""), by("Ann", store.Forward, 0)), jane + " is forwarded to (208) 555-0199."},
		{store.Forward, store.Verdict{Result: store.Yours}, call(store.Ended, store.Forwarded), jane + " is forwarded to (208) 555-0199."},
		{store.Forward, store.Verdict{Result: store.Won}, call(store.Waiting, ""), "(208) 555-0199 did not answer. " + jane + " is waiting again (Y 4)."},
		{store.Forward, store.Verdict{Result: store.Won}, call(store.Ended, store.Missed), jane + " has hung up before they could be put through."},
		{store.Forward, store.Verdict{Result: store.Won}, claimed(call(store.Ringing, ""), by("Bob", store.Take, 0)), "(208) 555-0199 did not answer. " + jane + " is not waiting any more."},
		{store.Take, store.Verdict{Result: store.Lost, First: &store.Claim{Person: "Bob", Word: store.Forward, To: "+12085550199", At: now}}, call(store.Ringing, ""), "Too late: Bob has forwarded " + jane + " to (208) 555-0199, just now."},
		// Passing, giving back and handing over.
		{store.Pass, store.Verdict{Result: store.PassOn}, claimed(call(store.Recording, ""), &store.Claim{Via: store.ByRule, Rule: store.AllPassed}), "All right, not you. Nobody is left, so " + jane + " is asked to leave a message."},
		{store.Pass, store.Verdict{Result: store.GivenBack}, call(store.Waiting, ""), "All right, " + jane + " waits for somebody else."},
		{store.HandOver, store.Verdict{Result: store.HandedOver}, call(store.Waiting, ""), "Handed over: " + jane + " is back on hold. If nobody takes the call, your phone rings again."},
		{store.HandOver, store.Verdict{Result: store.Stale}, claimed(call(store.Talking, ""), by("Ann", store.Take, 0)), "That was about an earlier conversation with " + jane + ". PASS ON hands the call over."},
		{store.HandOver, store.Verdict{Result: store.Stale}, call(store.Waiting, ""), jane + " is waiting again. Please answer the latest announcement (Y 4)."},
		{store.HandOver, store.Verdict{Result: store.Stale}, call(store.Ended, store.Talked), "The call with " + jane + " is over."},
		{store.Take, store.Verdict{Result: store.Stale}, claimed(call(store.Talking, ""), by("Ann", store.Take, 0)), jane + " is not waiting any more."},
		{store.HandOver, store.Verdict{Result: store.NotTalking}, claimed(call(store.Talking, ""), by("Bob", store.Take, 0)), "You are not talking with " + jane + "."},
		{store.HandOver, store.Verdict{Result: store.NotTalking}, call(store.Ended, store.Talked), "The call with " + jane + " is over."},
		{store.HandOver, store.Verdict{Result: store.NotTalking}, call(store.Ended, store.Missed), jane + " has hung up."},
		// Handed over, and hung up.
		{store.Take, store.Verdict{Result: store.TooLate}, gaveUp("Bob"), jane + " has hung up."},
		{store.Take, store.Verdict{Result: store.Won}, gaveUp("Bob"), jane + " has hung up before you could be put through."},
		{store.Take, store.Verdict{Result: store.Won}, gaveUp("Ann"), "You talked with " + jane + " already."},
		{store.Forward, store.Verdict{Result: store.Won}, gaveUp("Bob"), jane + " has hung up before they could be put through."},
		{store.Pass, store.Verdict{Result: store.Lost, First: by("Ann", store.Take, time.Minute)}, call(store.Talking, ""), "You are on the phone with " + jane + ". PASS ON hands the call over."},
		// One call at a time.
		{store.Take, store.Verdict{Result: store.OnACall}, call(store.Waiting, ""), "You are on the phone with Kim, (208) 555-0145. Y 4 FORCE takes this one too."},
		{store.Take, store.Verdict{Result: store.OnACall}, store.Call{}, "You are on the phone with Kim, (208) 555-0145. Nobody else is waiting. PULL FORCE puts you in line."},
		{store.Take, store.Verdict{Result: store.OnACall}, call(store.Ended, store.Missed), jane + " has hung up."},
	} {
		got := verdict(team, store.Answer{Person: "Ann", Word: c.word, Via: store.BySMS, To: "+12085550199"}, c.v, c.call, kim, now)
		if got != c.want {
			t.Errorf("%d: got  %q\nwant %q", i, got, c.want)
		}
		if n := utf8.RuneCountInString(got); n > 160 {
			t.Errorf("%d characters: %s", n, got)
		}
	}
	// Who answers by a button is not told of codes.
	if got := verdict(team, store.Answer{Person: "Ann", Via: store.BySlack}, store.Verdict{Result: store.Stale}, call(store.Waiting, ""), store.Call{}, now); got != jane+" is waiting again. Please answer the latest announcement." {
		t.Errorf("got %q", got)
	}
	// A call of a line that is configured no more has no country either.
	if got := verdict(store.Team{}, store.Answer{}, store.Verdict{Result: store.TooLate}, call(store.Ended, store.Missed), store.Call{}, now); got != fmt.Sprintf("Jane, %s has hung up.", "+1 208-555-0123") {
		t.Errorf("got %q", got)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "a moment", 29 * time.Second: "a moment", 31 * time.Second: "1 minute", 30 * time.Minute: "30 minutes", time.Hour: "1 hour", 90 * time.Minute: "1 hour 30 minutes",
		2*time.Hour - time.Second: "2 hours", 24 * time.Hour: "1 day", 50*time.Hour + time.Minute: "2 days 2 hours 1 minute", mostOff: "30 days", -time.Minute: "a moment",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	now := time.Date(2026, 12, 31, 22, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		time.Hour: "until 23:00", 2 * time.Hour: "until Fri 00:00", 24 * time.Hour: "until Fri 22:00", 6 * 24 * time.Hour: "until 6 Jan 22:00", 365 * 24 * time.Hour: "until 31 Dec 22:00",
	} {
		if got := until(now.Add(d), now, time.UTC); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
