package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// top adds a key to the minimal file, whose line 7 it becomes.
func top(text string) string { return minimal + text + "\n" }

// line adds a key to its line; it becomes line 7.
func line(text string) string { return minimal + "    " + text + "\n" }

// with replaces a part of the minimal file.
func with(old, replacement string) string {
	if !strings.Contains(minimal, old) {
		panic(old)
	}
	return strings.Replace(minimal, old, replacement, 1)
}

const (
	sid     = `"${TWILIO_ACCOUNT_SID}"`
	token   = `"${TWILIO_AUTH_TOKEN}"`
	xoxb    = `bot_token: "${SLACK_BOT_TOKEN}", `
	signing = `signing_secret: "${SLACK_SIGNING_SECRET}"`
	ann     = `people: [{name: Ann, phone: "+12085550101"}]`
)

var badFiles = []struct{ file, want string }{
	// Not YAML.
	{"a: [b\nc: d\n", `1: not YAML: did not find expected ',' or ']'; check the indentation, quotes and brackets of this line and the one before`},
	{"# about\nlisten: a\nlines:\n  - number: b\n    name: c\n   people: d\n    accept: e\n", `6: not YAML: did not find expected '-' indicator; check the indentation, quotes and brackets of this line and the one before`},
	{"twilio:\n\tlookup: true\n", `2: not YAML: found character that cannot start any token; indent with spaces, not with tabs`},
	{"listen: a\nname: 'it's'\nstore: b\n", `2: not YAML: did not find expected key; check the indentation, quotes and brackets of this line and the one before`},
	{"listen: \"a\nstore: b\n", `1: not YAML: found unexpected end of stream; check the indentation, quotes and brackets of this line and the one before`},
	{"listen: a\nslack: {bot_token: ${SLACK_BOT_TOKEN}, api_url: a}\n", `2: not YAML: did not find expected ',' or '}'; inside [ ] and { }, write "${NAME}" with its quotes`},
	{"listen: a\nslack:\n  bot_token: *xoxb\n", `3: not YAML: a value that starts with * stands for an anchor, and there is no such anchor; put the value in quotes`},
	{"listen: a\nstore: @b\n", `2: not YAML: found character that cannot start any token; put the value in quotes`},
	{"listen: a\nstore: \x01\n", `2: not YAML: control characters are not allowed; check the indentation, quotes and brackets of this line and the one before`},
	{minimal + "---\n", `7: a second document starts here; keep one, without a line of three dashes in between`},

	// Keys.
	{top("colour: red"), `7: colour: unknown key; known here: public_url, listen, admin_listen, store, etcd, retention, phone_countries, log_numbers, twilio, slack, people, lines`},
	{top("listn: a"), `7: listn: unknown key; did you mean listen?`},
	{line("ring-timeout: 20s"), `7: lines[0].ring-timeout: unknown key; did you mean ring_timeout?`},
	{line("hours: {timezone: UTC, opne: []}"), `7: lines[0].hours.opne: unknown key; did you mean open?`},
	{line("keywords: {a: {foward: \"+12085550199\"}}"), `7: lines[0].keywords.a.foward: unknown key; did you mean forward?`},
	{line("escalate: [{after: 1s, people: [], when: now}]"), `7: lines[0].escalate[0].when: unknown key; known here: after, people, mention (and 1 more)`},
	{with("account_sid", "acount_sid"), `2: twilio.acount_sid: unknown key; did you mean account_sid?`},
	{with("    channel:", "    chanel:"), `6: lines[0].chanel: unknown key; did you mean channel?`},
	{top("<<: {listen: a}"), `7: ["<<"]: unknown key, since mappings cannot be merged here; repeat the keys`},
	{top("${NUMBER}: a"), `7: ["${NUMBER}"]: unknown key; known here: public_url, listen, admin_listen, store, etcd, retention, phone_countries, log_numbers, twilio, slack, people, lines`},
	{top("[a]: b"), `7: a list or mapping is used as a key; write a word`},
	{top("listen: :1\nlisten: :2"), `8: listen: this key is already given in line 7; keep one of the two`},
	{line("keywords: {a b: {pass: true}, a b: {pass: true}}"), `7: lines[0].keywords["a b"]: this key is already given in line 7; keep one of the two`},

	// What is missing or of the wrong type.
	{"", `1: public_url: is missing; write the URL under which Twilio and Slack reach this server, like "https://phone.example.com" (and 5 more)`},
	{"# nothing\n", `1: public_url: is missing; write the URL under which Twilio and Slack reach this server, like "https://phone.example.com" (and 5 more)`},
	{"- a\n", `1: must hold keys of its own; write them as "key: value", one a line, indented below it`},
	{with("    channel: C000SALES\n", ""), `5: lines[0].channel: is missing; write the Slack channel's ID, or its name with # in front and in quotes, like "#sales"`},
	{with("C000SALES", "#sales"), `6: lines[0].channel: is empty, because # starts a comment; write "#sales" in quotes`},
	{with("C000SALES", "# a comment"), `6: lines[0].channel: is missing; write the Slack channel's ID, or its name with # in front and in quotes, like "#sales"`},
	{with(`number: "+12085550100"`, `name: Sales`), `5: lines[0].number: is missing; write the Twilio number that callers dial, like "+12085550100"`},
	{"public_url: https://a.example\ntwilio: {account_sid: AC1, auth_token: a}\nslack: {bot_token: a, signing_secret: b}\n", `1: lines: is missing; write at least one line, with its number and channel`},
	{"public_url: https://a.example\ntwilio: {account_sid: AC1, auth_token: a}\nslack: {bot_token: a, signing_secret: b}\nlines: []\n", `4: lines: is empty; write at least one line, with its number and channel`},
	{minimal + "  -\n", `7: lines[1]: is empty; write a line, with its number and channel`},
	{with("lines:\n  - n", "lines:\n    n"), `4: lines: must be a list; write it in [ ], or one item a line, each after a dash`},
	{top("listen: [a]"), `7: listen: must be a single value, not a list or mapping; write it after the colon`},
	{top("listen: !env a"), `7: listen: has a YAML tag that means nothing here; write the value without it`},
	{line("name: true"), `7: lines[0].name: "true" is true or false where a text belongs; put it in quotes if you mean the word`},
	{line("name: \"a\\nb\""), `7: lines[0].name: holds a line break or another control character; write it on one line without`},
	{line("name: ' Sales'"), `7: lines[0].name: " Sales" has a space before or after it; write it without`},
	{line("accept: yes"), `7: lines[0].accept: "yes" is neither true nor false; write true or false`},
	{line("greeting: \" \""), `7: lines[0].greeting: is empty; write a sentence, or leave the key out`},
	{line("greeting: false"), `7: lines[0].greeting: "false" is true or false where a sentence belongs; write the sentence`},
	{line("greeting: \"a\\0\""), `7: lines[0].greeting: holds a control character; write it without`},
	{line("greeting: " + strings.Repeat("a", 4097)), `7: lines[0].greeting: is longer than the 4096 characters that Twilio says at once; shorten it`},

	// Variables.
	{with("TWILIO_AUTH_TOKEN", "MISSING"), `2: twilio.auth_token: the environment variable MISSING is not set; set it before pullphone starts`},
	{with("TWILIO_AUTH_TOKEN", "EMPTY"), `2: twilio.auth_token: ${EMPTY} is set, but empty; copy the account's auth token from Twilio's console`},
	{line("name: a ${NUMBER} ${MISSING}"), `7: lines[0].name: the environment variable MISSING is not set; set it before pullphone starts`},
	{line("name: a ${NUMBER"), `7: lines[0].name: has ${ without a variable's name and } after it; write ${NAME}`},
	{line("name: ${NUMBER:-b}"), `7: lines[0].name: has ${ without a variable's name and } after it; write ${NAME}`},
	{line("name: ${}"), `7: lines[0].name: has ${ without a variable's name and } after it; write ${NAME}`},
	{line("name: ${BINARY}"), `7: lines[0].name: is not UTF-8 text; write it in UTF-8`},
	{line("name: ${LINES}"), `7: lines[0].name: holds a line break or another control character; write it on one line without`},
	{line("people: ${STRUCTURE}"), `7: lines[0].people: must be a list; write it in [ ], or one item a line, each after a dash`},

	// URLs, addresses and the store.
	{with("https://phone.example.com", "phone.example.com"), `1: public_url: "phone.example.com" is not an absolute URL; write the URL under which Twilio and Slack reach this server, like "https://phone.example.com"`},
	{with("https://phone.example.com", "ftp://phone.example.com"), `1: public_url: "ftp://phone.example.com" does not start with https:// or http://; write the URL under which Twilio and Slack reach this server, like "https://phone.example.com"`},
	{with("https://phone.example.com", "https://"), `1: public_url: "https://" is not an absolute URL; write the URL under which Twilio and Slack reach this server, like "https://phone.example.com"`},
	{with("https://phone.example.com", "https://:80/"), `1: public_url: "https://:80/" is not an absolute URL; write the URL under which Twilio and Slack reach this server, like "https://phone.example.com"`},
	{with("https://phone.example.com", "https://a.example:99999"), `1: public_url: "https://a.example:99999" has no port from 1 to 65535 after the colon; write the URL under which Twilio and Slack reach this server, like "https://phone.example.com"`},
	{with("https://phone.example.com", "https://a.example/?b=c"), `1: public_url: "https://a.example/?b=c" has a query or fragment (? or #); write the URL under which Twilio and Slack reach this server, like "https://phone.example.com"`},
	{with("https://phone.example.com", "https://a.example/?"), `1: public_url: "https://a.example/?" has a query or fragment (? or #); write the URL under which Twilio and Slack reach this server, like "https://phone.example.com"`},
	{with("https://phone.example.com", "https://a.example/#"), `1: public_url: "https://a.example/#" has a query or fragment (? or #); write the URL under which Twilio and Slack reach this server, like "https://phone.example.com"`},
	{with("https://phone.example.com", "https://me:pass@a.example"), `1: public_url: holds a user name or password, which would be seen by others; write the URL under which Twilio and Slack reach this server, like "https://phone.example.com"`},
	{top("listen: 8080"), `7: listen: "8080" is not an address to listen on; write host:port, like "127.0.0.1:8080"`},
	{top("listen: localhost:http"), `7: listen: "localhost:http" is not an address to listen on; write host:port, like "127.0.0.1:8080"`},
	{top("listen: 127.0.0.1:80800"), `7: listen: "127.0.0.1:80800" is not an address to listen on; write host:port, like "127.0.0.1:8080"`},
	{top("admin_listen: 127.0.0:9090"), `7: admin_listen: "127.0.0:9090" is not an address to listen on; write host:port, like "127.0.0.1:9090"`},
	{top("admin_listen: 127.0.0.1:8080"), `7: admin_listen: is the same address as listen; write another port`},
	{top("store: pullphone.db"), `7: store: is neither a bbolt file nor etcd; write bolt:PATH or etcd://host:port/prefix`},
	{top("store: 'bolt:'"), `7: store: names no file; write bolt:PATH, like bolt:pullphone.db`},
	{top("store: bolt://pullphone.db"), `7: store: has slashes after bolt:, though it is no URL; write bolt:PATH, like bolt:pullphone.db`},
	{top("store: bolt:data/"), `7: store: names a folder, not a file; write bolt:PATH, like bolt:pullphone.db`},
	{top("store: etcd://a:2379"), `7: store: names no prefix for its keys in etcd; write etcd://host:port[,host:port]/prefix, like etcd://127.0.0.1:2379/pullphone`},
	{top("store: etcd://a:2379,b/c"), `7: store: names an etcd server otherwise than by host:port; write etcd://host:port[,host:port]/prefix, like etcd://127.0.0.1:2379/pullphone`},
	{top("store: etcd://me:pass@a:2379/c"), `7: store: holds a user name or password, which is not supported; write etcd://host:port[,host:port]/prefix, like etcd://127.0.0.1:2379/pullphone`},
	{top("store: etcd://a:2379/b?c"), `7: store: has a prefix with a space, ? or # in it; write etcd://host:port[,host:port]/prefix, like etcd://127.0.0.1:2379/pullphone`},
	{line("hold_music: [\"http://a.example/b.mp3\"]"), `7: lines[0].hold_music[0]: "http://a.example/b.mp3" does not start with https://; write where the music is, like "https://example.com/music.mp3"`},
	{line("hold_music: https://a.example/b.mp3"), `7: lines[0].hold_music: must be a list; write it in [ ], or one item a line, each after a dash`},
	{line("hold_music: [\"\"]"), `7: lines[0].hold_music[0]: is empty; write where the music is, like "https://example.com/music.mp3"`},
	{line("fallback_url: http://a.example"), `7: lines[0].fallback_url: "http://a.example" does not start with https://; write where the TwiML is, like "https://example.com/fallback.xml"`},

	// Twilio and Slack.
	{with(sid, "SK1"), `2: twilio.account_sid: is an API key, which cannot check webhooks; copy the account's SID, which starts with AC, from Twilio's console`},
	{with(sid, token), `2: twilio.account_sid: does not start with AC; copy the account's SID, which starts with AC, from Twilio's console`},
	{with(sid, "AC-1"), `2: twilio.account_sid: holds something other than letters and digits; copy the account's SID, which starts with AC, from Twilio's console`},
	{with(token, "my-token"), `2: twilio.auth_token: holds something other than letters and digits; copy the account's auth token from Twilio's console`},
	{with(token, sid), `2: twilio.auth_token: is an account SID; copy the account's auth token from Twilio's console`},
	{with(token+"}", token+", api_url: https://a.example/b}"), `2: twilio.api_url: "https://a.example/b" has a path; write only scheme and host, like "https://twilio.example.com"`},
	{with(xoxb, ""), `3: slack.bot_token: is missing; copy the bot token, which starts with xoxb-, from the Slack app's page OAuth & Permissions`},
	{with(xoxb, "bot_token: xapp-1, "), `3: slack.bot_token: is an app-level token; copy the bot token, which starts with xoxb-, from the Slack app's page OAuth & Permissions`},
	{with(xoxb, "bot_token: xoxb 1, "), `3: slack.bot_token: holds a space; copy the bot token, which starts with xoxb-, from the Slack app's page OAuth & Permissions`},
	{with(signing, ""), `3: slack.signing_secret: is missing; copy it from the Slack app's page Basic Information, or give app_token`},
	{with(signing, `signing_secret: "", app_token: ""`), `3: slack.signing_secret: is empty; copy it from the Slack app's page Basic Information, or give app_token`},
	{with(signing, "app_token: xoxb-1"), `3: slack.app_token: does not start with xapp-; copy the app-level token, which starts with xapp-, from the Slack app's page Basic Information`},
	{with(signing, signing+", api_url: https://a.example/api"), `3: slack.api_url: "https://a.example/api" does not end in /api/; write a URL that ends in /api/, like "https://slack.example.com/api/"`},
	{with("C000SALES", "sales"), `6: lines[0].channel: "sales" is neither a Slack channel's ID nor #name; write "#sales"`},
	{with("C000SALES", `"#Sales"`), `6: lines[0].channel: "#Sales" is neither a Slack channel's ID nor #name; write "#sales"`},
	{with("C000SALES", `"#our sales"`), `6: lines[0].channel: "#our sales" is neither a Slack channel's ID nor #name; write it like "C000SALES" or "#sales"`},

	// Numbers and countries.
	{with("+12085550100", "2085550100"), `5: lines[0].number: "2085550100" is not in international form; write "+12085550100"`},
	{with("+12085550100", "+1 (208) 555-0100"), `5: lines[0].number: "+1 (208) 555-0100" is not in international form; write "+12085550100"`},
	{with("+12085550100", "004402079460958"), `5: lines[0].number: "004402079460958" is not in international form; write "+442079460958"`},
	{with("+12085550100", "+4402079460958"), `5: lines[0].number: "+4402079460958" has a digit too many for international form; write "+442079460958"`},
	{with("+12085550100", "ext. 12"), `5: lines[0].number: "ext. 12" is not in international form; write it with + and the country code, like "+12085550100"`},
	{with("+12085550100", "+1208555010"), `5: lines[0].number: "+1208555010" has too few or too many digits for its country; check them`},
	{with("+12085550100", "${TWILIO_AUTH_TOKEN}"), `5: lines[0].number: "${TWILIO_AUTH_TOKEN}" is not in international form; write it with + and the country code, like "+12085550100"`},
	{minimal + "  - {number: ${NUMBER}, channel: C1AA}\n", `7: not YAML: did not find expected ',' or '}'; inside [ ] and { }, write "${NAME}" with its quotes`},
	{minimal + "  - {number: \"${NUMBER}\", channel: C1AA}\n", `7: lines[1].number: "${NUMBER}" is also lines[0].number; give each line its own number`},
	{top("phone_countries: [us]"), `7: phone_countries[0]: "us" is not in capital letters; write "US"`},
	{top("phone_countries: [US, UK]"), `7: phone_countries[1]: "UK" is not the code of a country; write "GB"`},
	{top("phone_countries: [USA]"), `7: phone_countries[0]: "USA" is not the code of a country; write two capital letters of ISO 3166, like "US"`},
	{top("phone_countries: US"), `7: phone_countries: must be a list; write it in [ ], or one item a line, each after a dash`},
	{with("+12085550100", "+80012345678"), `1: phone_countries: is missing, though no line's number belongs to a country; write where people's phones may be, like ["US"]`},

	// People.
	{top("people: [Ann]"), `7: people[0]: must hold keys of its own; write them as "key: value", one a line, indented below it`},
	{top("people: [{name: Ann}]"), `7: people[0]: has neither a phone nor slack; write at least one of them`},
	{top("people: [~]"), `7: people[0]: is empty; write name, phone and slack of a person`},
	{top("people: [{name: Ann, slack: \"@ann\"}]"), `7: people[0].slack: "@ann" is not a member ID; copy the ID from the person's Slack profile, like "U000ANN"`},
	{top("people: [{name: Ann, phone: \"+19005550100\"}]"), `7: people[0].phone: "+19005550100" costs more than a usual call (premium rate, shared cost, personal number or pager); write another number`},
	{with("account_sid: "+sid, "account_sid: [a]"), `2: twilio.account_sid: must be a single value, not a list or mapping; write it after the colon`},
	{with("twilio: {account_sid: "+sid+", auth_token: "+token+"}", "twilio: here"), `2: twilio: must hold keys of its own; write them as "key: value", one a line, indented below it`},
	{with("slack: {"+xoxb+signing+"}", "slack: here"), `3: slack: must hold keys of its own; write them as "key: value", one a line, indented below it`},
	{with(token+"}", token+", api_url: twilio}"), `2: twilio.api_url: "twilio" is not an absolute URL; write only scheme and host, like "https://twilio.example.com"`},
	{with(signing, signing+", api_url: slack"), `3: slack.api_url: "slack" is not an absolute URL; write a URL that ends in /api/, like "https://slack.example.com/api/"`},
	{line("fallback_url: " + strings.Repeat("a", 80)), `7: lines[0].fallback_url: "` + strings.Repeat("a", 60) + `…" is not an absolute URL; write where the TwiML is, like "https://example.com/fallback.xml"`},
	{line("hours: all day"), `7: lines[0].hours: must hold keys of its own; write them as "key: value", one a line, indented below it`},
	{line("people: [~]"), `7: lines[0].people[0]: is missing; write the name of a person`},
	{top("phone_countries: [~]"), `7: phone_countries[0]: is missing; write two capital letters of ISO 3166, like "US"`},
	{top("people: [{name: Ann, phone: \"+4918012345\"}]\nphone_countries: [DE]"), `7: people[0].phone: "+4918012345" costs more than a usual call (premium rate, shared cost, personal number or pager); write another number`},
	{top("people: [{name: Ann, phone: \"+447400123456\"}]"), `7: people[0].phone: "+447400123456" is in GB, and phones may be in US only; add GB to phone_countries if that is meant`},
	{top("people: [{name: Ann, phone: \"+12085550101\"}]\nphone_countries: [GB, DE]"), `7: people[0].phone: "+12085550101" is in US, and phones may be in GB, DE only; add US to phone_countries if that is meant`},
	{top("people: [{name: Ann, phone: \"+80012345678\"}]"), `7: people[0].phone: "+80012345678" belongs to no country; write a phone in US`},
	{top("people: [{name: Ann, phone: \"+12085550100\"}]"), `7: people[0].phone: "+12085550100" is also lines[0].number; write the person's own phone`},
	{top("people:\n  - {name: Ann, phone: \"+12085550101\"}\n  - {name: Bob, phone: \"+12085550101\"}"), `9: people[1].phone: "+12085550101" already belongs to the person in line 8; give each person their own`},
	{top("people:\n  - {name: Ann, slack: U000ANN}\n  - {name: Bob, slack: U000ANN}"), `9: people[1].slack: "U000ANN" already belongs to the person in line 8; give each person their own`},
	{top("people:\n  - {name: Ann, slack: U000ANN}\n  - {name: Ann, slack: U000BOB}"), `9: people[1].name: "Ann" already belongs to the person in line 8; give each person their own`},
	{line("people: [Anne]\n" + ann), `7: lines[0].people[0]: nobody under people has the name "Anne"; did you mean "Ann"?`},
	{line("people: [Bob]\n" + ann), `7: lines[0].people[0]: nobody under people has the name "Bob"; add them there, or take the name out here`},
	{line("people: [Ann, Ann]\n" + ann), `7: lines[0].people[1]: "Ann" stands in this list twice; keep one`},
	{line("people: []\n" + ann), `7: lines[0].people: is empty; leave the key out if you mean everybody`},
	// A broken person is not unknown as well.
	{line("people: [Bob]\npeople: [{name: [Bob], slack: U000BOB}]"), `8: people[0].name: must be a single value, not a list or mapping; write it after the colon`},

	// Times.
	{top("retention: 90"), `7: retention: "90" has no unit; write a length of time like "90s", "2m" or "90d"`},
	{top("retention: 0d"), `7: retention: "0d" is not more than zero; write a length of time like "90s", "2m" or "90d"`},
	{top("retention: 3 months"), `7: retention: "3 months" is not a length of time; write one like "90s", "2m", "90d" or "1d12h"`},
	{line("max_wait: -2m"), `7: lines[0].max_wait: "-2m" is not more than zero; write a length of time like "90s", "2m" or "90d"`},
	{line("ring_timeout: 4s"), `7: lines[0].ring_timeout: "4s" is not within Twilio's limits; write 5s to 600s`},
	{line("ring_timeout: 601s"), `7: lines[0].ring_timeout: "601s" is not within Twilio's limits; write 5s to 600s`},
	{line("ring_timeout: 20500ms"), `7: lines[0].ring_timeout: "20500ms" is not a whole number of seconds; write one like "20s"`},
	{line("hours: {timezone: Idaho}"), `7: lines[0].hours.timezone: "Idaho" is not a time zone; write a name of the IANA database, like "America/Boise"`},
	{line("hours: {open: [Mon-Fri 8-17]}"), `7: lines[0].hours.open[0]: "Mon-Fri 8-17" is not days and times; write it like "Mon-Fri 08:00-17:30" or "Sat 10:00-14:00"`},
	{line("hours: {open: [Mon-Fry 08:00-17:00]}"), `7: lines[0].hours.open[0]: "Mon-Fry 08:00-17:00" is not days and times; write it like "Mon-Fri 08:00-17:30" or "Sat 10:00-14:00"`},
	{line("hours: {open: [Mon 08:60-17:00]}"), `7: lines[0].hours.open[0]: "Mon 08:60-17:00" has a time that no clock shows; write times from 00:00 to 24:00`},
	{line("hours: {open: [Mon 08:00-24:01]}"), `7: lines[0].hours.open[0]: "Mon 08:00-24:01" has a time that no clock shows; write times from 00:00 to 24:00`},
	{line("hours: {open: [Mon 24:01-02:00]}"), `7: lines[0].hours.open[0]: "Mon 24:01-02:00" has a time that no clock shows; write times from 00:00 to 24:00`},
	{line("hours: {open: [Fri-Sat 22:00-22:00]}"), `7: lines[0].hours.open[0]: "Fri-Sat 22:00-22:00" ends when it starts; for all day, write "Fri-Sat 00:00-24:00"`},
	{line("hours: {open: [Fri 24:00-24:00]}"), `7: lines[0].hours.open[0]: "Fri 24:00-24:00" ends when it starts; for all day, write "Fri 00:00-24:00"`},
	{line("hours: {open: [Fri 24:00-02:00]}"), `7: lines[0].hours.open[0]: "Fri 24:00-02:00" starts when the day is over; write it as the next day's, from 00:00`},
	{line("hours: {open: [Fri 24:00-00:00]}"), `7: lines[0].hours.open[0]: "Fri 24:00-00:00" starts when the day is over; write it as the next day's, from 00:00`},
	{line("hours: {open: []}"), `7: lines[0].hours.open: is empty; leave the key out if you mean all day`},
	{line("hours: {closed: [2026-02-30]}"), `7: lines[0].hours.closed[0]: "2026-02-30" is not a date; write year, month and day, like "2026-12-25"`},
	{line("hours: {closed: [25.12.2026]}"), `7: lines[0].hours.closed[0]: "25.12.2026" is not a date; write year, month and day, like "2026-12-25"`},

	// A line's other choices.
	{line("no: hangup"), `7: lines[0].no: "hangup" is not known; write voicemail or pass`},
	{top("people: [{name: Ann, pin: 271, slack: U000ANN}]"), `7: people[0].pin: is not a PIN; write 4 to 8 digits in quotes, like "271828"`},
	{top("people: [{name: Ann, pin: \"271828182\", slack: U000ANN}]"), `7: people[0].pin: is not a PIN; write 4 to 8 digits in quotes, like "271828"`},
	{top("people: [{name: Ann, pin: \"27182B\", slack: U000ANN}]"), `7: people[0].pin: is not a PIN; write 4 to 8 digits in quotes, like "271828"`},
	{top("people: [{name: Ann, pin: \"2718 28\", slack: U000ANN}]"), `7: people[0].pin: holds a space; write 4 to 8 digits in quotes, like "271828"`},
	{top("people: [{name: Ann, pin: [2718], slack: U000ANN}]"), `7: people[0].pin: must be a single value, not a list or mapping; write it after the colon`},
	{line("dial_in: pin\n" + ann), `7: lines[0].dial_in: asks for a PIN, and nobody of the line has one; give its people a pin under people, or write true or false here`},
	{line("people: [Ann]\n    dial_in: pin\n" + strings.Replace(ann, "]", ", {name: Bob, slack: U000BOB, pin: \"2718\"}]", 1)),
		`8: lines[0].dial_in: asks for a PIN, and nobody of the line has one; give its people a pin under people, or write true or false here`},
	{line("dial_in: pin\n" + strings.Replace(ann, "}", ", pni: 2718}", 1)), `8: people[0].pni: unknown key; did you mean pin?`},
	{line("dial_in: ask"), `7: lines[0].dial_in: "ask" is not known; write true, false or pin`},
	{line("escalate: [~]"), `7: lines[0].escalate[0]: is empty; write after, and people or mention or both`},
	{line("escalate: [{mention: here}]"), `7: lines[0].escalate[0].after: is missing; write how long after the call arrived, like "30s"`},
	{line("escalate: [{after: 0s, mention: here}]"), `7: lines[0].escalate[0].after: "0s" is not more than zero; write a length of time like "90s", "2m" or "90d"`},
	{line("escalate: [{after: 1s}]"), `7: lines[0].escalate[0]: tells nobody; write people or mention or both`},
	{line("escalate: [{after: 1s, mention: channel}]"), `7: lines[0].escalate[0].mention: "channel" is not known; write here, or leave the key out`},
	{line("escalate: [{after: 1s, people: [Bob]}]"), `7: lines[0].escalate[0].people[0]: nobody under people has the name "Bob"; add them there, or take the name out here`},

	// Keywords.
	{line("keywords: {a: }"), `7: lines[0].keywords.a: does nothing; write one of forward: "+12085550199", voicemail: true, pass: true`},
	{line("keywords: {a: {say: b}}"), `7: lines[0].keywords.a: does nothing; write one of forward: "+12085550199", voicemail: true, pass: true`},
	{line("keywords: {a: {pass: true, voicemail: true}}"), `7: lines[0].keywords.a: does several things at once; write one of forward: "+12085550199", voicemail: true, pass: true`},
	{line("keywords: {a: {pass: false}}"), `7: lines[0].keywords.a.pass: is false, which means nothing here; write true, or another of the actions`},
	{line("keywords: {a: {forward: 911}}"), `7: lines[0].keywords.a.forward: "911" is not in international form; write it with + and the country code, like "+12085550100"`},
	{line("keywords: {a: {forward: \"+19005550100\"}}"), `7: lines[0].keywords.a.forward: "+19005550100" costs more than a usual call (premium rate, shared cost, personal number or pager); write another number`},
	{line("keywords: {a: {forward: \"+12085550100\"}}"), `7: lines[0].keywords.a.forward: is the number of this line itself; write another number`},
	{line("keywords: {\"...\": {pass: true}}"), `7: lines[0].keywords["..."]: has no letter or digit; choose a word`},
	{line("keywords: {\"?\": {pass: true}}"), `7: lines[0].keywords["?"]: ? already asks for help; choose another word`},
	{line("keywords: {\"${NUMBER}\": {pass: true}}"), `7: lines[0].keywords["${NUMBER}"]: a variable cannot stand in a key; write the word itself`},
	{line("keywords: {\"Y 2\": {pass: true}}"), `7: lines[0].keywords["Y 2"]: reads like the built-in answer with a number; choose another word`},
	{line("keywords: {off 2h: {pass: true}}"), `7: lines[0].keywords["off 2h"]: reads like the built-in answer with a number; choose another word`},
	{line("keywords:\n      sales: {pass: true}\n      Sales!: {pass: true}"), `9: lines[0].keywords["Sales!"]: is the same word as in line 8, case, accents and punctuation aside; keep one of the two`},
	{line("keywords:\n      Àfter-lunch: {pass: true}\n      after lunch: {pass: true}"), `9: lines[0].keywords["after lunch"]: is the same word as in line 8, case, accents and punctuation aside; keep one of the two`},
	{line("keywords: {7: {pass: true}}"), `7: lines[0].keywords.7: is a number, and numbers name calls; choose a word`},
	{line("keywords: {\"#1 2\": {pass: true}}"), `7: lines[0].keywords["#1 2"]: is a number, and numbers name calls; choose a word`},
	{line("keywords: {off 2 weeks: {pass: true}}"), `7: lines[0].keywords["off 2 weeks"]: reads like the built-in answer with a number; choose another word`},
	{line("keywords: {2 yes: {pass: true}}"), `7: lines[0].keywords["2 yes"]: 2 YES is an answer that pullphone has already; choose another word`},
	{line("keywords: {pass on to Cy: {pass: true}}"), `7: lines[0].keywords["pass on to Cy"]: PASS ON TO CY is an answer that pullphone has already; choose another word`},
	{line("keywords: {\"a\\u202eb\": {pass: true}}"), `7: lines[0].keywords["a\u202eb"]: holds a control character; write it without`},
	{line("keywords: {\"🎉\": {pass: true}}"), `7: lines[0].keywords["🎉"]: has no letter or digit; choose a word`},
}

func TestBadFiles(t *testing.T) {
	for _, tt := range badFiles {
		_, err := Parse("pullphone.yml", []byte(tt.file), getenv)
		if err == nil {
			t.Errorf("no error for\n%s\nwant %s", tt.file, tt.want)
		} else if want := "pullphone.yml:" + tt.want; err.Error() != want {
			t.Errorf("for\n%s\n got %s\nwant %s", tt.file, err, want)
		}
	}
}

func TestReservedKeywords(t *testing.T) {
	const (
		out  = "carriers take %s as the wish to get no more texts, and whoever sent it would get none; choose another word"
		in   = "carriers take %s as the wish to get texts again; choose another word"
		help = "Twilio answers %s itself; choose another word"
		ours = "%s is an answer that pullphone has already; choose another word"
	)
	reasons := map[string]string{
		"STOP": out, "STOPALL": out, "UNSUBSCRIBE": out, "CANCEL": out, "END": out, "QUIT": out, "REVOKE": out, "OPTOUT": out,
		"START": in, "UNSTOP": in,
		"HELP": help, "INFO": help,
		"YES": ours, "Y": ours, "NO": ours, "N": ours, "PULL": ours, "NEXT": ours, "LIST": ours, "ON": ours, "OFF": ours,
		"YEP": ours, "YEAH": ours, "YUP": ours, "SI": ours, "TAKE": ours, "YES PLEASE": ours, "NOPE": ours, "NO THANKS": ours, "NO THANK YOU": ours,
		"VOICEMAIL": ours, "PASS": ours, "NOT ME": ours, "PASS ON": ours, "LEAVE": ours, "FORCE": ours, "YES FORCE": ours, "PULL FORCE": ours,
	}
	for word, reason := range reasons {
		for _, spelled := range []string{word, strings.ToLower(word), word[:1] + strings.ToLower(word[1:]) + "!"} {
			_, err := Parse("f", []byte(line(fmt.Sprintf("keywords: {%q: {pass: true}}", spelled))), getenv)
			if err == nil || !strings.HasSuffix(err.Error(), ": "+fmt.Sprintf(reason, word)) {
				t.Errorf("%s: got %v", spelled, err)
			}
		}
	}
}

// The first problem by line is shown; all can be reached.
func TestErrors(t *testing.T) {
	_, err := Parse("f.yml", []byte(line("no: hangup\nlisten: a\nstore: b")), getenv)
	if got, want := fmt.Sprint(err), `f.yml:7: lines[0].no: "hangup" is not known; write voicemail or pass (and 2 more)`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var all Errors
	if !errors.As(err, &all) {
		t.Fatalf("%T is no Errors", err)
	}
	var got []string
	for _, e := range all {
		got = append(got, fmt.Sprintf("%s:%d %s", e.File, e.Line, e.Key))
	}
	check(t, "errors", got, []string{"f.yml:7 lines[0].no", "f.yml:8 listen", "f.yml:9 store"})
	var first *Error
	if !errors.As(err, &first) || first != all[0] {
		t.Errorf("errors.As finds %v", first)
	}
}

func TestExpansion(t *testing.T) {
	for written, want := range map[string]string{
		`${NUMBER}`:                   "+12085550100",
		`'${NUMBER}'`:                 "+12085550100",
		`a${NUMBER}${EMPTY}b$`:        "a+12085550100b$",
		`"$NUMBER $${EMPTY}{x} }"`:    "$NUMBER ${x} }",
		`${NESTED}`:                   "${EMPTY}, $NUMBER",       // not expanded again
		`${STRUCTURE}`:                "a: [b, {c: d}] # e\n- f", // not read as YAML
		`${TRUE}`:                     "true",
		"|\n      ${NUMBER}\n      b": "+12085550100\nb",
	} {
		c := parse(t, line("greeting: "+written))
		if got, want := c.Lines[0].Greeting, strings.Join(strings.Fields(want), " "); got != want {
			t.Errorf("%s: got %q, want %q", written, got, want)
		}
	}
	c := parse(t, line("accept: ${TRUE}\n    name: ${TRUE} # ${MISSING}\n    # ${MISSING}"))
	check(t, "a variable as a bool", c.Lines[0].Accept, true)
	check(t, "a variable as text", c.Lines[0].Name, "true")
}
