// Package compose writes and plays the hold music: a score, a few synthetic
// instruments in a small room, and the WAV file that comes out. It runs when
// the music is generated and when it is tested; the shipped program embeds
// only the file.
package compose

import (
	"math"
	"strings"
)

// Rate is the sampling rate in hertz, that of the telephone network.
const Rate = 8000

// peak is the loudest sample, 9 dB below full scale: music is denser than
// speech and should not be louder.
const peak = 0.3548

// Hold plays the whole piece and returns it as a WAV file of 8-bit mu-law,
// mono. The bytes are the same every time, and on every machine: processors
// differ in the sixteenth digit, a mu-law step is in the second.
func Hold() []byte {
	return wav(play())
}

// play gives the piece as samples between -1 and 1. The end leads back to the
// beginning.
func play() loop {
	l := make(loop, bars*bar)
	h := hand(1)
	l.accompany(&h)
	l.sing(&h)
	l.reverb(0.11)
	l.band()
	top := 0.0
	for _, v := range l {
		top = max(top, math.Abs(v))
	}
	for i := range l {
		l[i] *= peak / top
	}
	return l
}

// accompany plays pad, bass and arpeggio.
func (l loop) accompany(h *hand) {
	at := 0 // in eighths
	for _, c := range harmony {
		start, length := at*eighth, c.eighths*eighth
		tones := strings.Fields(c.tones)
		for _, t := range tones[:4] {
			// The pad follows the strings by a third of a second, so that its
			// slow fade does not give the next chord away.
			l.swell(start+Rate/3, length, pitch(t), 0.032)
		}
		held := float64(length) / Rate
		l.strike(start+h.late(), pitch(c.bass), 0.17*h.touch(), held, bass)
		for i := range c.eighths {
			in := (at + i) % barEighths
			k := patterns[at/barEighths/8][in]
			if k < 0 {
				continue
			}
			level := 0.17
			if in%4 == 0 {
				level = 0.2
			}
			// Strings ring on until the harmony changes.
			ring := float64((c.eighths-i)*eighth) / Rate
			l.strike((at+i)*eighth+h.late(), pitch(tones[k]), level*h.touch(), ring, nylon)
		}
		at += c.eighths
	}
}

// sing plays the melody.
func (l loop) sing(h *hand) {
	for _, n := range notes() {
		level := 0.3
		if n.freq > 800 {
			level = 0.26 // the ear and the earpiece favour high notes
		}
		held := float64(n.eighths*eighth) / Rate
		l.strike(n.at*eighth+h.late(), n.freq, level*h.touch(), held, felt)
	}
}

// hand is what makes the playing a little uneven: the state of a linear
// congruential generator.
type hand uint32

func (h *hand) next() float64 {
	*h = *h*1664525 + 1013904223
	return float64(*h>>8) / (1 << 24)
}

// late is by how many samples a note comes after its time, up to 12 ms.
func (h *hand) late() int { return int(h.next() * 0.012 * Rate) }

// touch is the factor by which a note is louder or softer than written.
func (h *hand) touch() float64 { return 0.9 + 0.2*h.next() }
