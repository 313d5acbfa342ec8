package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/voice/voicetest"
)

const calLine = "(208) 555-0100"

// A text from a number that belongs to nobody decides nothing.
func TestStrangerTexts(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	call, _ := h.arrive(janePhone, jane)
	for i, body := range []string{"Yes", "No 1", "PULL", "LIST", "?", "hello"} {
		equal(t, body, h.text(crewPhone(i), body), "Thank you. This number takes calls only; please call "+calLine+".")
	}
	// The caller themselves is a stranger too.
	equal(t, "the caller's", h.text(janePhone, "Yes"), "Thank you. This number takes calls only; please call "+calLine+".")
	c := h.call(call)
	if c.State != store.Waiting || c.Claim != nil {
		t.Errorf("a stranger's text made it %+v", c)
	}
	// Somebody in Slack of whom nobody knows a phone.
	h.work.AddUser(bottest.User{ID: "U000EVE", Name: "Eve"})
	m := h.work.Messages(salesChannel)[0]
	contains(t, "Eve is told", h.press("U000EVE", m, "Take"), "I have no phone number for you.")
	contains(t, "Eve is told", h.command("U000EVE", ""), "I have no phone number for you.")
	// Somebody of another workspace who sees the channel.
	h.work.AddChannel(bottest.Channel{ID: salesChannel, Name: "sales", BotIsMember: true, ExtShared: true})
	h.work.AddUser(bottest.User{ID: bobSlack, Name: "Bob", TeamID: "T0OTHER"})
	equal(t, "another workspace", h.press(bobSlack, m, "Take"), "Only people of this workspace can answer calls.")
	equal(t, "state", h.call(call).State, store.Waiting)
	h.redirected(call, 0)
}

// With two calls waiting a bare yes is asked back, and the code decides.
func TestTwoCallsWait(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	first, m1 := h.arrive(janePhone, jane)
	h.clock.Advance(30 * time.Second)
	second, m2 := h.arrive(markPhone, voicetest.CallerInfo{City: "NAMPA", State: "ID"})
	h.clock.Advance(5 * time.Second)
	for _, bare := range []string{"Y", "yes", "No", "n"} {
		example := strings.ToUpper(bare[:1]) + " 1."
		equal(t, bare, h.text(annPhone, bare), "Which one? 1: JANE DOE, (208) 555-0123, waiting 0:35. 2: (208) 555-0145, waiting 0:05. Reply for example "+example)
	}
	equal(t, "list", h.text(annPhone, "list"), "1: JANE DOE, (208) 555-0123 (Sales), waiting 0:35\n2: (208) 555-0145 (Sales), waiting 0:05")
	equal(t, "nobody's code", h.text(annPhone, "Y 3"), "No call 3 is waiting. LIST shows those that are.")
	for _, c := range []*voicetest.Call{first, second} {
		equal(t, "state", h.call(c).State, store.Waiting)
	}
	contains(t, "Ann is told", h.text(annPhone, "n2"), "(208) 555-0145 is sent to voicemail.")
	h.must(second.WaitPlace(h.ctx, voicetest.PlaceRecording))
	h.shows(m2.TS, "Sent to voicemail by Ann.")
	// Now a bare yes is clear.
	contains(t, "Bob is told", h.text(bobPhone, "Yes!"), "Yours: JANE DOE")
	h.rings(bobPhone, first)
	h.shows(m1.TS, "Ringing Bob's phone")
	h.redirected(first, 1)
	h.redirected(second, 1)
}

// /pull and its words, and the same by SMS.
func TestPull(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	const next = "Nobody is waiting. You are next in line for 30 minutes; the next call rings your phone."
	equal(t, "/pull list", h.command(annSlack, "list"), "Nobody is waiting.")
	equal(t, "/pull", h.command(annSlack, ""), next)
	equal(t, "/pull list", h.command(annSlack, "list"), "Nobody is waiting.\nIn line: Ann.")
	equal(t, "/pull cancel", h.command(annSlack, "cancel"), "You are not in line any more.")
	help := "/pull takes the call that has waited longest, or puts you in line for the next one; /pull cancel leaves the line.\n" +
		"/pull 2, /pull no 2 and /pull pass 2 answer the call with that number. /pull 2 force takes it though you are on the phone.\n" +
		"/pull pass on hands your caller over; a note may follow.\n" +
		"/pull list shows who is waiting, who is in line and who is off duty. /pull off 2h and /pull on say whether you are on duty. /pull help shows this."
	for _, word := range []string{"help", "?", "me", "list all"} {
		equal(t, "/pull "+word, h.command(annSlack, word), help)
	}
	equal(t, "LIST", h.text(bobPhone, "LIST"), "Nobody is waiting.")
	equal(t, "PULL", h.text(bobPhone, "PULL"), next)
	equal(t, "LEAVE", h.text(bobPhone, "LEAVE"), "You are not in line any more.")
	smsHelp := "Y takes the call, N: voicemail, PASS: not me. Several: Y 2. PULL: the next call, LEAVE, LIST. On the phone: PASS ON, Y 2 FORCE. OFF 2H, ON: duty."
	for _, word := range []string{"?", " ?? ", "hello", "no problem, I will", "yes no"} {
		equal(t, word, h.text(bobPhone, word), smsHelp)
	}
	var calls []*voicetest.Call
	var messages []bottest.Message
	for i := range 3 {
		c, m := h.arrive(crewPhone(i), voicetest.CallerInfo{})
		calls, messages = append(calls, c), append(messages, m)
		h.clock.Advance(10 * time.Second)
	}
	equal(t, "/pull list", h.command(annSlack, "list"), "1: (208) 555-1000 (Sales), waiting 0:30\n2: (208) 555-1001 (Sales), waiting 0:20\n3: (208) 555-1002 (Sales), waiting 0:10")
	contains(t, "/pull", h.command(annSlack, ""), "Yours: (208) 555-1000. Your phone (208) 555-0101 rings now.")
	contains(t, "NEXT", h.text(bobPhone, "next"), "Yours: (208) 555-1001. Your phone (208) 555-0102 rings now.")
	for i, phone := range []string{annPhone, bobPhone} {
		h.rings(phone, calls[i])
		h.shows(messages[i].TS, "Ringing "+[]string{"Ann", "Bob"}[i])
		equal(t, "via", h.call(calls[i]).Claim.Via, []store.Via{store.BySlack, store.BySMS}[i])
		h.redirected(calls[i], 1)
	}
	// The same command delivered again has no second effect, and no second caller.
	_, err := h.work.Replay(h.ctx)
	h.must(err)
	equal(t, "the third", h.call(calls[2]).State, store.Waiting)
	h.redirected(calls[2], 0)
}

// What an answer to a call that is taken or gone is told.
func TestAnswerTooLate(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	call, m := h.arrive(janePhone, jane)
	const who = "JANE DOE, (208) 555-0123"
	h.press(annSlack, m, "Take")
	leg := h.rings(annPhone, call)
	h.clock.Advance(4 * time.Second)
	late := func(ago, own string) {
		t.Helper()
		want := "Too late: Ann took " + who + ", " + ago + "."
		equal(t, "SMS", h.text(bobPhone, "y"), want)
		equal(t, "SMS no", h.text(bobPhone, "n"), want)
		equal(t, "Take", h.press(bobSlack, m, "Take"), want)
		equal(t, "Voicemail", h.press(bobSlack, m, "Voicemail"), want)
		equal(t, "Ann's own no", h.press(annSlack, m, "Voicemail"), own)
	}
	late("0:04 ago", "You took "+who+" already, 0:04 ago.")
	h.accepts(leg)
	h.shows(m.TS, "Talking with Ann")
	late("0:04 ago", "You are on the phone with "+who+". /pull pass on hands the call over.")
	equal(t, "Ann again", h.press(annSlack, m, "Take"), "Yours: "+who+".")
	h.clock.Advance(56 * time.Second)
	leg.Hangup()
	equal(t, "outcome", h.record(call).Outcome, store.Talked)
	h.shows(m.TS, "Talked with Ann")
	late("1:00 ago", "You took "+who+" already, 1:00 ago.")
	equal(t, "with its code", h.text(bobPhone, "Y 1"), "Too late: Ann took "+who+", 1:00 ago.")
	equal(t, "with another", h.text(bobPhone, "Y 2"), "No call 2 is waiting. LIST shows those that are.")
	contains(t, "/pull", h.command(bobSlack, ""), "Nobody is waiting.")
	h.redirected(call, 1)
	equal(t, "history", len(h.history()), 1)
}

// A person who does not serve the line cannot answer its calls by SMS.
func TestAnotherLinesPerson(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{"people: [Ann]"}})
	call, _ := h.queued(janePhone, jane)
	_, err := h.net.Phone(annPhone).WaitSMS(h.ctx, func(s voicetest.SMS) bool { return strings.Contains(s.Body, announced) })
	h.must(err)
	equal(t, "SMS to Bob", len(h.net.Phone(bobPhone).Inbox()), 0)
	equal(t, "Bob is told", h.text(bobPhone, "Yes"), "You do not answer the line Sales.")
	equal(t, "Bob is told", h.text(bobPhone, "PULL"), "You do not answer the line Sales.")
	equal(t, "/pull", h.command(bobSlack, ""), "You belong to no line. Ask whoever runs pullphone to add you to one.")
	equal(t, "state", h.call(call).State, store.Waiting)
	equal(t, "what Ann is told", h.text(annPhone, "Yes"), fmt.Sprintf("Yours: JANE DOE, (208) 555-0123. Your phone %s rings now.", "(208) 555-0101"))
	h.rings(annPhone, call)
}

// No that means "not me" takes only one person out.
func TestPass(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{line: []string{`"no": pass`}})
	call, _ := h.arrive(janePhone, jane)
	contains(t, "SMS", announcements(h.net, annPhone)[0], "N for not me")
	equal(t, "Ann is told", h.text(annPhone, "No"), "All right, not you.")
	c := h.call(call)
	if c.State != store.Waiting || len(c.Passed) != 1 || c.Passed[0].Person != "Ann" {
		t.Errorf("after a pass: %+v", c)
	}
	contains(t, "Bob is told", h.text(bobPhone, "Y"), "Yours")
	h.rings(bobPhone, call)
	h.redirected(call, 1)
}
