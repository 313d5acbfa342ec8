# The race detector needs a C compiler and the tests of a failing disk strace, and nothing else that a machine with Go
# lacks.

.PHONY: help test bench fuzz music

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' $(MAKEFILE_LIST)

test: gcc strace ## all tests, with the race detector
	CGO_ENABLED=1 go test -race -timeout 600s ./...

bench: ## what a webhook, an answer and a full history cost
	go test -run '^$$' -bench . -benchmem ./store ./cmd/pullphone

fuzz: ## a minute of each parser of strangers' input
	go test -run '^$$' -fuzz FuzzParse -fuzztime 60s -fuzzminimizetime 10x ./cmd/pullphone/config
	go test -run '^$$' -fuzz FuzzIncoming -fuzztime 60s -fuzzminimizetime 10x ./voice
	go test -run '^$$' -fuzz FuzzSaid -fuzztime 60s -fuzzminimizetime 10x ./bot

music: ## compose the hold music anew
	go generate ./voice/music

.PHONY: gcc strace
gcc strace:
	@command -v $@ >/dev/null || { \
	  as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$as_root apt-get update -q && $$as_root apt-get install -qy $@ libc6-dev; }
