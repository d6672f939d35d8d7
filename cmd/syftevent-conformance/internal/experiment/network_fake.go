package experiment

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// fakeNetwork is fakebox as a [Network].
type fakeNetwork struct {
	box     *fakebox.Box
	gateway *httptest.Server
}

func startFake(ctx context.Context, config fakebox.Config, dir string, apps apps) (_ Network, err error) {
	box, err := fakebox.Open(dir, config)
	if err != nil {
		return nil, err
	}
	n := &fakeNetwork{box: box}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	for _, email := range people {
		r, err := box.TryJoin(email)
		if err == nil {
			err = apps.prepare(email, r.Datasites())
		}
		if err != nil {
			return nil, err
		}
	}
	if err := box.Start(); err != nil {
		return nil, err
	}
	n.gateway = httptest.NewServer(box.Gateway())
	return n, await(ctx, cycleTimeout, func() bool { return n.Cycles(Bob) > 0 })
}

func (n *fakeNetwork) replica(email string) *fakebox.Replica {
	r, ok := n.box.Replica(email)
	if !ok {
		panic("experiment: no replica of " + email)
	}
	return r
}

func (n *fakeNetwork) Datasites(email string) string  { return n.replica(email).Datasites() }
func (n *fakeNetwork) ConfigPath(email string) string { return n.replica(email).ConfigPath() }
func (n *fakeNetwork) Cycles(email string) int        { return n.replica(email).Cycles() }
func (n *fakeNetwork) URL() string                    { return n.gateway.URL }
func (n *fakeNetwork) Logs() []string                 { return nil }

func (n *fakeNetwork) KillClient(email string) error {
	r := any(n.replica(email))
	if r, ok := r.(interface{ Stop() }); ok {
		r.Stop()
		return nil
	}
	if r, ok := r.(interface{ Stop() error }); ok {
		return r.Stop()
	}
	return fmt.Errorf("stop the client of %s: %w", email, ErrNotImitated)
}

func (n *fakeNetwork) StartClient(_ context.Context, email string) error {
	r := any(n.replica(email))
	if r, ok := r.(interface{ Start() }); ok {
		r.Start()
		return nil
	}
	if r, ok := r.(interface{ Start() error }); ok {
		return r.Start()
	}
	return fmt.Errorf("start the client of %s: %w", email, ErrNotImitated)
}

func (n *fakeNetwork) KillServer() error {
	box := any(n.box)
	if box, ok := box.(interface{ StopServer() }); ok {
		box.StopServer()
		return nil
	}
	if box, ok := box.(interface{ StopServer() error }); ok {
		return box.StopServer()
	}
	return fmt.Errorf("stop the server: %w", ErrNotImitated)
}

func (n *fakeNetwork) StartServer(context.Context) error {
	box := any(n.box)
	if box, ok := box.(interface{ StartServer() }); ok {
		box.StartServer()
		return nil
	}
	if box, ok := box.(interface{ StartServer() error }); ok {
		return box.StartServer()
	}
	return fmt.Errorf("start the server: %w", ErrNotImitated)
}

func (n *fakeNetwork) SetViewLatency(d time.Duration) error {
	box := any(n.box)
	if box, ok := box.(interface{ SetViewLatency(time.Duration) }); ok {
		box.SetViewLatency(d)
		return nil
	}
	if box, ok := box.(interface{ SetViewLatency(time.Duration) error }); ok {
		return box.SetViewLatency(d)
	}
	return fmt.Errorf("set the view latency: %w", ErrNotImitated)
}

func (n *fakeNetwork) Close() error {
	if n.gateway != nil {
		n.gateway.Close()
	}
	return n.box.Close()
}
