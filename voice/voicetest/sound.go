package voicetest

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
)

const wavRate = 8000 // samples a second, 16 bits each

// wav is a quiet tone of a length: a playable file in the format Twilio serves
// (twilio.com/docs/voice/api/recording).
func wav(length time.Duration) []byte {
	samples := int(length * wavRate / time.Second)
	var b bytes.Buffer
	b.WriteString("RIFF")
	le := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	le(uint32(36 + 2*samples))
	b.WriteString("WAVEfmt ")
	le(uint32(16))
	le(uint16(1)) // PCM
	le(uint16(1)) // mono
	le(uint32(wavRate))
	le(uint32(2 * wavRate))
	le(uint16(2))
	le(uint16(16))
	b.WriteString("data")
	le(uint32(2 * samples))
	data := make([]byte, 2*samples)
	for i := range samples {
		v := int16(1500 * math.Sin(2*math.Pi*440*float64(i)/wavRate))
		binary.LittleEndian.PutUint16(data[2*i:], uint16(v))
	}
	b.Write(data)
	return b.Bytes()
}

// mp3 is silence of a length: MPEG-2 layer III frames of 36 ms, 32 kbit/s, mono,
// 16 kHz, whose side information says that they hold no sound.
func mp3(length time.Duration) []byte {
	const frame, size = 36 * time.Millisecond, 144
	frames := int((length + frame - 1) / frame)
	data := make([]byte, max(1, frames)*size)
	for i := 0; i < len(data); i += size {
		copy(data[i:], []byte{0xFF, 0xF3, 0x48, 0xC0})
	}
	return data
}
