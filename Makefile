# The race detector needs a C compiler and the tests of a failing disk strace, and nothing else that a machine with Go
# lacks.

.PHONY: help test bench fuzz music

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' $(MAKEFILE_LIST)

test: gcc strace ## all tests, with the race detector
	CGO_ENABLED=1 go test -race -timeout 600s ./...

bench: ## what a webhook, an answer and a full history cost
	go test -run '^$$' -bench . -benchmem ./store ./cmd/pullphone

FUZZTIME ?= 1m

fuzz: ## each parser of what strangers send, for FUZZTIME (1m)
	for f in config/FuzzParse voice/twilio/FuzzVerify voice/FuzzIncoming voice/FuzzDialIn bot/FuzzSaid bot/FuzzText bot/FuzzPress bot/FuzzEnvelope bot/FuzzCommand bot/FuzzLink; do \
	  go test -run '^$$' -fuzz "^$${f##*/}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$(go list ./... | grep "/$${f%/*}$$")" || exit 1; \
	done

music: ## compose the hold music anew
	go generate ./voice/music

.PHONY: gcc strace
gcc strace:
	@command -v $@ >/dev/null || { \
	  as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$as_root apt-get update -q && $$as_root apt-get install -qy $@ libc6-dev; }
