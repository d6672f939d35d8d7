package fakebox

import (
	"fmt"
	"path"
	"path/filepath"
)

// Deliver writes a file into the person's own datasite as SyftBox does, and creates its
// folders. The name is relative to the datasite, with slashes. If the network was
// started, the file is also put on the server, so that other replicas receive it. Deliver
// returns an error if the name leads out of the datasite, the mode is unknown, or the
// network was started and the client is stopped. An error fails the test passed to [New].
func (r *Replica) Deliver(name string, data []byte, how Delivery) error {
	return r.box.failed(r.deliver(name, data, how))
}

func (r *Replica) deliver(name string, data []byte, how Delivery) error {
	b, d := r.box, r.daemon
	b.sim.clock.enter()
	defer b.sim.clock.leave()
	if modeNames[how.Mode] == "" {
		return fmt.Errorf("fakebox: deliver %s: unknown delivery mode %d", name, how.Mode)
	}
	key, err := keyIn(r.Email, name)
	if err != nil {
		return err
	}
	if started, _ := b.state(); started {
		if !d.process.running() {
			return fmt.Errorf("fakebox: deliver %s: client of %s is stopped", name, r.Email)
		}
		if err := b.hub.store.put(r.Email, key, data); err != nil {
			return fmt.Errorf("fakebox: deliver %s: %w", name, err)
		}
	}
	via := ViaFullSync
	if how.Mode == WebSocket {
		via = ViaFast
	}
	if err := d.receiver.arrive(key, data, etagOf(data), how, via); err != nil {
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
