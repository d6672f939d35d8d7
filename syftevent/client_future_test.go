package syftevent_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/syftevent"
)

func (s *site) respond(id, content string) {
	s.t.Helper()
	if err := os.WriteFile(s.path("echo", clientEmail, id+".response"), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

const goodResponse = `{"sender":"bob@example.com","url":"u","body":"aGk=","headers":{},"status_code":200}`

// The client neither treats an incomplete response as malformed nor removes it.
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

func TestFutureKeepsMalformedResponse(t *testing.T) {
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

// Whoever may write in the folder of a request can forge a response.
func TestFutureRefusesForgedResponses(t *testing.T) {
	for response, forged := range map[string]bool{
		`{"id":"ID","sender":"bob@example.com","url":"syft://bob@example.com/app_data/demo/rpc/echo","status_code":200}`:    false,
		`{"id":"ID","sender":"BOB@example.com","url":"syft://Bob@example.com/app_data/demo/rpc/Echo/?q","status_code":200}`: false,
		`{"sender":"bob@example.com","url":"http://x","status_code":200}`:                                                   false,
		`{"id":"other","sender":"bob@example.com","url":"u","status_code":200}`:                                             true,
		`{"sender":"eve@example.com","url":"u","status_code":200}`:                                                          true,
		`{"sender":"bob@example.com","url":"syft://eve@example.com/app_data/demo/rpc/echo","status_code":200}`:              true,
		`{"sender":"bob@example.com","url":"syft://bob@example.com/app_data/demo/rpc/other","status_code":200}`:             true,
	} {
		inMail(t, func(s *site, c *syftevent.Client) {
			future, err := c.Send(context.Background(), request(s.t, "/echo", nil))
			if err != nil {
				s.t.Fatal(err)
			}
			s.respond(future.ID, strings.ReplaceAll(response, "ID", strings.ToUpper(future.ID)))
			if _, err := future.Wait(context.Background()); forged != errors.Is(err, syftevent.ErrBadResponse) || !forged && err != nil {
				s.t.Errorf("%s: %v", response, err)
			}
		})
	}
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
		{"expired", func(*site, string) error { return nil }, syftevent.ErrExpired, 15*time.Minute - 50*time.Millisecond, 15*time.Minute + time.Second, 0},
		// The request is resent after 1, 4 and 16 s, and finally missing for 12 s.
		{"gone again and again", func(s *site, id string) error {
			go removeOften(s.path("echo", clientEmail, id+".request"))
			return nil
		}, syftevent.ErrNotFound, 33 * time.Second, 40 * time.Second, 0},
		{"gone with its folder", func(s *site, id string) error {
			go removeOften(s.path("echo"))
			return nil
		}, syftevent.ErrNotFound, 33 * time.Second, 40 * time.Second, 0},
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
				time.Sleep(time.Minute) // until removeOften has ended
			})
		})
	}
}

// removeOften removes a file or directory whenever it exists.
func removeOften(name string) {
	for range 60 {
		os.RemoveAll(name)
		time.Sleep(time.Second)
	}
}

// When SyftBox's server drops a message, the next full sync deletes the request in the
// sender's replica.
func TestFutureResendsLostRequest(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		for _, cached := range []bool{false, true} {
			req := request(s.t, "/echo", "hi")
			var options []syftevent.SendOption
			if cached {
				options = append(options, syftevent.Cached())
			}
			future, err := c.Send(context.Background(), req, options...)
			if err != nil {
				s.t.Fatal(err)
			}
			name := s.path("echo", clientEmail, future.ID+".request")
			sent, err := os.ReadFile(name)
			if err != nil {
				s.t.Fatal(err)
			}
			go func() {
				for i := range 2 {
					time.Sleep(5 * time.Second)
					if again, err := os.ReadFile(name); err != nil || string(again) != string(sent) || future.Resent() != i {
						s.t.Errorf("before removal %d: %v, resent %d times, the same bytes: %v", i+1, err, future.Resent(), string(again) == string(sent))
					}
					os.Remove(name)
				}
				time.Sleep(5 * time.Second)
				s.respond(future.ID, goodResponse)
			}()
			if response, err := future.Wait(context.Background()); err != nil || response.StatusCode != 200 {
				s.t.Errorf("%v, %v", response, err)
			}
			if future.Resent() != 2 {
				s.t.Errorf("resent %d times", future.Resent())
			}
			os.RemoveAll(s.path("echo"))
		}
	})
}

// A request that SyftBox renamed because of a conflict returns a cycle later. Resending
// it would cause another conflict.
func TestFutureWaitsForRequestInConflict(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		future, err := c.Send(context.Background(), request(s.t, "/echo", "hi"))
		if err != nil {
			s.t.Fatal(err)
		}
		base := s.path("echo", clientEmail, future.ID)
		os.Rename(base+".request", base+".conflict.request")
		go func() {
			time.Sleep(11 * time.Second)
			os.WriteFile(base+".request", []byte("the same"), 0o644)
			time.Sleep(time.Second)
			s.respond(future.ID, goodResponse)
		}()
		if response, err := future.Wait(context.Background()); err != nil || response.StatusCode != 200 || future.Resent() != 0 {
			s.t.Errorf("%v, %v, resent %d times", response, err, future.Resent())
		}
		time.Sleep(5 * time.Second)
		if names := s.names("echo/" + clientEmail); names != nil {
			s.t.Errorf("left: %v", names)
		}
	})
}

// If a full sync sees a request while its upload is being recorded, SyftBox renames the
// request and deletes it on the server a cycle later. It never returns.
func TestFutureResendsRequestThatStaysInConflict(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		future, err := c.Send(context.Background(), request(s.t, "/echo", "hi"))
		if err != nil {
			s.t.Fatal(err)
		}
		base := s.path("echo", clientEmail, future.ID)
		os.Rename(base+".request", base+".conflict.request")
		go func() {
			time.Sleep(15 * time.Second)
			if _, err := os.Lstat(base + ".request"); err != nil {
				s.t.Error(err)
			}
			s.respond(future.ID, goodResponse)
		}()
		if response, err := future.Wait(context.Background()); err != nil || response.StatusCode != 200 || future.Resent() != 1 {
			s.t.Errorf("%v, %v, resent %d times", response, err, future.Resent())
		}
	})
}

// SyftBox may restore files that a client has removed, and responses may arrive late.
func TestClientRemovesFilesThatComeBack(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		answered, err := c.Send(context.Background(), request(s.t, "/echo", nil))
		if err != nil {
			s.t.Fatal(err)
		}
		s.respond(answered.ID, goodResponse)
		if _, err := answered.Wait(context.Background()); err != nil {
			s.t.Fatal(err)
		}
		canceled, err := c.Send(context.Background(), request(s.t, "/echo", nil))
		if err != nil {
			s.t.Fatal(err)
		}
		canceled.Cancel()
		if _, done, err := canceled.Poll(); !done || !errors.Is(err, syftevent.ErrCanceled) {
			s.t.Errorf("after Cancel: done %v, %v", done, err)
		}
		waiting, err := c.Send(context.Background(), request(s.t, "/echo", nil))
		if err != nil {
			s.t.Fatal(err)
		}
		want := []string{waiting.ID + ".request", "x.conflict.response", "x.response"}
		slices.Sort(want)
		for range 3 {
			time.Sleep(50 * time.Second)
			for _, name := range []string{
				answered.ID + ".request", answered.ID + ".response", answered.ID + ".conflict.response",
				answered.ID + ".conflict.20260102030405.request", canceled.ID + ".response", "x.response", "x.conflict.response",
			} {
				os.WriteFile(s.path("echo", clientEmail, name), []byte("{}"), 0o644)
			}
			time.Sleep(4 * time.Second)
			if diff := cmp.Diff(want, s.names("echo/"+clientEmail)); diff != "" {
				s.t.Errorf("left (-want +got):\n%s", diff)
			}
		}
		// Later another client may use the id.
		time.Sleep(2 * time.Minute)
		s.respond(answered.ID, goodResponse)
		time.Sleep(time.Minute)
		if _, err := os.Stat(s.path("echo", clientEmail, answered.ID+".response")); err != nil {
			s.t.Error(err)
		}
	})
}

// A request that reuses an id is independent of the earlier request.
func TestClientKeepsRequestWithReusedID(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		for range 2 {
			req := request(s.t, "/echo", nil)
			req.ID = stem
			future, err := c.Send(context.Background(), req)
			if err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			s.respond(stem, goodResponse)
			if response, err := future.Wait(context.Background()); err != nil || future.Resent() != 0 {
				s.t.Errorf("%v, %v, resent %d times", response, err, future.Resent())
			}
		}
	})
}

// SyftBox removes a request and restores it.
func TestFutureSurvivesMissingRequest(t *testing.T) {
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

func TestWaitEndsWithContext(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		future, err := c.Send(ctx, request(s.t, "/echo", nil))
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := future.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			s.t.Errorf("%v", err)
		}
		if diff := cmp.Diff([]string{future.ID + ".request"}, s.names("echo/"+clientEmail)); diff != "" {
			s.t.Errorf("after Wait (-want +got):\n%s", diff)
		}
		ctx, cancel = context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := c.Call(ctx, request(s.t, "/echo", nil)); !errors.Is(err, context.DeadlineExceeded) {
			s.t.Errorf("%v", err)
		}
		// The caller cannot get its response.
		if diff := cmp.Diff([]string{future.ID + ".request"}, s.names("echo/"+clientEmail)); diff != "" {
			s.t.Errorf("after Call (-want +got):\n%s", diff)
		}
	})
}

// A marker of an earlier request with the same id does not reject the new request.
func TestFutureIgnoresEarlierRejection(t *testing.T) {
	inMail(t, func(s *site, c *syftevent.Client) {
		send := func() *syftevent.Future {
			s.t.Helper()
			req := request(s.t, "/echo", "hi")
			future, err := c.Send(context.Background(), req, syftevent.Cached())
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
		// SyftBox restores a marker although the new request exists.
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

func TestFutureSurvivesReadErrors(t *testing.T) {
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
