package syftevent_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// hostileChild is set in the child processes of these tests.
const hostileChild = "SYFTEVENT_HOSTILE_CHILD"

// A server answers with a sparse file of a terabyte. The test runs in a child process,
// which may be killed.
func TestHostileResponseOfATerabyte(t *testing.T) {
	if os.Getenv(hostileChild) == "" {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		child := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestHostileResponseOfATerabyte$", "-test.v")
		child.Env = append(os.Environ(), hostileChild+"=1")
		out, err := child.CombinedOutput()
		if err != nil {
			t.Fatalf("the caller: %v\n%.600s", err, out)
		}
		if strings.Contains(string(out), "--- SKIP") {
			t.Skip("no file of a terabyte here")
		}
		return
	}
	for _, way := range []string{"Wait", "Poll"} {
		inMail(t, func(s *site, c *syftevent.Client) {
			future, err := c.Send(context.Background(), request(s.t, "/echo", nil))
			if err != nil {
				s.t.Fatal(err)
			}
			name := s.path("echo", clientEmail, future.ID+".response")
			s.respond(future.ID, `{"id":"x"`)
			if err := os.Truncate(name, 1<<40); err != nil {
				os.Remove(name)
				s.t.Skip(err)
			}
			defer os.Remove(name)
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			var done bool
			for err = nil; way == "Poll" && !done && ctx.Err() == nil; time.Sleep(time.Second) {
				_, done, err = future.Poll()
			}
			if way == "Wait" {
				_, err = future.Wait(ctx)
			}
			if !errors.Is(err, syftevent.ErrBadResponse) {
				s.t.Errorf("%s: %v, want ErrBadResponse", way, err)
			}
		})
	}
}
