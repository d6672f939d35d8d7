package fakebox

import (
	"fmt"
	"math"
)

// Replicas returns the replicas of all people who have joined, sorted by address.
func (b *Box) Replicas() []*Replica { return b.members() }

// Online reports whether the machine is connected to the network, see
// [Replica.SetOnline].
func (r *Replica) Online() bool {
	c := r.daemon.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.offline
}

// Running reports whether the client runs, see [Replica.Stop].
func (r *Replica) Running() bool { return r.daemon.process.running() }

// ServerRunning reports whether SyftBox's server runs, see [Box.StopServer].
func (b *Box) ServerRunning() bool { return !b.hub.down() }

// May reports whether SyftBox's server allows a user to read, or write, a file. The path
// is relative to "datasites", such as [Event.Path].
func (b *Box) May(user, key string, write bool) bool { return b.hub.store.may(user, key, write) }

// Stored returns a file in the store of SyftBox's server. The caller must not change it.
func (b *Box) Stored(key string) (data []byte, ok bool) {
	o, ok := b.hub.store.get(key)
	return o.data, ok
}

// StoredFiles returns the hash of each file in the store of SyftBox's server, see
// [Event.Etag].
func (b *Box) StoredFiles() map[string]string {
	s := b.hub.store
	s.mu.Lock()
	defer s.mu.Unlock()
	etags := make(map[string]string, len(s.objects))
	for key, o := range s.objects {
		etags[key] = o.etag
	}
	return etags
}

// A FaultSetting is the current setting of a fault.
type FaultSetting struct {
	Fault Fault
	// Next is the number of files that [Box.FailNext] will still strike.
	Next int
	// Rate is the probability that [Box.SetFaultRate] has set.
	Rate float64
}

// FaultSettings returns the setting of each fault, in the order of [Faults].
func (b *Box) FaultSettings() []FaultSetting {
	c := b.sim.chance
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []FaultSetting
	for _, info := range faults {
		next := 0
		for t, n := range c.failing {
			if t.fault == info.Fault {
				next += n
			}
		}
		all = append(all, FaultSetting{info.Fault, next, c.rates[info.Fault]})
	}
	return all
}

// FaultRate returns the probability of a random fault: [Config.FaultRate], unless
// [Box.SetFaultRate] or [Box.Heal] has changed it.
func (b *Box) FaultRate() float64 {
	c := b.sim.chance
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rate
}

// SetFaultRate sets the probability that a fault strikes a file that it can strike. With
// an empty fault it replaces [Config.FaultRate]. It returns an error if the fault is
// unknown or the rate is not between 0 and 1; an error fails the test passed to [New].
func (b *Box) SetFaultRate(fault Fault, rate float64) error {
	return b.failed(b.sim.chance.setRate(fault, rate))
}

// Speed returns [Config.Speed], or what [Box.SetSpeed] has set.
func (b *Box) Speed() float64 { return b.sim.currentSpeed() }

// SetSpeed changes [Config.Speed] for everything that begins from now on. The model of
// the server's queue keeps its durations until the client is restarted. It returns an
// error if the speed is not positive; an error fails the test passed to [New].
func (b *Box) SetSpeed(speed float64) error {
	if !(speed > 0) || math.IsInf(speed, 0) {
		return b.failed(fmt.Errorf("fakebox: speed %v is not positive", speed))
	}
	b.sim.setSpeed(speed)
	return nil
}

// setRate sets the rate of one fault or, with an empty fault, of all faults.
func (c *chance) setRate(fault Fault, rate float64) error {
	if !(rate >= 0 && rate <= 1) {
		return fmt.Errorf("fakebox: fault rate %v is not between 0 and 1", rate)
	}
	if fault != "" {
		if _, err := ParseFault(string(fault)); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if fault == "" {
		c.rate = rate
	} else {
		c.rates[fault] = rate
	}
	return nil
}
