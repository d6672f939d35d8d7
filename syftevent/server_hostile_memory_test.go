//go:build linux

package syftevent_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// memoryCeiling limits the memory of a server with default options, whatever files exist,
// while no handler holds memory.
const memoryCeiling = 256 << 20

var proofFiles = flag.Int("prooffiles", 300_000, "how many files TestProofMemoryOfAHugeFolder makes")

// largeRequest is a size below the default limit of a request, in bytes.
const largeRequest = 15 << 20

func TestProofMemory(t *testing.T) {
	p := newProof(t, "")
	if raceDetector() {
		t.Skip("the race detector needs memory of its own")
	}
	p.start()
	p.honest()
	p.peak("idle")

	body := bytes.Repeat([]byte("x"), largeRequest*3/4-1000)
	var letters []letter
	for n := range sized(32, 4) {
		letters = append(letters, p.write("size", fmt.Sprintf("large%d@example.com", n%8), map[string]any{"body": body}))
	}
	p.awaitAll(200, letters)
	p.honest()
	p.peak("large requests")
	p.child.kill()

	// All these files exist before each start of the server.
	for n := range sized(3, 1) {
		for kind, data := range wideFiles() {
			p.writeFile("size", fmt.Sprintf("%s%d@example.com", kind, n), data)
		}
	}
	for n := range sized(8, 1) {
		// Sparse requests and responses.
		l := p.write("size", fmt.Sprintf("sparse%d@example.com", n), nil)
		if err := sparse(l.name+".response", 1<<33); err != nil {
			t.Fatal(err)
		}
		l = p.write("size", fmt.Sprintf("sparse%d@example.com", n), nil)
		if err := sparse(l.name+".request", 1<<33); err != nil {
			t.Fatal(err)
		}
		// A response that is an unterminated JSON object.
		l = p.write("size", fmt.Sprintf("torn%d@example.com", n), nil)
		if err := os.WriteFile(l.name+".response", bytes.Repeat([]byte(`{"a":`), largeRequest/5), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		p.start()
		p.honest()
		time.Sleep(time.Second) // of work on them
		p.peak(fmt.Sprint("start ", n+1, " with hostile files"))
		p.child.kill()
	}
	p.start()
	for range 20 {
		p.honest()
	}
	p.awaitQuiet()
	p.peak("after hostile files")
}

// The server's memory does not grow with the number of files in a folder. The files are
// requests with names that are too long for responses: the server ignores them and finds
// them again in each scan.
func TestProofMemoryOfAHugeFolder(t *testing.T) {
	p := newProof(t, "")
	if raceDetector() {
		t.Skip("the race detector needs memory of its own")
	}
	p.start()
	p.honest()
	count := sized(*proofFiles, 2_000)
	dir := filepath.Join(p.rpc(), "echo", "huge@example.com")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for n := range count {
		name := fmt.Sprintf("%0*d.request", 255-len(".request"), n)
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.honest()
	p.peak(fmt.Sprint("while ", count, " files came"))
	p.child.kill()
	p.start() // tidies, cleans up and scans
	time.Sleep(time.Duration(sized(30, 1)) * time.Second)
	p.honest()
	p.peak(fmt.Sprint("after a start with ", count, " files"))
}

// honest checks that a small request is answered.
func (p *proof) honest() {
	p.Helper()
	p.awaitAll(200, []letter{p.write("echo", honestEmail, map[string]any{"body": []byte("hello")})})
}

// awaitQuiet waits until all requests have a response.
func (p *proof) awaitQuiet() {
	p.Helper()
	p.until("each request has a response", func() bool {
		return len(p.unanswered()) == 0
	})
}

// sparse creates a sparse file of the given size.
func sparse(name string, size int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

// peak checks the peak memory of the child.
func (p *proof) peak(when string) {
	p.Helper()
	var kib int64
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.child.cmd.Process.Pid))
	for line := range strings.Lines(string(data)) {
		fmt.Sscanf(line, "VmHWM: %d kB", &kib)
	}
	if err != nil || kib == 0 {
		p.Fatalf("memory of the server: %v\n%s", err, p.child.log())
	}
	p.Logf("memory, %s: at most %d MiB", when, kib>>10)
	if kib<<10 > memoryCeiling {
		p.Errorf("memory, %s: %d MiB, want %d at most", when, kib>>10, memoryCeiling>>20)
	}
}

// wideFiles are requests of nearly the largest size that decode to much more.
func wideFiles() map[string][]byte {
	const size = largeRequest
	sender := `"sender":"` + honestEmail + `","url":"` + rpcURL + `/size"`
	repeat := func(begin, end string, part func(n int) string) []byte {
		out := []byte(begin)
		for n := 0; len(out) < size-100; n++ {
			out = append(out, part(n)...)
		}
		return append(out, end...)
	}
	same := func(text string) func(int) string { return func(int) string { return text } }
	member := func(n int) string { return fmt.Sprintf(`"%d":0,`, n) }
	return map[string][]byte{
		"members":  repeat("{", sender+"}", member),
		"same":     repeat("{", sender+"}", same(`"a":0,`)),
		"headers":  repeat(`{`+sender+`,"headers":{`, `"z":"0"}}`, func(n int) string { return fmt.Sprintf(`"%d":"0",`, n) }),
		"values":   repeat(`{`+sender+`,"x":[`, `0]}`, same("0,")),
		"deep":     repeat(`{`+sender+`,"x":`, "", same("[")),
		"objects":  repeat(`{`+sender+`,"x":[`, `{}]}`, same("{},")),
		"escapes":  repeat(`{`+sender+`,"id":"`, `"}`, same(`\u0041`)),
		"wrong":    repeat(`{`+sender+`,"body":"`, `"}`, same("====")),
		"address":  repeat(`{"url":"`+rpcURL+`/size","sender":"`, `@example.com"}`, same("a")),
		"url":      repeat(`{"sender":"`+honestEmail+`","url":"syft://`, `"}`, same("%41/")),
		"garbage":  repeat("", "", same("[")),
		"unclosed": repeat(`{`+sender+`,"x":"`, "", same("x")),
	}
}
