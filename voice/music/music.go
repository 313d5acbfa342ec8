// Package music holds what callers hear while they wait: a composed piece of
// G.711 mu-law, 8 kHz, mono, in a WAV file. That is what the telephone network
// carries, so nobody transcodes it, and audio/wav is a type that Twilio plays
// (twilio.com/docs/voice/twiml/play). Its end leads into its beginning, so
// <Play loop="0"> repeats it without a seam.
//
// The music is part of this project and under the same licence. Its score and
// instruments are in internal/compose; go generate plays them into hold.wav.
package music

import (
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"fmt"
	"time"
)

//go:generate go run compose.go

// Hold is the music as a complete WAV file. It must not be changed.
//
//go:embed hold.wav
var Hold []byte

// Name is a file name for Hold, "hold-<12 hex digits of its SHA-256>.wav". Other
// music has another name, so whoever fetches it by that name may keep it forever.
var Name = fmt.Sprintf("hold-%.6x.wav", sha256.Sum256(Hold))

// Length is how long Hold plays once through.
var Length = length(Hold)

// length divides the number of samples, as the fact chunk tells it, by the
// sampling rate. Both stand at fixed places in the files that compose writes.
func length(wav []byte) time.Duration {
	rate := binary.LittleEndian.Uint32(wav[24:])
	samples := binary.LittleEndian.Uint32(wav[46:])
	return time.Duration(samples) * time.Second / time.Duration(rate)
}
