package voice

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"strings"

	"pullphone/store"
	"pullphone/voice/twilio"
)

// What callers hear when this server is away is served by Twilio itself: two documents of each line, one that takes a
// message and one that ends the call after it, without which Record would ask for its own document again
// (twilio.com/docs/voice/twiml/record). They are text, not elements, because their names tell their content, so each
// byte must be the same every time; and a person may have to paste them.

const awayMessage = `<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Say voice="woman">%s</Say>
  <Say voice="woman">%s</Say>
  <Record action="%s" method="GET" maxLength="%s" timeout="10" finishOnKey="#" playBeep="true" recordingStatusCallback="%s" recordingStatusCallbackEvent="in-progress completed absent"/>
</Response>
`

const awayThanks = `<?xml version="1.0" encoding="UTF-8"?>
<Response>
  <Say voice="woman">%s</Say>
  <Hangup/>
</Response>
`

// AwayMessage is TwiML that takes a message without this server; done is the URL of AwayThanks. This server is told of
// the recording all the same, since it may be there after all: what failed may have been a single answer.
func AwayMessage(publicURL, greeting, done string) string {
	return fmt.Sprintf(awayMessage, html.EscapeString(sorry), html.EscapeString(greeting), html.EscapeString(done),
		seconds(store.MaxMessage), html.EscapeString(publicURL+fallbackRecordingPath))
}

// AwayThanks is TwiML that ends a call after AwayMessage.
func AwayThanks() string { return fmt.Sprintf(awayThanks, html.EscapeString(thanks)) }

// AwayFiles are the two documents of a line as files that Twilio is to serve. Their directory is AwayDir of the line;
// their names change with their content.
func AwayFiles(publicURL, line, greeting string) (message, thanks twilio.File) {
	file := func(name, content string) twilio.File {
		return twilio.File{
			Path: fmt.Sprintf("%s%s-%.6x.xml", AwayDir(line), name, sha256.Sum256([]byte(content))),
			Type: "text/xml", Content: []byte(content),
		}
	}
	thanks = file("thanks", AwayThanks())
	message = file("message", AwayMessage(publicURL, greeting, strings.TrimPrefix(thanks.Path, AwayDir(line))))
	return message, thanks
}

// AwayDir begins and ends with a slash.
func AwayDir(line string) string { return "/" + strings.TrimPrefix(line, "+") + "/" }

// TakesMessage says what is wrong with a TwiML document that is to take a message.
func TakesMessage(doc []byte) error {
	root := ""
	for d := xml.NewDecoder(bytes.NewReader(doc)); ; {
		token, err := d.Token()
		if err != nil {
			return errors.New("it is no TwiML document with a Record in it")
		}
		if e, ok := token.(xml.StartElement); ok {
			if root == "" {
				root = e.Name.Local
			}
			if root == "Response" && e.Name.Local == "Record" {
				return nil
			}
		}
	}
}
