package script

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// secondWithin is how long a second server is waited for at least: one that waits for
// the first to end is never ready.
const secondWithin = 2 * time.Second

// startSecond starts another server beside the one that runs and waits until it is
// ready, has ended, or has had five times as long as the first and some more.
func (r *Run) startSecond() error {
	dir := filepath.Join(r.Dir, "second")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	settings := r.settings()
	settings.LogDir = dir
	command := r.config.Command
	command.ReadyTimeout = r.config.scale(secondWithin) + 5*r.startTook
	process, err := target.Start(r.ctx, command, settings)
	if notReady := (*target.NotReadyError)(nil); errors.As(err, &notReady) {
		return nil // it has refused, or waits
	}
	if err != nil {
		return fmt.Errorf("starting a second server: %w", err)
	}
	r.second = process
	return nil
}
