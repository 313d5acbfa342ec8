package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// picture is the newest World, as it goes to browsers. Whoever is slow misses those between.
type picture struct {
	mu      sync.Mutex
	json    []byte
	changed hint
}

func (p *picture) get() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.json
}

func (p *picture) set(b []byte) {
	p.mu.Lock()
	same := bytes.Equal(p.json, b)
	p.json = b
	p.mu.Unlock()
	if !same {
		p.changed.give()
	}
}

// betweenPictures is how long a picture stands at least: a webhook changes many things one after the other.
const betweenPictures = 50 * time.Millisecond

// draw keeps the picture at what there is, until ctx ends.
func (p *Page) draw(ctx context.Context) {
	for {
		network, workspace, server, faults := p.Net.Changed(), p.Work.Changed(), p.Server.changed.next(), p.Faults.changed.next()
		w := p.world()
		p.keepSounds(w)
		b, err := json.Marshal(w)
		if err != nil {
			panic(err) // it is made of strings
		}
		p.picture.set(b)
		select {
		case <-network:
		case <-workspace:
		case <-server:
		case <-faults:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(betweenPictures):
		case <-ctx.Done():
			return
		}
	}
}

// A browser that takes nothing for this long is gone; one that is there is written to this often.
const (
	writeWithin = 10 * time.Second
	heartbeat   = 15 * time.Second
)

// events sends the world and the wire as server-sent events for as long as the browser stays, the wire after an entry that
// it knows.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	if p.viewers.Add(1) > maxViewers {
		p.viewers.Add(-1)
		refuse(w, http.StatusServiceUnavailable, "Too many pages are open; close some.")
		return
	}
	defer p.viewers.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	after, _ := strconv.Atoi(r.FormValue("after")) // the last entry that it knows; 0 of what is no number
	control := http.NewResponseController(w)
	var sent []byte
	for {
		world, wire := p.picture.changed.next(), p.Wire.changed.next()
		var out bytes.Buffer
		for _, e := range p.Wire.since(after) {
			after = e.N
			b, err := json.Marshal(e)
			if err != nil {
				panic(err)
			}
			fmt.Fprintf(&out, "event: wire\ndata: %s\n\n", b)
		}
		if b := p.picture.get(); len(b) > 0 && !bytes.Equal(b, sent) {
			fmt.Fprintf(&out, "event: world\ndata: %s\n\n", b)
			sent = b
		}
		if out.Len() == 0 {
			out.WriteString(": still here\n\n")
		}
		_ = control.SetWriteDeadline(time.Now().Add(writeWithin)) // without one a browser that sleeps holds its place longer
		if _, err := w.Write(out.Bytes()); err != nil || control.Flush() != nil {
			return
		}
		select {
		case <-world:
		case <-wire:
		case <-time.After(heartbeat):
		case <-r.Context().Done():
			return
		}
	}
}
