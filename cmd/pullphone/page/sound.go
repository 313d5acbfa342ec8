package page

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"pullphone/voice/voicetest"
)

// sample is what callers say who have no microphone: five seconds, spoken by espeak-ng (what it says is nobody's but ours) and
// made what a telephone carries by sox, both Debian packages.
//
//go:generate sh -c "espeak-ng -v en-us+f3 -s 170 -w /dev/stdout \"Hello! I am calling about my order. Could somebody call me back today? Thank you.\" | sox -q --ignore-length -t wav - -b 16 -r 8000 -c 1 sample.wav norm -3 pad 0.1 0.1"
//go:embed sample.wav
var sample []byte

func serveSample(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "audio/wav")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(sample))
}

// Speech is how long it takes to say a text, at the pace of most browsers' voices: the telephone network's Speech.
func Speech(text string) time.Duration {
	return 400*time.Millisecond + time.Duration(utf8.RuneCountInString(text))*65*time.Millisecond
}

// sounds are the files that phones have heard, by URL. They are kept as Twilio keeps them: music goes on while the server is
// away.
type sounds struct {
	mu    sync.Mutex
	files map[string]*soundFile
}

type soundFile struct {
	kind string
	data []byte
	err  error
	got  chan struct{} // closed when it is known
}

// keepSounds gets what somebody has begun to hear.
func (p *Page) keepSounds(w World) {
	keep := func(l Leg) {
		for _, h := range l.Heard {
			if h.Kind == string(voicetest.HeardPlay) {
				p.sounds.get(h.Text)
			}
		}
	}
	for _, c := range w.Callers {
		if c.Call != nil {
			keep(*c.Call)
		}
	}
	for _, m := range w.Team {
		for _, l := range m.Legs {
			keep(l)
		}
	}
}

// get returns a file that is being fetched, or was. One that could not be had is asked for again.
func (s *sounds) get(url string) *soundFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.files[url]; f != nil {
		select {
		case <-f.got:
			if f.err == nil {
				return f
			}
		default:
			return f
		}
	}
	f := &soundFile{got: make(chan struct{})}
	if s.files == nil {
		s.files = map[string]*soundFile{}
	}
	s.files[url] = f
	go func() {
		defer close(f.got)
		f.kind, f.data, f.err = fetchSound(url)
	}()
	return f
}

func fetchSound(url string) (kind string, data []byte, err error) {
	client := &http.Client{Timeout: 10 * time.Second}
	res, err := client.Get(url)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("%s: %s", url, res.Status)
	}
	data, err = io.ReadAll(io.LimitReader(res.Body, maxSound))
	return res.Header.Get("Content-Type"), data, err
}

// sound serves what is heard by a phone: entry n of the call sid.
func (p *Page) sound(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("n"))
	party, known := p.party(r.FormValue("sid"))
	if err != nil || !known {
		refuse(w, http.StatusNotFound, "There is no such call.")
		return
	}
	heard := party.Heard()
	if n < 0 || n >= len(heard) || heard[n].Kind != voicetest.HeardPlay {
		refuse(w, http.StatusNotFound, "That is no file.")
		return
	}
	f := p.sounds.get(heard[n].Text)
	select {
	case <-f.got:
	case <-r.Context().Done():
		return
	}
	if f.err != nil {
		refuse(w, http.StatusBadGateway, "The sound cannot be had: the server is away.")
		return
	}
	w.Header().Set("Content-Type", f.kind)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
}
