package syftevent

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestRemovePairRemovesTheRequestFirst(t *testing.T) {
	busy := errors.New("busy")
	for name, test := range map[string]struct {
		request error
		want    []string
		err     error
	}{
		"both":           {nil, []string{"x.request", "x.response"}, nil},
		"no request":     {fs.ErrNotExist, []string{"x.request", "x.response"}, nil},
		"request in use": {busy, []string{"x.request"}, busy},
	} {
		var tried []string
		err := removePair(func(file string) error {
			tried = append(tried, file)
			if file == "x.request" {
				return test.request
			}
			return nil
		}, "x")
		if diff := cmp.Diff(test.want, tried); diff != "" || !errors.Is(err, test.err) {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// What has ended during a look may have been listed before it was answered.
func TestDispatcherDoesNotTakeTwiceInOneLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		d := newDispatcher(1, func(work) { runs++ }, nil, slog.New(slog.DiscardHandler))
		w := work{entry: entry{Dir: ".", Stem: "x"}}
		d.beginLook()
		if !d.add(w) {
			t.Error("a new request was not taken")
		}
		synctest.Wait()
		if d.add(w) {
			t.Error("what has ended during the look was taken again")
		}
		d.beginLook()
		if !d.add(w) {
			t.Error("what is still there at the next look was not taken")
		}
		synctest.Wait()
		<-d.stop()
		if d.add(work{entry: entry{Dir: ".", Stem: "y"}}) || runs != 2 {
			t.Errorf("taken after the stop, or %d runs instead of 2", runs)
		}
	})
}

// A lock that somebody has removed keeps nobody out.
func TestLockIsTheFileOfItsName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !isStill(f, path) {
		t.Error("the file is not taken for itself")
	}
	if err := os.Remove(path); err != nil {
		t.Skip("an open file cannot be removed here:", err)
	}
	if isStill(f, path) {
		t.Error("a file that was removed is taken for one that is there")
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if isStill(f, path) {
		t.Error("another file is taken for it")
	}
}
