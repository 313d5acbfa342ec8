package music

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"go/build"
	"math"
	"slices"
	"testing"
	"time"

	"pullphone/voice/music/internal/compose"
)

const rate = 8000

// samples walks the chunks of Hold, checks each, and decodes the sound.
func samples(t *testing.T) []float64 {
	t.Helper()
	le := binary.LittleEndian
	if string(Hold[:4]) != "RIFF" || string(Hold[8:12]) != "WAVE" {
		t.Fatalf("not a WAV file: % x", Hold[:12])
	}
	if got, want := int(le.Uint32(Hold[4:])), len(Hold)-8; got != want {
		t.Errorf("RIFF size = %d, want %d", got, want)
	}
	chunks := map[string][]byte{}
	var order []string
	for rest := Hold[12:]; len(rest) > 0; {
		name, size := string(rest[:4]), int(le.Uint32(rest[4:]))
		chunks[name] = rest[8 : 8+size]
		order = append(order, name)
		rest = rest[8+size+size%2:]
	}
	if want := []string{"fmt ", "fact", "data"}; !slices.Equal(order, want) {
		t.Fatalf("chunks = %q, want %q", order, want)
	}
	format, data := chunks["fmt "], chunks["data"]
	if len(format) != 18 {
		t.Fatalf("format chunk has %d bytes, want 18", len(format))
	}
	for _, f := range []struct {
		name      string
		got, want int
	}{
		{"format tag (mu-law)", int(le.Uint16(format)), 7},
		{"channels", int(le.Uint16(format[2:])), 1},
		{"samples a second", int(le.Uint32(format[4:])), rate},
		{"bytes a second", int(le.Uint32(format[8:])), rate},
		{"bytes a frame", int(le.Uint16(format[12:])), 1},
		{"bits a sample", int(le.Uint16(format[14:])), 8},
		{"size of extra format", int(le.Uint16(format[16:])), 0},
		{"samples in fact chunk", int(le.Uint32(chunks["fact"])), len(data)},
	} {
		if f.got != f.want {
			t.Errorf("%s = %d, want %d", f.name, f.got, f.want)
		}
	}
	out := make([]float64, len(data))
	for i, b := range data {
		b = ^b
		v := float64((int(b&0x0f)<<3+132)<<(b>>4&7) - 132)
		if b&0x80 != 0 {
			v = -v
		}
		out[i] = v / 32768
	}
	return out
}

func TestFile(t *testing.T) {
	x := samples(t)
	if len(Hold) >= 800_000 {
		t.Errorf("file has %d bytes, want less than 800 kB", len(Hold))
	}
	if want := time.Duration(len(x)) * time.Second / rate; Length != want {
		t.Errorf("Length = %v, want %v", Length, want)
	}
	if Length < time.Minute || Length > 2*time.Minute {
		t.Errorf("Length = %v, want 60 s to 120 s", Length)
	}
	sum := sha256.Sum256(Hold)
	if want := "hold-" + hex.EncodeToString(sum[:])[:12] + ".wav"; Name != want {
		t.Errorf("Name = %q, want %q", Name, want)
	}
}

// TestLevels listens to every stretch of the loop, over the seam too: nowhere
// so soft that the line seems dead, nowhere loud.
func TestLevels(t *testing.T) {
	x := samples(t)
	for _, w := range []struct {
		length     int     // in samples
		soft, loud float64 // RMS, in decibels below full scale
	}{
		{rate, -30, -17},
		{rate / 5, -34, -14},
	} {
		for at := 0; at < len(x); at += w.length / 10 {
			power := 0.0
			for i := range w.length {
				v := x[(at+i)%len(x)]
				power += v * v
			}
			if db := 10 * math.Log10(power/float64(w.length)); !(db > w.soft && db < w.loud) {
				t.Errorf("%.1f s from %.2f s: %.1f dB, want %v to %v",
					float64(w.length)/rate, float64(at)/rate, db, w.soft, w.loud)
			}
		}
	}
	peak := math.Max(slices.Max(x), -slices.Min(x))
	if db := 20 * math.Log10(peak); db < -10 || db > -8.8 {
		t.Errorf("peak = %.1f dB, want about -9", db)
	}
}

// TestSeam compares the step from the last sample to the first, and the bend
// there, with the steps and bends within the piece.
func TestSeam(t *testing.T) {
	x := samples(t)
	n := len(x)
	step := func(i int) float64 { return x[(i+1)%n] - x[i%n] }
	bend := func(i int) float64 { return step(i+1) - step(i) }
	for _, c := range []struct {
		name string
		f    func(int) float64
		at   []int
	}{
		{"step", step, []int{n - 1}},
		{"bend", bend, []int{n - 2, n - 1}},
	} {
		power := 0.0
		for i := range n - 2 {
			power += c.f(i) * c.f(i)
		}
		typical := math.Sqrt(power / float64(n-2))
		for _, i := range c.at {
			if got := math.Abs(c.f(i)); got > 2*typical {
				t.Errorf("%s at the seam = %.4f, typical is %.4f", c.name, got, typical)
			}
		}
	}
}

func TestGenerate(t *testing.T) {
	if !bytes.Equal(compose.Hold(), Hold) {
		t.Error("hold.wav is not what internal/compose plays; run go generate ./voice/music")
	}
}

// TestImports keeps the instruments out of the program: it ships the recording.
func TestImports(t *testing.T) {
	p, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range p.Imports {
		if i == "pullphone/voice/music/internal/compose" {
			t.Errorf("package %s imports %s", p.Name, i)
		}
	}
}
