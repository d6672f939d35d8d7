.PHONY: all help test conformance mutants vet build python interop judge-python matrix real bench-real

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

python: .venv/installed ## install the Python package in .venv
.venv/installed: testdata/targets/python/requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --requirement $<
	touch $@

interop: python build ## call a server of the library with the Python client
	.venv/bin/python testdata/targets/python/interop.py bin/syftevent-conformance serve

# JSON is the file for the report. Without it there is no report.
JSON =
judge-python: python build ## run the scenarios against the Python server; JSON=FILE writes a report
	bin/syftevent-conformance run -strict -parallel 4 $(if $(JSON),-json $(JSON)) \
		-known testdata/targets/python/known.txt -- .venv/bin/python testdata/targets/python/server.py

matrix: build ## write matrix.html: this library beside the Python package
	bin/syftevent-conformance run -json bin/go.json >/dev/null
	$(MAKE) judge-python JSON=bin/python.json
	bin/syftevent-conformance matrix -html matrix.html bin/go.json bin/python.json

# SYFTBOX is a checkout of OpenMined/syftbox. REAL contains further flags, such as -full,
# -keep or -run REGEXP.
SYFTBOX =
REAL =
real: python build ## compare fakebox with the real SyftBox; needs SYFTBOX=DIR
	@test -n "$(SYFTBOX)" || { echo 'make real: set SYFTBOX to a checkout of OpenMined/syftbox'; exit 2; }
	bin/syftevent-conformance real -syftbox "$(SYFTBOX)" -python .venv/bin/python $(REAL)

bench-real: python build ## measure the library and the Python package on it; needs SYFTBOX=DIR
	@test -n "$(SYFTBOX)" || { echo 'make bench-real: set SYFTBOX to a checkout of OpenMined/syftbox'; exit 2; }
	bin/syftevent-conformance real -bench -syftbox "$(SYFTBOX)" -python .venv/bin/python $(REAL)
