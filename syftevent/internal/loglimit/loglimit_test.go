package loglimit

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		limiter := New(slog.NewTextHandler(&out, nil))
		logger := slog.New(limiter)
		logs := func(message string) int { return strings.Count(out.String(), fmt.Sprintf("msg=%q", message)) }
		const left = "syftevent: log lines suppressed"
		for n := range 1000 {
			logger.Warn("a cause", "n", n)
			logger.With("with", 1).Warn("another cause", "n", n)
			time.Sleep(time.Millisecond)
		}
		if logs("a cause") != maxLines || logs("another cause") != maxLines || logs(left) != 0 {
			t.Errorf("log:\n%s", &out)
		}
		logger.Debug("a cause") // not enabled: nothing
		time.Sleep(time.Minute)
		logger.Warn("a cause")
		if logs("a cause") != maxLines+1 || logs(left) != 1 || !strings.Contains(out.String(), `level=WARN msg="`+left+`" message="a cause" count=970`) {
			t.Errorf("log:\n%s", &out)
		}
		limiter.Flush(time.Now(), false)
		limiter.Flush(time.Now(), true)
		if logs(left) != 2 {
			t.Errorf("log:\n%s", &out)
		}
	})
}

// Senders choose paths and texts.
func TestLogLinesAreBounded(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(New(slog.NewTextHandler(&out, nil)))
	long := strings.Repeat("é", 1<<20)
	logger.With("with", long).Error("a cause", "path", long, "err", errors.New(long), "stack", long, "value", struct{ S string }{long}, "n", 1)
	if n := out.Len(); n > 4*(maxValue+100)+maxStack+100 {
		t.Errorf("%d bytes", n)
	}
	if !strings.Contains(out.String(), " n=1") || !strings.Contains(out.String(), "(2097152 bytes)") {
		t.Errorf("log:\n%s", &out)
	}
	out.Reset()
	for n := range 10_000 { // however many messages there are
		logger.Error(fmt.Sprint(n))
	}
	if n := strings.Count(out.String(), "\n"); n > maxMessages+maxLines {
		t.Errorf("%d lines", n)
	}
}
