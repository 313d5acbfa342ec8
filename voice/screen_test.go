package voice

import (
	"testing"

	"pullphone/store"
)

func TestScreen(t *testing.T) {
	run(t, screenPath, func(store.Call) []string { return []string{"CallSid", "CA9", "Direction", "outbound-dial"} }, []step{
		{"ringing", 1, "ask", 0, store.Ringing},
		{"fetched", 1, "ask", 0, store.Ringing},
		{"talking", 1, "ask", 0, store.Talking},
		{"waiting", 1, "gone", 0, store.Waiting},
		{"recording", 1, "gone", 0, store.Recording},
		{"again", 1, "gone", 0, store.Waiting},
		{"again ringing", 1, "gone", 0, store.Ringing},
		{"again ringing", 2, "ask", 0, store.Ringing},
		{"missed", 1, "gone", 0, store.Ended},
		{"talked", 1, "gone", 0, store.Ended},
	})
}

func TestAccept(t *testing.T) {
	keys := func(digits string) func(store.Call) []string {
		return func(store.Call) []string { return []string{"CallSid", "CA9", "Digits", digits} }
	}
	t.Run("1", func(t *testing.T) {
		run(t, acceptPath, keys("1"), []step{
			{"ringing", 1, "", 0, store.Talking},
			{"fetched", 1, "", 0, store.Talking},
			{"talking", 1, "", 0, store.Talking},
			{"waiting", 1, "gone", 0, store.Waiting},
			{"recording", 1, "gone", 0, store.Recording},
			{"again", 1, "gone", 0, store.Waiting},
			{"again ringing", 1, "gone", 0, store.Ringing},
			{"missed", 1, "gone", 0, store.Ended},
			{"talked", 1, "gone", 0, store.Ended},
		})
	})
	t.Run("2", func(t *testing.T) {
		run(t, acceptPath, keys("2"), []step{
			{"fetched", 1, "hangup", 0, store.Ringing},
			{"again ringing", 1, "hangup", 0, store.Ringing},
			{"missed", 1, "hangup", 0, store.Ended},
		})
	})
	for _, other := range []string{"9", "0", "*", "#", ""} { // none, but a key was pressed
		t.Run("other "+other, func(t *testing.T) {
			run(t, acceptPath, keys(other), []step{
				{"fetched", 1, "", 0, store.Talking},
				{"again", 1, "gone", 0, store.Waiting},
				{"missed", 1, "gone", 0, store.Ended},
			})
		})
	}
}

// The 2 is why the call waits again, of its own attempt only.
func TestDeclined(t *testing.T) {
	h := open(t, someTeam())
	c := h.fetched(h.answer(h.arrive("CA1"), "Ann", store.Take))
	h.post(of(acceptPath, c, 1), form("Digits", "2"))
	h.post(of(dialedPath, c, 1), form(common(c, "DialCallStatus", "completed", "DialBridged", "false")...))
	c = h.call(c.ID)
	if c.State != store.Waiting || c.Tries[0].Why != store.Declined {
		t.Fatalf("%+v", c)
	}
	c = h.fetched(h.answer(c, "Bob", store.Take))
	h.post(of(acceptPath, c, 1), form("Digits", "2")) // late
	h.post(of(dialedPath, c, 2), form(common(c, "DialCallStatus", "busy")...))
	if c = h.call(c.ID); len(c.Tries) != 2 || c.Tries[1].Why != store.Busy {
		t.Errorf("%+v", c.Tries)
	}
}
