package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

var pathExperiments = []Experiment{
	{
		Name: "one-call",
		Want: "a request and a response go by the fast path if their directory is at least a second old",
		run:  oneCall,
	},
	{
		Name: "new-folder",
		Want: "5 requests written at once into new directories arrive within two cycles, some by the fast path and some not",
		run:  newFolder,
	},
	{
		Name: "rename",
		Want: "a renamed request goes by full synchronization; with a nudge it goes by the fast path",
		run:  renamed,
	},
	{
		Name: "rewrite",
		Want: "rewriting the same content after a cycle sends nothing; new content goes by the fast path",
		run:  rewrite,
	},
	{
		Name: "size-small",
		Want: "files of 100 B, 1 MB, 2 MB and 3.0 MB go by the fast path",
		run: sizes(Fast, []sizeOf{
			{"100 B", 100}, {"1 MB", 1_000_000}, {"2 MB", 2_000_000}, {"3.0 MB", 3_000_000},
		}),
		Isolation: Own,
	},
	{
		Name:      "size-large",
		Want:      "files of 4.2 MB and 8 MB (more than 4 MiB) go by full synchronization",
		run:       sizes(FullSync, []sizeOf{{"4.2 MB", 4_200_000}, {"8 MB", 8_000_000}}),
		Isolation: Own,
	},
	{
		Name:      "size-dead-zone",
		Want:      "a file of 3.2 MB never arrives after a modify event, and alice loses it; the next small file arrives",
		Isolation: Own,
		run:       deadZone,
	},
}

func oneCall(ctx context.Context, t *trial) error {
	request, response := t.rpc("hello/"+Alice+"/1.request"), t.rpc("hello/"+Alice+"/1.response")
	if err := t.watched(ctx, Alice, t.rpc("hello/"+Alice)); err != nil {
		return err
	}
	began := time.Now()
	if err := t.write(Alice, request, body(200, "request")); err != nil {
		return err
	}
	there, err := t.arrivesBy(ctx, Fast, Bob, request, body(200, "request"), began)
	if err != nil {
		return err
	}
	// Let bob's SyftBox watch the new directory.
	if err := t.calm(ctx, Bob); err != nil {
		return err
	}
	began = time.Now()
	if err := t.write(Bob, response, body(200, "response")); err != nil {
		return err
	}
	back, err := t.arrivesBy(ctx, Fast, Alice, response, body(200, "response"), began)
	t.saw("request %s, response %s", seconds(there), seconds(back))
	return err
}

func newFolder(ctx context.Context, t *trial) error {
	const count = 5
	full := 0
	began := time.Now()
	for n := range count {
		if err := t.write(Alice, t.rpc(fmt.Sprintf("new%d/%s/1.request", n, Alice)), body(200, fmt.Sprint(n))); err != nil {
			return err
		}
	}
	for n := range count {
		s, err := t.arrives(ctx, Bob, t.rpc(fmt.Sprintf("new%d/%s/1.request", n, Alice)), body(200, fmt.Sprint(n)))
		if err != nil {
			return err
		}
		if s.Way() == FullSync {
			full++
		}
	}
	t.saw("%d of %d by the full synchronization, the last after %s", full, count, seconds(time.Since(began)))
	return nil
}

func renamed(ctx context.Context, t *trial) error {
	dir := t.rpc("hello/" + Alice)
	if err := t.watched(ctx, Alice, dir); err != nil {
		return err
	}
	began := time.Now()
	if err := t.rename(Alice, dir+"/renamed.request", body(200, "renamed")); err != nil {
		return err
	}
	if err := t.rename(Alice, dir+"/nudged.request", body(200, "nudged")); err != nil {
		return err
	}
	if err := t.nudge(Alice, dir+"/nudged.request"); err != nil {
		return err
	}
	nudged, err := t.arrivesBy(ctx, Fast, Bob, dir+"/nudged.request", body(200, "nudged"), began)
	if err != nil {
		return err
	}
	plain, err := t.arrivesBy(ctx, FullSync, Bob, dir+"/renamed.request", body(200, "renamed"), began)
	t.saw("nudged %s, renamed %s", seconds(nudged), seconds(plain))
	return err
}

func rewrite(ctx context.Context, t *trial) error {
	dir := t.rpc("hello/" + Alice)
	key := dir + "/1.request"
	if err := t.watched(ctx, Alice, dir); err != nil {
		return err
	}
	if err := t.write(Alice, key, body(200, "first")); err != nil {
		return err
	}
	if _, err := t.arrives(ctx, Bob, key, body(200, "first")); err != nil {
		return err
	}
	if err := t.cycles(ctx, 1); err != nil {
		return err
	}
	before, err := os.Stat(t.path(Bob, key))
	if err != nil {
		return failf("bob has lost the request: %v", err)
	}
	if err := t.write(Alice, key, body(200, "first")); err != nil {
		return err
	}
	if err := t.cycles(ctx, 1); err != nil {
		return err
	}
	after, err := os.Stat(t.path(Bob, key))
	if err != nil {
		return failf("bob has lost the request: %v", err)
	}
	if !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		return failf("the same content was sent again")
	}
	if err := t.calm(ctx, Alice); err != nil {
		return err
	}
	began := time.Now()
	if err := t.write(Alice, key, body(300, "second")); err != nil {
		return err
	}
	err = await(ctx, patience, func() bool {
		s, ok := t.observer.Has(Bob, key)
		return ok && s.Size == 300
	})
	if errors.Is(err, errTimeout) {
		return failf("new content did not arrive")
	}
	if err != nil {
		return err
	}
	took, err := t.arrivesBy(ctx, Fast, Bob, key, body(300, "second"), began)
	t.saw("not sent again; new content %s", seconds(took))
	return err
}

// A sizeOf is a file size and its name.
type sizeOf struct {
	name  string
	bytes int
}

func sizes(way Way, sizes []sizeOf) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		dir := t.rpc("size/" + Alice)
		if err := t.mkdir(Alice, dir); err != nil {
			return err
		}
		for n, size := range sizes {
			key := fmt.Sprintf("%s/%d.request", dir, n)
			if err := t.calm(ctx, Alice); err != nil {
				return err
			}
			began := time.Now()
			if err := t.write(Alice, key, body(size.bytes, size.name)); err != nil {
				return err
			}
			took, err := t.arrivesBy(ctx, way, Bob, key, body(size.bytes, size.name), began)
			if err != nil {
				return fmt.Errorf("%s: %w", size.name, err)
			}
			t.saw("%s %s", size.name, seconds(took))
		}
		return nil
	}
}

func deadZone(ctx context.Context, t *trial) error {
	dir := t.rpc("size/" + Alice)
	if err := t.watched(ctx, Alice, dir); err != nil {
		return err
	}
	lost, next := dir+"/lost.request", dir+"/next.request"
	began := time.Now()
	if err := t.write(Alice, lost, body(3_200_000, "lost")); err != nil {
		return err
	}
	// The observer must see the file before it is gone.
	if _, err := t.arrives(ctx, Alice, lost, nil); err != nil {
		return err
	}
	if err := t.gone(ctx, Alice, lost); err != nil {
		return err
	}
	t.saw("deleted at alice's after %s", seconds(time.Since(began)))
	if err := t.lacks(Bob, lost); err != nil {
		return err
	}
	if err := t.write(Alice, next, body(200, "next")); err != nil {
		return err
	}
	s, err := t.arrives(ctx, Bob, next, body(200, "next"))
	if err == nil {
		t.saw("the next file by the %s", s.Way())
	}
	return err
}
