package experiment

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/realbox"
)

// realNetwork is the real SyftBox as a [Network].
type realNetwork struct{ *realbox.Network }

func startReal(ctx context.Context, binaries realbox.Binaries, dir string, apps apps) (Network, error) {
	n, err := realbox.Start(ctx, realbox.Config{Dir: dir, Binaries: binaries, Prepare: apps.prepare}, people...)
	if err != nil {
		return nil, err
	}
	return realNetwork{n}, nil
}

func (n realNetwork) Datasites(email string) string  { return n.Client(email).Datasites() }
func (n realNetwork) ConfigPath(email string) string { return n.Client(email).ConfigPath() }
func (n realNetwork) Cycles(email string) int        { return n.Client(email).Views() }

func (n realNetwork) KillClient(email string) error {
	n.Client(email).Kill()
	return nil
}

func (n realNetwork) StartClient(ctx context.Context, email string) error {
	return n.Client(email).Start(ctx)
}

func (n realNetwork) KillServer() error {
	n.Network.KillServer()
	return nil
}

func (n realNetwork) SetViewLatency(d time.Duration) error {
	var errs []error
	for _, email := range people {
		errs = append(errs, n.Client(email).SetViewLatency(d))
	}
	return errors.Join(errs...)
}

func (n realNetwork) Logs() []string {
	logs := []string{filepath.Join(n.Dir(), "server.log")}
	for _, email := range people {
		logs = append(logs, n.Client(email).Log())
	}
	return logs
}
