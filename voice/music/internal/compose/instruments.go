package compose

import "math"

// loop is sound that has no end: what reaches over the last sample goes on at
// the first.
type loop []float64

func (l loop) add(at int, v float64) {
	l[(at%len(l)+len(l))%len(l)] += v
}

// timbre describes a struck or plucked string.
type timbre struct {
	attack float64 // seconds until the hammer or finger has let go
	decay  float64 // seconds in which the fundamental of A4 falls to 1/e
	slope  float64 // partial n begins with the amplitude n to the power -slope
	damp   float64 // how much sooner each higher partial dies
}

var (
	felt  = timbre{attack: 0.014, decay: 1.1, slope: 1.25, damp: 0.4}
	nylon = timbre{attack: 0.007, decay: 0.75, slope: 1.15, damp: 0.45}
	// The telephone drops the fundamental of the bass; the ear supplies it
	// from the partials above, which are therefore left strong.
	bass = timbre{attack: 0.02, decay: 1.3, slope: 0.9, damp: 0.35}
)

// highest is the last frequency that any instrument sounds, in hertz. The
// network's low-pass begins at 3400.
const highest = 3200

// strike sounds a string for held seconds and then damps it softly.
func (l loop) strike(at int, freq, level, held float64, t timbre) {
	const (
		release = 0.16    // seconds, to 1/e
		floor   = 3e-5    // softer than this is not heard
		stiff   = 0.00025 // how far a real string stretches its upper partials
	)
	for n := 1.0; ; n++ {
		f := freq * n * math.Sqrt(1+stiff*n*n)
		if f > highest {
			return
		}
		amp := level * math.Pow(n, -t.slope) * rollOff(f)
		tau := t.decay * math.Sqrt(440/freq) / (1 + t.damp*(n-1))

		// One complex number turns and shrinks. Its starting angle differs
		// from partial to partial so that they do not all peak at once.
		sin, cos := math.Sincos(2 * math.Pi * f / Rate)
		shrink := math.Exp(-1 / (tau * Rate))
		damped := shrink * math.Exp(-1/(release*Rate))
		im, re := math.Sincos(0.9 * n * n)
		im, re = amp*im, amp*re
		let := int(held * Rate)
		attack := int(t.attack * Rate)
		for i := 0; amp > floor; i++ {
			env := 1.0
			if i < attack {
				env = ease(float64(i) / float64(attack))
			}
			l.add(at+i, env*im)
			r := shrink
			if i > let {
				r = damped
			}
			re, im = r*(re*cos-im*sin), r*(re*sin+im*cos)
			amp *= r
		}
	}
}

// swell sounds one voice of the pad for n samples, fading in before and out
// after them. Three strings slightly apart beat against each other, which is
// its warmth, and which keeps a network's noise suppressor from taking a
// standing tone for noise.
func (l loop) swell(at, n int, freq, level float64) {
	const fade = 7 * Rate / 10
	for k, cents := range []float64{-5, 0.7, 5.5} {
		for p := 1.0; p <= 4; p++ {
			f := freq * p * math.Exp2(cents/1200)
			amp := level * math.Pow(p, -1.9) * rollOff(f)
			sin, cos := math.Sincos(2 * math.Pi * f / Rate)
			im, re := math.Sincos(2.1*float64(k) + 1.3*p + freq)
			for i := -fade; i < n+fade; i++ {
				env := 1.0
				switch {
				case i < fade:
					env = math.Sqrt(ease(float64(i+fade) / (2 * fade)))
				case i >= n-fade:
					env = math.Sqrt(ease(float64(n+fade-i) / (2 * fade)))
				}
				l.add(at+i, amp*env*im)
				re, im = re*cos-im*sin, re*sin+im*cos
			}
		}
	}
}

// rollOff takes the edge off high partials; a telephone's earpiece already
// stresses the region around 2 kHz.
func rollOff(f float64) float64 {
	return 1 / (1 + (f/2300)*(f/2300))
}

// ease goes from 0 to 1 without a corner at either end.
func ease(x float64) float64 {
	return 0.5 - 0.5*math.Cos(math.Pi*min(max(x, 0), 1))
}
