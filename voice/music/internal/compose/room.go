package compose

import "math"

// Every process in this file has memory, so each walks around the loop twice:
// once to fill its memory and once to write. What it holds after the last
// sample is then what it held before the first.

// reverb adds a small room to the sound. Eight echoes feed each other through
// a Householder reflection, which loses nothing; the loss is in gain and in
// the damping of the highs.
func (l loop) reverb(wet float64) {
	delays := [8]int{211, 263, 307, 359, 401, 449, 509, 563} // samples, 26 to 70 ms; primes, so that echoes do not fall together
	const (
		t60  = 1.3 // seconds until the room has lost 60 dB
		dark = 0.4 // share of the previous sample kept at every turn
	)
	var line [8][]float64
	var gain, low [8]float64
	for i, d := range delays {
		line[i] = make([]float64, d)
		gain[i] = math.Pow(10, -3*float64(d)/(t60*Rate))
	}
	for pass := range 2 {
		for n := range l {
			at := pass*len(l) + n
			var out [8]float64
			sum := 0.0
			for i := range line {
				v := line[i][at%delays[i]]
				low[i] = (1-dark)*v + dark*low[i]
				out[i] = low[i] * gain[i]
				sum += out[i]
			}
			dry := l[n]
			for i := range line {
				line[i][at%delays[i]] = dry + out[i] - sum/4
			}
			if pass == 1 {
				// Alternate signs keep the eight from adding up at low frequencies.
				l[n] += wet * (out[0] - out[1] + out[2] - out[3] + out[4] - out[5] + out[6] - out[7])
			}
		}
	}
}

// band keeps what a telephone carries. Energy below it would only use up
// level, and energy above would fold or be cut.
func (l loop) band() {
	l.filter(280, true, 0.541) // the two Qs make a fourth-order Butterworth
	l.filter(280, true, 1.307)
	l.filter(3000, false, 0.707)
}

// filter is a second-order high-pass or low-pass at freq hertz, after the
// formulas of Robert Bristow-Johnson's audio equalizer cookbook.
func (l loop) filter(freq float64, high bool, q float64) {
	sin, cos := math.Sincos(2 * math.Pi * freq / Rate)
	alpha := sin / (2 * q)
	edge, middle := (1-cos)/2, 1-cos
	if high {
		edge, middle = (1+cos)/2, -(1 + cos)
	}
	a0, a1, a2 := 1+alpha, -2*cos, 1-alpha
	var x1, x2, y1, y2 float64
	for pass := range 2 {
		for n, x := range l {
			y := (edge*x + middle*x1 + edge*x2 - a1*y1 - a2*y2) / a0
			x1, x2, y1, y2 = x, x1, y, y1
			if pass == 1 {
				l[n] = y
			}
		}
	}
}
