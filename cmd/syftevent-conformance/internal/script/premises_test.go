package script

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

func TestPremisesRecordFirstViolation(t *testing.T) {
	p := newPremises()
	p.within(time.Second, time.Second, "one")
	if p.broken != "" {
		t.Errorf("broken: %s", p.broken)
	}
	p.within(time.Second, 2*time.Second, "request %q", "a")
	p.within(time.Second, 3*time.Second, "request %q", "b")
	if want := `request "a" took 2s, more than 1s`; p.broken != want {
		t.Errorf("broken: %s, want %s", p.broken, want)
	}
}

func TestPremisesMeasureBetweenPieces(t *testing.T) {
	p := newPremises()
	long := time.Now().Add(-time.Hour)
	p.piece("whole", long, time.Second)
	p.piece("whole", long, time.Second)
	if p.broken != "" {
		t.Errorf("a request that was sent whole: %s", p.broken)
	}
	p.pieces["half"] = time.Now()
	p.piece("half", long, time.Minute)
	if p.broken != "" {
		t.Errorf("a piece at once: %s", p.broken)
	}
	p.piece("half", time.Now(), time.Minute)
	if p.broken == "" {
		t.Error("a piece after an hour is not too late")
	}
}

func TestPremisesMeasureSinceThePiece(t *testing.T) {
	p := newPremises()
	p.waiting("whole", time.Second)
	p.pieces["half"] = time.Now()
	p.waiting("half", time.Minute)
	if p.broken != "" {
		t.Errorf("a piece a moment ago: %s", p.broken)
	}
	p.pieces["half"] = time.Now().Add(-time.Hour)
	p.waiting("half", time.Minute)
	if p.broken == "" {
		t.Error("a piece an hour ago is not too late")
	}
}

func TestSendArguments(t *testing.T) {
	name, flags := sendArguments([]string{"-first", "60", "-via", "websocket", "paused", "echo", "-body"})
	if diff := cmp.Diff(map[string]string{"first": "60", "via": "websocket"}, flags); name != "paused" || diff != "" {
		t.Errorf("name %q, flags (-want +got):\n%s", name, diff)
	}
	if name, flags := sendArguments(nil); name != "" || len(flags) > 0 {
		t.Errorf("name %q, flags %v", name, flags)
	}
}

func TestHandlerTimeFromBody(t *testing.T) {
	for _, test := range []struct {
		folder, data string
		want         time.Duration
	}{
		{"app_data/conformance/rpc/slow/c@x.org", `{"body":"eyJtcyI6MTIwMH0="}`, 1200 * time.Millisecond}, // {"ms":1200}
		{"app_data/conformance/rpc/echo/c@x.org", `{"body":"eyJtcyI6MTIwMH0="}`, 0},
		{"app_data/conformance/rpc/slow/c@x.org", `{"body":null}`, 0},
		{"app_data/conformance/rpc/slow/c@x.org", `[]`, 0},
	} {
		if got := handlerTime(&boxscript.Call{Folder: test.folder, Data: []byte(test.data)}); got != test.want {
			t.Errorf("%s %s: %v, want %v", test.folder, test.data, got, test.want)
		}
	}
}
