package fakebox

import (
	"errors"
	"fmt"
)

// A daemon is SyftBox's client on one machine. It joins the client's parts, and starts
// and stops them together:
//
//	watch -> sender -> connection -> hub    the fast path out
//	hub -> connection -> receiver -> tree   the fast path in
//	syncer <-> hub.store                    the full sync
//
// They share the tree, which holds the files, and the states, which hold what the client
// knows about them.
type daemon struct {
	sim      *simulation
	process  *process
	tree     *tree
	states   *fileStates
	conn     *connection
	sender   *sender
	receiver *receiver
	syncer   *syncer
	watch    *watch
}

// newDaemon creates the client of a tree and registers its connection with the hub.
func newDaemon(sim *simulation, network *session, h *hub, t *tree, download Delivery) *daemon {
	if download.Mode != BlobStoreInPlace {
		download.Mode = BlobStore
	}
	email := t.email
	d := &daemon{sim: sim, process: newProcess(network), tree: t, states: newFileStates(sim, email)}
	d.conn = &connection{sim: sim, hub: h, email: email}
	d.sender = &sender{sim: sim, email: email, process: d.process, tree: t, states: d.states, conn: d.conn}
	d.receiver = &receiver{
		sim: sim, email: email, process: d.process, tree: t, states: d.states, store: h.store, download: download,
	}
	d.syncer = &syncer{
		sim: sim, email: email, process: d.process, tree: t, states: d.states, conn: d.conn, hub: h, receiver: d.receiver,
	}
	d.watch = newWatch(sim, t, d.sender.modified)
	d.conn.receive = d.receiver.receive
	h.addConnection(d.conn)
	return d
}

// start starts the client. Its goroutines end with its session: at stop, or when the
// network is closed. The caller holds box.life.
func (d *daemon) start() error {
	d.states.reset()
	d.conn.reset()
	d.sender.reset()
	d.syncer.hashed = nil
	s := d.process.begin()

	var err error
	done := make(chan struct{})
	s.spawn(func() {
		defer close(done)
		err = d.begin(s)
	})
	d.sim.clock.await(done)
	if err != nil {
		err = errors.Join(err, d.stop())
	}
	return err
}

// begin runs the first full sync, and then starts the watch, the connection and the loop
// of full syncs.
func (d *daemon) begin(s *session) error {
	if err := d.tree.removeLegacyMarkers(); err != nil {
		return err
	}
	err := d.syncer.fullSync()
	d.syncer.cycles.Add(1)
	if err != nil {
		return fmt.Errorf("first full sync: %w", err)
	}
	if err := d.watch.start(s); err != nil {
		return err
	}
	if err := d.conn.connect(s); err != nil {
		return err
	}
	s.spawn(d.syncer.loop)
	return nil
}

// stop stops the client if it is running. The caller holds box.life.
func (d *daemon) stop() error {
	s := d.process.current()
	if s == nil {
		return nil
	}
	s.stop()
	err := d.watch.close()
	// Until its work has ended, the process has a session: writes in progress find that
	// they are interrupted.
	s.end()
	d.conn.close()
	d.process.end()
	return err
}
