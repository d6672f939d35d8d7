package syftevent_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// By a request to an endpoint below it, a sender can create a directory with the name of a
// response. This affects no other sender.
func TestHostileResponseNames(t *testing.T) {
	for _, test := range []struct{ count, size int }{
		{1, 32 << 20},
		{33, 1 << 20},
	} {
		t.Run(fmt.Sprintf("%d of %d MiB", test.count, test.size>>20), func(t *testing.T) {
			if testing.Short() && test.size > 1<<20 {
				t.Skip("slow with the race detector, and the same as the other")
			}
			large := bytes.Repeat([]byte("x"), test.size)
			var runs runCount
			router := demoRouter()
			router.OnRequest("/large", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
				runs.add(req.ID)
				return syftevent.Bytes(200, large), nil
			})
			inHostileBubble(t, router, func(s *hostileSite) {
				s.start()
				defer func() { s.stop() }()
				for n := range test.count {
					s.occupy("large", "evil@example.com", fmt.Sprint(n, ".response"))
					s.askAs("large", "evil@example.com", fmt.Sprint(n))
				}
				time.Sleep(time.Minute)
				s.askAs("echo", honestEmail, "before")
				s.expect(200, "echo", honestEmail, "before")
				for n := range test.count {
					if got := runs.of(fmt.Sprint(n)); got > 1 {
						s.t.Errorf("request %d was run %d times", n, got)
					}
				}
				s.restart()
				time.Sleep(time.Minute)
				s.askAs("echo", honestEmail, "after")
				s.expect(200, "echo", honestEmail, "after")
			})
		})
	}
}

// An obstacle with the name of a response is logged once.
func TestHostileResponseNameIsLoggedOnce(t *testing.T) {
	inHostileBubble(t, demoRouter(), func(s *hostileSite) {
		s.start()
		defer s.stop()
		s.occupy("echo", "evil@example.com", "1.response")
		s.askAs("echo", "evil@example.com", "1")
		time.Sleep(5 * time.Minute)
		if lines := s.log.lines("1.response"); len(lines) != 1 {
			s.t.Errorf("%d lines, want 1:\n%s", len(lines), strings.Join(lines, ""))
		}
	})
}

// A blocked response does not affect the other requests of its directory.
func TestHostileResponseNameOfOneRequest(t *testing.T) {
	inHostileBubble(t, demoRouter(), func(s *hostileSite) {
		s.start()
		defer s.stop()
		s.occupy("echo", honestEmail, "1.response")
		for _, id := range []string{"1", "2", "3"} {
			s.askAs("echo", honestEmail, id)
		}
		s.expect(200, "echo", honestEmail, "2")
		s.expect(200, "echo", honestEmail, "3")
	})
}

// The server starts whatever directories senders have created.
func TestHostileNamesOfItsOwnFiles(t *testing.T) {
	for _, name := range []string{
		"rpc.schema.json", "syft.pub.yaml", ".syftkeep", "echo/.syftkeep",
		"echo/" + honestEmail + "/.syftkeep", "items/.syftkeep",
	} {
		t.Run(strings.ReplaceAll(name, "/", " "), func(t *testing.T) {
			inHostileBubble(t, demoRouter(), func(s *hostileSite) {
				s.putAs(name+"/evil@example.com", "1", envelope("/"+name, map[string]any{"id": "1", "sender": "evil@example.com"}))
				if err := s.server.Start(context.Background()); err != nil {
					s.t.Fatal(err)
				}
				defer s.stop()
				for n := range 3 {
					s.askAs("echo", honestEmail, fmt.Sprint(n))
					s.expect(200, "echo", honestEmail, fmt.Sprint(n))
				}
				time.Sleep(2 * time.Minute)
				if lines := s.log.lines(name); len(lines) > 10 {
					s.t.Errorf("%d lines name it in two minutes, the last is %s", len(lines), lines[len(lines)-1])
				}
			})
		})
	}
}

// Only a regular file is a response. A link out of the folder, or to another response, is
// not followed.
func TestHostileLinksAsResponses(t *testing.T) {
	inHostileBubble(t, demoRouter(), func(s *hostileSite) {
		outside := s.replica.DataDir() + "/outside"
		if err := os.WriteFile(outside, []byte("precious"), 0o644); err != nil {
			s.t.Fatal(err)
		}
		s.start()
		defer s.stop()
		for n, target := range []string{outside, outside + "-missing", "2.request", "."} {
			id := fmt.Sprint(n)
			s.askAs("echo", honestEmail, "warm"+id)
			s.expect(200, "echo", honestEmail, "warm"+id)
			if err := os.Symlink(target, s.path("echo", honestEmail, id+".response")); err != nil {
				s.t.Skip(err)
			}
			s.askAs("echo", honestEmail, id)
			s.expect(200, "echo", honestEmail, id)
		}
		if data, err := os.ReadFile(outside); err != nil || string(data) != "precious" {
			s.t.Errorf("outside: %q, %v", data, err)
		}
		if _, err := os.Lstat(outside + "-missing"); err == nil {
			s.t.Error("a file was made outside")
		}
	})
}
