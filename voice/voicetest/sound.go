package voicetest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

const wavRate = 8000 // samples a second, 16 bits each

// wav is a playable file in the format Twilio serves
// (twilio.com/docs/voice/api/recording).
func wav(samples []byte) []byte {
	var b bytes.Buffer
	b.WriteString("RIFF")
	le := func(v any) { binary.Write(&b, binary.LittleEndian, v) }
	le(uint32(36 + len(samples)))
	b.WriteString("WAVEfmt ")
	le(uint32(16))
	le(uint16(1)) // PCM
	le(uint16(1)) // mono
	le(uint32(wavRate))
	le(uint32(2 * wavRate))
	le(uint16(2))
	le(uint16(16))
	b.WriteString("data")
	le(uint32(len(samples)))
	b.Write(samples)
	return b.Bytes()
}

// tone is a quiet tone of a length.
func tone(length time.Duration) []byte {
	data := lengthened(nil, length)
	for i := range len(data) / 2 {
		v := int16(1500 * math.Sin(2*math.Pi*440*float64(i)/wavRate))
		binary.LittleEndian.PutUint16(data[2*i:], uint16(v))
	}
	return data
}

// lengthened is a sound with silence after it, or cut, so that it has a length.
func lengthened(samples []byte, length time.Duration) []byte {
	n := 2 * int(length*wavRate/time.Second)
	if len(samples) < n {
		samples = append(samples, make([]byte, n-len(samples))...)
	}
	return samples[:n:n]
}

func lengthOf(samples []byte) time.Duration {
	return time.Duration(len(samples)/2) * time.Second / wavRate
}

// samples reads a WAV file (PCM, 16 bits, mono, of any rate) at the rate of a
// telephone.
func samples(file []byte) ([]byte, error) {
	var rate int
	if len(file) < 12 || string(file[:4]) != "RIFF" || string(file[8:12]) != "WAVE" {
		return nil, errors.New("no WAV file")
	}
	for rest := file[12:]; len(rest) >= 8; {
		kind, size := string(rest[:4]), int(min(int64(binary.LittleEndian.Uint32(rest[4:8])), int64(len(rest)-8))) // of a stream it is a guess
		chunk := rest[8 : 8+size]
		switch {
		case kind == "fmt " && len(chunk) >= 16:
			format, channels, bits := binary.LittleEndian.Uint16(chunk), binary.LittleEndian.Uint16(chunk[2:]), binary.LittleEndian.Uint16(chunk[14:])
			if rate = int(binary.LittleEndian.Uint32(chunk[4:])); format != 1 || channels != 1 || bits != 16 || rate < 4000 || rate > 192000 {
				return nil, fmt.Errorf("WAV of format %d, %d channels, %d bits, %d Hz; want PCM (1), 1, 16, 4000 to 192000", format, channels, bits, rate)
			}
		case kind == "data" && rate > 0:
			return resampled(chunk, rate), nil
		}
		rest = rest[min(len(rest), 8+size+size%2):]
	}
	return nil, errors.New("WAV without a sound")
}

// resampled takes the mean of what falls into each new sample, or repeats the old
// one: enough for speech on a telephone.
func resampled(old []byte, rate int) []byte {
	count := len(old) / 2
	out := make([]byte, 2*(count*wavRate/rate))
	for i := range len(out) / 2 {
		first := i * rate / wavRate
		last := max(first+1, min(count, (i+1)*rate/wavRate))
		sum := 0
		for j := first; j < last; j++ {
			sum += int(int16(binary.LittleEndian.Uint16(old[2*j:])))
		}
		binary.LittleEndian.PutUint16(out[2*i:], uint16(int16(sum/(last-first))))
	}
	return out
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
