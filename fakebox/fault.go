package fakebox

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// A Fault is one way in which a file's journey goes wrong. Each is something that
// the real SyftBox was seen to do, or that a machine beside it does.
type Fault string

// The faults. [Faults] says what each does.
const (
	BurstLoss Fault = "burst-loss"
	DeadZone  Fault = "dead-zone"
	Late      Fault = "late"
	Reorder   Fault = "reorder"
	Vanish    Fault = "vanish"
	Repush    Fault = "repush"
	Torn      Fault = "torn"
	Truncated Fault = "truncated"
	Duplicate Fault = "duplicate"
	Answered  Fault = "answered"
	Conflict  Fault = "conflict"
	Future    Fault = "future"
	Coarse    Fault = "coarse"
	Skew      Fault = "skew"
	Offline   Fault = "offline"
)

// A point is where on a file's way a fault can strike.
type point string

const (
	atCompose point = "compose" // a request is made by Send or the gateway
	atNotice  point = "notice"  // a box sees that a file was modified
	atSend    point = "send"    // a box sends by the fast path
	atArrival point = "arrival" // a file is put into a replica
	atCycle   point = "cycle"   // a full synchronisation begins
)

// A FaultInfo is one line of the table of faults.
type FaultInfo struct {
	Fault Fault
	// What it does, as a sentence.
	What string
	// Requirement is the id in SPEC.md that obliges an implementation to survive it.
	Requirement string

	point    point
	requests bool // it strikes requests only
}

var faults = []FaultInfo{
	{BurstLoss, "The server's queue is full: the message is lost, and the next full synchronisation deletes the writer's own file.", "publish-again", atSend, false},
	{DeadZone, "The message is too large: it is lost, the writer's file is deleted, and the connection is down for a second.", "publish-again", atSend, false},
	{Late, "The modification is not noticed: the file comes with a full synchronisation, 5 to 10 seconds late.", "detect-blobstore", atNotice, false},
	{Reorder, "The message is held back for up to a second: later ones overtake it.", "detect-websocket", atSend, false},
	{Vanish, "The file is deleted a quarter of a second after it came, and comes back with the next full synchronisation.", "proc-once", atArrival, false},
	{Repush, "The same bytes are pushed again: another file under the same name.", "proc-once", atArrival, false},
	{Torn, "The file is written in its place, in three pieces with pauses.", "read-whole", atArrival, false},
	{Truncated, "The file is written in its place up to the half, and stays so.", "read-settle", atArrival, true},
	{Duplicate, "The file comes by the fast path and by a full synchronisation.", "proc-once", atArrival, false},
	{Answered, "A response that somebody else has written stands there before the request.", "proc-once", atArrival, true},
	{Conflict, "The file is renamed to its conflict marker, and comes back a cycle later.", "detect-markers", atArrival, false},
	{Future, "The file's time is an hour in the future.", "detect-websocket", atArrival, false},
	{Coarse, "The file's time is a multiple of two seconds.", "detect-websocket", atArrival, false},
	{Skew, "The sender's clock is 25 hours slow: the request has expired before it was sent.", "proc-expired", atCompose, true},
	{Offline, "The box is not connected for one cycle.", "detect-waiting", atCycle, false},
}

// Faults returns the table of faults.
func Faults() []FaultInfo { return append([]FaultInfo(nil), faults...) }

// ParseFault returns the fault of a name. The error lists them all.
func ParseFault(name string) (Fault, error) {
	var names []string
	for _, info := range faults {
		if string(info.Fault) == name {
			return info.Fault, nil
		}
		names = append(names, string(info.Fault))
	}
	return "", fmt.Errorf("fakebox: no fault %q: there are %s", name, strings.Join(names, ", "))
}

// FailNext lets a fault strike the next n files that it can strike, or, for
// [Offline], the next n cycles of any replica. It adds to what was asked for
// before; a fault that does not exist, or an n below 1, is an error.
func (b *Box) FailNext(fault Fault, n int) error {
	return b.failed(b.failNext(fault, n))
}

func (b *Box) failNext(fault Fault, n int) error {
	if _, err := ParseFault(string(fault)); err != nil {
		return err
	}
	if n < 1 {
		return fmt.Errorf("fakebox: fault %s for the next %d files: want 1 or more", fault, n)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failing[fault] += n
	return nil
}

// Heal ends all faults but those that cannot be undone: nothing fails from now on,
// and every replica is online. What is to come back comes with the next cycles.
func (b *Box) Heal() {
	b.mu.Lock()
	b.failing = map[Fault]int{}
	b.healed = true
	b.mu.Unlock()
	for _, r := range b.members() {
		r.SetOnline(true)
	}
}

// decide returns the fault that strikes a file at a point, or "".
func (b *Box) decide(at point, name string) Fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, info := range faults {
		if b.failing[info.Fault] > 0 && info.strikes(at, name) {
			b.failing[info.Fault]--
			return info.Fault
		}
	}
	if b.healed || b.config.FaultRate <= 0 {
		return ""
	}
	key := string(at) + " " + name
	b.decisions[key]++
	return decision(b.config.Seed, b.config.FaultRate, at, name, b.decisions[key])
}

func (i FaultInfo) strikes(at point, name string) bool {
	return i.point == at && (at == atCycle || isMessage(name)) && (!i.requests || strings.HasSuffix(name, ".request"))
}

// decision decides, by nothing but its arguments, which fault strikes the file the
// count-th time that it comes to the point. A seed has a subset of the faults,
// each with a weight: what all faults together hide, some of them show ("swarm
// testing", as TigerBeetle and FoundationDB do).
func decision(seed uint64, rate float64, at point, name string, count int) Fault {
	if h := hash(seed, string(at), name, count); float64(h>>11)/(1<<53) >= rate {
		return ""
	}
	total := uint64(0)
	var candidates []FaultInfo
	for _, info := range faults {
		if w := weight(seed, info.Fault); w > 0 && info.strikes(at, name) {
			candidates = append(candidates, info)
			total += w
		}
	}
	if total == 0 {
		return ""
	}
	draw := hash(seed, string(at), name, count, "which") % total
	for _, info := range candidates {
		w := weight(seed, info.Fault)
		if draw < w {
			return info.Fault
		}
		draw -= w
	}
	return "" // never: draw is below the sum
}

// weight returns how likely a fault is under a seed, compared with the others; 0
// for the third of them that it does not have.
func weight(seed uint64, fault Fault) uint64 {
	h := hash(seed, "weight", string(fault))
	if h%3 == 0 {
		return 0
	}
	return 1 + h>>8%8
}

// hash is the source of all that is left to chance.
func hash(seed uint64, parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d", seed)
	for _, part := range parts {
		fmt.Fprintf(h, "\x00%v", part)
	}
	// FNV's high bits are poor for short input: one round of mixing, that of
	// MurmurHash3's end.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
