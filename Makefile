# The race detector needs a C compiler and the tests of a failing disk strace, and nothing else that a machine with Go
# lacks.

.PHONY: help test bench fuzz music browser picture

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' $(MAKEFILE_LIST)

# What starts clusters and servers has the machine to itself: its limits are those of the world.
APART := /store/etcd$$|/cmd/pullphone$$

test: export CGO_ENABLED = 1
test: gcc strace ## all tests, with the race detector
	go test -race -vet=off $$(go list ./... | grep -vE '$(APART)')
	go test -race -vet=off -timeout 600s ./store/etcd
	go test -race -vet=off -parallel 3 -timeout 1200s ./cmd/pullphone

bench: ## what a webhook, an answer and a full history cost
	go test -run '^$$' -bench . -benchmem ./store ./cmd/pullphone

FUZZTIME ?= 1m

fuzz: ## each parser of what strangers send, for FUZZTIME (1m)
	for f in config/FuzzParse voice/twilio/FuzzVerify voice/FuzzIncoming voice/FuzzDialIn bot/FuzzSaid bot/FuzzText bot/FuzzPress bot/FuzzEnvelope bot/FuzzCommand bot/FuzzLink; do \
	  go test -run '^$$' -fuzz "^$${f##*/}$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$(go list ./... | grep "/$${f%/*}$$")" || exit 1; \
	done

music: ## compose the hold music anew
	go generate ./voice/music

PAGE := cmd/pullphone/page/browser
IN_BROWSER := cd $(PAGE) && PULLPHONE=$(CURDIR)/pullphone node

browser: $(PAGE)/node_modules pullphone ## tests of the demo's page in Chromium and Firefox
	$(MAKE) -j3 --output-sync browser/guide browser/play browser/access

browser/%:
	$(IN_BROWSER) --test $*.test.mjs

picture: $(PAGE)/node_modules pullphone ## draw the README's picture of the page anew
	$(IN_BROWSER) picture.mjs

.PHONY: pullphone
pullphone:
	go build -o $@ ./cmd/pullphone

$(PAGE)/node_modules: $(PAGE)/package-lock.json
	@for tool in chromium firefox-esr node npm; do command -v $$tool >/dev/null || { \
	  as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$as_root apt-get update -q && $$as_root apt-get install -qy --no-install-recommends chromium firefox-esr nodejs npm fonts-inter; break; }; done
	cd $(PAGE) && npm ci --no-audit --no-fund && touch node_modules

.PHONY: gcc strace
gcc strace:
	@command -v $@ >/dev/null || { \
	  as_root=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$as_root apt-get update -q && $$as_root apt-get install -qy $@ libc6-dev; }
