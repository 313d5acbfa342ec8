package config

import (
	"fmt"
	"io"
	"log/slog"
)

const stars = "****"

// Secret is a token or key. However it is printed, logged or marshalled, it
// shows ****; only [Secret.Reveal] returns the value. The zero Secret is empty.
type Secret struct {
	// A pointer, because package fmt cannot call methods on what it meets
	// inside someone's unexported field; there it prints the address.
	value *string
}

// NewSecret hides s.
func NewSecret(s string) Secret { return Secret{&s} }

// Reveal returns the value itself, to be sent to whom it belongs and never shown.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String returns ****.
func (Secret) String() string { return stars }

// Format writes **** for every verb of package fmt.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, stars) }

// MarshalText writes ****, for JSON, YAML and XML alike.
func (Secret) MarshalText() ([]byte, error) { return []byte(stars), nil }

// LogValue logs ****.
func (Secret) LogValue() slog.Value { return slog.StringValue(stars) }
