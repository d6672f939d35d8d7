.PHONY: all test conformance mutants vet build python interop judge-python real bench-real

all: vet test conformance

# The tests, with the race detector.
test:
	go test -race ./...

# The scenarios against the embedded reference.
conformance:
	go run ./cmd/syftevent-conformance

# Deliberately wrong servers, each of which must fail its scenarios.
mutants:
	go run ./cmd/syftevent-conformance mutants

# Formatting, and vet for the systems that must build.
vet:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'not formatted: run gofmt -w .'; exit 1; }
	go vet ./...
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...

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

# The scenarios against its server. JSON is where the report goes, if anywhere.
JSON =
judge-python: python build
	bin/syftevent-conformance run -strict -parallel 4 $(if $(JSON),-json $(JSON)) \
		-known testdata/targets/python/known.txt -- .venv/bin/python testdata/targets/python/server.py

# The real SyftBox, built from SYFTBOX, a checkout of OpenMined/syftbox: fakebox is
# compared with it, and the library is judged on both. REAL has more flags, such as
# -full, -keep or -run REGEXP.
SYFTBOX =
REAL =
real: python build
	@test -n "$(SYFTBOX)" || { echo 'make real SYFTBOX=DIR: DIR is a checkout of OpenMined/syftbox'; exit 2; }
	bin/syftevent-conformance real -syftbox "$(SYFTBOX)" -python .venv/bin/python $(REAL)

# The figures of the library and of the Python package there.
bench-real: python build
	@test -n "$(SYFTBOX)" || { echo 'make bench-real SYFTBOX=DIR: DIR is a checkout of OpenMined/syftbox'; exit 2; }
	bin/syftevent-conformance real -bench -syftbox "$(SYFTBOX)" -python .venv/bin/python $(REAL)
