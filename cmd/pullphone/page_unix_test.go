//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The browser that the demo opens is none of its terminal's: Ctrl-C there does not reach it.
func TestPageOpensBrowser(t *testing.T) {
	dir := t.TempDir()
	told := filepath.Join(dir, "told")
	script := "#!/bin/sh\necho \"$$ $1\" >" + told + ".new\nmv " + told + ".new " + told + "\nexec sleep 600\n"
	for _, name := range []string{"xdg-open", "open"} { // Linux's and macOS's
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("DISPLAY", ":0")
	t.Setenv("BROWSER", "")
	openBrowser("http://127.0.0.1:1/")
	var said []byte
	for deadline := time.Now().Add(limit); said == nil; time.Sleep(time.Millisecond) {
		if said, _ = os.ReadFile(told); said == nil && time.Now().After(deadline) {
			t.Fatal("no browser is opened")
		}
	}
	pid, address, _ := strings.Cut(strings.TrimSpace(string(said)), " ")
	equal(t, "address", address, "http://127.0.0.1:1/")
	browser, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(browser, syscall.SIGKILL) }()
	group, err := syscall.Getpgid(browser)
	if err != nil {
		t.Fatal(err)
	}
	if group == syscall.Getpgrp() {
		t.Error("it is in the demo's own process group")
	}
}
