package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"pullphone/bot/bottest"
	"pullphone/store"
	"pullphone/store/bolt"
	"pullphone/voice/voicetest"
)

// mountEnv is set in a test that runs once more, in a space of mounts of its own: they end with it.
const mountEnv = "PULLPHONE_TEST_MOUNT"

// smallDisk gives a folder on a disk of 4 MB to the test, which then runs in another process; here, inside is false.
func smallDisk(t *testing.T) (dir string, inside bool) {
	t.Helper()
	if os.Getenv(mountEnv) == "" {
		how := "-m"
		if os.Getuid() != 0 {
			how = "-Urm"
		}
		cmd := exec.CommandContext(t.Context(), "unshare", how, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m")
		cmd.Env = append(os.Environ(), mountEnv+"=1", childEnv+"=")
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
			t.Fatalf("in a space of mounts of its own: %v; a small disk can be mounted by root, or where user namespaces are allowed", err)
		}
		return "", false
	}
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=0700"); err != nil {
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir, true
}

// fill takes all the room that is left in a folder until the file that it returns is removed.
func fill(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err := f.Write(block); err != nil { // then by smaller pieces
			block = block[:len(block)/2]
		}
	}
	return name
}

// answersReady waits until /readyz answers so.
func (p *process) answersReady(status int) {
	p.t.Helper()
	p.until(fmt.Sprintf("readyz: %d", status), func() bool {
		res, _ := p.get(http.MethodGet, "http://"+p.admin+"/readyz", nil)
		return res.StatusCode == status
	})
}

// sound asserts that nothing in the store's file is damaged.
func (p *process) sound() {
	p.t.Helper()
	db, err := bbolt.Open(p.harness.town.store, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	p.must(err)
	defer db.Close()
	p.must(db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			p.t.Errorf("the store is damaged: %v", err)
		}
		return nil
	}))
}

// The disk is full: what comes is not taken as received, so Twilio turns to the fallback and the caller hears the tone;
// nothing that was received is lost, and when there is room again everything goes on by itself.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir, inside := smallDisk(t)
	if !inside {
		return
	}
	p := processTown(t, options{dir: dir, people: crew(1), line: []string{"max_wait: 1h", "people: [Ann, Bob]"}, prepare: otherLine, yaml: func(y string) string {
		return y + fmt.Sprintf("  - {name: Other, number: %q, channel: %s, people: [%s]}\n", otherNumber(0), otherChannel(0), crewName(0))
	}, errors: []string{
		"msg=\"webhook failed\"", "msg=fallback", "msg=\"fallback without a store\"", "msg=\"SMS not heard\"", "msg=\"queue not recorded\"", "msg=\"a call is not in the store", "msg=\"command failed\"", "the store takes no change",
		"*no space left on device", "caller fell out of the queue",
	}})
	p.work.AddUser(bottest.User{ID: crewSlack(0), Name: crewName(0)})
	first, m := p.queued(janePhone, jane)
	for _, phone := range []string{annPhone, bobPhone} {
		p.until("SMS to "+phone, func() bool { return len(announcements(p.net, phone)) == 1 })
	}
	p.settle()
	p.must(os.Remove(p.harness.town.store + ".copy"))

	ballast := fill(t, dir)
	// Somebody whom no caller waits for uses up the room within the file, until not even a small change finds any.
	used := 0
	for full := 0; full < 10; {
		if said := p.command(crewSlack(0), ""); strings.HasPrefix(said, "Nobody is waiting. You are next in line") {
			used, full = used+1, 0
		} else {
			equal(t, "/pull", said, "That did not work. Please try again.")
			full++
		}
	}
	t.Logf("%d changes found room in the file", used)
	p.answersReady(http.StatusServiceUnavailable)
	// What room there is in the file fits one change and not another: it takes callers to use up the last of it.
	var received []*voicetest.Call
	var second *voicetest.Call
	for second == nil {
		call := p.net.Phone(crewPhone(100+len(received))).Call(salesNumber, voicetest.CallerInfo{})
		p.until("music or the tone", func() bool { return call.Place() == voicetest.PlaceQueue || call.Place() == voicetest.PlaceRecording })
		if call.Place() == voicetest.PlaceRecording {
			second = call // by the fallback
			break
		}
		received = append(received, call)
	}
	t.Logf("and %d calls", len(received))
	second.Speak(3 * time.Second)
	status, _ := p.sendSigned(p.cfg.PublicURL+"/twilio/sms", url.Values{"MessageSid": {"SM" + strings.Repeat("0", 32)}, "From": {annPhone}, "To": {salesNumber}, "Body": {"Yes"}})
	equal(t, "an SMS", status, http.StatusServiceUnavailable)
	equal(t, "place of the first caller", first.Place(), voicetest.PlaceQueue)
	p.redirected(first, 0)
	p.answersReady(http.StatusServiceUnavailable)

	p.must(os.Remove(ballast))
	p.answersReady(http.StatusOK)
	second.Hangup()
	p.posted("(208) 555-1") // what was said while the disk was full
	for _, call := range received {
		call.Hangup()
		p.must(call.WaitEnd(p.ctx))
	}
	contains(t, "Ann is told", p.text(annPhone, "Yes 1"), "Yours")
	p.accepts(p.rings(annPhone, first))
	p.shows(m.TS, "Talking with Ann")
	first.Hangup()
	p.must(first.WaitEnd(p.ctx))
	p.shows(m.TS, "Talked with Ann")
	p.redirected(first, 1)
	p.settle()
	missed := 0
	for _, m := range p.work.Messages(salesChannel) {
		if strings.Contains(m.AsText(), "Missed") {
			missed++
		}
	}
	equal(t, "calls shown as missed", missed, len(received))
	p.kill()
	p.sound()
	p.run()
	code, out, errs := runs(p.ctx, "calls", "--config", p.file)
	if code != 0 || strings.Count(out, " talked ") != 1 || strings.Count(out, " voicemail ") != 1 || strings.Count(out, " missed ") != len(received) {
		t.Errorf("calls: %d, %s\n%s", code, errs, out)
	}
}

// breaks has the system calls of the running server fail, as strace's -e inject takes it, until it ends.
func (p *process) breaks(inject string) {
	p.t.Helper()
	cmd := exec.CommandContext(p.ctx, "strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync,pwrite64", "-e", "inject="+inject, "-p", fmt.Sprint(p.cmd.Process.Pid))
	says, err := cmd.StderrPipe()
	p.must(err)
	if err := cmd.Start(); err != nil {
		p.t.Fatalf("%v; this test needs strace, and the right to trace its own processes", err)
	}
	p.t.Cleanup(func() { _ = cmd.Wait() }) // it ends with what it traces
	lines := bufio.NewScanner(says)
	for attached := false; !attached; {
		if !lines.Scan() {
			p.t.Fatalf("strace: %v; it needs the right to trace its own processes", lines.Err())
		}
		attached = strings.Contains(lines.Text(), "attached")
		p.t.Log(lines.Text())
	}
	go func() {
		for lines.Scan() { // or it would wait for a reader
		}
	}()
}

// A write or a flush fails: the process ends at once and says why in one line, what was not committed is not answered
// with 200, and the next process goes on with what the disk holds.
func TestDiskFails(t *testing.T) {
	t.Parallel()
	const callSID = "CA0123456789abcdef0123456789abcdef"
	for name, inject := range map[string]string{
		"flush":                 "fdatasync:error=EIO",
		"flush of the head":     "fdatasync:error=EIO:when=2", // on most runs: each thread counts for itself
		"flush finds no room":   "fdatasync:error=ENOSPC",
		"write":                 "pwrite64:error=EIO",
		"write of a later page": "pwrite64:error=EIO:when=3+",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const sentence = "msg=\"the store failed; this process ends, so that the next one reads what is on the disk\""
			p := processTown(t, options{line: []string{"max_wait: 1h"}, errors: []string{sentence, "webhook failed", "status of an SMS not recorded", "the store takes no change"}})
			call, m := p.arrive(janePhone, jane)
			p.settle()
			p.breaks(inject)
			ended := p.ends()
			incoming := url.Values{"CallSid": {callSID}, "From": {markPhone}, "To": {salesNumber}, "CallStatus": {"ringing"}}
			target := p.cfg.PublicURL + "/twilio/voice"
			taken := false // whether a webhook was answered as received
			for code := -1; code < 0; {
				select {
				case code = <-ended:
					equal(t, "exit code", code, 1)
					p.cmd = nil
					p.pipe.Close()
				case <-p.ctx.Done():
					t.Fatal("it does not end")
				default:
					status, err := p.tryToSend(target, incoming)
					taken = taken || err == nil && status == http.StatusOK
					if err == nil && status != http.StatusOK && status != http.StatusServiceUnavailable {
						t.Errorf("status %d", status)
					}
				}
			}
			if n := strings.Count(p.log.String(), sentence); n != 1 {
				t.Errorf("the server says %d times why it ends: %s", n, p.log.String())
			}
			if !strings.Contains(inject, "when") && taken {
				t.Error("a webhook was answered that cannot have been committed")
			}
			p.sound()

			p.run()
			_, known := p.stored(callSID)
			if taken && !known {
				t.Error("a call that was answered is not in the store")
			}
			// Twilio is made to say it again. What the disk has is known, and its caller, whom Twilio does not know, gone.
			status, answer := p.sendSigned(target, incoming)
			if status != http.StatusOK || !known && !strings.Contains(answer, "<Enqueue") {
				t.Errorf("again: %d %s", status, answer)
			}
			if _, known := p.stored(callSID); !known {
				t.Error("a call that was answered is not in the store")
			}
			p.sendSigned(p.cfg.PublicURL+"/twilio/status", url.Values{"CallSid": {callSID}, "CallStatus": {"completed"}})
			_, err := p.work.WaitMessage(p.ctx, salesChannel, func(m bottest.Message) bool { return strings.Contains(m.AsText(), "Missed") })
			p.must(err)
			contains(t, "Ann is told", p.text(annPhone, "Yes 1"), "Yours") // the call from before
			p.accepts(p.rings(annPhone, call))
			p.shows(m.TS, "Talking with Ann")
			call.Hangup()
			p.shows(m.TS, "Talked with Ann")
			p.redirected(call, 1)
		})
	}
}

// tryToSend is sendSigned to a server that may end meanwhile.
func (p *process) tryToSend(target string, values url.Values) (status int, err error) {
	req, err := http.NewRequestWithContext(p.ctx, http.MethodPost, target, strings.NewReader(values.Encode()))
	p.must(err)
	req.Header.Set("Content-Type", form)
	req.Header.Set("X-Twilio-Signature", voicetest.Sign(p.net.AuthToken(), target, values))
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return res.StatusCode, nil
}

// stored reads a call from a copy of the running server's store.
func (p *process) stored(callSID string) (c store.Call, known bool) {
	p.t.Helper()
	file := p.harness.town.store + ".copy"
	if code, _, errs := runs(p.ctx, "backup", "--config", p.file, file); code != 0 {
		p.t.Fatal(errs)
	}
	db, err := bolt.OpenReadOnly(file)
	p.must(err)
	defer db.Close()
	s, err := store.OpenHistory(p.ctx, db, team(p.cfg))
	p.must(err)
	id, err := s.CallBySID(p.ctx, callSID)
	if errors.Is(err, store.ErrNoCall) {
		return store.Call{}, false
	}
	p.must(err)
	c, err = s.Call(p.ctx, id)
	p.must(err)
	return c, true
}

// otherLine adds a line to a town.
func otherLine(t *town) {
	t.net.AddNumber(otherNumber(0))
	t.work.AddChannel(bottest.Channel{ID: otherChannel(0), Name: "other0"})
}
