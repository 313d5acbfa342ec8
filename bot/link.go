package bot

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"

	"pullphone/store"
)

// linkFor is how long a voicemail's link works.
const linkFor = 7 * 24 * time.Hour

// Links makes and checks the links of voicemails. A link names a call and one of its messages, says when it ends, and
// is signed over all three; whoever has it can listen.
type Links struct {
	publicURL string
	key       []byte
}

// NewLinks derives the signing key from a secret that the installation has anyway, so that every instance of it signs
// alike and no further secret must be kept. A new secret ends all links.
func NewLinks(publicURL, secret string) (Links, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "pullphone voicemail link 1", 32)
	return Links{publicURL, key}, err
}

var (
	errTampered = errors.New("this link is not valid")
	errExpired  = errors.New("this link has expired")
)

// Make returns the link of a call's n-th message.
func (l Links) Make(c store.CallID, n int, now time.Time) string {
	expires := strconv.FormatInt(now.Add(linkFor).Unix(), 36)
	return fmt.Sprintf("%s/voicemail/%s/%d/%s/%s", l.publicURL, c, n, expires, l.mac(string(c), strconv.Itoa(n), expires))
}

// check returns the call and message of a link's parts.
func (l Links) check(call, n, expires, mac string, now time.Time) (store.CallID, int, error) {
	if !hmac.Equal([]byte(mac), []byte(l.mac(call, n, expires))) {
		return "", 0, errTampered
	}
	i, err := strconv.Atoi(n)
	at, err2 := strconv.ParseInt(expires, 36, 64)
	if err != nil || err2 != nil {
		return "", 0, errTampered
	}
	if now.Unix() > at {
		return "", 0, errExpired
	}
	return store.CallID(call), i, nil
}

func (l Links) mac(parts ...string) string {
	h := hmac.New(sha256.New, l.key)
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
