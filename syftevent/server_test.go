package syftevent_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

func TestServerAnswersBothDeliveries(t *testing.T) {
	for _, mode := range []fakebox.Mode{fakebox.WebSocket, fakebox.BlobStore, fakebox.BlobStoreInPlace} {
		t.Run(mode.String(), func(t *testing.T) {
			inBubble(t, demoRouter(), func(s *site) {
				expires := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
				s.deliver("echo/"+clientEmail, envelope("/echo", map[string]any{
					"body": "aMOpbGxv", "headers": map[string]string{"X-A": "1"}, "expires": expires,
					"url": rpcURL + "/echo?q=1#top",
				}), mode)
				got := s.wait("echo/" + clientEmail)
				want := reply{
					ID: stem, Sender: serverEmail, URL: rpcURL + "/echo?q=1#top", Body: []byte("héllo"),
					Headers: map[string]string{"X-A": "1"}, Created: got.Created, Expires: expires, Status: 200,
				}
				if diff := cmp.Diff(want, got); diff != "" {
					s.t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestServerStatuses(t *testing.T) {
	const internal = "Internal server error. Please try again later."
	body := func(text string) map[string]any { return map[string]any{"body": []byte(text)} }
	tests := []struct {
		name, dir, endpoint string
		members             map[string]any
		status              int
		text                string // "": any
	}{
		{"sum", "sum", "/sum", body(`{"a":2,"b":3}`), 200, `{"result":5}`},
		{"not JSON", "sum", "/sum", body(`two and three`), 400, ""},
		{"no body", "sum", "/sum", nil, 400, ""},
		{"wrong method", "sum", "/sum", map[string]any{"method": "GET"}, 405, ""},
		{"error", "fail", "/fail", nil, 500, internal},
		{"panic", "panic", "/panic", nil, 500, internal},
		{"nothing", "nothing", "/nothing", nil, 500, internal},
		{"strange status", "strange", "/strange", nil, 500, internal},
		{"chosen status", "refuse", "/refuse", nil, 403, "not you"},
		{"path value", "items/42", "/items/42", nil, 200, "42"},
		{"escaped URL", "items/4 2", "/items/4%202", nil, 200, "4 2"},
		{"trailing slash in the URL", "echo", "/echo/", body("x"), 200, "x"},
		{"no id", "echo", "/echo", map[string]any{"id": nil, "body": []byte("x")}, 200, "x"},
		{"upper-case id", "echo", "/echo", map[string]any{"id": strings.ToUpper(stem), "body": []byte("x")}, 200, "x"},
		{"unknown endpoint", "nowhere", "/nowhere", nil, 404, ""},
		{"expired", "echo", "/echo", map[string]any{"expires": "1999-01-01T00:00:00Z"}, 419, "Request expired"},
		{"naive expiry", "echo", "/echo", map[string]any{"expires": "1999-01-01"}, 419, "Request expired"},
		{"another's name", "echo", "/echo", map[string]any{"sender": "carol@example.com"}, 403, ""},
		{"another's id", "echo", "/echo", map[string]any{"id": "5f5b153c-d742-4027-8091-000000000000"}, 400, ""},
		{"another endpoint's URL", "echo", "/sum", nil, 400, ""},
		{"another datasite's URL", "echo", "", map[string]any{"url": "syft://carol@example.com/" + rpcPath + "/echo"}, 400, ""},
		{"a URL out of the datasites", "echo", "", map[string]any{"url": "syft://" + serverEmail + "/../../../escaped"}, 400, ""},
		{"no URL at all", "echo", "", map[string]any{"url": nil}, 400, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, demoRouter(), func(s *site) {
				dir := test.dir + "/" + clientEmail
				s.deliver(dir, envelope(test.endpoint, test.members), fakebox.WebSocket)
				got := s.wait(dir)
				if got.Status != test.status || test.text != "" && string(got.Body) != test.text {
					s.t.Errorf("%d %q, want %d %q", got.Status, got.Body, test.status, test.text)
				}
				if strings.Contains(string(got.Body), "secret") {
					s.t.Errorf("the body tells too much: %s", got.Body)
				}
				if got.ID != stem || got.Sender != serverEmail {
					s.t.Errorf("id %s, sender %s", got.ID, got.Sender)
				}
			})
		})
	}
}

func TestDebugModeSendsErrorText(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, demoRouter(), replica)
		s.server.DebugMode = true
		s.start()
		defer s.stop()
		s.deliver("panic/"+clientEmail, envelope("/panic", nil), fakebox.WebSocket)
		got := s.wait("panic/" + clientEmail)
		var detail map[string]string
		if err := json.Unmarshal(got.Body, &detail); err != nil || got.Status != 500 {
			t.Fatalf("%d %s: %v", got.Status, got.Body, err)
		}
		if detail["error_message"] != "panic: a secret detail" || !strings.Contains(detail["traceback"], "demoRouter") {
			t.Errorf("detail %v", detail)
		}
	})
}

func TestServerRefusesLargeRequests(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, demoRouter(), replica)
		s.server.MaxRequestSize = 1000
		s.start()
		defer s.stop()
		s.deliver("echo/"+clientEmail, envelope("/echo", map[string]any{"body": make([]byte, 1000)}), fakebox.WebSocket)
		if got := s.wait("echo/" + clientEmail); got.Status != 413 {
			t.Errorf("status %d, want 413", got.Status)
		}
	})
}

func TestServerWaitsForHalfWrittenRequests(t *testing.T) {
	inBubble(t, demoRouter(), func(s *site) {
		dir := "echo/" + clientEmail
		data := envelope("/echo", map[string]any{"body": []byte("all of it")})
		for _, n := range []int{0, 1, len(data) / 2, len(data) - 1} {
			s.deliver(dir, data[:n], fakebox.BlobStoreInPlace)
			time.Sleep(1900 * time.Millisecond)
			if _, err := os.Lstat(s.path(dir, stem+".response")); err == nil {
				s.t.Fatalf("answered when %d of %d bytes were there", n, len(data))
			}
		}
		s.deliver(dir, data, fakebox.BlobStoreInPlace)
		if got := s.wait(dir); got.Status != 200 || string(got.Body) != "all of it" {
			s.t.Errorf("%d %q", got.Status, got.Body)
		}
	})
}

func TestServerAnswersIncompleteRequestAfterSettling(t *testing.T) {
	inBubble(t, demoRouter(), func(s *site) {
		s.deliver("echo/"+clientEmail, []byte(`{"id":`), fakebox.BlobStoreInPlace)
		got := s.wait("echo/" + clientEmail)
		if got.Status != 400 || !strings.HasPrefix(string(got.Body), "Error loading request: ") {
			s.t.Errorf("%d %q", got.Status, got.Body)
		}
	})
}

func TestServerAnswersRequestsFromBeforeItsStart(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, demoRouter(), replica)
		s.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
		s.start()
		defer s.stop()
		if got := s.wait("echo/" + clientEmail); got.Status != 200 {
			t.Errorf("status %d", got.Status)
		}
	})
}

func TestServerRunsARequestOnce(t *testing.T) {
	var runs atomic.Int32
	router := syftevent.NewRouter()
	router.OnRequest("/slow", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		runs.Add(1)
		time.Sleep(10 * time.Second)
		return syftevent.Text(200, "done"), nil
	})
	inBubble(t, router, func(s *site) {
		s.deliver("slow/"+clientEmail, envelope("/slow", nil), fakebox.WebSocket)
		s.wait("slow/" + clientEmail)
		time.Sleep(time.Minute)
		s.deliver("slow/"+clientEmail, envelope("/slow", nil), fakebox.BlobStore) // delivered twice
		time.Sleep(time.Minute)
		if n := runs.Load(); n != 1 {
			s.t.Errorf("the handler ran %d times", n)
		}
	})
}

func TestServerIgnoresForeignRequests(t *testing.T) {
	for _, dir := range []string{"echo/" + clientEmail + "/deeper", "nowhere"} {
		inBubble(t, demoRouter(), func(s *site) {
			s.deliver(dir, envelope("/echo", nil), fakebox.WebSocket)
			s.never(dir)
		})
	}
	t.Run("markers", func(t *testing.T) {
		inBubble(t, demoRouter(), func(s *site) {
			dir := "echo/" + clientEmail
			for _, marker := range []string{"rejected", "conflict", "rejected.20260102030405", "syftrejected"} {
				name := stem + "." + marker
				s.replica.Deliver(rpcPath+"/"+dir+"/"+name+".request", envelope("/echo", nil), fakebox.Delivery{})
			}
			time.Sleep(time.Minute)
			if names, _ := filepath.Glob(s.path(dir, "*.response")); names != nil {
				s.t.Errorf("answered: %v", names)
			}
		})
	})
	t.Run("another server's endpoint", func(t *testing.T) {
		inBubble(t, demoRouter(), func(s *site) {
			s.replica.Deliver(rpcPath+"/theirs/.syftkeep", nil, fakebox.Delivery{})
			s.deliver("theirs/"+clientEmail, envelope("/theirs", nil), fakebox.WebSocket)
			s.never("theirs/" + clientEmail)
		})
	})
}

func TestServerAnswersLegacyLayout(t *testing.T) {
	verified := true
	router := syftevent.NewRouter()
	router.OnRequest("/v1/users", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		verified = req.SenderVerified
		return syftevent.Text(200, req.Sender), nil
	})
	inBubble(t, router, func(s *site) {
		s.deliver("v1/users", envelope("/v1/users", nil), fakebox.WebSocket)
		if got := s.wait("v1/users"); string(got.Body) != clientEmail || verified {
			s.t.Errorf("%q, verified %v", got.Body, verified)
		}
	})
}

func TestServerDropsForgedHeaders(t *testing.T) {
	inBubble(t, demoRouter(), func(s *site) {
		s.deliver("echo/"+clientEmail, envelope("/echo", map[string]any{
			"headers": map[string]string{"x-syft-decrypted": "true", "X-Syft-Original-Sender": "x", "ok": "1"},
		}), fakebox.WebSocket)
		if diff := cmp.Diff(map[string]string{"ok": "1"}, s.wait("echo/"+clientEmail).Headers); diff != "" {
			s.t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestServerLayout(t *testing.T) {
	want, err := os.ReadFile("internal/engine/syft.pub.yaml")
	if err != nil {
		t.Fatal(err)
	}
	inBubble(t, demoRouter(), func(s *site) {
		got, err := os.ReadFile(s.path("syft.pub.yaml"))
		if err != nil {
			s.t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			s.t.Errorf("(-want +got):\n%s", diff)
		}
		for _, endpoint := range []string{"echo", "sum", "items"} {
			if _, err := os.Stat(s.path(endpoint, ".syftkeep")); err != nil {
				s.t.Error(err)
			}
		}
	})
	t.Run("kept", func(t *testing.T) {
		replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, demoRouter(), replica)
			s.replica.Deliver(rpcPath+"/syft.pub.yaml", []byte("rules: []\n"), fakebox.Delivery{})
			s.start()
			defer s.stop()
			if got, _ := os.ReadFile(s.path("syft.pub.yaml")); string(got) != "rules: []\n" {
				t.Errorf("permissions became %q", got)
			}
		})
	})
}

func TestServerReportsRefusals(t *testing.T) {
	s := map[string]func(*site) string{
		"403": func(s *site) string {
			s.deliver("echo/"+clientEmail, envelope("/echo", map[string]any{"sender": "eve@example.com"}), fakebox.WebSocket)
			return "echo/" + clientEmail
		},
		"400": func(s *site) string {
			s.deliver("echo/"+clientEmail, []byte(`{"id":7}`), fakebox.WebSocket)
			return "echo/" + clientEmail
		},
		"419": func(s *site) string {
			s.deliver("echo/"+clientEmail, envelope("/echo", map[string]any{"expires": time.Now().Add(-time.Hour)}), fakebox.WebSocket)
			return "echo/" + clientEmail
		},
	}
	for status, send := range s {
		inMail(t, func(s *site, _ *syftevent.Client) {
			var out strings.Builder
			refusals := make(chan syftevent.Refusal, 10)
			log := syftevent.LogRefusals(slog.New(slog.NewTextHandler(&out, nil)))
			s.server.OnRefuse = func(ctx context.Context, refusal syftevent.Refusal) {
				log(ctx, refusal)
				refusals <- refusal
				panic("a hook must not end the server")
			}
			s.start()
			defer s.stop()
			got := s.wait(send(s))
			refusal := <-refusals
			want := syftevent.Refusal{
				ID: stem, Sender: clientEmail, SenderVerified: true, Endpoint: "/echo",
				StatusCode: got.Status, Reason: string(got.Body),
			}
			if diff := cmp.Diff(want, refusal); diff != "" || strconv.Itoa(got.Status) != status {
				s.t.Errorf("%s, want %s (-want +got):\n%s", strconv.Itoa(got.Status), status, diff)
			}
			if !strings.Contains(out.String(), "level=WARN msg=request sender="+clientEmail+" verified=true") || !strings.Contains(out.String(), "status="+status) {
				s.t.Errorf("log %s", &out)
			}
		})
	}
}
