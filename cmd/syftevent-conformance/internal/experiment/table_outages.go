package experiment

import (
	"context"
	"fmt"
	"time"
)

var outageExperiments = []Experiment{
	{
		Name:      "client-killed",
		Want:      "requests sent while bob's client is down arrive by full synchronization after its restart; earlier ones are not written again",
		Isolation: Own,
		run:       clientKilled,
	},
	{
		Name:      "server-killed",
		Want:      "requests sent while the server is down arrive by full synchronization after its restart; later ones arrive by the fast path",
		Isolation: Own,
		run:       serverKilled,
	},
	{
		Name:      "both-killed",
		Want:      "of 100 requests sent while bob's client and the server are killed and restarted, each ends up on both sides or on neither; at most 40 are lost",
		Isolation: Own,
		run:       bothKilled,
	},
}

// outageCount is how many requests are sent during an outage.
const outageCount = 5

func clientKilled(ctx context.Context, t *trial) error {
	dir := t.rpc("hello/" + Alice)
	if err := t.watched(ctx, Alice, dir); err != nil {
		return err
	}
	if err := t.write(Alice, dir+"/before.request", body(200, "before")); err != nil {
		return err
	}
	if _, err := t.arrives(ctx, Bob, dir+"/before.request", body(200, "before")); err != nil {
		return err
	}
	if err := t.cycles(ctx, 1); err != nil {
		return err
	}
	if err := t.network.KillClient(Bob); err != nil {
		return err
	}
	for n := range outageCount {
		if err := t.write(Alice, fmt.Sprintf("%s/%d.request", dir, n), body(200, fmt.Sprint(n))); err != nil {
			return err
		}
	}
	if err := awaitCycles(ctx, t.network, 1, Alice); err != nil {
		return err
	}
	for n := range outageCount {
		if err := t.lacks(Bob, fmt.Sprintf("%s/%d.request", dir, n)); err != nil {
			return err
		}
	}
	began := time.Now()
	if err := t.network.StartClient(ctx, Bob); err != nil {
		return err
	}
	for n := range outageCount {
		if _, err := t.arrivesBy(ctx, FullSync, Bob, fmt.Sprintf("%s/%d.request", dir, n), body(200, fmt.Sprint(n)), began); err != nil {
			return err
		}
	}
	t.saw("all %s after the restart", seconds(time.Since(began)))
	if seen := t.observer.Of(Bob, dir+"/before.request"); len(seen) != 1 || !seen[0].Present() {
		return failf("bob's earlier request was written again: %v", seen)
	}
	return nil
}

func serverKilled(ctx context.Context, t *trial) error {
	dir := t.rpc("hello/" + Alice)
	if err := t.watched(ctx, Alice, dir); err != nil {
		return err
	}
	if err := t.network.KillServer(); err != nil {
		return err
	}
	// Let the clients notice.
	if err := sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	for n := range outageCount {
		if err := t.write(Alice, fmt.Sprintf("%s/%d.request", dir, n), body(200, fmt.Sprint(n))); err != nil {
			return err
		}
	}
	if err := sleep(ctx, time.Duration(t.size(8, 20))*time.Second); err != nil {
		return err
	}
	began := time.Now()
	if err := t.network.StartServer(ctx); err != nil {
		return err
	}
	for n := range outageCount {
		if _, err := t.arrivesBy(ctx, FullSync, Bob, fmt.Sprintf("%s/%d.request", dir, n), body(200, fmt.Sprint(n)), began); err != nil {
			return err
		}
	}
	t.saw("all %s after the restart", seconds(time.Since(began)))
	// The clients reconnect within a few cycles.
	var way Way
	for n := range 6 {
		key := fmt.Sprintf("%s/after%d.request", dir, n)
		began := time.Now()
		if err := t.write(Alice, key, body(200, key)); err != nil {
			return err
		}
		s, err := t.arrives(ctx, Bob, key, body(200, key))
		if err != nil {
			return err
		}
		if way = s.Way(); way == Fast {
			t.saw("request %d after it by the fast path, %s", n+1, seconds(s.From.Sub(began)))
			return nil
		}
	}
	return failf("six requests after the restart went by the %s", way)
}

func bothKilled(ctx context.Context, t *trial) error {
	dir := t.rpc("hello/" + Alice)
	if err := t.watched(ctx, Alice, dir); err != nil {
		return err
	}
	const count = 100
	key := func(n int) string { return fmt.Sprintf("%s/%03d.request", dir, n) }
	for n := range count {
		var err error
		switch n {
		case 30:
			err = t.network.KillClient(Bob)
		case 50:
			err = t.network.KillServer()
		case 60:
			err = t.network.StartServer(ctx)
		case 70:
			err = t.network.StartClient(ctx, Bob)
		}
		if err != nil {
			return err
		}
		if err := t.write(Alice, key(n), body(200, key(n))); err != nil {
			return err
		}
		if err := sleep(ctx, 30*time.Millisecond); err != nil {
			return err
		}
	}
	if err := t.cycles(ctx, 3); err != nil {
		return err
	}
	arrived, lost := 0, 0
	for n := range count {
		_, atAlice := t.observer.Has(Alice, key(n))
		_, atBob := t.observer.Has(Bob, key(n))
		switch {
		case atAlice && atBob:
			arrived++
		case !atAlice && !atBob:
			lost++
		default:
			return failf("request %d: at alice's %t, at bob's %t", n, atAlice, atBob)
		}
	}
	t.saw("%d arrived, %d lost on both sides", arrived, lost)
	if lost > 40 {
		return failf("%d of %d lost", lost, count)
	}
	return nil
}
