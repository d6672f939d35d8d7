package lease

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// endedProcess returns what identifies a process that has ended.
func endedProcess(t *testing.T) string {
	t.Helper()
	fields := strings.Fields(process())
	if len(fields) == 0 {
		t.Skip("/proc does not show this process")
	}
	fields[len(fields)-1] = "1" // another one with its number
	return strings.Join(fields, " ")
}

func TestEndedProcessIsNoticedBeforeTimeout(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		a := holder(t, d)
		o := NewObserver(d, testTimeout, "self")
		look(t, o)
		pass(t, 3, o, a)
		a.beat.Process = endedProcess(t)
		renew(t, a)
		pass(t, 2, o)
		if o.Alive(a.Current().Name) {
			t.Error("alive two seconds after its process has ended")
		}
	})
}

// The clone of a virtual machine has the same boot id and other processes.
func TestHeartbeatOutweighsMissingProcess(t *testing.T) {
	d := newDir(t)
	synctest.Test(t, func(t *testing.T) {
		a := NewHolder(d, testTimeout, nil)
		a.beat.Process = endedProcess(t)
		renew(t, a)
		o := NewObserver(d, testTimeout, "self")
		look(t, o)
		for range 30 {
			if !o.Alive(a.Current().Name) {
				t.Fatal("dead although it renews its lease")
			}
			pass(t, 1, o, a)
		}
		time.Sleep(500 * time.Millisecond) // the next renewal is late
		pass(t, 3, o)
		if !o.Alive(a.Current().Name) {
			t.Error("dead before the timeout")
		}
		pass(t, 8, o)
		if o.Alive(a.Current().Name) {
			t.Error("alive after the timeout")
		}
	})
}
