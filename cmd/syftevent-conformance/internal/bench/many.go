package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Very many folders are agedFrom or more. They are left alone for age before a server starts, as
// most folders of a real server are: file times of the last minute may deserve less trust.
const (
	agedFrom = 10_000
	age      = time.Minute
)

// senders creates the folders of many senders, each with a .syftkeep.
func (s *site) senders(ctx context.Context, count int) error {
	for n := range count {
		folder := filepath.Join(s.rpc(), "echo", senderOf(n))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, ".syftkeep"), nil, 0o644); err != nil {
			return err
		}
	}
	if count < agedFrom {
		return nil
	}
	timer := time.NewTimer(age)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// withSenders calls run while the server of subject runs on the folders of many senders.
func withSenders(ctx context.Context, subject Subject, dir string, count int, run func(*site) error) error {
	return withSite(ctx, subject, dir, func(s *site) error { return s.senders(ctx, count) }, run)
}

// callEach makes one call for each of the senders, one after the other, and returns the sorted
// durations. bare answers them for the bare loop; nil for a server.
func (s *site) callEach(ctx context.Context, senders []int, bare *bareFolders) ([]time.Duration, error) {
	var took []time.Duration
	for _, sender := range senders {
		c, err := s.stageOne("echo", senderOf(sender))
		if err != nil {
			return nil, err
		}
		began := time.Now()
		if err := drop([]call{c}); err != nil {
			return nil, err
		}
		if bare != nil {
			if err := bare.answer(ctx); err != nil {
				return nil, err
			}
		}
		if err := s.await(ctx, []call{c}, latencyPoll); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took, nil
}

// bareFolders are the folders of many senders, at which the bare loop looks in a circle.
type bareFolders struct {
	folders  []*bareFolder
	modified []time.Time
}

func (s *site) newBareFolders(count int) (*bareFolders, error) {
	b := &bareFolders{}
	for n := range count {
		folder, err := newBareFolder(filepath.Join(s.rpc(), "echo", senderOf(n)))
		if err != nil {
			return nil, err
		}
		info, err := os.Lstat(folder.path)
		if err != nil {
			return nil, err
		}
		b.folders, b.modified = append(b.folders, folder), append(b.modified, info.ModTime())
	}
	return b, nil
}

// answer looks at one folder after the other, without a pause, until one has changed, and
// answers the requests in it. It begins anywhere, as a loop that has no pause would be anywhere
// when a request comes.
func (b *bareFolders) answer(ctx context.Context) error {
	deadline := time.Now().Add(answerTimeout)
	for n := rand.N(len(b.folders)); ctx.Err() == nil; n = (n + 1) % len(b.folders) {
		folder := b.folders[n]
		info, err := os.Lstat(folder.path)
		if err != nil {
			return err
		}
		if info.ModTime().Equal(b.modified[n]) {
			if time.Now().After(deadline) {
				return fmt.Errorf("bare loop saw no change in %v", answerTimeout)
			}
			continue
		}
		if err := folder.answer(); err != nil {
			return err
		}
		info, err = os.Lstat(folder.path)
		if err == nil {
			b.modified[n] = info.ModTime()
		}
		return err
	}
	return context.Cause(ctx)
}

// inTurn measures the median time of a call if many senders make one each, in turn, after each
// has made one in the last minute. The bare loop looks at all folders.
func inTurn(count int) func(context.Context, *Config, Subject, string) (float64, error) {
	return func(ctx context.Context, c *Config, subject Subject, dir string) (middle float64, err error) {
		err = withSenders(ctx, subject, dir, count, func(s *site) error {
			if subject.isBare() {
				bare, err := s.newBareFolders(count)
				if err != nil {
					return err
				}
				took, err := s.callEach(ctx, rand.Perm(count)[:latencyCalls], bare)
				if err == nil {
					middle = median(took)
				}
				return err
			}
			var calls []call
			for n := range count {
				c, err := s.stageOne("echo", senderOf(n))
				if err != nil {
					return err
				}
				calls = append(calls, c)
			}
			if err := drop(calls); err != nil {
				return err
			}
			if err := s.await(ctx, calls, time.Millisecond); err != nil {
				return err
			}
			took, err := s.callEach(ctx, rand.Perm(count)[:latencyCalls], nil)
			if err != nil {
				return err
			}
			middle = median(took)
			return nil
		})
		return middle, err
	}
}

const (
	// idleCalls is the number of calls after idle time.
	idleCalls = 15
	// idleBefore is the time without a call before each.
	idleBefore = 3 * time.Second
)

// firstCall measures the median time of a call of a sender that has not called before, after
// idle time, with the folders of many senders.
func firstCall(count int) func(context.Context, *Config, Subject, string) (float64, error) {
	return func(ctx context.Context, c *Config, subject Subject, dir string) (middle float64, err error) {
		err = withSenders(ctx, subject, dir, count, func(s *site) error {
			var all []time.Duration
			for _, sender := range rand.Perm(count)[:idleCalls] {
				if !wait(ctx, idleBefore+rand.N(idleBefore)) {
					return context.Cause(ctx)
				}
				took, err := s.callEach(ctx, []int{sender}, nil)
				if err != nil {
					return err
				}
				all = append(all, took...)
			}
			slices.Sort(all)
			middle = median(all)
			return nil
		})
		return middle, err
	}
}

// idleSenders measures the processor time of an idle server with the folders of many senders.
func idleSenders(count int) func(context.Context, *Config, Subject, string) (float64, error) {
	return func(ctx context.Context, c *Config, subject Subject, dir string) (share float64, err error) {
		err = withSenders(ctx, subject, dir, count, func(s *site) error {
			share, err = s.idleShare(ctx, c.Idle)
			return err
		})
		return share, err
	}
}

// memorySenders measures the resident memory of an idle server with the folders of many
// senders.
func memorySenders(count int) func(context.Context, *Config, Subject, string) (float64, error) {
	return func(ctx context.Context, c *Config, subject Subject, dir string) (megabytes float64, err error) {
		err = withSenders(ctx, subject, dir, count, func(s *site) error {
			if !wait(ctx, 10*time.Second) {
				return context.Cause(ctx)
			}
			megabytes, err = resident(s.process.PID())
			return err
		})
		return megabytes, err
	}
}

// startSenders measures the time until a server is ready with the folders of many senders.
func startSenders(count int) func(context.Context, *Config, Subject, string) (float64, error) {
	return func(ctx context.Context, c *Config, subject Subject, dir string) (float64, error) {
		s, err := newSite(dir)
		if err != nil {
			return 0, err
		}
		defer s.close()
		if err := s.senders(ctx, count); err != nil {
			return 0, err
		}
		began := time.Now()
		if err := s.serve(ctx, subject, nil); err != nil {
			return 0, err
		}
		return time.Since(began).Seconds(), nil
	}
}

// burstsAfter is the number of bursts that burstAfter compares.
const burstsAfter = 20

// burstAfter measures the rate of the slowest of several bursts into 20 folders, of which 19
// are new, each directly after a burst into one folder, as a share of their median.
func burstAfter(ctx context.Context, c *Config, subject Subject, dir string) (share float64, err error) {
	err = withServer(ctx, subject, dir, func(s *site) error {
		var rates []float64
		for n := range burstsAfter {
			one, err := s.stageFor("echo", burstSize, func(int) string { return senderOf(0) })
			if err != nil {
				return err
			}
			many, err := s.stageFor("echo", burstSize, func(i int) string {
				if i %= 20; i > 0 {
					i += 100 * (n + 1)
				}
				return senderOf(i)
			})
			if err != nil {
				return err
			}
			if err := errors.Join(dropIntoNew(one), s.await(ctx, one, time.Millisecond)); err != nil {
				return err
			}
			began := time.Now()
			// SyftBox creates a folder when the first file in it arrives.
			if err := errors.Join(dropIntoNew(many), s.await(ctx, many, time.Millisecond)); err != nil {
				return err
			}
			rates = append(rates, burstSize/time.Since(began).Seconds())
		}
		slices.Sort(rates)
		share = rates[0] / rates[len(rates)/2]
		return nil
	})
	return share, err
}
