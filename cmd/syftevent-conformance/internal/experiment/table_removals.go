package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

var removalExperiments = []Experiment{
	{
		Name: "removal-sender",
		Want: "a request that alice removes is gone at bob's within two cycles and does not return",
		run:  removal(Alice, Bob),
	},
	{
		Name: "removal-receiver",
		Want: "a request that bob removes is gone at alice's within two cycles and does not return",
		run:  removal(Bob, Alice),
	},
	{
		Name: "pruned",
		Want: "directories emptied by a removal are pruned on the other side only; a .syftkeep keeps its directory",
		run:  pruned,
	},
	{
		Name:      "removal-order",
		Want:      "of 40 pairs that alice removes at once, bob loses the response first for some and the request first for others",
		Isolation: Own,
		run:       removalOrder,
	},
	{
		Name:      "dead-watch",
		Want:      "in a directory that was pruned once, responses go by full synchronization until SyftBox restarts; with a .syftkeep they go by the fast path",
		Isolation: Own,
		run:       deadWatch,
	},
	{
		Name:      "vanish",
		Want:      "with the view delayed by 400 ms, some requests vanish at bob's and return by full synchronization; none is lost except at most 1 in 50 that alice's SyftBox marks as conflicts during their upload",
		Isolation: Own,
		run:       vanish,
	},
	{
		Name:      "come-back",
		Want:      "with the view delayed by 400 ms, of pairs removed as soon as they are complete, at most 1 in 4 files is left on either side after 8 cycles",
		Isolation: Own,
		run:       comeBack,
	},
}

// removal lets a person remove a request that has arrived at bob's.
func removal(remover, other string) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		dir := t.rpc("hello/" + Alice)
		key, stays := dir+"/1.request", dir+"/2.request"
		if err := t.watched(ctx, Alice, dir); err != nil {
			return err
		}
		for _, k := range []string{key, stays} {
			if err := t.write(Alice, k, body(200, k)); err != nil {
				return err
			}
			if _, err := t.arrives(ctx, Bob, k, body(200, k)); err != nil {
				return err
			}
		}
		if err := t.cycles(ctx, 1); err != nil { // both journals have it
			return err
		}
		if err := t.remove(remover, key); err != nil {
			return err
		}
		began := time.Now()
		if err := t.gone(ctx, other, key); err != nil {
			return err
		}
		t.saw("gone after %s", seconds(time.Since(began)))
		if err := t.cycles(ctx, 1); err != nil {
			return err
		}
		for _, who := range []string{Alice, Bob} {
			if _, ok := t.observer.Has(who, key); ok {
				return failf("%s has it again", who)
			}
			if err := t.has(who, stays); err != nil {
				return err
			}
		}
		return nil
	}
}

func pruned(ctx context.Context, t *trial) error {
	plain, kept := t.rpc("plain/"+Alice), t.rpc("kept/"+Alice)
	if err := t.watched(ctx, Alice, plain, kept); err != nil {
		return err
	}
	for _, dir := range []string{plain, kept} {
		if err := t.write(Alice, dir+"/1.request", body(200, dir)); err != nil {
			return err
		}
		if _, err := t.arrives(ctx, Bob, dir+"/1.request", body(200, dir)); err != nil {
			return err
		}
	}
	if err := os.WriteFile(t.path(Bob, kept+"/.syftkeep"), nil, 0o644); err != nil {
		return err
	}
	if err := t.cycles(ctx, 1); err != nil {
		return err
	}
	for _, dir := range []string{plain, kept} {
		if err := t.remove(Alice, dir+"/1.request"); err != nil {
			return err
		}
	}
	for _, key := range []string{kept + "/1.request", plain + "/1.request", plain, t.rpc("plain")} {
		if err := t.gone(ctx, Bob, key); err != nil {
			return err
		}
	}
	if err := t.cycles(ctx, 1); err != nil {
		return err
	}
	for who, dir := range map[string]string{Bob: kept, Alice: plain} {
		if err := t.has(who, dir); err != nil {
			return err
		}
	}
	t.saw("plain/alice and plain gone at bob's, kept/alice stays; both stay at alice's")
	return nil
}

// exchange sends a request and a response, and returns alice's sighting of the response.
func (t *trial) exchange(ctx context.Context, dir, id string) (Sighting, error) {
	request, response := dir+"/"+id+".request", dir+"/"+id+".response"
	if err := t.write(Alice, request, body(200, request)); err != nil {
		return Sighting{}, err
	}
	if _, err := t.arrives(ctx, Bob, request, body(200, request)); err != nil {
		return Sighting{}, err
	}
	if err := t.calm(ctx, Bob); err != nil {
		return Sighting{}, err
	}
	if err := t.write(Bob, response, body(200, response)); err != nil {
		return Sighting{}, err
	}
	return t.arrives(ctx, Alice, response, body(200, response))
}

// collect removes a pair at alice's, as a client does.
func (t *trial) collect(dir, id string) error {
	return errors.Join(t.remove(Alice, dir+"/"+id+".request"), t.remove(Alice, dir+"/"+id+".response"))
}

func deadWatch(ctx context.Context, t *trial) error {
	dead, kept := t.rpc("dead/"+Alice), t.rpc("kept/"+Alice)
	dirs := []string{dead, kept}
	if err := t.watched(ctx, Alice, dirs...); err != nil {
		return err
	}
	if err := t.watched(ctx, Bob, dirs...); err != nil {
		return err
	}
	if err := os.WriteFile(t.path(Bob, kept+"/.syftkeep"), nil, 0o644); err != nil {
		return err
	}
	for _, dir := range dirs {
		s, err := t.exchange(ctx, dir, "first")
		if err != nil {
			return err
		}
		if s.Way() != Fast {
			return failf("the first response in %s went by the %s", dir, s.Way())
		}
	}
	if err := t.cycles(ctx, 1); err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := t.collect(dir, "first"); err != nil {
			return err
		}
	}
	if err := t.gone(ctx, Bob, dead); err != nil {
		return err
	}
	if err := t.gone(ctx, Bob, kept+"/first.response"); err != nil {
		return err
	}
	after, err := t.exchange(ctx, dead, "second")
	if err != nil {
		return err
	}
	beside, err := t.exchange(ctx, kept, "second")
	if err != nil {
		return err
	}
	t.saw("after pruning: %s; beside .syftkeep: %s", after.Way(), beside.Way())
	if after.Way() != FullSync || beside.Way() != Fast {
		return failf("after pruning the response went by the %s, beside a .syftkeep by the %s", after.Way(), beside.Way())
	}
	if err := t.network.KillClient(Bob); err != nil {
		return err
	}
	if err := t.network.StartClient(ctx, Bob); err != nil {
		return err
	}
	cured, err := t.exchange(ctx, dead, "third")
	if err != nil {
		return err
	}
	t.saw("after the restart: %s", cured.Way())
	if cured.Way() != Fast {
		return failf("after the restart the response went by the %s", cured.Way())
	}
	return nil
}

const viewLatency = 400 * time.Millisecond

func vanish(ctx context.Context, t *trial) error {
	dir := t.rpc("hello/" + Alice)
	if err := t.watched(ctx, Alice, dir); err != nil {
		return err
	}
	if err := t.network.SetViewLatency(viewLatency); err != nil {
		return err
	}
	count := t.size(150, 400)
	key := func(n int) string { return fmt.Sprintf("%s/%03d.request", dir, n) }
	for n := range count {
		if err := t.write(Alice, key(n), body(200, key(n))); err != nil {
			return err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	if err := t.cycles(ctx, 2); err != nil {
		return err
	}
	vanished, first, lost, conflicts := 0, 0, 0, 0
	for n := range count {
		seen := t.observer.Of(Bob, key(n))
		if len(seen) > 0 && seen[0].Way() == Fast {
			first++
		}
		if len(seen) > 1 {
			vanished++
			if last := seen[len(seen)-1]; last.Way() != FullSync {
				return failf("request %d came back by the %s", n, last.Way())
			}
		}
		if len(seen) > 0 && seen[len(seen)-1].Present() {
			continue
		}
		if _, conflict := t.observer.Has(Alice, strings.TrimSuffix(key(n), ".request")+".conflict.request"); conflict {
			conflicts++
		} else {
			lost++
		}
	}
	t.saw("of %d, %d came by the fast path, %d vanished and came back, %d deleted after a conflict, %d lost", count, first, vanished, conflicts, lost)
	if vanished == 0 || lost > 0 || conflicts > count/50 {
		return failf("%d vanished, %d deleted after a conflict, %d lost", vanished, conflicts, lost)
	}
	return nil
}

func comeBack(ctx context.Context, t *trial) error {
	dir := t.rpc("hello/" + Alice)
	if err := t.watched(ctx, Alice, dir); err != nil {
		return err
	}
	if err := t.watched(ctx, Bob, dir); err != nil {
		return err
	}
	for _, who := range []string{Alice, Bob} {
		if err := os.WriteFile(t.path(who, dir+"/.syftkeep"), nil, 0o644); err != nil {
			return err
		}
	}
	if err := t.network.SetViewLatency(viewLatency); err != nil {
		return err
	}
	count := t.size(80, 200)
	pending := make(chan error, count)
	for n := range count {
		go func() {
			request, response := fmt.Sprintf("%s/%03d.request", dir, n), fmt.Sprintf("%s/%03d.response", dir, n)
			pending <- func() error {
				if err := t.write(Alice, request, body(200, request)); err != nil {
					return err
				}
				if _, err := t.arrives(ctx, Bob, request, nil); err != nil {
					return err
				}
				if err := t.write(Bob, response, body(200, response)); err != nil {
					return err
				}
				if _, err := t.arrives(ctx, Alice, response, nil); err != nil {
					return err
				}
				return errors.Join(t.remove(Alice, request), t.remove(Alice, response))
			}()
		}()
		if err := sleep(ctx, 150*time.Millisecond); err != nil {
			return err
		}
	}
	unanswered := 0
	for range count {
		switch err := <-pending; {
		case judge(err) == Differs:
			unanswered++
		case err != nil:
			return err
		}
	}
	if err := t.cycles(ctx, 8); err != nil {
		return err
	}
	left := map[string]int{}
	for _, who := range []string{Alice, Bob} {
		for _, suffix := range []string{".request", ".response"} {
			left[who] += len(t.observer.Files(who, dir, suffix))
		}
	}
	t.saw("of %d pairs %d unanswered; files left: %d at alice's, %d at bob's", count, unanswered, left[Alice], left[Bob])
	if unanswered > count/10 || left[Alice] > count/4 || left[Bob] > count/4 {
		return failf("%d unanswered, %d and %d files left", unanswered, left[Alice], left[Bob])
	}
	return nil
}
