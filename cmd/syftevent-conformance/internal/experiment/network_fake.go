package experiment

import (
	"context"
	"errors"
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

func (n *fakeNetwork) KillClient(email string) error { return n.replica(email).Stop() }

func (n *fakeNetwork) StartClient(_ context.Context, email string) error {
	return n.replica(email).Start()
}

func (n *fakeNetwork) KillServer() error                 { return n.box.StopServer() }
func (n *fakeNetwork) StartServer(context.Context) error { return n.box.StartServer() }

func (n *fakeNetwork) SetViewLatency(d time.Duration) error {
	n.box.SetViewLatency(d)
	return nil
}

func (n *fakeNetwork) Close() error {
	if n.gateway != nil {
		n.gateway.Close()
	}
	return n.box.Close()
}
