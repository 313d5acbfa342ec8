package etcd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pullphone/store"
)

// ended is a call like those of a team of three, with names of Twilio's length that no dictionary foresees.
func ended(at time.Time) store.Call {
	sid := func(kind string) string { return fmt.Sprintf("%s%016x%016x", kind, rand.Uint64(), rand.Uint64()) }
	c := store.Call{ID: store.NewCallID(at), SID: sid("CA"), Line: "+12085550100", From: fmt.Sprintf("+1208%07d", rand.IntN(1e7)), City: "Boise, ID",
		State: store.Ended, Attempt: 1, Rev: 5, Queue: "QU5ef8732a3c49700934481addd5ce1659", Fetched: 1, Arrived: at, Accepted: at.Add(17 * time.Second),
		Stopped: at.Add(97 * time.Second), Outcome: store.Talked, Seconds: 80, Told: []string{"Ann", "Bob", "Cy"},
		Claim:   &store.Claim{Word: store.Take, Person: "Bob", Via: store.BySMS, Answer: "sms:" + sid("SM"), Attempt: 1, At: at.Add(9 * time.Second)},
		Message: store.Message{Channel: "C0A1B2C3D4E", TS: fmt.Sprintf("%d.%06d", at.Unix(), rand.IntN(1e6)), Rev: 5}}
	for _, person := range c.Told {
		c.Texts = append(c.Texts, store.SMSText{Person: person, Attempt: 1, SID: sid("SM"), Status: store.TextDelivered})
	}
	return c
}

func TestKept(t *testing.T) {
	record, err := json.Marshal(ended(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 500)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for _, v := range [][]byte{nil, {}, {0}, {1}, {2}, []byte("{"), []byte("{}"), {0, 0}, {0, 1, 2}, {1, 1}, record, []byte(strings.Repeat("\x00", 1000)),
		noise, append([]byte{0}, noise...), append([]byte{1}, noise...)} {
		for _, key := range []string{"done/1", "open/1"} {
			k := kept(key, v)
			got, err := read(key, []byte(k))
			if err != nil || got == nil || !bytes.Equal(got, v) {
				t.Errorf("%s: %.20q is kept as %.20q and read as %.20q, %v", key, v, k, got, err)
			}
			if len(k) > len(v)+1 {
				t.Errorf("%s: %d bytes are kept in %d", key, len(v), len(k))
			}
		}
	}
	if k := kept("done/1", record); len(k) > len(record)*45/100 {
		t.Errorf("a call of %d bytes is kept in %d", len(record), len(k))
	}
	if got, err := read("done/1", record); err != nil || !bytes.Equal(got, record) {
		t.Errorf("one that was never compressed is read as %q, %v", got, err)
	}
	k := []byte(kept("done/1", record))
	if got, err := read("done/1", k[:len(k)/2]); err == nil || !strings.Contains(err.Error(), "done/1") {
		t.Errorf("half of one is read as %q, %v", got, err)
	}
}
