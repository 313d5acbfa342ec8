package voicetest

import "time"

// NumberConfig is what Twilio does with calls and messages to a number. The
// names are those of the IncomingPhoneNumber resource; methods default to POST.
type NumberConfig struct {
	FriendlyName                          string
	VoiceURL, VoiceMethod                 string
	VoiceFallbackURL, VoiceFallbackMethod string
	StatusCallback, StatusCallbackMethod  string
	SMSURL, SMSMethod                     string
	SMSFallbackURL, SMSFallbackMethod     string
	VoiceCallerIDLookup                   bool // send CallerName

	// Any of these makes Twilio ignore the URLs above (voice: application and
	// trunk, SMS: application).
	VoiceApplicationSID, SMSApplicationSID, TrunkSID string
}

// Lookup is how Lookup v2 answers for a number.
type Lookup struct {
	Name   string        // caller_name; empty if nobody knows
	Delay  time.Duration // by the Clock, before the answer
	Status int           // an HTTP status other than 200 to fail with
}

type number struct {
	sid     string
	e164    string
	created time.Time
	config  NumberConfig
}

// AddNumber gives the account a number, without any URL, and returns its SID.
// A number that is there already stays as it is.
func (n *Network) AddNumber(e164 string) (sid string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.addNumberLocked(e164).sid
}

func (n *Network) addNumberLocked(e164 string) *number {
	if num := n.numbers[e164]; num != nil {
		return num
	}
	num := &number{sid: n.idLocked("PN"), e164: e164, created: n.clock.Now(), config: NumberConfig{FriendlyName: e164}}
	n.numbers[e164] = num
	return num
}

// Configure sets up one of the account's numbers, adding it if need be.
func (n *Network) Configure(e164 string, c NumberConfig) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.FriendlyName == "" {
		c.FriendlyName = e164
	}
	n.addNumberLocked(e164).config = c
}

// Number returns the configuration of one of the account's numbers.
func (n *Network) Number(e164 string) NumberConfig {
	n.mu.Lock()
	defer n.mu.Unlock()
	if num := n.numbers[e164]; num != nil {
		return num.config
	}
	return NumberConfig{}
}

// SetName sets the name that a lookup of the number finds.
func (n *Network) SetName(e164, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.lookups[e164]
	l.Name = name
	n.lookups[e164] = l
}

// SetLookup sets everything about lookups of the number.
func (n *Network) SetLookup(e164 string, l Lookup) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lookups[e164] = l
}
