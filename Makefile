.PHONY: all test conformance vet build

all: vet test conformance

# The tests, with the race detector.
test:
	go test -race ./...

# The scenarios against the embedded reference.
conformance:
	go run ./cmd/syftevent-conformance

# Formatting, and vet for the systems that must build. testdata/scripts is not
# matched by ./...
vet:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'not formatted: run gofmt -w .'; exit 1; }
	go vet ./... ./testdata/scripts
	GOOS=darwin go vet ./... ./testdata/scripts
	GOOS=windows go vet ./... ./testdata/scripts

build:
	go build -o bin/ ./cmd/...
