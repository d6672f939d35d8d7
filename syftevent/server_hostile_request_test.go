package syftevent_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

func TestHostileExpiryOfYearOne(t *testing.T) {
	var runs runCount
	router := syftevent.NewRouter()
	router.OnRequest("/count", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		runs.add(req.ID)
		return syftevent.Text(200, ""), nil
	})
	inHostileBubble(t, router, func(s *hostileSite) {
		s.start()
		defer s.stop()
		for id, expires := range map[string]any{
			"one": "0001-01-01T00:00:00Z", "two": "0001-01-01T00:00:01Z", "number": int64(-62135596800), "long-ago": "0999-12-31T23:59:59Z",
		} {
			s.putAs("count/"+clientEmail, id, envelope("/count", map[string]any{"id": id, "expires": expires}))
			s.expect(419, "count", clientEmail, id)
			if n := runs.of(id); n != 0 {
				s.t.Errorf("expires %v: run %d times", expires, n)
			}
		}
	})
}

// An empty file is not a response, whenever it appears. Its request is answered.
func TestHostileEmptyResponseWhileRunning(t *testing.T) {
	inHostileBubble(t, demoRouter(), func(s *hostileSite) {
		s.start()
		defer s.stop()
		s.askAs("echo", clientEmail, "warm")
		s.expect(200, "echo", clientEmail, "warm")
		if err := os.WriteFile(s.path("echo", clientEmail, "1.response"), nil, 0o644); err != nil {
			s.t.Fatal(err)
		}
		s.askAs("echo", clientEmail, "1")
		s.expect(200, "echo", clientEmail, "1")

		// In a folder without other activity.
		if err := os.MkdirAll(s.path("echo", honestEmail), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(s.path("echo", honestEmail, "2.response"), nil, 0o644); err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		s.askAs("echo", honestEmail, "2")
		s.expect(200, "echo", honestEmail, "2")
	})
}

// What a power loss leaves of a response is not one: NULs of the right length, a part, or
// nothing. At the start such a request is answered.
func TestHostileTornResponsesAtStart(t *testing.T) {
	inHostileBubble(t, demoRouter(), func(s *hostileSite) {
		torn := map[string]string{
			"empty": "", "nuls": strings.Repeat("\x00", 400), "part": `{"id":"part","sender":"bob@exam`,
			"tail": `{"id":"tail","sender":"bob@example.com"` + strings.Repeat("\x00", 200), "half-nuls": strings.Repeat("\x00", 100) + `"status_code":200}`,
			"array": "[]", "text": "x",
		}
		for id, content := range torn {
			s.askAs("echo", clientEmail, id)
			if err := os.WriteFile(s.path("echo", clientEmail, id+".response"), []byte(content), 0o644); err != nil {
				s.t.Fatal(err)
			}
		}
		const whole = `{"id":"whole","sender":"bob@example.com","url":"u","body":null,"headers":{},"status_code":204}`
		s.askAs("echo", clientEmail, "whole")
		if err := os.WriteFile(s.path("echo", clientEmail, "whole.response"), []byte(whole), 0o644); err != nil {
			s.t.Fatal(err)
		}
		s.start()
		defer s.stop()
		time.Sleep(time.Minute)
		for id := range torn {
			data, err := os.ReadFile(s.path("echo", clientEmail, id+".response"))
			if err != nil || statusIn(data) != 200 {
				s.t.Errorf("%s: %.80q, %v", id, data, err)
			}
		}
		if data, err := os.ReadFile(s.path("echo", clientEmail, "whole.response")); err != nil || string(data) != whole {
			s.t.Errorf("a whole response was replaced: %q, %v", data, err)
		}
	})
}

// A request that is ignored, or waits for room, does not make mtimes untrusted.
func TestHostileRequestsKeepMtimesTrusted(t *testing.T) {
	inHostileBubble(t, demoRouter(), func(s *hostileSite) {
		s.server.PollInterval = syftevent.DefaultPollInterval
		// Another server's endpoint, and a directory of no endpoint.
		for _, dir := range []string{"other", "nobody"} {
			if err := os.MkdirAll(s.path(dir), 0o755); err != nil {
				s.t.Fatal(err)
			}
		}
		if err := os.WriteFile(s.path("other", ".syftkeep"), nil, 0o644); err != nil {
			s.t.Fatal(err)
		}
		s.start()
		defer s.stop()
		if !s.server.Stats().TrustedMtimes {
			s.t.Skip("mtimes of this file system are not trusted")
		}
		time.Sleep(550 * time.Millisecond) // not in step with the scans of everything
		s.askAs("other", clientEmail, "1")
		s.putAs("nobody", "1", envelope("/nobody", map[string]any{"id": "1"}))
		// One whose response can have no name, and one whose response's name is taken.
		dir := s.path("echo", "evil@example.com")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("x", 247)+".request"), envelope("/echo", nil), 0o644); err != nil {
			s.t.Logf("no such long names here: %v", err)
		}
		s.occupy("echo", honestEmail, "1.response")
		s.askAs("echo", honestEmail, "1")
		time.Sleep(2 * time.Minute)
		for _, line := range s.log.lines("WARN") {
			_, message, _ := strings.Cut(line, "msg=")
			message, _, _ = strings.Cut(message, " path=")
			if strings.Contains(message, "time") {
				s.t.Errorf("false warning: %s", line)
			}
		}
	})
}

// hostileAddresses are names of folders that resemble an address but are not one.
func hostileAddresses() []string {
	var names []string
	for _, r := range []rune{
		0x01, 0x07, 0x1b, 0x7f, 0x80, 0x85, 0x9f, // control
		0xad, 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff, // zero width
		0xa0, 0x3000, // spaces
		0x61c, 0x200e, 0x200f, 0x202a, 0x202d, 0x202e, 0x2066, 0x2069, // direction
		0x2028, 0x2029, // lines
		0xe0001, 0xe0041, // tags
	} {
		names = append(names, "al"+string(r)+"ice@example.com", "alice@exam"+string(r)+"ple.com", "alice@example.co"+string(r)+"m")
	}
	return append(names, `al\ice@example.com`)
}

func TestHostileSenderNames(t *testing.T) {
	var senders runCount
	router := syftevent.NewRouter()
	seen := func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		senders.add(req.Sender)
		return syftevent.Text(200, ""), nil
	}
	router.OnRequest("/echo", seen)
	router.OnRequest("/any/{rest...}", seen)
	inHostileBubble(t, router, func(s *hostileSite) {
		s.start()
		defer s.stop()
		for _, sender := range hostileAddresses() {
			for n, endpoint := range []string{"/echo", "/any/x"} {
				dir := s.path(endpoint, sender)
				if err := os.MkdirAll(dir, 0o755); err != nil {
					s.t.Logf("no such directory here: %v", err)
					continue
				}
				// In a folder of its own, and in the legacy layout.
				data := envelope(endpoint, map[string]any{"id": fmt.Sprint(n), "sender": sender})
				legacy := envelope(endpoint, map[string]any{"id": nil, "sender": sender})
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(n)+".request"), data, 0o644); err != nil {
					s.t.Fatal(err)
				}
				if err := os.WriteFile(s.path(endpoint, fmt.Sprintf("%x.request", sender)), legacy, 0o644); err != nil {
					s.t.Fatal(err)
				}
			}
		}
		s.askAs("echo", honestEmail, "1")
		s.expect(200, "echo", honestEmail, "1")
		time.Sleep(time.Minute)
		delete(senders.runs, honestEmail)
		if len(senders.runs) > 0 {
			s.t.Errorf("%d of %d names reached a handler: %q", len(senders.runs), len(hostileAddresses()), slices.Sorted(maps.Keys(senders.runs)))
		}
	})
}
