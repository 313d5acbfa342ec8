package voicetest

import (
	"net/http"
	"strings"
)

func (n *Network) fetchAccount(a *apiRequest) (int, any, *apiError) {
	if a.path["Sid"] != n.opts.AccountSID {
		return 0, nil, notFound(a.url)
	}
	uri := "/" + apiVersion + "/Accounts/" + n.opts.AccountSID
	return 200, object{"sid": n.opts.AccountSID, "owner_account_sid": n.opts.AccountSID, "auth_token": n.opts.AuthToken,
		"friendly_name": "voicetest", "status": "active", "type": "Full", "uri": uri + ".json",
		"date_created": rfc2822(n.clock.Now()), "date_updated": rfc2822(n.clock.Now()),
		"subresource_uris": object{"calls": uri + "/Calls.json", "messages": uri + "/Messages.json"}}, nil
}

func (n *Network) showNumber(num *number) object {
	c := num.config
	return object{
		"sid": num.sid, "account_sid": n.opts.AccountSID, "phone_number": num.e164, "friendly_name": c.FriendlyName,
		"voice_url": orNull(c.VoiceURL), "voice_method": method(c.VoiceMethod),
		"voice_fallback_url": orNull(c.VoiceFallbackURL), "voice_fallback_method": method(c.VoiceFallbackMethod),
		"status_callback": orNull(c.StatusCallback), "status_callback_method": method(c.StatusCallbackMethod),
		"sms_url": orNull(c.SMSURL), "sms_method": method(c.SMSMethod),
		"sms_fallback_url": orNull(c.SMSFallbackURL), "sms_fallback_method": method(c.SMSFallbackMethod),
		"voice_caller_id_lookup": c.VoiceCallerIDLookup, "voice_application_sid": orNull(c.VoiceApplicationSID),
		"sms_application_sid": orNull(c.SMSApplicationSID), "trunk_sid": orNull(c.TrunkSID),
		"api_version": apiVersion, "beta": false, "origin": "twilio", "status": "in-use",
		"address_requirements": "none", "capabilities": object{"voice": true, "sms": true, "mms": true, "fax": false},
		"date_created": rfc2822(num.created), "date_updated": rfc2822(num.created),
		"uri": n.uri("IncomingPhoneNumbers", num.sid),
	}
}

func (n *Network) listNumbers(a *apiRequest) (int, any, *apiError) {
	var list []*number
	for _, key := range sortedKeys(n.numbers) {
		num := n.numbers[key]
		if a.query.Has("PhoneNumber") && num.e164 != a.query.Get("PhoneNumber") ||
			a.query.Has("FriendlyName") && num.config.FriendlyName != a.query.Get("FriendlyName") {
			continue
		}
		list = append(list, num)
	}
	return 200, page(a, "incoming_phone_numbers", list, n.showNumber), nil
}

func (n *Network) numberBySID(sid string) *number {
	for _, num := range n.numbers {
		if num.sid == sid {
			return num
		}
	}
	return nil
}

func (n *Network) fetchNumber(a *apiRequest) (int, any, *apiError) {
	num := n.numberBySID(a.path["Sid"])
	if num == nil {
		return 0, nil, notFound(a.url)
	}
	return 200, n.showNumber(num), nil
}

func (n *Network) updateNumber(a *apiRequest) (int, any, *apiError) {
	num := n.numberBySID(a.path["Sid"])
	if num == nil {
		return 0, nil, notFound(a.url)
	}
	c := num.config
	for name, field := range map[string]*string{
		"FriendlyName": &c.FriendlyName,
		"VoiceUrl":     &c.VoiceURL, "VoiceMethod": &c.VoiceMethod,
		"VoiceFallbackUrl": &c.VoiceFallbackURL, "VoiceFallbackMethod": &c.VoiceFallbackMethod,
		"StatusCallback": &c.StatusCallback, "StatusCallbackMethod": &c.StatusCallbackMethod,
		"SmsUrl": &c.SMSURL, "SmsMethod": &c.SMSMethod,
		"SmsFallbackUrl": &c.SMSFallbackURL, "SmsFallbackMethod": &c.SMSFallbackMethod,
		"VoiceApplicationSid": &c.VoiceApplicationSID, "SmsApplicationSid": &c.SMSApplicationSID, "TrunkSid": &c.TrunkSID,
	} {
		if a.form.Has(name) {
			*field = a.form.Get(name)
		}
	}
	if a.form.Has("VoiceCallerIdLookup") {
		c.VoiceCallerIDLookup = a.form.Get("VoiceCallerIdLookup") == "true"
	}
	if c.VoiceFallbackURL != "" && c.VoiceURL == "" { // twilio.com/docs/api/errors/21405
		return 0, nil, &apiError{400, 21405, "VoiceFallbackUrl without VoiceUrl"}
	}
	if c.SMSFallbackURL != "" && c.SMSURL == "" {
		return 0, nil, &apiError{400, 21406, "SmsFallbackUrl without SmsUrl"}
	}
	num.config = c
	return 200, n.showNumber(num), nil
}

// lookupDelay lets the time of a slow lookup pass, and reports whether the
// program still listens.
func (n *Network) lookupDelay(r *http.Request, e164 string) bool {
	n.mu.Lock()
	delay := n.lookups[e164].Delay
	n.mu.Unlock()
	if delay <= 0 {
		return true
	}
	t := n.clock.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.Chan():
		return true
	case <-r.Context().Done():
		return false
	}
}

// fetchLookup answers Lookup v2; what was not asked for, and what a lookup does
// not know, is left out.
func (n *Network) fetchLookup(a *apiRequest) (int, any, *apiError) {
	num := a.path["PhoneNumber"]
	l := n.lookups[num]
	if l.Status != 0 && l.Status != 200 {
		code := map[int]int{404: 20404, 429: 20429, 503: 20503}[l.Status]
		if code == 0 {
			code = 20500
		}
		return 0, nil, &apiError{l.Status, code, "lookup fails, as it was told to"}
	}
	o := object{"phone_number": num, "valid": e164.MatchString(num), "validation_errors": []string{}, "url": "https://lookups.twilio.com" + a.url.Path}
	if !e164.MatchString(num) {
		a.problems = append(a.problems, "a lookup of what is not a number in E.164 form")
		o["validation_errors"] = []string{"NOT_A_NUMBER"}
		delete(o, "phone_number")
		return 200, o, nil
	}
	if strings.HasPrefix(num, "+1") {
		o["country_code"], o["calling_country_code"] = "US", "1"
	}
	for field := range strings.SplitSeq(a.query.Get("Fields"), ",") {
		if field == "caller_name" {
			o["caller_name"] = object{"caller_name": l.Name, "caller_type": "UNDETERMINED"}
		}
	}
	return 200, o, nil
}
