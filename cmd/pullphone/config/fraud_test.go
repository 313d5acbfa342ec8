package config

import (
	"strings"
	"testing"
)

// Nobody's phone can be a number that is paid for being called, wherever it is; nor one elsewhere than phones may be.
func TestPhonesThatCost(t *testing.T) {
	for _, tt := range []struct{ number, countries, says string }{
		{"+12085550101", "", ""},
		{"+442079460018", "GB", ""},
		{"+447624123456", "IM", ""},
		{"+19005550100", "", "costs more"},             // premium rate
		{"+4490912345678", "GB", "too many digits"},    // no number at all
		{"+449091234567", "GB", "costs more"},          // premium rate
		{"+448712345678", "GB", "costs more"},          // shared cost
		{"+33899123456", "FR", "costs more"},           // premium rate
		{"+447012345678", "GB", "costs more"},          // personal number
		{"+15005550100", "US", "costs more"},           // personal number
		{"+979123456789", "US", "costs more"},          // international premium rate
		{"+870773111632", "", "belongs to no country"}, // satellite
		{"+881612345678", "", "belongs to no country"}, // satellite
		{"+882131234567", "", "belongs to no country"}, // international network
		{"+18765550101", "", "JM"},                     // looks like a number at home
		{"+18095550101", "", "DO"},
		{"+12425550101", "", "BS"},
		{"+442079460018", "", "GB"},
		{"+37167881234", "", "LV"},
		{"46333", "", "not in international form"}, // short code
		{"911", "", "not in international form"},
		{"+1911", "", "not in international form"},
		{"+112", "", "not in international form"},
		{"Ann", "", "not in international form"},
		{"sip:ann@example.com", "", "not in international form"},
		{"client:ann", "", "not in international form"},
	} {
		file := top(`people: [{name: Ann, phone: "` + tt.number + `"}]`)
		if tt.countries != "" {
			file += "phone_countries: [" + tt.countries + "]\n"
		}
		_, err := Parse("f", []byte(file), getenv)
		switch {
		case tt.says == "" && err != nil:
			t.Errorf("%s: %v", tt.number, err)
		case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s: %v, want %q", tt.number, err, tt.says)
		}
	}
}
