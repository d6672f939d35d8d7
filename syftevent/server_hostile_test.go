package syftevent_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// The year 1 begins with the zero time, which elsewhere means no time.
func TestServerRefusesExpiryInYearOne(t *testing.T) {
	inBubble(t, demoRouter(), func(s *site) {
		dir := "echo/" + clientEmail
		s.deliver(dir, envelope("/echo", map[string]any{"expires": "0001-01-01T00:00:00Z"}), fakebox.WebSocket)
		if got := s.wait(dir); got.Status != 419 || !got.Expires.IsZero() {
			s.t.Errorf("status %d, expires %v", got.Status, got.Expires)
		}
	})
}

func TestServerIgnoresSendersWithInvisibleCharacters(t *testing.T) {
	const invisible = "ali\u200bce@example.com"
	var ran atomic.Int32
	router := syftevent.NewRouter()
	handler := func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		ran.Add(1)
		return syftevent.Text(200, ""), nil
	}
	router.OnRequest("/echo", handler)
	router.OnRequest("/items/{id}", handler)
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, router, replica)
		var log bytes.Buffer
		s.server.Logger = slog.New(slog.NewTextHandler(&log, nil))
		s.start()
		for _, dir := range []string{"echo/" + invisible, "items/" + invisible} {
			endpoint, _, _ := strings.Cut(dir, "/")
			s.deliver(dir, envelope("/"+endpoint, map[string]any{"sender": invisible}), fakebox.WebSocket)
			s.never(dir)
		}
		// In the legacy layout.
		s.deliver("echo", envelope("/echo", map[string]any{"sender": invisible}), fakebox.WebSocket)
		if got := s.wait("echo"); got.Status != 400 || !strings.Contains(string(got.Body), `field "sender"`) {
			t.Errorf("%d %s", got.Status, got.Body)
		}
		s.stop()
		if n := ran.Load(); n != 0 || strings.Count(log.String(), "request ignored") != 2 {
			t.Errorf("run %d times; log:\n%s", n, &log)
		}
	})
}

// Each is refused with the right status, and none delays other senders' requests.
func TestServerRefusesHostileEnvelopes(t *testing.T) {
	large := strings.Repeat("x", 64<<10)
	tests := []struct {
		name    string
		members map[string]any
		text    string
	}{
		{"method", map[string]any{"method": large}, "method"},
		{"id", map[string]any{"id": large}, `field "id": must be the name of the file`},
		{"longer id", map[string]any{"id": large + "x"}, `field "id": must not have more than`},
		{"url", map[string]any{"url": large}, `field "url": must be a syft:// address`},
		{"long endpoint", map[string]any{"url": "syft://" + serverEmail + "/" + rpcPath + "/" + strings.Repeat("%41/", 16_000)}, `field "url": must lead`},
		{"time", map[string]any{"expires": large}, "must be a time"},
		{"headers", map[string]any{"headers": map[string]string{"a": strings.Repeat(large, 17)}}, `field "headers": must not have more than`},
	}
	inBubble(t, demoRouter(), func(s *site) {
		for i, test := range tests {
			dir := "echo/" + string(rune('a'+i)) + "@example.com"
			members := map[string]any{"sender": strings.TrimPrefix(dir, "echo/")}
			for name, value := range test.members {
				members[name] = value
			}
			s.deliver(dir, envelope("/echo", members), fakebox.WebSocket)
		}
		for i, test := range tests {
			dir := "echo/" + string(rune('a'+i)) + "@example.com"
			if got := s.wait(dir); got.Status != 400 || !strings.Contains(string(got.Body), test.text) || len(got.Body) > 200 {
				s.t.Errorf("%s: %d %.300s", test.name, got.Status, got.Body)
			}
		}
	})
}
