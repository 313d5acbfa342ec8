package twilio

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/twilio/twilio-go/client"
)

// maxBody is the largest body of a webhook that is read.
const maxBody = 1 << 20

// Verify lets only requests through that Twilio has signed with the account's auth token
// (twilio.com/docs/usage/webhooks/webhooks-security), and only as forms. publicURL is the address under which Twilio
// knows this server: with the raw request URI after it, it is what was signed, whatever a proxy made of host and
// scheme. Others get 403 and one word. The form is parsed afterwards; handlers read PostForm alone.
func Verify(publicURL, authToken string, log *slog.Logger, next http.Handler) http.Handler {
	v := client.NewRequestValidator(authToken)
	base := strings.TrimSuffix(publicURL, "/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, why string) {
			log.Warn("webhook refused", "service", "twilio", "path", r.URL.Path, "why", why)
			http.Error(w, http.StatusText(status), status)
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			refuse(http.StatusRequestEntityTooLarge, "body over 1 MB")
			return
		}
		if err != nil {
			refuse(http.StatusBadRequest, "body broke off")
			return
		}
		form, err := url.ParseQuery(string(body))
		params := make(map[string]string, len(form))
		for k, vs := range form {
			if len(vs) > 1 {
				err = errors.New("a parameter is repeated") // Twilio never does, and a signature over the first value would let the others pass
			}
			params[k] = vs[0]
		}
		// An absent signature must not be compared at all: that of an empty key is a valid string.
		sig := r.Header.Get("X-Twilio-Signature")
		if err != nil || sig == "" || !v.Validate(base+r.URL.RequestURI(), params, sig) {
			refuse(http.StatusForbidden, "signature missing or wrong")
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.PostForm = form
		next.ServeHTTP(w, r)
	})
}
