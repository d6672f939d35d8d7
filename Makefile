.PHONY: all test conformance mutants vet build python interop

all: vet test conformance

# The tests, with the race detector.
test:
	go test -race ./...

# The scenarios against the embedded reference.
conformance:
	go run ./cmd/syftevent-conformance

# Every scenario against servers that are wrong in one way each: a quarter of an hour.
mutants:
	go run ./cmd/syftevent-conformance mutants -all

# Formatting, and vet for the systems that must build. testdata/scripts is not
# matched by ./...
vet:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'not formatted: run gofmt -w .'; exit 1; }
	go vet ./... ./testdata/scripts
	GOOS=darwin go vet ./... ./testdata/scripts
	GOOS=windows go vet ./... ./testdata/scripts

build:
	go build -o bin/ ./cmd/...

# The Python package, in a virtual environment.
python: .venv/installed
.venv/installed: testdata/targets/python/requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --requirement $<
	touch $@

# Its client against the reference.
interop: python build
	.venv/bin/python testdata/targets/python/interop.py bin/syftevent-conformance serve
