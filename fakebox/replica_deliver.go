package fakebox

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
)

// deliverTries is how often Deliver tries to write a file.
const deliverTries = 3

// Deliver writes a file into the person's own datasite as SyftBox does, and creates its
// folders. The name is relative to the datasite, with slashes. If the network was
// started, the file is also put on the server, so that other replicas receive it. Deliver
// returns an error if the name leads out of the datasite, the mode is unknown, or the
// network was started and the client is stopped. An error fails the test passed to [New].
func (r *Replica) Deliver(name string, data []byte, how Delivery) error {
	return r.box.failed(r.deliver(r.Email, name, data, how))
}

// DeliverFrom is Deliver into the datasite of another person, as it is in this replica.
func (r *Replica) DeliverFrom(owner, name string, data []byte, how Delivery) error {
	return r.box.failed(r.deliver(owner, name, data, how))
}

func (r *Replica) deliver(owner, name string, data []byte, how Delivery) error {
	b, d := r.box, r.daemon
	b.sim.clock.enter()
	defer b.sim.clock.leave()
	if modeNames[how.Mode] == "" {
		return fmt.Errorf("fakebox: deliver %s: unknown delivery mode %d", name, how.Mode)
	}
	key, err := keyIn(owner, name)
	if err != nil {
		return err
	}
	if started, _ := b.state(); started {
		if !d.process.running() {
			return fmt.Errorf("fakebox: deliver %s: client of %s is stopped", name, r.Email)
		}
		if err := b.hub.store.put(owner, key, data, nil); err != nil {
			return fmt.Errorf("fakebox: deliver %s: %w", name, err)
		}
	}
	via := ViaFullSync
	if how.Mode == WebSocket {
		via = ViaFast
	}
	err = d.receiver.arrive(key, data, etagOf(data), how, via)
	// The folder may be removed just before the file gets its name. SyftBox tries again in its
	// next cycle.
	for tries := 1; errors.Is(err, fs.ErrNotExist) && tries < deliverTries; tries++ {
		err = d.receiver.arrive(key, data, etagOf(data), how, via)
	}
	if err != nil {
		d.states.setError(key, via, err)
		return fmt.Errorf("fakebox: deliver %s: %w", name, err)
	}
	return nil
}

// keyIn returns the key of a file in a datasite.
func keyIn(datasite, name string) (string, error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) || path.Clean(name) != name {
		return "", fmt.Errorf("fakebox: path %q is not a clean relative path inside the datasite of %s", name, datasite)
	}
	return path.Join(datasite, name), nil
}
