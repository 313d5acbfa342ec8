package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/voice/voicetest"
)

// restore puts a copy in the store's place while no server runs, and starts one a while later.
func (h *harness) restore(file string, down time.Duration) {
	h.t.Helper()
	h.stop()
	h.clock.Advance(down)
	b, err := os.ReadFile(file)
	h.must(err)
	h.must(os.Rename(h.town.store, h.town.store+".old"))
	h.must(os.WriteFile(h.town.store, b, 0o600))
	h.start()
}

func (h *harness) backup(name string) (file string) {
	h.t.Helper()
	file = filepath.Join(filepath.Dir(h.town.store), name)
	if code, _, errs := runs(h.ctx, "backup", "--config", h.file, file); code != 0 {
		h.t.Errorf("backup: %s", errs)
	}
	return file
}

// Copies are made while calls come, are answered and end; each is sound. The store is put back to one that was made
// with a call in every state; since then these calls have gone on, and others have come. Nobody's conversation is torn,
// nobody is redirected twice, and each call of the copy ends as it should.
func TestRestore(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]time.Duration{"at once": 0, "after everybody's deadline": 11 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			restored(t, down)
		})
	}
}

func restored(t *testing.T, down time.Duration) {
	h := serveTown(t, options{people: crew(6), line: []string{"max_wait: 10m"}, errors: []string{"webhook failed", "queue not recorded"}})
	for i := range 6 {
		h.work.AddUser(bottest.User{ID: crewSlack(i), Name: crewName(i)})
	}
	ended := map[string]store.Record{}
	for _, r := range played(h) {
		ended[r.CallSID] = r
	}

	caller := func(i int) string { return fmt.Sprintf("+1208555%04d", 3000+i) }
	arrives := func(i int) (*voicetest.Call, bottest.Message) {
		h.clock.Advance(time.Second)
		return h.queued(caller(i), voicetest.CallerInfo{})
	}
	takes := func(call *voicetest.Call, m bottest.Message, person int) *voicetest.Leg {
		h.press(crewSlack(person), m, "Take")
		return h.rings(crewPhone(person), call)
	}
	waiting, mw := arrives(0)
	waitsOn, _ := arrives(1)
	ringing, mr := arrives(2)
	ringingLeg := takes(ringing, mr, 1)
	talking, mt := arrives(3)
	talkingLeg := takes(talking, mt, 2)
	h.accepts(talkingLeg)
	h.shows(mt.TS, "Talking with")
	recording, mv := arrives(4)
	h.press(annSlack, mv, "Voicemail")
	h.must(recording.WaitPlace(h.ctx, voicetest.PlaceRecording))
	recording.Speak(4 * time.Second)

	// Meanwhile others come and go, and copies are made.
	var busy sync.WaitGroup
	busy.Go(func() {
		for i := range 10 {
			c := h.net.Phone(caller(100+i)).Call(salesNumber, voicetest.CallerInfo{})
			if err := c.WaitPlace(h.ctx, voicetest.PlaceQueue); err != nil {
				t.Error(err)
			}
			c.Hangup()
		}
	})
	busy.Go(func() {
		for i := range 10 {
			h.backup(fmt.Sprintf("copy%d.db", i))
		}
	})
	busy.Wait()
	copied := h.backup("copy.db")
	for i := range 10 {
		if err := bolt.Check(filepath.Join(filepath.Dir(copied), fmt.Sprintf("copy%d.db", i))); err != nil {
			t.Error(err)
		}
	}

	// What only the store that is lost knew.
	h.clock.Advance(10 * time.Second) // Slack has its limits
	waitingLeg := takes(waiting, mw, 3)
	h.accepts(waitingLeg)
	h.shows(mw.TS, "Talking with")
	ringingLeg.Answer()
	h.must(ringingLeg.WaitKeys(h.ctx))
	ringingLeg.Press("1")
	h.must(ringingLeg.WaitBridged(h.ctx))
	talkingLeg.Hangup()
	h.must(talking.WaitEnd(h.ctx))
	recording.Hangup()
	h.must(recording.WaitEnd(h.ctx))
	_, _ = arrives(5)
	h.must(h.net.WaitQuiet(h.ctx))

	h.restore(copied, down)
	for sid, want := range ended {
		i := slices.IndexFunc(h.history(), func(r store.Record) bool { return r.CallSID == sid })
		if i < 0 {
			t.Fatalf("%s had ended, and is lost", sid)
		}
		equal(t, "what had ended", h.history()[i], want)
	}
	equal(t, "outcome of the call that talked", h.record(talking).Outcome, store.Talked)
	equal(t, "outcome of the voicemail", h.record(recording).Outcome, store.Voicemail)

	if down == 0 {
		stop := h.pump(20 * time.Millisecond)
		h.until("the store learns that the call that waited was taken", func() bool { return h.call(waiting).State == store.Talking })
		stop()
	}

	// Everybody's deadline passes: those who talk go on talking, who waits is asked for a message.
	stop := h.pump(time.Second)
	h.must(waitsOn.WaitPlace(h.ctx, voicetest.PlaceRecording))
	began := h.clock.Now()
	h.until("another while", func() bool { return h.clock.Since(began) > 5*time.Minute })
	stop()
	for name, leg := range map[string]*voicetest.Leg{"that waited in the copy": waitingLeg, "that rang in the copy": ringingLeg} {
		if !leg.Bridged() {
			t.Errorf("the conversation of the call %s was torn", name)
		}
	}
	for _, call := range []*voicetest.Call{waiting, ringing, talking, recording, waitsOn} {
		if n := h.net.Redirects(call.SID()); n != 1 {
			t.Errorf("%s was redirected %d times", call.SID(), n)
		}
	}
	waitingLeg.Hangup()
	ringing.Hangup()
	for _, call := range []*voicetest.Call{waiting, ringing, waitsOn} {
		h.must(call.WaitEnd(h.ctx))
	}
	h.must(h.net.WaitQuiet(h.ctx))
	stop = h.pump(time.Second)
	defer stop()
	for name, call := range map[string]*voicetest.Call{"that waited in the copy": waiting, "that rang in the copy": ringing} {
		equal(t, "outcome of the call "+name, h.record(call).Outcome, store.Talked)
	}
	equal(t, "who took the call that rang in the copy", h.record(ringing).AnsweredBy, crewName(1))
	equal(t, "outcome of the call that went on waiting", h.record(waitsOn).Outcome, store.Missed)
	posts := 0
	for _, m := range voicemails(h.work) {
		if strings.Contains(m.AsText(), "555-3004") {
			posts++
		}
	}
	if posts == 0 {
		t.Error("the voicemail is not posted")
	}
}
