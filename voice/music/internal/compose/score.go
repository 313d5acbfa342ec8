package compose

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Time in the piece, in samples. An eighth of 0.42 s is about 71 beats a
// minute, and a whole number of samples, so that no bar drifts.
const (
	eighth     = 3360
	beat       = 2 * eighth
	barEighths = 8
	bar        = barEighths * eighth
	bars       = 24
)

// chord is what the left hand holds: a bass note, and five tones from low to
// high that the arpeggio walks over and the pad sustains.
type chord struct {
	eighths int
	bass    string
	tones   string
}

// harmony is three times eight bars in D major. The third part leans on the
// subdominant, darkens once (G minor), and ends on a dominant that falls into
// the first bar, so the loop is a cadence and not a cut.
var harmony = []chord{
	{8, "D3", "A3 D4 F#4 A4 E5"},  // D add9
	{8, "B2", "A3 D4 F#4 B4 D5"},  // Bm7
	{8, "G3", "B3 D4 F#4 B4 D5"},  // Gmaj7
	{8, "A2", "A3 C#4 E4 A4 C#5"}, // A
	{8, "F#3", "A3 D4 F#4 A4 D5"}, // D over F#
	{8, "E3", "B3 D4 G4 B4 D5"},   // Em7
	{8, "G3", "B3 D4 F#4 B4 D5"},  // Gmaj7
	{4, "A2", "A3 D4 E4 G4 B4"},   // A7sus4
	{4, "A2", "A3 C#4 E4 G4 A4"},  // A7

	{8, "B2", "A3 D4 F#4 B4 D5"},   // Bm7
	{8, "F#3", "A3 C#4 E4 A4 C#5"}, // F#m7
	{8, "G3", "B3 D4 F#4 A4 D5"},   // Gmaj9
	{8, "D3", "A3 D4 F#4 A4 E5"},   // D add9
	{8, "E3", "B3 D4 G4 B4 E5"},    // Em7
	{8, "F#3", "A3 C#4 E4 A4 C#5"}, // F#m7
	{8, "G3", "B3 D4 F#4 B4 D5"},   // Gmaj7
	{4, "A2", "A3 D4 E4 G4 A4"},    // A7sus4
	{4, "A2", "A3 C#4 E4 G4 A4"},   // A7

	{8, "G3", "B3 D4 F#4 B4 D5"},   // Gmaj7
	{8, "G3", "A3 C#4 E4 A4 E5"},   // A over G
	{8, "F#3", "A3 C#4 E4 A4 C#5"}, // F#m7
	{8, "B2", "A3 D4 F#4 B4 D5"},   // Bm7
	{8, "E3", "B3 D4 G4 B4 D5"},    // Em7
	{8, "G3", "Bb3 D4 E4 G4 D5"},   // Gm6
	{8, "A2", "A3 D4 F#4 A4 D5"},   // D over A
	{4, "A2", "A3 D4 E4 G4 B4"},    // A7sus4
	{4, "A2", "A3 C#4 E4 G4 A4"},   // A7
}

// melody has one string a bar: a pitch, or r for a rest, and its length in
// eighths. The first part states a falling figure, the second climbs to the
// highest note and comes down by sequence, the third leaves room.
var melody = [bars]string{
	"F#5.3 E5.1 D5.2 A4.2",
	"r.1 B4.1 D5.2 F#5.4",
	"E5.3 D5.1 B4.4",
	"r.2 C#5.2 E5.4",
	"F#5.3 G5.1 A5.2 F#5.2",
	"r.1 G5.1 F#5.2 E5.4",
	"D5.3 E5.1 F#5.2 B4.2",
	"D5.4 C#5.4",

	"r.2 D5.2 F#5.2 B5.2",
	"A5.3 F#5.1 E5.4",
	"r.2 B4.2 D5.2 A5.2",
	"F#5.3 E5.1 D5.4",
	"r.2 E5.2 G5.2 B5.2",
	"C#6.3 B5.1 A5.4",
	"r.1 A5.1 F#5.2 E5.2 D5.2",
	"D5.4 E5.4",

	"B4.4 D5.4",
	"E5.3 D5.1 C#5.4",
	"A4.3 C#5.1 E5.4",
	"r.2 F#5.2 D5.4",
	"r.1 E5.1 F#5.2 G5.4",
	"r.2 G5.2 E5.2 D5.2",
	"F#5.3 E5.1 D5.4",
	"r.4 C#5.2 E5.2",
}

// patterns says which of a chord's tones the arpeggio plays on each eighth, a
// row for each part of the piece; -1 is a rest.
var patterns = [3][barEighths]int{
	{0, 1, 2, 3, 4, 3, 2, 1},
	{0, 2, 1, 3, 2, 4, 3, 2},
	{0, 2, 3, 4, -1, 3, 2, 3},
}

// note is one sound of the melody.
type note struct {
	at, eighths int // from the beginning, in eighths
	freq        float64
}

// notes reads the melody. A slip in the score is a slip in the source, hence
// the panics.
func notes() []note {
	var out []note
	at := 0
	for i, line := range melody {
		for word := range strings.FieldsSeq(line) {
			name, length, _ := strings.Cut(word, ".")
			n, err := strconv.Atoi(length)
			if err != nil {
				panic(fmt.Sprintf("bar %d: %q has no length", i+1, word))
			}
			if name != "r" {
				out = append(out, note{at, n, pitch(name)})
			}
			at += n
		}
		if at != (i+1)*barEighths {
			panic(fmt.Sprintf("bar %d does not end where it should", i+1))
		}
	}
	return out
}

// pitch gives the frequency of a note such as F#5 in hertz, equal temperament
// with A4 = 440.
func pitch(name string) float64 {
	steps, ok := map[byte]int{'C': -9, 'D': -7, 'E': -5, 'F': -4, 'G': -2, 'A': 0, 'B': 2}[name[0]]
	octave := name[len(name)-1]
	if !ok || octave < '0' || octave > '9' {
		panic("no such pitch: " + name)
	}
	switch accidental := name[1 : len(name)-1]; accidental {
	case "":
	case "#":
		steps++
	case "b":
		steps--
	default:
		panic("no such pitch: " + name)
	}
	steps += 12 * (int(octave-'0') - 4)
	return 440 * math.Exp2(float64(steps)/12)
}
