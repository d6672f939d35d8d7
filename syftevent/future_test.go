package syftevent_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

func (s *site) respond(id, content string) {
	s.t.Helper()
	if err := os.WriteFile(s.path("echo", clientEmail, id+".response"), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

const goodResponse = `{"id":"x","sender":"bob@example.com","url":"u","body":"aGk=","headers":{},"status_code":200}`

// A response that has arrived in part must not be taken for a bad one, and never
// be removed.
func TestFutureWaitsForTheRestOfAResponse(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		future, err := c.Send(context.Background(), request(s.t, "/echo", nil))
		if err != nil {
			s.t.Fatal(err)
		}
		for _, n := range []int{0, 1, len(goodResponse) / 2, len(goodResponse) - 1} {
			s.respond(future.ID, goodResponse[:n])
			for range 19 {
				if _, done, err := future.Poll(); done {
					s.t.Fatalf("after %d bytes: done, %v", n, err)
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
		s.respond(future.ID, goodResponse)
		response, err := future.Wait(context.Background())
		if err != nil || string(response.Body) != "hi" {
			s.t.Errorf("%v, %v", response, err)
		}
		again, done, err := future.Poll()
		if again != response || !done || err != nil {
			s.t.Errorf("polled again: %v, %v, %v", again, done, err)
		}
	})
}

func TestFutureLeavesABadResponse(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		future, err := c.Send(context.Background(), request(s.t, "/echo", nil))
		if err != nil {
			s.t.Fatal(err)
		}
		s.respond(future.ID, "{]")
		if _, err := future.Wait(context.Background()); !errors.Is(err, syftevent.ErrBadResponse) || !strings.Contains(err.Error(), future.ID) {
			s.t.Errorf("%v", err)
		}
		if names := s.names("echo/" + clientEmail); len(names) != 2 {
			s.t.Errorf("files %v", names)
		}
	})
}

func TestFutureErrors(t *testing.T) {
	tests := []struct {
		name   string
		happen func(s *site, id string) error
		want   error
		after  time.Duration // at the soonest
		within time.Duration
		left   int // files
	}{
		{"rejected", func(s *site, id string) error {
			return os.Rename(s.path("echo", clientEmail, id+".request"), s.path("echo", clientEmail, id+".rejected.request"))
		}, syftevent.ErrRejected, 0, time.Second, 0},
		{"rejected again", func(s *site, id string) error {
			return os.Rename(s.path("echo", clientEmail, id+".request"), s.path("echo", clientEmail, id+".rejected.20260102030405.request"))
		}, syftevent.ErrRejected, 0, 2 * time.Second, 0},
		{"rejected, as older clients mark it", func(s *site, id string) error {
			return os.Rename(s.path("echo", clientEmail, id+".request"), s.path("echo", clientEmail, id+".syftrejected.request"))
		}, syftevent.ErrRejected, 0, time.Second, 0},
		{"expired", func(*site, string) error { return nil }, syftevent.ErrExpired, 15 * time.Minute, 15*time.Minute + time.Second, 0},
		{"gone", func(s *site, id string) error {
			return os.Remove(s.path("echo", clientEmail, id+".request"))
		}, syftevent.ErrNotFound, 12 * time.Second, 13 * time.Second, 0},
		{"gone with its folder", func(s *site, id string) error {
			return os.RemoveAll(s.path("echo"))
		}, syftevent.ErrNotFound, 12 * time.Second, 13 * time.Second, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inMail(t, func(s *site, c *syftevent.Client) {
				future, err := c.Send(context.Background(), request(s.t, "/echo", nil))
				if err != nil {
					s.t.Fatal(err)
				}
				began := time.Now()
				if err := test.happen(s, future.ID); err != nil {
					s.t.Fatal(err)
				}
				_, err = future.Wait(context.Background())
				if took := time.Since(began); !errors.Is(err, test.want) || took < test.after || took > test.within {
					s.t.Errorf("%v after %v", err, took)
				}
				if names := s.names("echo/" + clientEmail); len(names) != test.left {
					s.t.Errorf("left: %v", names)
				}
			})
		})
	}
}

// SyftBox takes a request away and brings it back.
func TestFutureSurvivesAnAbsence(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		future, err := c.Send(context.Background(), request(s.t, "/echo", nil))
		if err != nil {
			s.t.Fatal(err)
		}
		name := s.path("echo", clientEmail, future.ID+".request")
		go func() {
			for range 3 {
				time.Sleep(time.Second)
				os.Rename(name, name+".away")
				time.Sleep(6 * time.Second)
				os.Rename(name+".away", name)
			}
			s.respond(future.ID, goodResponse)
		}()
		if response, err := future.Wait(context.Background()); err != nil || response.StatusCode != 200 {
			s.t.Errorf("%v, %v", response, err)
		}
	})
}

func TestWaitEndsWithTheContext(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := c.Call(ctx, request(s.t, "/echo", nil)); !errors.Is(err, context.DeadlineExceeded) {
			s.t.Errorf("%v", err)
		}
		if names := s.names("echo/" + clientEmail); len(names) != 1 {
			s.t.Errorf("the request is gone: %v", names)
		}
	})
}

// A mark that an earlier request of the id has left is not the verdict on this
// one.
func TestFutureKnowsAnOldRejection(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		send := func() *syftevent.Future {
			s.t.Helper()
			req := request(s.t, "/echo", "hi")
			req.Cached = true
			future, err := c.Send(context.Background(), req)
			if err != nil {
				s.t.Fatal(err)
			}
			return future
		}
		first := send()
		base := s.path("echo", clientEmail, first.ID)
		for _, mark := range []string{".rejected.request", ".rejected.20260102030405.request"} {
			os.Rename(base+".request", base+mark)
			os.WriteFile(base+mark, []byte("x"), 0o644)
		}
		second := send()
		// SyftBox brings one back, though the new request stands.
		os.WriteFile(base+".rejected.20260102030405.request", []byte("x"), 0o644)
		if _, done, err := second.Poll(); done {
			s.t.Errorf("done: %v", err)
		}
		s.start()
		defer s.stop()
		if response, err := second.Wait(context.Background()); err != nil || string(response.Body) != "hi" {
			s.t.Errorf("%v, %v", response, err)
		}
	})
}

func TestFutureSurvivesTrouble(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		future, err := c.Send(context.Background(), request(s.t, "/echo", nil))
		if err != nil {
			s.t.Fatal(err)
		}
		dir := s.path("echo", clientEmail)
		os.Rename(dir, dir+".away")
		os.WriteFile(dir, nil, 0o644) // cannot be opened as a folder
		for range 100 {
			if _, done, err := future.Poll(); done {
				s.t.Fatalf("done: %v", err)
			}
			time.Sleep(time.Second)
		}
		os.Remove(dir)
		os.Rename(dir+".away", dir)
		s.respond(future.ID, goodResponse)
		if response, err := future.Wait(context.Background()); err != nil || response.StatusCode != 200 {
			s.t.Errorf("%v, %v", response, err)
		}
	})
}
