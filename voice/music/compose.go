//go:build ignore

// This program writes hold.wav, the music that callers hear on hold.
package main

import (
	"log"
	"os"

	"pullphone/voice/music/internal/compose"
)

func main() {
	if err := os.WriteFile("hold.wav", compose.Hold(), 0o644); err != nil {
		log.Fatal(err)
	}
}
