package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent/syfthttp"
)

// A bodyFlag is the body of -d.
type bodyFlag struct {
	text        string
	given       bool
	contentType string // of the body that was read
}

func (f *bodyFlag) String() string { return "" }

// Set takes the text, @FILE or @-.
func (f *bodyFlag) Set(s string) error {
	if f.given {
		return errors.New("given twice")
	}
	f.text, f.given = s, true
	return nil
}

// read returns the body, or nil without -d. Reading ends when ctx does.
func (f *bodyFlag) read(ctx context.Context, stdin io.Reader) (io.Reader, error) {
	if !f.given {
		return nil, nil
	}
	data, err := f.bytes(ctx, stdin)
	if ctx.Err() != nil {
		return nil, errInterrupted
	}
	if err == nil && len(data) > syfthttp.DefaultMaxRequestBody {
		err = fmt.Errorf("body exceeds the limit of %d MiB", syfthttp.DefaultMaxRequestBody>>20)
	}
	if err != nil {
		return nil, withStatus(exitRead, err)
	}
	switch {
	case len(data) == 0:
	case json.Valid(data):
		f.contentType = "application/json"
	default:
		f.contentType = "text/plain"
	}
	return bytes.NewReader(data), nil
}

func (f *bodyFlag) bytes(ctx context.Context, stdin io.Reader) ([]byte, error) {
	name, isFile := strings.CutPrefix(f.text, "@")
	if !isFile {
		return []byte(f.text), nil
	}
	if name == "-" {
		return readUntilDone(ctx, stdin)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return readUntilDone(ctx, file)
}

// readUntilDone reads a body of at most the limit and one byte. It returns when ctx ends, although
// a read from a terminal or a pipe cannot be canceled.
func readUntilDone(ctx context.Context, r io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(io.LimitReader(r, syfthttp.DefaultMaxRequestBody+1))
		done <- result{data, err}
	}()
	select {
	case read := <-done:
		return read.data, read.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
