//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// apart keeps the terminal's signals from a process: Ctrl-C ends the demo, and not the visitor's browser.
func apart(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
