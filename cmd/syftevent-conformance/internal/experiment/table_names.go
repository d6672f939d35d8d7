package experiment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"
)

var nameExperiments = []Experiment{
	{
		Name: "names-delivered",
		Want: "files whose names have spaces, Unicode, URL characters, a line break, leading dots or 230 bytes, or that lie 20 directories deep, arrive by the fast path",
		run:  namesDelivered,
	},
	{
		Name: "names-ignored",
		Want: "files in directories named logs, dist, venv, .git, __pycache__ or *.tmp, files named *.tmp, *.log, *.conflict.* or *.rejected.*, empty files and links never arrive, and alice keeps them",
		run:  namesIgnored,
	},
	{
		Name: "name-refused",
		Want: "a request with .. in its name arrives at bob's and is then deleted on both sides",
		run:  nameRefused,
	},
	{
		Name: "permissions",
		Want: "carol gets neither alice's request nor its response; files that she writes in alice's sender folder are renamed to .rejected and reach nobody",
		run:  permissionsHold,
	},
	{
		Name: "rejected",
		Want: "a request outside the sender folder and a file with another suffix are renamed to .rejected; an earlier marker gets a timestamp",
		run:  rejected,
	},
	{
		Name: "conflict",
		Want: "if both sides write a file at once, the later one becomes .conflict and the earlier one replaces it",
		run:  conflict,
	},
}

func namesDelivered(ctx context.Context, t *trial) error {
	dir := t.rpc("names/" + Alice)
	deep := t.rpc(strings.Repeat("deep/", 20) + Alice)
	keys := []string{deep + "/1.request"}
	for _, name := range []string{
		"with space", "h\u00e9llo \u4f60\u597d", "e\u0301 decomposed", "a+b%20c&d=e;f#g", "line\nbreak", ".hidden", "", strings.Repeat("n", 230-len(".request")),
	} {
		keys = append(keys, dir+"/"+name+".request")
	}
	if err := t.watched(ctx, Alice, dir, deep); err != nil {
		return err
	}
	for _, key := range keys {
		if err := t.write(Alice, key, body(200, key)); err != nil {
			return err
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	for _, key := range keys {
		s, err := t.arrives(ctx, Bob, key, body(200, key))
		if err != nil {
			return err
		}
		if s.Way() != Fast {
			name := path.Base(key)
			return failf("%.30q (%d bytes) went by the %s", name, len(name), s.Way())
		}
	}
	t.saw("%d of %d", len(keys), len(keys))
	return nil
}

func namesIgnored(ctx context.Context, t *trial) error {
	dir := t.rpc("names/" + Alice)
	var keys []string
	for _, part := range []string{"logs", "dist", "venv", ".git", "__pycache__", ".syftevent-workers.tmp"} {
		keys = append(keys, t.rpc(part+"/"+Alice+"/1.request"))
	}
	for _, name := range []string{"1.tmp", "1.log", "1.conflict.request", "1.rejected.request", "1.request.tmp"} {
		keys = append(keys, dir+"/"+name)
	}
	dirs := []string{dir}
	for _, key := range keys {
		dirs = append(dirs, path.Dir(key))
	}
	if err := t.watched(ctx, Alice, dirs...); err != nil {
		return err
	}
	for _, key := range keys {
		if err := t.write(Alice, key, body(200, key)); err != nil {
			return err
		}
	}
	canary, empty, link := dir+"/canary.request", dir+"/empty.request", dir+"/link.request"
	if err := t.write(Alice, empty, nil); err != nil {
		return err
	}
	if err := t.write(Alice, canary, body(200, canary)); err != nil {
		return err
	}
	for key, target := range map[string]string{
		link: "canary.request",
		// Like the claim of a worker.
		t.rpc(".syftevent-workers.tmp/" + Alice + "/1.request.1"): "worker/names/1.request",
	} {
		if err := os.Symlink(target, t.path(Alice, key)); err == nil {
			keys = append(keys, key)
		}
	}
	keys = append(keys, empty)
	if _, err := t.arrives(ctx, Bob, canary, body(200, canary)); err != nil {
		return err
	}
	if err := t.cycles(ctx, 2); err != nil {
		return err
	}
	for _, key := range keys {
		if err := t.lacks(Bob, key); err != nil {
			return err
		}
		if err := t.has(Alice, key); err != nil {
			return err
		}
	}
	t.saw("%d of %d stay", len(keys), len(keys))
	return nil
}

func nameRefused(ctx context.Context, t *trial) error {
	dir := t.rpc("names/" + Alice)
	key := dir + "/a..b.request"
	if err := t.watched(ctx, Alice, dir); err != nil {
		return err
	}
	began := time.Now()
	if err := t.write(Alice, key, body(200, key)); err != nil {
		return err
	}
	if _, err := t.arrivesBy(ctx, Fast, Bob, key, nil, began); err != nil {
		return err
	}
	for _, who := range []string{Bob, Alice} {
		if err := t.gone(ctx, who, key); err != nil {
			return err
		}
	}
	t.saw("gone after %s", seconds(time.Since(began)))
	return nil
}

func permissionsHold(ctx context.Context, t *trial) error {
	dir := t.rpc("hello/" + Alice)
	if err := errors.Join(t.watched(ctx, Alice, dir), t.watched(ctx, Carol, dir)); err != nil {
		return err
	}
	request, response := dir+"/1.request", dir+"/1.response"
	if err := t.write(Alice, request, body(200, request)); err != nil {
		return err
	}
	if _, err := t.arrives(ctx, Bob, request, body(200, request)); err != nil {
		return err
	}
	if err := t.write(Bob, response, body(200, response)); err != nil {
		return err
	}
	if _, err := t.arrives(ctx, Alice, response, body(200, response)); err != nil {
		return err
	}
	for _, forged := range []string{dir + "/forged.request", dir + "/1.response"} {
		if err := t.write(Carol, forged, body(100, forged)); err != nil {
			return err
		}
		ext := path.Ext(forged)
		if _, err := t.arrives(ctx, Carol, strings.TrimSuffix(forged, ext)+".rejected"+ext, body(100, forged)); err != nil {
			return err
		}
	}
	if err := awaitCycles(ctx, t.network, 2, people...); err != nil {
		return err
	}
	if err := t.lacks(Carol, request); err != nil {
		return err
	}
	// Carol's own file was renamed, so any file with this name came from elsewhere.
	if s, ok := t.observer.Has(Carol, response); ok {
		return failf("carol has the response, %d bytes", s.Size)
	}
	for _, who := range []string{Alice, Bob} {
		if err := t.lacks(who, dir+"/forged.request"); err != nil {
			return err
		}
		got, err := os.ReadFile(t.path(who, response))
		if err != nil || !bytes.Equal(got, body(200, response)) {
			return failf("%s has a different response: %v", who, err)
		}
	}
	t.saw("carol got nothing; 2 of 2 rejected")
	return nil
}

func rejected(ctx context.Context, t *trial) error {
	own, other := t.rpc("hello/"+Alice), t.rpc("hello/dave@example.com")
	if err := t.watched(ctx, Alice, own, other); err != nil {
		return err
	}
	request, marker := other+"/1.request", other+"/1.rejected.request"
	began := time.Now()
	if err := t.write(Alice, request, body(200, "first")); err != nil {
		return err
	}
	s, err := t.arrives(ctx, Alice, marker, body(200, "first"))
	if err != nil {
		return err
	}
	t.saw("request %s", seconds(s.From.Sub(began)))
	if err := t.gone(ctx, Alice, request); err != nil {
		return err
	}
	if err := sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	if err := t.write(Alice, request, body(300, "second")); err != nil {
		return err
	}
	note := own + "/note.txt"
	if err := t.write(Alice, note, body(200, "note")); err != nil {
		return err
	}
	if _, err := t.arrives(ctx, Alice, own+"/note.rejected.txt", body(200, "note")); err != nil {
		return err
	}
	var rotated []string
	err = await(ctx, patience, func() bool {
		rotated = rotated[:0]
		for _, key := range t.observer.Files(Alice, other+"/1.rejected.", ".request") {
			if key != marker {
				rotated = append(rotated, key)
			}
		}
		return len(rotated) > 0
	})
	if errors.Is(err, errTimeout) {
		return failf("the earlier marker was not renamed; alice has %q", t.observer.Files(Alice, other, ""))
	}
	if err != nil {
		return err
	}
	stamp := strings.TrimSuffix(strings.TrimPrefix(rotated[0], other+"/1.rejected."), ".request")
	if _, err := time.Parse("20060102150405", stamp); err != nil || len(rotated) != 1 {
		return failf("markers %q", rotated)
	}
	if err := t.gone(ctx, Alice, note); err != nil {
		return err
	}
	if got, err := os.ReadFile(t.path(Alice, marker)); err != nil || !bytes.Equal(got, body(300, "second")) {
		return failf("the marker does not hold the second request: %v", err)
	}
	if err := t.cycles(ctx, 1); err != nil {
		return err
	}
	for _, key := range []string{request, marker, note, own + "/note.rejected.txt"} {
		if err := t.lacks(Bob, key); err != nil {
			return err
		}
	}
	t.saw("the second request and note.txt too; nothing at bob's")
	return nil
}

func conflict(ctx context.Context, t *trial) error {
	dir := t.rpc("hello/" + Alice)
	if err := errors.Join(t.watched(ctx, Alice, dir), t.watched(ctx, Bob, dir)); err != nil {
		return err
	}
	// If both clients synchronize at the same moment, both upload, and the later upload
	// wins without a marker. Then try again.
	const tries = 4
	for n := range tries {
		key, marker := fmt.Sprintf("%s/%d.request", dir, n), fmt.Sprintf("%s/%d.conflict.request", dir, n)
		for _, who := range []string{Alice, Bob} {
			if err := t.rename(who, key, body(200, who)); err != nil {
				return err
			}
		}
		if err := t.cycles(ctx, 3); err != nil {
			return err
		}
		for later, earlier := range map[string]string{Alice: Bob, Bob: Alice} {
			if _, ok := t.observer.Has(later, marker); !ok {
				continue
			}
			if _, err := t.arrives(ctx, later, marker, body(200, later)); err != nil {
				return err
			}
			for _, who := range []string{Alice, Bob} {
				if _, err := t.arrives(ctx, who, key, body(200, earlier)); err != nil {
					return err
				}
			}
			if err := t.lacks(earlier, marker); err != nil {
				return err
			}
			t.saw("the marker at %s, try %d", later, n+1)
			return nil
		}
	}
	return failf("no conflict in %d tries", tries)
}
