package fakebox_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/syftevent/syftevent-go/fakebox"
)

func TestTimeline(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	event := func(ms int, actor string, op fakebox.Op, suffix, via string) fakebox.Event {
		return fakebox.Event{
			Time: at.Add(time.Duration(ms) * time.Millisecond), Actor: actor, Op: op, Via: via,
			Path: folder + "/5f5b153c-d742-4027-8091-555b41a8795d" + suffix,
		}
	}
	got := fakebox.Timeline([]fakebox.Event{
		event(0, "alice@example.com/app", fakebox.OpWrite, ".request", ""),
		event(50, aliceBox, fakebox.OpSend, ".request", fakebox.ViaFast),
		event(53, bobBox, fakebox.OpArrive, ".request", fakebox.ViaFast),
		event(54, "carol@example.com/box", fakebox.OpArrive, ".request", fakebox.ViaFast),
		event(60, "bob@example.com/app", fakebox.OpWrite, ".response", ""),
		event(61, fakebox.Hub, fakebox.OpLose, ".response", ""),
	}, "alice@example.com", "bob@example.com")
	want := `in bob@example.com/app_data/echo/rpc/hello/alice@example.com/
          alice@example.com       | alice@example.com's box         | bob@example.com's box             | bob@example.com
   0.000  write 5f5b153c….request |                                 |                                   |
   0.050                          | send via fast 5f5b153c….request |                                   |
   0.053                          |                                 | arrive via fast 5f5b153c….request |
   0.060                          |                                 |                                   | write 5f5b153c….response
   0.061                          | hub: lose 5f5b153c….response    |                                   |
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
