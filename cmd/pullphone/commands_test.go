package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/voice/voicetest"
)

// played plays calls until each has its end, and returns what is then in the history.
func played(h *harness) []store.Record {
	h.t.Helper()
	first, m := h.arrive(janePhone, jane)
	h.clock.Advance(5 * time.Second)
	h.press(bobSlack, m, "Take")
	leg := h.rings(bobPhone, first)
	h.accepts(leg)
	h.shows(m.TS, "Talking with Bob")
	h.clock.Advance(20 * time.Second)
	leg.Hangup()
	h.record(first)
	h.clock.Advance(time.Second) // history is in the order of arrival
	second, m := h.arrive(markPhone, voicetest.CallerInfo{From: "anonymous"})
	h.press(annSlack, m, "Voicemail")
	h.must(second.WaitPlace(h.ctx, voicetest.PlaceRecording))
	second.Speak(6 * time.Second)
	second.Hangup()
	h.record(second)
	h.posted("withheld number")
	h.clock.Advance(time.Second)
	third, _ := h.arrive(markPhone, voicetest.CallerInfo{})
	third.Hangup()
	h.record(third)
	h.must(h.net.WaitQuiet(h.ctx))
	return h.history()
}

func TestCalls(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	want := played(h)
	equal(t, "calls", len(want), 3)
	from := func(where string) (asJSON, table string) {
		t.Helper()
		code, asJSON, errs := runs(h.ctx, "calls", "--config", h.file, "--json", "--since", "1d")
		if code != 0 || errs != "" {
			t.Fatalf("%s: %d, %s", where, code, errs)
		}
		code, table, errs = runs(h.ctx, "calls", "--config", h.file)
		if code != 0 || errs != "" {
			t.Fatalf("%s: %d, %s", where, code, errs)
		}
		return asJSON, table
	}
	asJSON, table := from("running server")
	lines := strings.Split(strings.TrimSuffix(asJSON, "\n"), "\n")
	equal(t, "lines", len(lines), 3)
	keys := []string{"answered_by", "arrived", "call_sid", "from", "line", "name", "outcome", "place", "talked_seconds", "via", "voicemail_seconds", "waited_seconds"}
	for i, line := range lines {
		var object map[string]any
		h.must(json.Unmarshal([]byte(line), &object))
		var got []string
		for k := range object {
			got = append(got, k)
		}
		if slices.Sort(got); !slices.Equal(got, keys) {
			t.Errorf("keys %v, not %v", got, keys)
		}
		var r store.Record
		h.must(json.Unmarshal([]byte(line), &r))
		if !r.Arrived.Equal(want[i].Arrived) {
			t.Errorf("arrived %s, not %s", r.Arrived, want[i].Arrived)
		}
		if _, err := time.Parse(time.RFC3339, object["arrived"].(string)); err != nil {
			t.Error(err)
		}
		r.Arrived = want[i].Arrived
		equal(t, "record", r, want[i])
	}
	for i, cells := range [][]string{{"Sales", janePhone, "JANE DOE", "5s", "talked", "Bob", "20s"}, {"withheld", "voicemail", "Ann", "6s"}, {markPhone, "missed", "0s"}} {
		line := strings.Split(table, "\n")[i+1]
		for _, cell := range cells {
			contains(t, "table", line, cell)
		}
	}

	// The same from the file, once no server runs.
	h.stop()
	fileJSON, fileTable := from("file")
	equal(t, "JSON from the file", fileJSON, asJSON)
	equal(t, "table from the file", fileTable, table)
	code, out, errs := runs(h.ctx, "calls", "--config", h.file, "--since", "1ns", "--json")
	if code != 0 || out != "" { // the town's clock is a minute ahead at most, and what arrived then is not yet "since"
		arrived := want[2].Arrived
		if time.Now().After(arrived) {
			t.Errorf("--since 1ns: %d, %s%s", code, out, errs)
		}
	}
	code, _, errs = runs(h.ctx, "calls", "--config", h.another("store: bolt:", "store: bolt:"+t.TempDir()+"/none"))
	equal(t, "no store", code, 1)
	contains(t, "no store", errs, "no server answers at admin_listen")
}

// --since counts from the time of arrival.
func TestCallsSince(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	call, _ := h.arrive(janePhone, voicetest.CallerInfo{})
	call.Hangup()
	r := h.record(call)
	for since, want := range map[time.Time]int{r.Arrived: 1, r.Arrived.Add(time.Millisecond): 0, r.Arrived.Add(-time.Hour): 1} {
		res, body := h.get("GET", "http://"+h.admin+"/calls?since="+since.UTC().Format("2006-01-02T15:04:05.000Z"), nil)
		if res.StatusCode != 200 || strings.Count(string(body), "\n") != want {
			t.Errorf("since %s, arrived %s: %s %s", since, r.Arrived, res.Status, body)
		}
	}
	res, _ := h.get("GET", "http://"+h.admin+"/calls?since=yesterday", nil)
	equal(t, "no time", res.StatusCode, http.StatusBadRequest)
	for _, bad := range []string{"yesterday", "", "24"} {
		code, _, errs := runs(h.ctx, "calls", "--config", h.file, "--since", bad)
		equal(t, "--since "+bad, code, 2)
		equal(t, "lines of error", strings.Count(errs, "\n"), 1)
	}
}

// A name in the table cannot steer the terminal, nor break its lines.
func TestTableIsHarmless(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	show, done := printTable(&out)
	evil := "\x1b[31mred\x1b]0;title\x07\n\r\tJane\u202e\u200b\u0085 \x00Doe"
	if err := show(harmless(store.Record{Name: evil, Line: evil, AnsweredBy: evil, Outcome: store.Talked})); err != nil {
		t.Fatal(err)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Count(s, "\n") != 2 || strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		t.Errorf("%q", s)
	}
}

func TestBackup(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	want := played(h)
	file := filepath.Join(t.TempDir(), "copy.db")
	h.must(os.WriteFile(file, []byte("an older one"), 0o644))
	for _, from := range []string{"running server", "file"} {
		code, out, errs := runs(h.ctx, "backup", "--config", h.file, file)
		if code != 0 || !strings.HasPrefix(out, file+": ") {
			t.Fatalf("%s: %d, %s%s", from, code, out, errs)
		}
		info, err := os.Stat(file)
		h.must(err)
		equal(t, "mode", info.Mode(), 0o600)
		db, err := bolt.Open(file)
		h.must(err)
		st, err := store.OpenHistory(h.ctx, db, team(h.cfg))
		h.must(err)
		var got []store.Record
		for r, err := range st.History(h.ctx, time.Time{}) {
			h.must(err)
			got = append(got, r)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the copy has %+v, not %+v", from, got, want)
		}
		h.must(db.Close())
		h.stop()
	}
	code, _, errs := runs(h.ctx, "backup", "--config", h.file, filepath.Join(t.TempDir(), "none", "copy.db"))
	equal(t, "no such folder", code, 1)
	equal(t, "lines of error", strings.Count(errs, "\n"), 1)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".pullphone-*"))
	h.must(err)
	equal(t, "left behind", len(left), 0)
}

// A backup that breaks off is no backup.
func TestBackupBreaksOff(t *testing.T) {
	t.Parallel()
	h := open(t, options{})
	admin := h.listeners[1]
	h.listeners[1] = nil
	broken := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Repeat("half of it", 1000))
		panic(http.ErrAbortHandler)
	})}
	go func() { _ = broken.Serve(admin) }()
	defer broken.Close()
	file := filepath.Join(t.TempDir(), "copy.db")
	code, _, errs := runs(h.ctx, "backup", "--config", h.file, file)
	equal(t, "exit code", code, 1)
	contains(t, "errors", errs, "pullphone: backup: ")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("half a copy was left: %v", err)
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	h.arrive(janePhone, voicetest.CallerInfo{})
	at := func(path string) string {
		t.Helper()
		res, body := h.get("GET", "http://"+h.admin+path, nil)
		if res.StatusCode != 200 {
			t.Errorf("%s: %s %s", path, res.Status, body)
		}
		// None of it is public.
		if res, _ := h.get("GET", "http://"+h.listen+path, nil); path != "/healthz" && res.StatusCode != http.StatusNotFound {
			t.Errorf("the public listener has %s: %s", path, res.Status)
		}
		return string(body)
	}
	equal(t, "healthz", at("/healthz"), "ok\n")
	equal(t, "readyz", at("/readyz"), "ok\n")
	m := at("/metrics")
	contains(t, "metrics", m, `pullphone_calls_waiting{line="Sales"} 1`)
	contains(t, "metrics", m, `pullphone_calls_open{line="Sales",state="waiting"} 1`)
	contains(t, "metrics", m, "go_goroutines")
	if strings.Contains(m, "555") && strings.Contains(m, janePhone) {
		t.Error("the metrics have a caller's number")
	}
	contains(t, "pprof", at("/debug/pprof/"), "goroutine")
	at("/backup")
	at("/calls?since=2020-01-01T00:00:00Z")
	res, body := h.get("GET", "http://"+h.listen+"/healthz", nil)
	equal(t, "public healthz", res.Status+" "+string(body), "200 OK ok\n")
}

// Exit codes and one line of error.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	bad := file("bad.yml", "public_url: http://x\nlisten: 1\ncolour: red\n")
	env := file("env.yml", "public_url: ${PULLPHONE_TEST_NOT_SET}\n")
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "no command"},
		{[]string{"frobnicate"}, 2, `no command "frobnicate"`},
		{[]string{"serve"}, 2, "serve needs --config FILE"},
		{[]string{"serve", "--colour", "red"}, 2, "serve: flag provided but not defined: -colour"},
		{[]string{"serve", "--config"}, 2, "serve: flag needs an argument: -config"},
		{[]string{"serve", "--config", bad, "more"}, 2, "serve takes 0 arguments besides its flags, not 1"},
		{[]string{"backup", "--config", bad}, 2, "backup takes 1 arguments besides its flags, not 0"},
		{[]string{"backup", "a", "b", "--config", bad}, 2, "backup takes 1 arguments besides its flags, not 2"},
		{[]string{"version", "x"}, 2, "version takes 0 arguments"},
		{[]string{"forget", "--config", bad}, 2, "forget takes 1 arguments besides its flags, not 0"},
		{[]string{"calls", "--since", "soon", "--config", bad}, 2, "soon"},
		{[]string{"setup", "--dry-run=perhaps", "--config", bad}, 2, "perhaps"},
		{[]string{"serve", "--config", filepath.Join(dir, "none.yml")}, 1, "config file cannot be read: open "},
		{[]string{"serve", "--config", bad}, 1, bad + ":"},
		{[]string{"check", "--config", bad}, 1, bad + ":"},
		{[]string{"calls", "--config", bad}, 1, bad + ":"},
		{[]string{"manifest", "--config", bad}, 1, bad + ":"},
		{[]string{"setup", "--config", bad}, 1, bad + ":"},
		{[]string{"backup", "out.db", "--config", bad}, 1, bad + ":"},
		{[]string{"serve", "--config", env}, 1, "PULLPHONE_TEST_NOT_SET"},
	} {
		code, out, errs := runs(t.Context(), tt.args...)
		if code != tt.code || out != "" || !strings.HasPrefix(errs, "pullphone: ") || !strings.Contains(errs, tt.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("pullphone %s: exit %d, %q, %q; want %d, …%s…", strings.Join(tt.args, " "), code, out, errs, tt.code, tt.want)
		}
	}
	for _, args := range [][]string{{"help"}, {"-h"}, {"--help"}, {"serve", "--help"}} {
		code, out, errs := runs(t.Context(), args...)
		if code != 0 || errs != "" {
			t.Errorf("pullphone %v: exit %d, %q", args, code, errs)
		}
		for _, c := range commands() {
			contains(t, "help", out, "  pullphone "+c.name+" ")
		}
	}
	code, out, errs := runs(t.Context(), "version")
	if code != 0 || errs != "" || !strings.HasPrefix(out, "pullphone ") || !strings.Contains(out, ", go1.") || strings.Count(out, "\n") != 1 {
		t.Errorf("version: exit %d, %q, %q", code, out, errs)
	}
}

// What keeps serve from starting, it says in one line.
func TestServeCannot(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	code, _, errs := runs(h.ctx, "serve", "--config", h.file)
	if code != 1 || !strings.Contains(errs, "listen: listen tcp "+h.listen) || strings.Count(errs, "\n") != 1 {
		t.Errorf("port in use: exit %d, %q", code, errs)
	}
	code, _, errs = runs(h.ctx, "serve", "--config", h.another("listen: "+h.listen, "listen: 127.0.0.1:0"))
	if code != 1 || !strings.Contains(errs, "admin_listen: listen tcp "+h.admin) || strings.Count(errs, "\n") != 1 {
		t.Errorf("admin port in use: exit %d, %q", code, errs)
	}
	both := h.another("listen: "+h.listen+"\nadmin_listen: "+h.admin, "listen: 127.0.0.1:0\nadmin_listen: localhost:0")
	code, _, errs = runs(h.ctx, "serve", "--config", both)
	if code != 1 || !strings.Contains(errs, "is pullphone already running?") || strings.Count(errs, "\n") != 1 {
		t.Errorf("store in use: exit %d, %q", code, errs)
	}
}

// SIGTERM ends the server without an error, and what was begun is there afterwards.
func TestServeStops(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		s := newTale(t, options{})
		s.begin()
		s.must(s.cmd.Process.Signal(signal))
		s.logs.Wait()
		if err := s.cmd.Wait(); err != nil {
			t.Errorf("%s: %v", signal, err)
		}
		s.cmd = nil
		s.process.run()
		taken[1].do(s)
		s.must(s.call.WaitPlace(s.ctx, voicetest.PlaceDialing))
		s.call.Hangup()
		equal(t, "outcome", s.ended(s.call).Outcome, store.Missed)
	}
}

// Whoever stands in line may talk to a caller before their message is posted.
func TestDemoShowsWhatIsPostedLater(t *testing.T) {
	t.Parallel()
	h := serveTown(t, options{})
	first, m := h.arrive(janePhone, jane)
	first.Hangup()
	h.must(first.WaitEnd(h.ctx))
	h.shows(m.TS, "Missed")
	p := &player{town: h.town, out: io.Discard}
	call, _ := h.arrive(markPhone, voicetest.CallerInfo{})
	h.text(annPhone, "Y")
	h.accepts(h.rings(annPhone, call))
	h.must(p.showsFrom(h.ctx, m.TS, "Talking with Ann"))
}

func TestDemo(t *testing.T) {
	t.Parallel()
	code, out, errs := runs(t.Context(), "demo", "--script")
	if code != 0 || errs != "" {
		t.Fatalf("exit %d, %s\n%s", code, errs, out)
	}
	for _, want := range []string{"A call taken by SMS", "A call taken in Slack", "A call sent to voicemail", "The history", "is told: Too late: Bob took withheld number", "206 Partial Content",
		"A call whose first taker does not pick up", "Ann did not pick up, still waiting 0:", "hears music again.", "Ann did not pick up. Sales: JANE DOE",
		"A call for somebody who stands in line", "You are next in line", "Yours: (208) 555-0145"} {
		contains(t, "demo", out, want)
	}
}

// The store itself is no place for a backup, and a copy that is not sound is none.
func TestBackupRefuses(t *testing.T) {
	t.Parallel()
	h := open(t, options{})
	db, err := bolt.Open(h.town.store)
	h.must(err)
	h.must(db.Close())
	before, err := os.ReadFile(h.town.store)
	h.must(err)
	link := h.town.store + ".link"
	h.must(os.Symlink(h.town.store, link))
	for _, to := range []string{h.town.store, link} {
		code, _, errs := runs(h.ctx, "backup", "--config", h.file, to)
		if code != 2 || !strings.Contains(errs, "is the store itself; name another file") {
			t.Errorf("over the store: exit %d, %q", code, errs)
		}
	}
	after, err := os.ReadFile(h.town.store)
	h.must(err)
	equal(t, "the store is as it was", string(after) == string(before), true)

	admin := h.listeners[1]
	h.listeners[1] = nil
	torn := slices.Clone(before)
	clear(torn[len(torn)/2:])
	damaged := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(torn) })}
	go func() { _ = damaged.Serve(admin) }()
	defer damaged.Close()
	file := filepath.Join(t.TempDir(), "copy.db")
	code, _, errs := runs(h.ctx, "backup", "--config", h.file, file)
	if code != 1 || !strings.Contains(errs, "is damaged") {
		t.Errorf("a damaged copy: exit %d, %q", code, errs)
	}
	if left, _ := os.ReadDir(filepath.Dir(file)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// At its start the server warns of a store that others can read.
func TestServeWarns(t *testing.T) {
	t.Parallel()
	h := open(t, options{})
	db, err := bolt.Open(h.town.store)
	h.must(err)
	h.must(db.Close())
	h.must(os.Chmod(h.town.store, 0o644))
	h.release()
	self, err := os.Executable()
	h.must(err)
	cmd := exec.CommandContext(h.ctx, self, "serve", "--config", h.file)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	in, err := cmd.StdinPipe()
	h.must(err)
	log, err := cmd.StderrPipe()
	h.must(err)
	h.must(cmd.Start())
	warned := false
	for lines := bufio.NewScanner(log); !warned && lines.Scan(); {
		warned = strings.Contains(lines.Text(), "level=WARN") && strings.Contains(lines.Text(), "chmod go-rwx") && strings.Contains(lines.Text(), h.town.store)
	}
	if !warned {
		t.Error("no warning")
	}
	in.Close()
	_, _ = io.Copy(io.Discard, log)
	_ = cmd.Wait() // it ends with its input
}
