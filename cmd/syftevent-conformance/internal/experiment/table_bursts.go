package experiment

import (
	"context"
	"fmt"
	"time"
)

var burstExperiments = []Experiment{
	{
		Name: "burst-12", Isolation: Exclusive,
		Want: "of 12 requests written at once, at most 4 are lost; alice loses those too",
		run:  burst(12, 0, 0, 4),
	},
	{
		Name: "burst-40", Isolation: Exclusive,
		Want: "of 40 requests written at once, at most 30 are lost; alice loses those too",
		run:  burst(40, 0, 0, 30),
	},
	{
		Name: "burst-100", Isolation: Exclusive,
		Want: "of 100 requests written at once, 1 to 80 are lost; alice loses those too",
		run:  burst(100, 0, 1, 80),
	},
	{
		Name: "burst-paced", Isolation: Exclusive,
		Want: "of 100 requests written 5 ms apart, at most 10 are lost",
		run:  burst(100, 5*time.Millisecond, 0, 10),
	},
}

// burst writes requests and counts those that SyftBox loses. The number depends on chance
// and must be between minLost and maxLost.
func burst(count int, pause time.Duration, minLost, maxLost int) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		dir := t.rpc("hello/" + Alice)
		if err := t.watched(ctx, Alice, dir); err != nil {
			return err
		}
		key := func(n int) string { return fmt.Sprintf("%s/%03d.request", dir, n) }
		for n := range count {
			if err := t.write(Alice, key(n), body(200, key(n))); err != nil {
				return err
			}
			if pause > 0 {
				if err := sleep(ctx, pause); err != nil {
					return err
				}
			}
		}
		// Wait until the queues are empty and alice's journal is written.
		if err := sleep(ctx, 4*time.Second); err != nil {
			return err
		}
		t.release()
		if err := t.cycles(ctx, 2); err != nil {
			return err
		}
		fast, full, lost := 0, 0, 0
		for n := range count {
			seen := t.observer.Of(Bob, key(n))
			if len(seen) == 0 {
				lost++
				if s, ok := t.observer.Has(Alice, key(n)); ok {
					return failf("request %d never arrived, but alice still has it after %s", n, seconds(time.Since(s.From)))
				}
				continue
			}
			if seen[0].Way() == Fast {
				fast++
			} else {
				full++
			}
		}
		t.saw("%d by the fast path, %d by the full synchronization, %d lost", fast, full, lost)
		if lost < minLost || lost > maxLost {
			return failf("%d of %d lost", lost, count)
		}
		return nil
	}
}
