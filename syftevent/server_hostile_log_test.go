package syftevent_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var logFiles = flag.Int("logfiles", 150, "how many files of each kind TestHostileLog makes")

// logBytesPerMinute bounds what one kind of hostile file makes a server log in a minute.
const logBytesPerMinute = 32 << 10

// Any number of hostile files cause a limited amount of log output per minute, and each file
// is logged once.
func TestHostileLog(t *testing.T) {
	const evil = "evil@example.com"
	garbage := []byte("no envelope")
	long := strings.Repeat("d", 100)
	tests := map[string]func(s *hostileSite, n int) (dir, name string, data []byte){
		"deep": func(_ *hostileSite, n int) (string, string, []byte) {
			return strings.Repeat("d/", 32) + fmt.Sprint(long, n), "1.request", envelope("/echo", nil)
		},
		"garbage": func(_ *hostileSite, n int) (string, string, []byte) {
			return "echo/" + evil, fmt.Sprint(n, ".request"), garbage
		},
		"mismatch": func(_ *hostileSite, n int) (string, string, []byte) {
			return "echo/" + evil, fmt.Sprint(n, ".request"), envelope("/echo", map[string]any{"id": fmt.Sprint(n)})
		},
		"nobody": func(_ *hostileSite, n int) (string, string, []byte) {
			return fmt.Sprint("nobody", n), "1.request", envelope("/echo", nil)
		},
		"unknown endpoint": func(_ *hostileSite, n int) (string, string, []byte) {
			return fmt.Sprint("unknown", n, "/", evil), "1.request", envelope("/echo", nil)
		},
		"control characters": func(_ *hostileSite, n int) (string, string, []byte) {
			return fmt.Sprint("echo/evil", n, "\u202e\x1b[31m@example.com"), "1.request", envelope("/echo", nil)
		},
		"failing handler": func(_ *hostileSite, n int) (string, string, []byte) {
			id := fmt.Sprint(n)
			return "fail/" + evil, id + ".request", envelope("/fail", map[string]any{"id": id, "sender": evil})
		},
		"panicking handler": func(_ *hostileSite, n int) (string, string, []byte) {
			id := fmt.Sprint(n)
			return "panic/" + evil, id + ".request", envelope("/panic", map[string]any{"id": id, "sender": evil})
		},
		"response's name": func(s *hostileSite, n int) (string, string, []byte) {
			id := fmt.Sprint(n)
			s.occupy("echo", evil, id+".response")
			return "echo/" + evil, id + ".request", envelope("/echo", map[string]any{"id": id, "sender": evil})
		},
		"response that is a link": func(s *hostileSite, n int) (string, string, []byte) {
			id := fmt.Sprint(n)
			if err := os.MkdirAll(s.path("echo", evil), 0o755); err != nil {
				s.t.Fatal(err)
			}
			if err := os.Symlink("nowhere", s.path("echo", evil, id+".response")); err != nil {
				s.t.Skip(err)
			}
			return "echo/" + evil, id + ".request", envelope("/echo", map[string]any{"id": id, "sender": evil})
		},
		"empty response": func(s *hostileSite, n int) (string, string, []byte) {
			return "echo/" + evil, fmt.Sprint(n, ".response"), nil
		},
		"long name": func(_ *hostileSite, n int) (string, string, []byte) {
			return "echo/" + evil, fmt.Sprintf("%0247d.request", n), envelope("/echo", nil)
		},
		"mark of a sender": func(_ *hostileSite, n int) (string, string, []byte) {
			return fmt.Sprint("echo/evil", n, "@example.com/.syftkeep/", evil), "1.request", garbage
		},
	}
	for kind, file := range tests {
		t.Run(kind, func(t *testing.T) {
			if testing.Short() && kind != "deep" && kind != "garbage" {
				t.Skip("slow with the race detector")
			}
			inHostileBubble(t, demoRouter(), func(s *hostileSite) {
				for n := range *logFiles {
					dir, name, data := file(s, n)
					dir = s.path(dir)
					if err := os.MkdirAll(dir, 0o755); err != nil {
						s.t.Skip(err)
					}
					if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
						s.t.Skip(err)
					}
				}
				s.start()
				var perMinute []int
				for range 2 {
					before := s.log.size()
					time.Sleep(time.Minute)
					perMinute = append(perMinute, s.log.size()-before)
				}
				s.stop()
				s.t.Logf("%d files: %v bytes a minute, the first also by the start", *logFiles, perMinute)
				most := logBytesPerMinute
				if kind == "panicking handler" {
					most *= 3 // each with its stack
				}
				for _, bytes := range perMinute {
					if bytes > most {
						s.t.Errorf("%v bytes in two minutes, want %d in each at most; such as\n%.2000s",
							perMinute, most, s.log.sample())
						break
					}
				}
				if diff := cmp.Diff([]string(nil), s.log.lines("\x1b")); diff != "" {
					s.t.Errorf("control characters in the log:\n%.500s", diff)
				}
			})
		})
	}
}

func (b *lockedBuffer) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Len()
}

// sample returns some lines from the middle of a log.
func (b *lockedBuffer) sample() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()[b.buf.Len()/2:]
}
