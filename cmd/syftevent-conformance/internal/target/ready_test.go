package target

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const goodLine = `{"ready":true,"implementation":"x","version":"1","features":[],"poll_ms":10}`

// readAll reads until the ready line or the end of the output.
func (r *readyReader) readAll(output io.Reader) (bool, error) {
	for {
		if found, more, err := r.readFrom(output); !more {
			return found, err
		}
	}
}

func TestReadyReaderFindsTheReadyLine(t *testing.T) {
	for name, test := range map[string]struct {
		before  string
		skipped int
	}{
		"at once":         {"", 0},
		"lines":           {"loading\n\n{\"ready\":false}\n", 3},
		"garbage":         {"\x00\xff\xfe{\"ready\":\xff}\n{}{\n", 2},
		"a huge line":     {strings.Repeat("x", 3*maxLine) + "\n", 1},
		"a huge almost":   {`{"ready":true,"x":"` + strings.Repeat("x", maxLine) + "\"}\n", 1},
		"many lines":      {strings.Repeat("y\n", 100_000), 100_000},
		"ends in the end": {strings.Repeat("x", 64<<10) + "\n", 1},
	} {
		text := test.before + goodLine + "\nmore\n"
		var r readyReader
		found, err := r.readAll(strings.NewReader(text))
		if !found || err != nil || r.ready.Implementation != "x" || r.ready.SkippedLines != test.skipped {
			t.Errorf("%s: found %v, %v, %+v", name, found, err, r.ready)
		}
	}
	var r readyReader
	if found, err := r.readAll(iotest.OneByteReader(strings.NewReader("a\n" + goodLine + "\n"))); !found || err != nil || r.ready.SkippedLines != 1 {
		t.Errorf("byte by byte: found %v, %v", found, err)
	}
}

func TestReadyReaderDescribesOutput(t *testing.T) {
	for _, test := range []struct{ output, want string }{
		{"", "nothing"},
		{"hello\n", `the line "hello"`},
		{"a\nb\n", `2 lines, the last one "b"`},
		{goodLine, fmt.Sprintf("%d bytes without a newline, %q", len(goodLine), goodLine)},
		{"a\n" + strings.Repeat("x", 5_000_000), `the line "a", and 5000000 bytes without a newline, "` + strings.Repeat("x", 120) + `"…`},
		{"\xff\x00\n", "the line \"\uFFFD\\x00\""},
		{"{'ready': True}\n", `the line "{'ready': True}"`},
		{`{"ready":"yes"}` + "\nb\n", `2 lines, the last one "b", and a line whose "ready" is not true, "{\"ready\":\"yes\"}"`},
	} {
		var r readyReader
		if found, err := r.readAll(strings.NewReader(test.output)); found || err != nil {
			t.Errorf("%.100q: %v, %v", test.output, found, err)
		}
		if got := r.describe(); got != test.want {
			t.Errorf("%.100q: %s\nwant %s", test.output, got, test.want)
		}
	}
}

func TestReadyReaderReadsEndlessOutputOnce(t *testing.T) {
	var r readyReader
	endless := &countingReader{}
	for range 4 {
		if found, more, err := r.readFrom(endless); found || !more || err != nil {
			t.Fatalf("%v, %v, %v", found, more, err)
		}
	}
	if r.size != endless.read || r.size > 4*(maxRead+64<<10) || cap(r.line) > 2*maxLine {
		t.Errorf("%d bytes read of %d, %d kept", r.size, endless.read, cap(r.line))
	}
}

// A countingReader is an endless line.
type countingReader struct{ read int64 }

func (c *countingReader) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte("x"), len(p)))
	c.read += int64(len(p))
	return len(p), nil
}

func TestParseReadyRefusesValues(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{`"poll_ms":10`, `"poll_ms":1e300`, `"poll_ms" must be more than 0 and at most one hour`},
		{`"poll_ms":10`, `"poll_ms":-1`, `"poll_ms" must be`},
		{`"poll_ms":10`, `"poll_ms":"10ms"`, "malformed ready line"},
		{`"poll_ms":10`, `"poll_ms":10,"settle_ms":-1`, `"settle_ms" must be at least 0`},
		{`"poll_ms":10`, `"poll_ms":10,"orphan_ms":-1`, `"orphan_ms" must be at least 0`},
		{`"poll_ms":10`, `"poll_ms":10,"max_request_size":-1`, `"max_request_size" must be at least 0`},
		{`"x"`, `""`, `"implementation" must not be empty`},
		{`"x"`, `null`, `"implementation" must not be empty`},
	} {
		_, ok, err := parseReady([]byte(strings.Replace(goodLine, test.old, test.new, 1)))
		if !ok || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, %v; want %q", test.new, ok, err, test.want)
		}
	}
}

func TestPollIsLimited(t *testing.T) {
	for ms, want := range map[float64]time.Duration{20: 20 * time.Millisecond, 3_600_000: MaxPoll} {
		if got := (Ready{PollMS: ms}).Poll(); got != want {
			t.Errorf("poll_ms %v: %v, want %v", ms, got, want)
		}
	}
}
