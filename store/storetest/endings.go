package storetest

import (
	"reflect"

	"pullphone/store"
)

var endings = []part[*world]{
	{"the caller hangs up, in every state", hangingUp},
	{"the queue lets the caller go, in every state", leavingQueue},
	{"a message that can be listened to, in every state", recordingReady},
	{"a message and a hang-up, in either order", recordingAndHangUp},
	{"several messages of one call", severalRecordings},
	{"a message that is empty", emptyMessage},
	{"what Twilio says of a call", foundFacts},
}

func hangingUp(w *world) {
	for _, s := range states {
		before := w.in(s)
		w.clock.Advance(15 * second)
		c := w.ok(w.s.HungUp(w.ctx, before.ID))
		want := map[store.State]store.Outcome{store.Waiting: store.Missed, store.Ringing: store.Missed, store.Talking: store.Talked,
			store.Ended: store.Missed}[s]
		switch {
		case s == store.Recording:
			// They may have left a message: its report is waited for, a minute.
			if c.State != store.Recording || !c.Deadline.Equal(w.clock.Now().Add(minute)) || c.Rev != before.Rev {
				w.Errorf("%s: %s %q, deadline %s", s, c.State, c.Outcome, c.Deadline)
			}
		case s == store.Ended:
			if !reflect.DeepEqual(c, before) {
				w.Errorf("hanging up twice changed the call: %+v", c)
			}
		default:
			if c.State != store.Ended || c.Outcome != want || !c.Stopped.Equal(w.clock.Now()) || c.Rev != before.Rev+1 {
				w.Errorf("%s: %s %q", s, c.State, c.Outcome)
			}
			if d := w.one(store.Draw, c.ID); d.Rev != c.Rev {
				w.Errorf("%s: the picture is due at revision %d of %d", s, d.Rev, c.Rev)
			}
		}
		if s == store.Talking && c.Seconds != 15 {
			w.Errorf("talked %d s", c.Seconds)
		}
		w.clock.Advance(second)
		if again := w.ok(w.s.HungUp(w.ctx, c.ID)); !reflect.DeepEqual(again, c) {
			w.Errorf("%s: again: %+v, was %+v", s, again, c)
		}
	}
}

func leavingQueue(w *world) {
	for _, s := range states {
		before := w.in(s)
		if c := w.ok(w.s.LeftQueue(w.ctx, before.ID, 2)); !reflect.DeepEqual(c, before) {
			w.Errorf("%s: another attempt's word changed the call", s)
		}
		c := w.ok(w.s.LeftQueue(w.ctx, before.ID, 1))
		switch {
		case s != store.Waiting:
			if !reflect.DeepEqual(c, before) {
				w.Errorf("%s: leaving the queue changed the call", s)
			}
		case c.State != store.Recording || c.Claim.Via != store.ByRule || c.Fetched != 1 || len(w.deeds(store.Redirect, c.ID)) != 0:
			w.Errorf("%s: %+v, claim %+v", s, c, c.Claim)
		}
	}
}

func recordingReady(w *world) {
	for _, s := range states {
		c := w.in(s)
		rev := c.Rev
		c = w.ok(w.s.RecordingReady(w.ctx, c.ID, "RE1", 9))
		state, outcome := s, store.Outcome("")
		if s == store.Recording || s == store.Ended { // missed: the message was given up too early
			state, outcome = store.Ended, store.Voicemail
		}
		if c.State != state || c.Outcome != outcome || c.VoiceSeconds() != 9 || c.Rev != rev+1 {
			w.Errorf("%s: %s %q, %d s", s, c.State, c.Outcome, c.VoiceSeconds())
		}
		// What a caller said is never dropped: its link is due, once.
		if d := w.one(store.Post, c.ID); d.Whom != "RE1" || d.Line != sales || !d.Due.Equal(w.clock.Now()) {
			w.Errorf("%s: %+v", s, d)
		}
		if again := w.ok(w.s.RecordingReady(w.ctx, c.ID, "RE1", 9)); !reflect.DeepEqual(again, c) {
			w.Errorf("%s: again: %+v", s, again)
		}
		w.one(store.Post, c.ID)
	}
	talked := w.ok(w.s.HungUp(w.ctx, w.talking().ID))
	if c := w.ok(w.s.RecordingReady(w.ctx, talked.ID, "RE1", 9)); c.Outcome != store.Talked || len(w.deeds(store.Post, c.ID)) != 1 {
		w.Errorf("a conversation became %q", c.Outcome)
	}
}

func recordingAndHangUp(w *world) {
	id := w.recording().ID
	w.ok(w.s.Recorded(w.ctx, id, 12))
	w.is(id, store.Recording, "")
	w.ok(w.s.HungUp(w.ctx, id))
	w.is(id, store.Recording, "")
	w.ok(w.s.RecordingReady(w.ctx, id, "RE1", 11))
	w.is(id, store.Ended, store.Voicemail)

	id = w.recording().ID
	w.ok(w.s.RecordingReady(w.ctx, id, "RE2", 11))
	c := w.is(id, store.Ended, store.Voicemail)
	for _, end := range []func() (store.Call, error){
		func() (store.Call, error) { return w.s.HungUp(w.ctx, id) },
		func() (store.Call, error) { return w.s.Recorded(w.ctx, id, 0) },
		func() (store.Call, error) { return w.s.NothingRecorded(w.ctx, id) },
		func() (store.Call, error) { return w.s.Found(w.ctx, id, store.Facts{}) },
	} {
		if after := w.ok(end()); !reflect.DeepEqual(after, c) {
			w.Errorf("the end of a message changed: %+v", after)
		}
	}
	// A word that says how long the message is does not put off what the hang-up has brought near.
	id = w.recording().ID
	w.ok(w.s.HungUp(w.ctx, id))
	w.clock.Advance(30 * second)
	if c := w.ok(w.s.Recorded(w.ctx, id, 5)); !c.Deadline.Equal(w.clock.Now().Add(30 * second)) {
		w.Errorf("the deadline is %s from now", c.Deadline.Sub(w.clock.Now()))
	}
}

func severalRecordings(w *world) {
	id := w.recording().ID
	w.ok(w.s.RecordingReady(w.ctx, id, "RE1", 5))
	c := w.ok(w.s.RecordingReady(w.ctx, id, "RE2", 7))
	if len(c.Voice) != 2 || c.VoiceSeconds() != 12 || len(w.deeds(store.Post, id)) != 2 {
		w.Errorf("voice %+v", c.Voice)
	}
}

func emptyMessage(w *world) {
	for name, empty := range map[string]func(store.CallID) (store.Call, error){
		"recorded for 0 s": func(id store.CallID) (store.Call, error) { return w.s.Recorded(w.ctx, id, 0) },
		"nothing recorded": func(id store.CallID) (store.Call, error) { return w.s.NothingRecorded(w.ctx, id) },
	} {
		for _, s := range states {
			before := w.in(s)
			c := w.ok(empty(before.ID))
			if s != store.Recording {
				if !reflect.DeepEqual(c, before) {
					w.Errorf("%s changed a call that is %s", name, s)
				}
				continue
			}
			if c.State != store.Ended || c.Outcome != store.Missed || len(w.deeds(store.Post, c.ID)) != 0 {
				w.Errorf("%s: %s %q", name, c.State, c.Outcome)
			}
			if c = w.ok(w.s.RecordingReady(w.ctx, c.ID, "RE1", 3)); c.Outcome != store.Voicemail {
				w.Errorf("%s, and a message all the same: %q", name, c.Outcome)
			}
		}
	}
	c := w.recording()
	deadline := c.Deadline
	if c = w.ok(w.s.Recorded(w.ctx, c.ID, -1)); c.State != store.Recording || !c.Deadline.Before(deadline) {
		w.Errorf("recorded for who knows how long: %s until %s", c.State, c.Deadline)
	}
}

func foundFacts(w *world) {
	voice := []store.Voice{{SID: "RE1", Seconds: 8}}
	over, unsettled := store.Facts{}, store.Facts{Unsettled: true}
	heard := store.Facts{Voice: voice}
	for _, f := range []struct {
		s       store.State
		facts   store.Facts
		state   store.State
		outcome store.Outcome
	}{
		{store.Waiting, over, store.Ended, store.Missed},
		{store.Waiting, heard, store.Ended, store.Voicemail},
		{store.Ringing, over, store.Ended, store.Missed},
		{store.Talking, over, store.Ended, store.Talked},
		{store.Recording, over, store.Ended, store.Missed},
		{store.Recording, unsettled, store.Recording, ""},
		{store.Recording, heard, store.Ended, store.Voicemail},
		{store.Ended, over, store.Ended, store.Missed},
		{store.Ended, heard, store.Ended, store.Voicemail},
	} {
		c := w.in(f.s)
		rev := c.Rev
		c = w.ok(w.s.Found(w.ctx, c.ID, f.facts))
		if c.State != f.state || c.Outcome != f.outcome {
			w.Errorf("%s, found %+v: %s %q, want %s %q", f.s, f.facts, c.State, c.Outcome, f.state, f.outcome)
		}
		if (c.State != f.s || len(f.facts.Voice) > 0) != (c.Rev > rev) {
			w.Errorf("%s, found %+v: revision %d, was %d", f.s, f.facts, c.Rev, rev)
		}
		if posts := len(w.deeds(store.Post, c.ID)); posts != len(f.facts.Voice) {
			w.Errorf("%s, found %+v: %d posts are due", f.s, f.facts, posts)
		}
		if again := w.ok(w.s.Found(w.ctx, c.ID, f.facts)); !reflect.DeepEqual(again, c) {
			w.Errorf("%s, found %+v again: %+v", f.s, f.facts, again)
		}
		if f.facts.Unsettled && !c.Deadline.Equal(w.clock.Now().Add(minute)) {
			w.Errorf("an unsettled message is waited for until %s", c.Deadline)
		}
	}
}
