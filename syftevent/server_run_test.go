package syftevent_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

func slowRouter(work func(context.Context) error) *syftevent.Router {
	router := syftevent.NewRouter()
	router.OnRequest("/slow", func(ctx context.Context, _ *syftevent.Request) (*syftevent.Response, error) {
		if err := work(ctx); err != nil {
			return nil, err
		}
		return syftevent.Text(200, "done"), nil
	})
	return router
}

// sleep is slow work that stops when its context is canceled.
func sleep(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestRunFinishesRequestsInFlight(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, slowRouter(sleep(9*time.Second)), replica)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- s.server.Run(ctx) }()
		<-s.server.Ready()
		s.deliver("slow/"+clientEmail, envelope("/slow", nil), fakebox.WebSocket)
		time.Sleep(2 * time.Second)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := s.wait("slow/" + clientEmail); got.Status != 200 {
			t.Errorf("status %d", got.Status)
		}
	})
}

// A request whose handler was canceled gets no response, and runs again after a restart.
func TestShutdownLeavesCancelledRequests(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, slowRouter(sleep(time.Hour)), replica)
		s.start()
		s.deliver("slow/"+clientEmail, envelope("/slow", nil), fakebox.WebSocket)
		time.Sleep(2 * time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		began := time.Now()
		if err := s.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v", err)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("Shutdown took %v", took)
		}
		if _, err := os.Stat(s.path("slow", clientEmail, stem+".response")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("there is a response: %v", err)
		}
		next := newSite(t, slowRouter(sleep(0)), replica)
		next.start()
		defer next.stop()
		if got := next.wait("slow/" + clientEmail); got.Status != 200 {
			t.Errorf("status %d", got.Status)
		}
	})
}

// This holds for any error that the handler returns.
func TestCancelledHandlerIsNever500(t *testing.T) {
	for name, end := range map[string]func() error{
		"chosen status": func() error { return syftevent.Errorf(500, "cut short") },
		"plain error":   func() error { return errors.New("cut short") },
		"panic":         func() error { panic("cut short") },
		"goexit":        func() error { runtime.Goexit(); return nil },
	} {
		replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, slowRouter(func(ctx context.Context) error {
				<-ctx.Done()
				return end()
			}), replica)
			s.start()
			s.deliver("slow/"+clientEmail, envelope("/slow", nil), fakebox.WebSocket)
			time.Sleep(2 * time.Second)
			s.stop()
			if _, err := os.Stat(s.path("slow", clientEmail, stem+".response")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: there is a response: %v", name, err)
			}
		})
	}
}

func TestStoppingCancelsAfterTheDrainTimeout(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, slowRouter(sleep(time.Hour)), replica)
		s.start()
		s.deliver("slow/"+clientEmail, envelope("/slow", nil), fakebox.WebSocket)
		time.Sleep(2 * time.Second)
		began := time.Now()
		s.stop()
		if took := time.Since(began); took != syftevent.DefaultDrainTimeout {
			t.Errorf("stopped after %v", took)
		}
	})
}

// A handler that ignores its context must not keep the program from ending.
func TestStoppingAbandonsHandlersThatIgnoreCancellation(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, slowRouter(func(context.Context) error { time.Sleep(time.Hour); return nil }), replica)
		s.start()
		s.deliver("slow/"+clientEmail, envelope("/slow", nil), fakebox.WebSocket)
		time.Sleep(2 * time.Second)
		began := time.Now()
		s.stop()
		if took := time.Since(began); took != syftevent.DefaultDrainTimeout+time.Second {
			t.Errorf("stopped after %v", took)
		}
		time.Sleep(2 * time.Hour) // the handler's goroutine ends with it
	})
}

func TestOneSlowHandlerDelaysNobody(t *testing.T) {
	var mu sync.Mutex
	most, now := 0, 0
	count := func(change int) int {
		mu.Lock()
		defer mu.Unlock()
		now += change
		most = max(most, now)
		return most
	}
	router := slowRouter(func(context.Context) error {
		count(1)
		time.Sleep(5 * time.Second) // longer than until the next scan
		count(-1)
		return nil
	})
	router.OnRequest("/echo", echo)
	inBubble(t, router, func(s *site) {
		for _, sender := range []string{"a@example.com", "b@example.com", "c@example.com"} {
			s.deliver("slow/"+sender, envelope("/slow", map[string]any{"sender": sender}), fakebox.WebSocket)
		}
		s.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
		began := time.Now()
		s.wait("echo/" + clientEmail)
		if took := time.Since(began); took > time.Second+10*time.Millisecond {
			s.t.Errorf("the echo took %v", took)
		}
		s.wait("slow/c@example.com")
		if most := count(0); most != 3 {
			s.t.Errorf("%d handlers ran at once, want 3", most)
		}
	})
}

func TestStartRefuses(t *testing.T) {
	t.Setenv(syftevent.ConfigPathVariable, t.TempDir()+"/none.json")
	client := &syftevent.Client{Email: serverEmail, DataDir: t.TempDir()}
	tests := map[string]*syftevent.Server{
		"no app name":       {Client: client},
		"a path as name":    {AppName: "../x", Client: client},
		"no configuration":  {AppName: "demo"},
		"no e-mail address": {AppName: "demo", Client: &syftevent.Client{DataDir: "x"}},
		"no data folder":    {AppName: "demo", Client: &syftevent.Client{Email: serverEmail}},
	}
	for name, server := range tests {
		if err := server.Run(context.Background()); err == nil {
			t.Errorf("%s: the server ran", name)
		}
	}
	var config *syftevent.ConfigError
	if err := (&syftevent.Server{AppName: "demo"}).Run(context.Background()); !errors.As(err, &config) {
		t.Errorf("no configuration: %v", err)
	}
}

func TestStartTwice(t *testing.T) {
	inBubble(t, nil, func(s *site) {
		if err := s.server.Start(context.Background()); !errors.Is(err, syftevent.ErrServerStarted) {
			s.t.Errorf("%v", err)
		}
	})
}

func TestShutdownBeforeStartIsKept(t *testing.T) {
	server := &syftevent.Server{AppName: "late"}
	if err := server.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := server.Run(context.Background()); err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := server.Start(context.Background()); !errors.Is(err, syftevent.ErrServerClosed) {
		t.Errorf("Start: %v", err)
	}
}
