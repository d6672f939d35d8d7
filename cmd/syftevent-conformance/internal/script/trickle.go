package script

import (
	"errors"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

const (
	// trickleLasts is for how many settle times pieces keep coming.
	trickleLasts = 2.2
	// tricklePieces is how many come within one settle time.
	tricklePieces = 5
)

// commandTrickle lets pieces of requests arrive, none of them the last, for longer
// than the settle time in all and never as long apart. There must be no response. A
// canary that is sent with the first piece must be answered in the end.
func (r *Run) commandTrickle(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errors.New("usage: trickle NAME...")
	}
	if err := r.started(); err != nil {
		return err
	}
	settle := r.process.Ready().Settle() // not stretched: the server's own
	canary, err := r.sendCanary()
	if err != nil {
		return err
	}
	// Pieces keep coming until the canary is answered, however long that takes.
	deadline := time.Now().Add(r.answerWithin())
	for n := 1; ; n++ {
		if err := r.sleep(settle / tricklePieces); err != nil {
			return err
		}
		if err := r.noResponse(args); err != nil {
			return err
		}
		for _, name := range args {
			began := time.Now()
			if err := r.network.More(name, 1); err != nil {
				return err
			}
			r.premises.piece(name, began, settle)
		}
		if n < int(trickleLasts*tricklePieces) {
			continue
		}
		answered, err := exists(canary.response)
		if answered || err != nil {
			return err
		}
		if time.Now().After(deadline) || r.process.Exited() {
			return r.awaitCanary(canary)
		}
	}
}

// sleep lets time pass, unless the run is broken off.
func (r *Run) sleep(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}
