package mutantclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
)

// A stepped is a client without its loop, which has sent one request. The test decides when
// it scans, and what time has passed.
type stepped struct {
	t *testing.T
	*client
	out     *bytes.Buffer
	pending *pending
	base    string // the path of the request without extension
}

func step(t *testing.T) *stepped { return stepWith(t, mutant.None) }

func stepWith(t *testing.T, defect string) *stepped {
	t.Helper()
	var out bytes.Buffer
	c, err := newClient(defect, environment(t, t.TempDir(), slow), &out, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	s := &stepped{t: t, client: c, out: &out}
	s.send()
	return s
}

// send makes a call and sends its request.
func (s *stepped) send() {
	s.t.Helper()
	s.accept(fmt.Appendf(nil, `{"call":%d,"url":%q,"expires_in":600}`, s.accepted+1, echoURL))
	s.pending = s.queue[len(s.queue)-1]
	s.sendNext()
	s.base = filepath.Join(s.pending.dir, s.pending.stem)
}

// scanLater scans after the interval of collections.
func (s *stepped) scanLater() {
	s.lastCollect = time.Time{}
	s.scan()
}

func (s *stepped) request() []byte {
	s.t.Helper()
	data, err := os.ReadFile(s.base + requestSuffix)
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

func (s *stepped) response() []byte { return response(s.t, s.pending.data, nil) }

func (s *stepped) remove(suffix string) {
	s.t.Helper()
	if err := os.Remove(s.base + suffix); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stepped) wantFiles(suffixes ...string) {
	s.t.Helper()
	for _, suffix := range []string{requestSuffix, responseSuffix} {
		want := strings.Contains(strings.Join(suffixes, " "), suffix)
		if exists(s.base+suffix) != want {
			s.t.Errorf("existence of *%s is %v, want %v", suffix, !want, want)
		}
	}
}

// wantResult compares the latest result, such as "expired" or "200"; "" means no result.
func (s *stepped) wantResult(want string) {
	s.t.Helper()
	lines := strings.Split(strings.TrimSpace(s.out.String()), "\n")
	got := ""
	if last := lines[len(lines)-1]; last != "" {
		var line struct {
			Status int
			Error  string
		}
		if err := json.Unmarshal([]byte(last), &line); err != nil {
			s.t.Fatal(err)
		}
		if got = line.Error; got == "" {
			got = fmt.Sprint(line.Status)
		}
	}
	if got != want {
		s.t.Errorf("result is %q, want %q", got, want)
	}
	s.out.Reset()
}

func TestNudges(t *testing.T) {
	s := step(t)
	folder := s.folder(s.pending.dir)
	past := time.Now().Add(-time.Hour)
	for _, test := range []struct {
		created time.Duration // of the folder
		resends int
		nudged  bool
	}{{time.Hour, 0, false}, {-time.Hour, 0, true}, {-time.Hour, 1, true}} {
		if err := os.Chtimes(s.base+requestSuffix, past, past); err != nil {
			t.Fatal(err)
		}
		s.pending.nudged, s.pending.resends = false, test.resends
		folder.created = time.Now().Add(test.created)
		s.scan()
		info, err := os.Stat(s.base + requestSuffix)
		if err != nil {
			t.Fatal(err)
		}
		if nudged := info.ModTime().After(past.Add(time.Minute)); nudged != test.nudged {
			t.Errorf("folder of %v: nudged is %v", test.created, nudged)
		}
		if !bytes.Equal(s.request(), s.pending.data) {
			t.Error("the request has changed")
		}
	}
}

func TestPaces(t *testing.T) {
	s := step(t)
	if s.nextSend() != nil {
		t.Error("sends without a request")
	}
	s.queue = append(s.queue, s.pending)
	s.lastSend = time.Now().Add(time.Hour)
	select {
	case <-s.nextSend():
		t.Error("sends without a pause")
	case <-time.After(50 * time.Millisecond):
	}
	s.lastSend = time.Now().Add(-pace)
	<-s.nextSend()
}

func TestConflictIsNoRejection(t *testing.T) {
	s := step(t)
	if err := os.Rename(s.base+requestSuffix, s.base+".conflict"+requestSuffix); err != nil {
		t.Fatal(err)
	}
	s.scan()
	if s.wantResult(""); !s.pending.missingSince.IsZero() {
		t.Error("a request in conflict counts as missing")
	}
	// SyftBox brings it back. When it disappears later, it is missing.
	write(t, s.base+requestSuffix, string(s.pending.data))
	s.scan()
	s.remove(requestSuffix)
	s.scan()
	if s.wantResult(""); s.pending.missingSince.IsZero() {
		t.Error("the request is not missing")
	}
	write(t, s.base+responseSuffix, string(s.response()))
	s.scan()
	s.wantResult("200")
	s.wantFiles()
}

func TestResendsAFewTimes(t *testing.T) {
	s := step(t)
	for _, delay := range resendDelays {
		s.remove(requestSuffix)
		s.scan()
		s.pending.missingSince = time.Now().Add(time.Minute - delay) // not yet
		s.scan()
		if len(s.queue) != 0 {
			t.Fatalf("sent again in less than %v", delay)
		}
		s.pending.missingSince = time.Now().Add(-delay)
		s.scan()
		if len(s.queue) != 1 {
			t.Fatalf("%d requests to send again after %v", len(s.queue), delay)
		}
		s.sendNext()
		if !bytes.Equal(s.request(), s.pending.data) {
			t.Error("the request has changed")
		}
		s.scan()
	}
	s.remove(requestSuffix)
	s.scan()
	s.pending.missingSince = time.Now().Add(-time.Hour)
	s.scan()
	if len(s.queue) != 0 {
		t.Error("sent again without limit")
	}
	s.wantResult("")
}

// A request whose response has arrived is not sent again.
func TestResendsNoAnsweredRequest(t *testing.T) {
	s := step(t)
	s.remove(requestSuffix)
	s.scan()
	s.pending.missingSince = time.Now().Add(-time.Hour)
	s.scan()
	write(t, s.base+responseSuffix, "{")
	s.sendNext()
	s.wantFiles(responseSuffix)
}

func TestCollectsLateResponse(t *testing.T) {
	s := step(t)
	s.pending.expires = time.Now().Add(-time.Second)
	s.scan()
	s.wantResult("expired")
	s.wantFiles()
	write(t, s.base+responseSuffix, string(s.response()))
	s.scanLater()
	s.wantFiles()
}

func TestWaitsUntilExpiry(t *testing.T) {
	s := step(t)
	s.pending.sentAt = time.Now().Add(-9 * time.Minute)
	s.scan()
	s.wantResult("")
	s.wantFiles(requestSuffix)
	s.pending.expires = time.Now().Add(500 * time.Millisecond)
	s.scan()
	if time.Now().Before(s.pending.expires) {
		s.wantResult("")
	}
}

func TestRejectedAndExpiredCallsAreDone(t *testing.T) {
	s := step(t)
	if err := os.Rename(s.base+requestSuffix, s.base+".rejected"+requestSuffix); err != nil {
		t.Fatal(err)
	}
	s.scan()
	s.wantResult("rejected")
	s.send()
	s.pending.expires = time.Now().Add(-time.Second)
	s.scan()
	s.wantResult("expired")
	if s.open != 0 || s.inFlight != 0 {
		t.Errorf("%d open calls, %d in flight", s.open, s.inFlight)
	}
}

func TestIncompleteResponseSettlesAfterItsLastChange(t *testing.T) {
	s := step(t)
	for _, data := range []string{"{", `{"id"`, `{"ID"`} {
		write(t, s.base+responseSuffix, data)
		s.scan()
		s.wantResult("")
		s.pending.response.since = time.Now().Add(-2 * time.Hour)
	}
	s.scan()
	s.wantResult("bad-response")
	s.wantFiles()
}

// An incomplete response stays when its call has expired, because more of it may arrive.
func TestLeavesArrivingResponse(t *testing.T) {
	s := step(t)
	write(t, s.base+responseSuffix, string(s.response()[:20]))
	s.pending.expires = time.Now().Add(-time.Second)
	s.scan()
	s.wantResult("expired")
	s.wantFiles(responseSuffix)
	s.scanLater()
	s.wantFiles(responseSuffix)
	write(t, s.base+responseSuffix, string(s.response()))
	s.scanLater()
	s.wantFiles()
}

func TestCollectsForAMinute(t *testing.T) {
	s := step(t)
	write(t, s.base+responseSuffix, string(s.response()))
	began := time.Now()
	s.scan()
	s.wantResult("200")
	gone := s.folder(s.pending.dir).removed[s.pending.stem]
	for range 3 {
		write(t, s.base+requestSuffix, string(s.pending.data))
		write(t, s.base+responseSuffix, string(s.response()))
		s.scanLater()
		s.wantFiles()
	}
	if gone.until.Sub(began) < time.Minute {
		t.Errorf("collects until %v after %v", gone.until, began)
	}
	gone.until = time.Now().Add(-time.Second)
	s.scanLater()
	write(t, s.base+requestSuffix, string(s.pending.data))
	s.scanLater()
	s.wantFiles(requestSuffix)
	if len(s.folders) != 0 {
		t.Errorf("%d folders stay in memory", len(s.folders))
	}
}

// The response stays while its request cannot be removed.
func TestRemovesRequestFirst(t *testing.T) {
	s := step(t)
	write(t, s.base+responseSuffix, string(s.response()))
	s.remove(requestSuffix)
	if err := os.MkdirAll(filepath.Join(s.base+requestSuffix, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.scan()
	s.wantResult("200")
	s.wantFiles(requestSuffix, responseSuffix)
	if err := os.RemoveAll(s.base + requestSuffix); err != nil {
		t.Fatal(err)
	}
	s.scanLater()
	s.wantFiles()
}

func TestKeepsRecreatedFolder(t *testing.T) {
	s := step(t)
	if err := os.RemoveAll(s.pending.dir); err != nil {
		t.Fatal(err)
	}
	s.send()
	if !exists(filepath.Join(s.pending.dir, keepName)) {
		t.Error("no .syftkeep")
	}
}

func TestChoosesFreeStem(t *testing.T) {
	s := stepWith(t, "counts-stems")
	if s.pending.stem != "1" {
		t.Errorf("stem is %s", s.pending.stem)
	}
	s = step(t)
	first := s.pending.stem
	s.send()
	if s.pending.stem == first || len(s.pending.stem) != 36 {
		t.Errorf("stems are %s and %s", first, s.pending.stem)
	}
}
