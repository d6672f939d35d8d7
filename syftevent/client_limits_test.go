package syftevent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent"
)

// sparse creates a sparse file of the given size.
func (s *site) sparse(name string, size int64) {
	s.t.Helper()
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		s.t.Skip("no sparse files here:", err)
	}
}

// A server cannot exhaust the memory of its callers.
func TestFutureRefusesLargeResponse(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		future, err := c.Send(context.Background(), request(s.t, "/echo", nil))
		if err != nil {
			s.t.Fatal(err)
		}
		name := s.path("echo", clientEmail, future.ID+".response")
		s.sparse(name, 1<<40)
		_, err = future.Wait(context.Background())
		if !errors.Is(err, syftevent.ErrBadResponse) || !strings.Contains(err.Error(), fmt.Sprint(int64(1<<40))) || !strings.Contains(err.Error(), fmt.Sprint(syftevent.DefaultMaxResponseSize)) {
			s.t.Errorf("%v", err)
		}
		if info, err := os.Lstat(name); err != nil || info.Size() != 1<<40 {
			s.t.Errorf("the response was not left as it is: %v", err)
		}
		if again, done, err2 := future.Poll(); again != nil || !done || err2.Error() != err.Error() {
			s.t.Errorf("polled again: %v, %v, %v", again, done, err2)
		}
	})
}

func TestClientMaxResponseSize(t *testing.T) {
	for limit, fits := range map[int64]bool{0: true, int64(len(goodResponse)): true, int64(len(goodResponse)) - 1: false, -1: true} {
		inMail(t, func(s *site, c *syftevent.Client) {
			c.MaxResponseSize = limit
			future, err := c.Send(context.Background(), request(s.t, "/echo", nil))
			if err != nil {
				s.t.Fatal(err)
			}
			s.respond(future.ID, goodResponse)
			if _, err := future.Wait(context.Background()); (err == nil) != fits {
				s.t.Errorf("limit %d: %v", limit, err)
			}
		})
	}
}

// A file with the name of a cached request is read only if it may be that request.
func TestCachedRequestIgnoresLargeFile(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		req := request(s.t, "/echo", "hi")
		first, err := c.Send(context.Background(), req, syftevent.Cached())
		if err != nil {
			s.t.Fatal(err)
		}
		name := s.path("echo", clientEmail, first.ID+".request")
		s.sparse(name, 1<<40)
		second, err := c.Send(context.Background(), req, syftevent.Cached())
		if err != nil || second.ID != first.ID {
			s.t.Fatalf("%v", err)
		}
		if info, err := os.Lstat(name); err != nil || info.Size() > 1000 {
			s.t.Errorf("the request was not sent: %v", err)
		}
	})
}

// A server can put many files into the folder.
func TestFutureListsLargeFolder(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		future, err := c.Send(context.Background(), request(s.t, "/echo", nil))
		if err != nil {
			s.t.Fatal(err)
		}
		dir := s.path("echo", clientEmail)
		long := strings.Repeat("n", 200)
		for i := range 300 {
			if err := os.WriteFile(fmt.Sprintf("%s/%s%d", dir, long, i), nil, 0o644); err != nil {
				s.t.Fatal(err)
			}
		}
		if err := os.Rename(dir+"/"+future.ID+".request", dir+"/"+future.ID+".rejected.request"); err != nil {
			s.t.Fatal(err)
		}
		_, err = future.Wait(context.Background())
		if !errors.Is(err, syftevent.ErrRejected) {
			s.t.Errorf("%v", err)
		}
	})
}
