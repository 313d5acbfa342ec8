package compose

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// wav wraps the samples into a RIFF file with format tag 7 (mu-law). Any
// format but PCM needs a fact chunk with the number of samples, and a size
// field at the end of the format chunk.
func wav(l loop) []byte {
	const (
		formatSize = 18
		factSize   = 4
		chunk      = 8 // a chunk's name and size
		muLaw      = 7
	)
	le := binary.LittleEndian
	size := 4 + chunk + formatSize + chunk + factSize + chunk + len(l)
	b := make([]byte, 0, chunk+size)
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, uint32(size))
	b = append(b, "WAVE"...)

	b = append(b, "fmt "...)
	b = le.AppendUint32(b, formatSize)
	b = le.AppendUint16(b, muLaw)
	b = le.AppendUint16(b, 1)    // channels
	b = le.AppendUint32(b, Rate) // samples a second
	b = le.AppendUint32(b, Rate) // bytes a second
	b = le.AppendUint16(b, 1)    // bytes a frame
	b = le.AppendUint16(b, 8)    // bits a sample
	b = le.AppendUint16(b, 0)    // no further format fields

	b = append(b, "fact"...)
	b = le.AppendUint32(b, factSize)
	b = le.AppendUint32(b, uint32(len(l)))

	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(len(l)))
	for _, v := range l {
		b = append(b, encode(int(math.Round(v*32767))))
	}
	return b
}

// encode gives the G.711 mu-law byte for a 16-bit sample: a sign, the
// position of the leading bit, the four bits after it, all inverted.
func encode(v int) byte {
	const (
		bias = 132   // puts the smallest segment at bit 7
		clip = 32635 // the largest value that bit 14 still holds
	)
	sign := byte(0)
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, clip) + bias
	exponent := bits.Len(uint(v)) - 8
	mantissa := byte(v>>(exponent+3)) & 0x0f
	return ^(sign | byte(exponent)<<4 | mantissa)
}
