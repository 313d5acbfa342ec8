package voicetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const apiVersion = "2010-04-01"

// apiRequest is a request that was routed and checked.
type apiRequest struct {
	path     map[string]string
	query    url.Values
	form     url.Values
	url      *url.URL
	most     int      // Options.LongestPage
	days     bool     // Options.FilterByDay
	problems []string // to be reported once the lock is free
}

// apiError is a refusal in Twilio's form.
type apiError struct {
	status, code int
	text         string
}

func notFound(u *url.URL) *apiError {
	return &apiError{404, 20404, "The requested resource " + u.Path + " was not found"}
}

// busyFor is how long after its end a call or message cannot be deleted, because
// Twilio is not done with it (twilio.com/docs/api/errors/20009).
const busyFor = time.Minute

var errUnfinished = &apiError{409, 20009, "Cannot delete this resource before it is complete"}

// errNoMP3 is how Twilio refuses the MP3 of an account that encrypts its recordings
// (twilio.com/docs/api/errors/16109): this network can make one of silence only.
var errNoMP3 = &apiError{400, 16109, "Encrypted recordings are available as WAV only"}

// object is a JSON object.
type object map[string]any

// operations are those the network plays, called under the lock.
var operations = map[string]func(*Network, *apiRequest) (int, any, *apiError){
	"FetchAccount":              (*Network).fetchAccount,
	"ListIncomingPhoneNumber":   (*Network).listNumbers,
	"FetchIncomingPhoneNumber":  (*Network).fetchNumber,
	"UpdateIncomingPhoneNumber": (*Network).updateNumber,
	"ListQueue":                 (*Network).listQueues,
	"CreateQueue":               (*Network).createQueue,
	"FetchQueue":                (*Network).fetchQueue,
	"UpdateQueue":               (*Network).updateQueue,
	"DeleteQueue":               (*Network).deleteQueue,
	"ListMember":                (*Network).listMembers,
	"FetchMember":               (*Network).fetchMember,
	"UpdateMember":              (*Network).updateMember,
	"ListCall":                  (*Network).listCalls,
	"FetchCall":                 (*Network).fetchCall,
	"UpdateCall":                (*Network).updateCall,
	"CreateCall":                (*Network).createCall,
	"DeleteCall":                (*Network).deleteCall,
	"ListCallRecording":         (*Network).listRecordings,
	"FetchCallRecording":        (*Network).fetchRecording,
	"DeleteCallRecording":       (*Network).deleteRecording,
	"ListRecording":             (*Network).listRecordings,
	"FetchRecording":            (*Network).fetchRecording,
	"DeleteRecording":           (*Network).deleteRecording,
	"ListMessage":               (*Network).listMessages,
	"CreateMessage":             (*Network).createMessage,
	"FetchMessage":              (*Network).fetchMessage,
	"DeleteMessage":             (*Network).deleteMessage,
	"FetchPhoneNumber":          (*Network).fetchLookup,
	"ListService":               (*Network).listServices,
	"CreateService":             (*Network).createService,
	"ListEnvironment":           inService((*Network).listEnvironments),
	"CreateEnvironment":         inService((*Network).createEnvironment),
	"ListAsset":                 inService((*Network).listAssets),
	"CreateAsset":               inService((*Network).createAsset),
	"CreateBuild":               inService((*Network).createBuild),
	"FetchBuild":                ofBuild((*Network).showBuild),
	"FetchBuildStatus":          ofBuild((*Network).showBuildStatus),
	"CreateDeployment":          inService((*Network).createDeployment),
}

var callInPath = regexp.MustCompile(`/(CA[0-9a-f]{32})`)

// serveREST is the API.
func (n *Network) serveREST(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return // the program hung up
	}
	form, formErr := url.ParseQuery(string(body))
	uploaded := uploadPath.FindStringSubmatch(r.URL.Path)
	if r.Method != http.MethodPost {
		uploaded = nil
	}
	if uploaded != nil {
		form = nil // its body is of another kind
	}
	sid := ""
	if m := callInPath.FindStringSubmatch(r.URL.Path); m != nil {
		sid = m[1]
	}
	n.trace(EventREST, sid, r.Method+" "+r.URL.Path, r.URL.RequestURI()+"\n"+formText(form))
	reply := func(status int, kind string, data []byte) {
		n.mu.Lock()
		n.requests = append(n.requests, Request{Time: n.clock.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Form: form, Status: status})
		n.mu.Unlock()
		n.trace(EventReply, sid, fmt.Sprintf("%d %s %s", status, r.Method, r.URL.Path), string(data))
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		w.Write(data)
	}
	fail := func(e *apiError) {
		data, _ := json.Marshal(object{"code": e.code, "message": e.text, "status": e.status,
			"more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(e.code)})
		reply(e.status, "application/json", data)
	}

	if user, password, _ := r.BasicAuth(); user != n.opts.AccountSID || password != n.opts.AuthToken {
		w.Header().Set("WWW-Authenticate", `Basic realm="Twilio API"`)
		fail(&apiError{401, 20003, "Authenticate"})
		return
	}
	if m := mediaPath.FindStringSubmatch(r.URL.Path); m != nil && m[1] == n.opts.AccountSID {
		if rec := n.media(m[2]); rec != nil && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			n.mu.Lock()
			n.requests = append(n.requests, Request{Time: n.clock.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Status: 200})
			n.mu.Unlock()
			if m[3] == ".mp3" && rec.voice != nil {
				fail(errNoMP3)
				return
			}
			serveMedia(w, r, rec, m[3]) // or 206 or 416, as the Range header has it
			n.trace(EventReply, rec.call, r.Method+" "+r.URL.Path, "recording of "+rec.length.String())
			return
		}
		fail(notFound(r.URL))
		return
	}
	answer := func(a *apiRequest, status int, value any, failure *apiError) {
		for _, p := range a.problems {
			n.problem("%s %s: %s", r.Method, r.URL.Path, p)
		}
		if failure != nil {
			fail(failure)
			return
		}
		var data []byte
		if value != nil {
			data, _ = json.Marshal(value)
		}
		reply(status, "application/json", data)
	}
	if uploaded != nil {
		a := &apiRequest{path: map[string]string{"ServiceSid": uploaded[1]}, url: r.URL}
		n.mu.Lock()
		status, value, failure := n.upload(a, uploaded[2], r.Header.Get("Content-Type"), body)
		n.mu.Unlock()
		answer(a, status, value, failure)
		return
	}
	rt, path, known := route(r.Method, r.URL.Path)
	switch {
	case !known:
		n.problem("%s %s: no such path in Twilio's API", r.Method, r.URL.Path)
		fail(notFound(r.URL))
		return
	case rt == nil:
		n.problem("%s %s: the path has no such method", r.Method, r.URL.Path)
		fail(&apiError{405, 20004, "Method not allowed"})
		return
	case operations[rt.Operation.OperationID] == nil:
		n.problem("%s %s: voicetest does not play %s", r.Method, r.URL.Path, rt.Operation.OperationID)
		fail(&apiError{501, 20001, "not played by this network"})
		return
	}
	if account, ok := path["AccountSid"]; ok && account != n.opts.AccountSID {
		fail(notFound(r.URL))
		return
	}
	if kind := r.Header.Get("Content-Type"); len(body) > 0 && !strings.HasPrefix(kind, "application/x-www-form-urlencoded") || formErr != nil {
		n.problem("%s %s: body is not a form (Content-Type %q)", r.Method, r.URL.Path, kind)
		fail(&apiError{400, 20001, "Bad request"})
		return
	}
	op := rt.Operation.OperationID
	a := &apiRequest{path: path, query: r.URL.Query(), form: form, url: r.URL, most: n.opts.LongestPage, days: n.opts.FilterByDay}
	var refused *apiError
	for _, v := range checkRequest(r.Context(), rt, path, a.query, form) {
		n.problem("%s %s: %s", r.Method, r.URL.Path, v)
		if !v.ignored && refused == nil {
			refused = refusal(op, v)
		}
	}
	if refused != nil {
		fail(refused)
		return
	}
	if op == "FetchPhoneNumber" && !n.lookupDelay(r, path["PhoneNumber"]) {
		return
	}
	n.mu.Lock()
	status, value, failure := operations[op](n, a)
	n.mu.Unlock()
	answer(a, status, value, failure)
}

// refusal is how Twilio refuses a request that breaks its description.
func refusal(op string, v violation) *apiError {
	code := 20001
	switch {
	case op == "CreateMessage" && v.name == "To":
		code = 21211
	case op == "CreateMessage" && v.name == "Body":
		code = 21602
	case op == "CreateCall" && v.name == "To":
		code = 21211
	case strings.HasSuffix(v.name, "Sid"):
		return &apiError{404, 20404, "The requested resource was not found"}
	}
	return &apiError{400, code, v.String()}
}

// rfc2822 is Twilio's way to write a time; the zero time is null.
func rfc2822(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC1123Z)
}

// orNull makes JSON's null of an empty string.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (n *Network) uri(parts ...string) string {
	return "/" + apiVersion + "/Accounts/" + n.opts.AccountSID + "/" + strings.Join(parts, "/") + ".json"
}

// page cuts a list into pages (twilio.com/docs/usage/twilios-response#pagination).
func page[T any](a *apiRequest, key string, items []T, show func(T) object) object {
	number := func(name string, otherwise int) int {
		if i, err := strconv.Atoi(a.query.Get(name)); err == nil {
			return i
		}
		return otherwise
	}
	size, index := number("PageSize", 50), number("Page", 0)
	if a.most > 0 {
		size = min(size, a.most)
	}
	at := func(i int) string {
		q := url.Values{}
		for k, v := range a.query {
			q[k] = v
		}
		q.Set("PageSize", strconv.Itoa(size))
		q.Set("Page", strconv.Itoa(i))
		if i > 0 {
			q.Set("PageToken", "PT"+strconv.Itoa(i))
		} else {
			q.Del("PageToken")
		}
		return a.url.Path + "?" + q.Encode()
	}
	start := min(size*index, len(items))
	end := min(start+size, len(items))
	shown := []object{}
	for _, item := range items[start:end] {
		shown = append(shown, show(item))
	}
	o := object{key: shown, "page": index, "page_size": size, "start": start, "end": max(start, end-1),
		"uri": at(index), "first_page_uri": at(0), "next_page_uri": nil, "previous_page_uri": nil}
	if end < len(items) {
		o["next_page_uri"] = at(index + 1)
	}
	if index > 0 {
		o["previous_page_uri"] = at(index - 1)
	}
	return o
}
