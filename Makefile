.PHONY: all help test conformance mutants vet build dist python python-http interop interop-http interop-crypto judge-python matrix real bench-real browser

all: vet test conformance ## check formatting, vet, tests and scenarios (default)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16

test: ## run the tests with the race detector
	go test -race ./...

conformance: ## run the scenarios against the library
	go run ./cmd/syftevent-conformance

mutants: ## check that each deliberately wrong server fails its scenarios
	go run ./cmd/syftevent-conformance mutants

vet: ## check formatting, and vet for Linux, macOS and Windows
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'these files are not formatted: run gofmt -w .'; exit 1; }
	go vet ./...
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...

build: ## build the commands into bin/
	go build -o bin/ ./cmd/...

# The version of a binary is that of the checkout: Go stores it, and the commands print it.
PLATFORMS = linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
dist: ## build static binaries of the commands and their checksums into dist/
	rm -rf dist && mkdir dist
	@set -e; for platform in $(PLATFORMS); do \
		os=$${platform%/*} arch=$${platform#*/} suffix=; \
		if [ $$os = windows ]; then suffix=.exe; fi; \
		for command in cmd/syftevent*; do \
			file=dist/$${command#cmd/}_$${os}_$$arch$$suffix; echo $$file; \
			CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -buildvcs=auto -trimpath -ldflags='-s -w' -o $$file ./$$command; \
		done; \
	done
	cd dist && { sha256sum syftevent* || shasum -a 256 syftevent*; } >SHA256SUMS

python: .venv/installed ## install the Python package in .venv
.venv/installed: testdata/targets/python/requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --requirement $<
	touch $@

python-http: .venv/installed-http ## install FastSyftBox in .venv, too
.venv/installed-http: testdata/targets/python/requirements-http.txt .venv/installed
	.venv/bin/pip install --quiet --requirement $<
	touch $@

interop: python build ## call a server of the library with the Python client
	.venv/bin/python testdata/targets/python/interop.py bin/syftevent-conformance serve

interop-http: python-http ## exchange requests between package syfthttp and FastSyftBox
	go test -count=1 -timeout 30m -run TestFastSyftBox ./syftevent/syfthttp -fastsyftbox $(CURDIR)/.venv/bin/python

interop-crypto: python ## exchange encrypted calls and key files with the Python package, in both directions
	go test -count=1 -run Python -v ./syftevent/syftcrypt -python "$(CURDIR)/.venv/bin/python"

# JSON and CLIENTJSON are the files for the reports. Without them there are none.
JSON =
CLIENTJSON =
# SOAK is how long random scenarios run.
SOAK = 30s
judge-python: python build ## run the scenarios against the Python server and client, and a soak of SOAK; JSON=FILE and CLIENTJSON=FILE write reports
	bin/syftevent-conformance run -strict $(if $(JSON),-json $(JSON)) \
		-known testdata/targets/python/known.txt -- .venv/bin/python testdata/targets/python/server.py
	bin/syftevent-conformance run -soak $(SOAK) \
		-known testdata/targets/python/known.txt -- .venv/bin/python testdata/targets/python/server.py
	bin/syftevent-conformance run -role client -strict $(if $(CLIENTJSON),-json $(CLIENTJSON)) \
		-known testdata/targets/python/known-client.txt -- .venv/bin/python testdata/targets/python/client.py

matrix: build ## write matrix.html: this library beside the Python package
	bin/syftevent-conformance run -json bin/go.json >/dev/null
	bin/syftevent-conformance run -role client -json bin/go-client.json >/dev/null
	$(MAKE) judge-python JSON=bin/python.json CLIENTJSON=bin/python-client.json
	bin/syftevent-conformance matrix -html matrix.html bin/go.json bin/go-client.json bin/python.json bin/python-client.json

# SYFTBOX is a checkout of OpenMined/syftbox. REAL contains further flags, such as -full,
# -keep or -run REGEXP.
SYFTBOX =
REAL =
real: python build ## compare fakebox with the real SyftBox; needs SYFTBOX=DIR
	@test -n "$(SYFTBOX)" || { echo 'make real: set SYFTBOX to a checkout of OpenMined/syftbox'; exit 2; }
	bin/syftevent-conformance real -syftbox "$(SYFTBOX)" -python .venv/bin/python -command bin/syftevent $(REAL)

bench-real: python build ## measure the library and the Python package on it; needs SYFTBOX=DIR
	@test -n "$(SYFTBOX)" || { echo 'make bench-real: set SYFTBOX to a checkout of OpenMined/syftbox'; exit 2; }
	bin/syftevent-conformance real -bench -syftbox "$(SYFTBOX)" -python .venv/bin/python $(REAL)

.venv-browser/installed: testdata/browser/requirements.txt
	python3 -m venv .venv-browser
	.venv-browser/bin/pip install --quiet --requirement $<
	touch $@

# SCREENSHOTS is a folder for screenshots of the page.
SCREENSHOTS = bin/screenshots
browser: build .venv-browser/installed ## test the page of box in Chromium; needs Debian's chromium and chromium-driver
	cd testdata/browser && SCREENSHOTS="$(abspath $(SCREENSHOTS))" ../../.venv-browser/bin/python -m unittest -v
