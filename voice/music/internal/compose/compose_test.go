package compose

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// harmonyAt spreads the chords over the eighths of the piece.
func harmonyAt(t *testing.T) []chord {
	t.Helper()
	var out []chord
	for _, c := range harmony {
		if len(out)/barEighths != (len(out)+c.eighths-1)/barEighths {
			t.Errorf("the chord at eighth %d crosses a bar line", len(out))
		}
		for range c.eighths {
			out = append(out, c)
		}
	}
	if len(out) != bars*barEighths {
		t.Fatalf("harmony has %d eighths, want %d", len(out), bars*barEighths)
	}
	return out
}

// TestConsonance looks for the one clash that a calm piece must not dwell on:
// a melody note a semitone, or octaves and a semitone, from a tone of the
// chord. Passing notes of an eighth may.
func TestConsonance(t *testing.T) {
	at := harmonyAt(t)
	for _, n := range notes() {
		if n.freq < 400 || n.freq > 1200 {
			t.Errorf("bar %d: a melody note of %.0f Hz is outside what a telephone carries well", n.at/8+1, n.freq)
		}
		if n.eighths < 2 {
			continue
		}
		for i := n.at; i < n.at+n.eighths; i++ {
			for tone := range strings.FieldsSeq(at[i].tones) {
				steps := int(math.Round(12 * math.Log2(n.freq/pitch(tone))))
				if d := (steps%12 + 12) % 12; d == 1 || d == 11 && steps < 0 {
					t.Errorf("bar %d: the melody's %.0f Hz clashes with %s", i/8+1, n.freq, tone)
				}
			}
		}
	}
}

func TestPitch(t *testing.T) {
	for name, want := range map[string]float64{"A4": 440, "C4": 261.63, "F#5": 739.99, "Bb3": 233.08, "B2": 123.47} {
		if got := pitch(name); math.Abs(got-want) > 0.005 {
			t.Errorf("pitch(%q) = %.2f, want %.2f", name, got, want)
		}
	}
}

// TestMelodyIsHeard measures the sound at every written note: its pitch must
// stand out from both neighbours on the keyboard.
func TestMelodyIsHeard(t *testing.T) {
	l := play()
	const window = Rate * 3 / 10
	power := func(at int, freq float64) float64 {
		var re, im float64
		for i := range window {
			v := l[(at+i)%len(l)] * ease(2*float64(i)/window) * ease(2-2*float64(i)/window)
			sin, cos := math.Sincos(2 * math.Pi * freq / Rate * float64(i))
			re, im = re+v*cos, im+v*sin
		}
		return re*re + im*im
	}
	for _, n := range notes() {
		at := n.at*eighth + Rate/20
		got := power(at, n.freq)
		for _, step := range []float64{-1, 1} {
			if other := power(at, n.freq*math.Exp2(step/12)); got < 10*other {
				t.Errorf("bar %d: %.0f Hz is only %.1f dB above its neighbour",
					n.at/8+1, n.freq, 10*math.Log10(got/other))
			}
		}
	}
}

// TestBand checks that what a telephone cuts off holds little of the sound.
func TestBand(t *testing.T) {
	l := play()
	energy := func(l loop) (e float64) {
		for _, v := range l {
			e += v * v
		}
		return e
	}
	all := energy(l)
	inside := slices.Clone(l)
	inside.filter(300, true, 0.707)
	inside.filter(3400, false, 0.707)
	if share := energy(inside) / all; share < 0.75 {
		t.Errorf("%.0f %% of the energy passes a telephone, want three quarters", 100*share)
	}
	for n := range 2 {
		l.filter(2500, true, []float64{0.541, 1.307}[n])
	}
	if share := energy(l) / all; share > 0.005 {
		t.Errorf("%.2f %% of the energy is above 2500 Hz, want less: harsh", 100*share)
	}
}

// TestSeamless makes the same sound in the middle of a loop and just before its
// end. If they differ, the process hears where the loop begins.
func TestSeamless(t *testing.T) {
	const turn = 50 // samples from the end, so few that even a filter still rings
	for name, f := range map[string]func(l loop, at int){
		"strike": func(l loop, at int) { l.strike(at, 440, 0.3, 1, felt) },
		"swell":  func(l loop, at int) { l.swell(at, 2*Rate, 440, 0.3) },
		"reverb": func(l loop, at int) { l.add(at, 1); l.reverb(0.5) },
		"band":   func(l loop, at int) { l.add(at, 1); l.band() },
	} {
		t.Run(name, func(t *testing.T) {
			middle, end := make(loop, 6*Rate), make(loop, 6*Rate)
			f(middle, 3*Rate)
			f(end, len(end)-turn)
			for i := range middle {
				v := end[(i+len(end)-turn-3*Rate+len(end))%len(end)]
				if math.Abs(v-middle[i]) > 1e-9 {
					t.Fatalf("sample %d: %g in the middle, %g over the seam", i, middle[i], v)
				}
			}
		})
	}
}

// TestEncode compares with values from the tables of ITU-T G.711, whose 14-bit
// samples are a quarter of ours.
func TestEncode(t *testing.T) {
	for v, want := range map[int]byte{
		0: 0xff, 8: 0xfe, 120: 0xf0, 132: 0xef, 924: 0xcf, 4092: 0xaf, 32124: 0x80,
		-8: 0x7e, -924: 0x4f, -32124: 0x00, 32767: 0x80, -32768: 0x00,
	} {
		if got := encode(v); got != want {
			t.Errorf("encode(%d) = %#x, want %#x", v, got, want)
		}
	}
	// Between the tables' values the nearest one is right: half a step away at most.
	for v := -32635; v <= 32635; v++ {
		b := ^encode(v)
		exponent := b >> 4 & 7
		near := (int(b&0x0f)<<3+132)<<exponent - 132
		if b&0x80 != 0 {
			near = -near
		}
		if off := max(near-v, v-near); off > 4<<exponent {
			t.Fatalf("encode(%d) = %#x, which stands for %d", v, ^b, near)
		}
	}
}
